//! Two looks that some people need: the few colours that their system forces, and text that they spaced out themselves
//! (WCAG 1.4.12). Each answers what it finds wrong with a page, one sentence a fault.

use crate::support::browser::{Browser, Look, Page};

const TAB: &str = "\u{e004}";

// What each asks of a page, and how a page is spaced out: scripts beside this file.
const SHAPES: &str = include_str!("forced_and_spaced/shapes.js");
const RINGS: &str = include_str!("forced_and_spaced/rings.js");
const SPACED_OUT: &str = include_str!("forced_and_spaced/spaced_out.js");
const CRAMPED: &str = include_str!("forced_and_spaced/cramped.js");

/// In forced colours every word and shape is still seen, what can be pressed has an edge, and the focus a ring.
pub async fn in_forced_colours(page: &Page) -> Vec<String> {
    page.look_as(Look::desktop().calm().forced_colours()).await;
    let mut found: Vec<String> = page.axe_on_colours().await.iter().map(ToString::to_string).collect();
    found.extend(told(page, SHAPES).await);
    // A key was the last thing pressed, so that the ring shows wherever the focus is led next.
    page.types(TAB).await;
    found.extend(told(page, RINGS).await);
    found
}

/// With text spaced out nothing is cut off, covers its neighbour or scrolls sideways, at a desk and on a phone.
pub async fn with_spaced_text(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    page.value_of(SPACED_OUT).await;
    for (look, word) in [(Look::desktop().calm(), "desktop"), (Look::phone().calm(), "phone")] {
        page.look_as(look).await;
        found.extend(told(page, CRAMPED).await.into_iter().map(|fault| format!("{word}, {fault}")));
    }
    page.value_of("document.adoptedStyleSheets.pop() && null").await;
    found
}

async fn told(page: &Page, question: &str) -> Vec<String> {
    let answer = page.value_of(question).await;
    answer.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
}

/// The looks find what is wrong: one page with each fault.
#[tokio::test]
async fn an_unseen_icon_an_edgeless_button_cut_text_and_text_over_text_are_found() {
    let browser = Browser::start().await;
    let page = browser.open(Look::desktop()).await;
    let planted = "<title>Faults</title><h1>Planted</h1>\
        <p><svg class='icon' width='20' height='20' style='color:%23eee;forced-color-adjust:none'></svg> icon</p>\
        <button style='border:0'>Edgeless</button><button style='border:1px solid;outline:none'>Ringless</button>\
        <span class='tag' style='border:1px solid'></span>\
        <p style='overflow:hidden;width:4em;white-space:nowrap'>This text is longer than its box</p>\
        <p style='position:relative'>Over<span style='position:absolute;left:0;top:0'>each other</span></p>";
    page.visit(&format!("data:text/html;charset=utf-8,<!doctype html><html lang='en'>{planted}")).await;
    let forced = in_forced_colours(&page).await.join("\n");
    for fault in ["an icon is not seen", "nothing shows its edge", "a state without a word", "the focus is not seen"] {
        assert!(forced.contains(fault), "{fault}: {forced}");
    }
    let spaced = with_spaced_text(&page).await.join("\n");
    for fault in ["text is cut off", "lie over each other"] {
        assert!(spaced.contains(fault), "{fault}: {spaced}");
    }
}
