//! What the script makes of the pages, in a real browser against the real program (L1, L2, L4, L9).
//!
//! | file | what |
//! | --- | --- |
//! | [`bar`] | the bar of a phone stays one line |
//! | [`clocks`] | clocks count by the server's time; what is overdue turns loud, and nothing else |
//! | [`paper`] | what comes out of a printer |
//! | [`parts`] | the script's files: what others wrote is unchanged, what we wrote can be read |
//! | [`forms`] | sending in the background: one effect, nothing typed is lost |
//! | [`keys`] | the keyboard |
//! | [`updates`] | writing a progress update while the world goes on |
//! | [`reading`] | nothing is taken out of the hands, or from under the eyes, of whoever reads and fills in |
//! | [`sessions`] | a session that ends says so, wherever it was ended |
//! | [`signing`] | what people sign does not change under their eyes |
//! | [`walls`] | a big screen follows, and ends |
//! | [`following`] | what others do comes by itself; breaks lose nothing |
//! | [`logs`] | a log follows its end, and lets people read |

mod bar;
mod clocks;
mod following;
mod forms;
mod keys;
mod logs;
mod paper;
mod parts;
mod reading;
mod sessions;
mod signing;
mod updates;
mod walls;

use crate::browser_journey::demo::Demo;
use crate::browser_journey::person::Person;
use crate::browser_journey::sights::Sights;
use crate::support::browser::{Browser, Look};
use crate::support::cable::Cable;
use crate::support::databases::Database;
use std::sync::Arc;

pub const INCIDENT: &str = "RB-0001";
pub const ROOM: &str = "/incidents/RB-0001";

pub const MAYA: (&str, &str) = ("maya", "Maya Okafor");
pub const TOMAS: (&str, &str) = ("tomas", "Tomás Rivera");
pub const HELEN: (&str, &str) = ("helen", "Helen Brandt");

/// The sample world with one incident, and the people who look at it, each through a cable of their own.
pub struct Stage {
    pub demo: Demo,
    pub browser: Browser,
    sights: Arc<Sights>,
    _database: Database,
}

impl Stage {
    pub async fn opens() -> Stage {
        let (database, browser) = (Database::sqlite(), Browser::start().await);
        let demo = Demo::start(&database).await;
        Stage { demo, browser, sights: Arc::new(Sights::unjudged()), _database: database }
    }

    /// Somebody who signs in, with the cable that they look through.
    pub async fn enters(&self, who: (&'static str, &'static str)) -> (Person, Cable) {
        let (person, cable) = self.looks(who).await;
        person.signs_in().await;
        (person, cable)
    }

    /// The same before anybody has signed in.
    pub async fn looks(&self, who: (&'static str, &'static str)) -> (Person, Cable) {
        let cable = Cable::to(self.demo.port()).await;
        let page = self.browser.open_with(Look::desktop(), &[cable.switch(self.demo.port())]).await;
        (Person::sits_at(page, &self.demo, who, &self.sights), cable)
    }
}

/// An incident of a kind that promises no update before its start: nothing but what people do makes an open page look anew.
pub async fn a_quiet_incident(person: &Person) -> String {
    person.raises("Memory leaks detected", "It grows and grows.").await
}

/// Of a page that may be old: whether each measured value that fits the selector has lost its colour, and what follows it.
pub async fn old_values(person: &Person, css: &str) -> serde_json::Value {
    let script = "(css => { document.documentElement.classList.add('is-stale'); \
                  const plain = document.body.appendChild(document.createElement('p')); plain.style.color = 'var(--text-3)'; \
                  const seen = [...document.querySelectorAll(css)].map(it => \
                    [getComputedStyle(it).color === getComputedStyle(plain).color, getComputedStyle(it, '::after').content]); \
                  plain.remove(); return seen })";
    person.page.value_of(&format!("{script}({})", serde_json::json!(css))).await
}

/// A release fails, and its measurements open the incident that the others look at.
pub async fn a_release_fails(stage: &Stage, person: &Person) {
    person.deploys_the_bad_release(&stage.demo).await;
    person.waits_at("/", "main", INCIDENT).await;
}

/// The same, and Maya commands, and Tomás leads.
pub async fn a_release_fails_and_is_led(stage: &Stage, maya: &Person, tomas: &Person) {
    a_release_fails(stage, maya).await;
    maya.takes_command(INCIDENT).await;
    tomas.takes_the_lead(INCIDENT).await;
}
