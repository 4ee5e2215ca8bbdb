//! Plots in a real browser, over a service that really failed: one drawing of the two is shown, its letters can be read
//! at every width and on paper, and nothing needs a script (L8, L9).

use crate::browser_journey::demo::Demo;
use crate::browser_journey::person::Person;
use crate::browser_journey::sights::Sights;
use crate::support::browser::{Browser, Look};
use crate::support::databases::Database;
use std::sync::Arc;

const INCIDENT: &str = "RB-0001";
const ROOM: &str = "/incidents/RB-0001";

/// Of every plot: which of its two drawings are shown, and the size in pixels of the smallest letter in them.
const SHOWN: &str = "[...document.querySelectorAll('.plot')].map((plot) => {
    const shown = [...plot.querySelectorAll('svg')].filter((svg) => svg.getBoundingClientRect().width > 0);
    const sizes = shown.flatMap((svg) => [...svg.querySelectorAll('text, tspan')].map((text) =>
        parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width));
    return [shown.length, Math.min(...sizes)];
})";

const SIDEWAYS: &str = "document.documentElement.scrollWidth - window.innerWidth";

async fn every_plot_can_be_read(person: &Person, what: &str) {
    let plots = person.page.value_of(SHOWN).await;
    let plots = plots.as_array().unwrap();
    assert!(plots.len() >= 2, "{what}: {plots:?}");
    for plot in plots {
        assert_eq!(plot[0], 1, "{what}: of two drawings one is shown: {plots:?}");
        assert!(plot[1].as_f64().unwrap() >= 9.99, "{what}: letters below 10 px: {plots:?}");
    }
    assert!(person.page.value_of(SIDEWAYS).await.as_i64().unwrap() <= 0, "{what} scrolls sideways");
}

#[tokio::test]
async fn a_plot_can_be_read_at_every_width_in_every_colour_and_without_script() {
    let (database, browser) = (Database::sqlite(), Browser::start().await);
    let demo = Demo::start(&database).await;
    let sights = Arc::new(Sights::unjudged());
    let looks = [
        ("a desk", Look::desktop()),
        ("a telephone", Look::phone()),
        ("the smallest telephone", Look::phone().wide(320)),
        ("a tablet", Look::desktop().wide(820)),
        ("a dark desk", Look::desktop().dark()),
        ("forced colours", Look::desktop().forced_colours()),
        ("no script", Look::desktop().without_javascript()),
    ];
    let mut failed = false;
    for (what, look) in looks {
        let page = browser.open(look).await;
        let person = Person::sits_at(page, &demo, ("maya", "Maya Okafor"), &sights);
        person.signs_in().await;
        if !failed {
            person.deploys_the_bad_release(&demo).await;
            person.waits_at("/", "main", INCIDENT).await;
            failed = true;
        }
        person.waits_at(ROOM, "#measures", "Error rate peaked at").await;
        every_plot_can_be_read(&person, what).await;
        let named = "[...document.querySelectorAll('.plot svg')].every((svg) =>
            svg.getAttribute('aria-labelledby').split(' ').every((id) => document.getElementById(id)?.textContent))";
        assert_eq!(person.page.value_of(named).await, true, "{what}: each drawing is named by words that are there");
        let told = "[...document.querySelectorAll('.plot-svg:not(.plot-spark)')].every((svg) => {
            const id = svg.closest('.plot').id, rows = document.querySelectorAll(`#${id}-values tbody tr`);
            return document.getElementById(`${id}-says`).textContent.trim() !== '' && rows.length > 0 })";
        assert_eq!(person.page.value_of(told).await, true, "{what}: each plot has its sentence and its table");
        person.page.close().await;
    }
}
