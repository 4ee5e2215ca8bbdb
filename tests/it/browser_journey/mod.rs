//! The journey that the product is judged by: three people at three real browsers, the real program with its sample
//! world, real scripts, from the trigger to the report.
//!
//! | file | what |
//! | --- | --- |
//! | [`demo`] | the sample world: started, killed, started again |
//! | [`person`] | somebody at a browser: finds a button by its words, a field by its label |
//! | [`duties`] | what people do, page by page |
//! | [`critical`] | a failure that is rolled back at once |
//! | [`setbacks`] | a rollback that is stopped, and one that fails |
//! | [`considered`] | a rollback that three people weigh |
//! | [`every_page`] | every page that links lead to, at the end |
//! | [`sights`] | what every page must hold on the way |
//! | [`forced_and_spaced`] | the same in forced colours and with spaced text |

mod considered;
mod critical;
pub mod demo;
pub mod duties;
mod every_page;
mod forced_and_spaced;
pub mod person;
mod setbacks;
pub mod sights;

use crate::support::browser::{Browser, Look};
use crate::support::databases::Database;
use crate::support::process::local_client;
use demo::Demo;
use person::Person;
use serde_json::Value;
use sights::Sights;
use std::sync::Arc;

/// Everybody, and the world that they are in.
struct Cast {
    demo: Demo,
    /// Incident commander.
    maya: Person,
    /// Technical lead, and administrator.
    tomas: Person,
    /// Management.
    helen: Person,
    /// What the deployment pipeline asks with.
    token: String,
    sights: Arc<Sights>,
    _browser: Browser,
}

impl Cast {
    async fn gathers(database: &Database, look: Look, sights: Sights) -> Cast {
        let (browser, sights) = (Browser::start().await, Arc::new(sights));
        let demo = Demo::start(database).await;
        let [maya, tomas, helen] = [("maya", "Maya Okafor"), ("tomas", "Tomás Rivera"), ("helen", "Helen Brandt")]
            .map(|who| Person::arrives(&browser, look, &demo, who, &sights));
        let (maya, tomas, helen) = (maya.await, tomas.await, helen.await);
        tomas.signs_in().await;
        let token = tomas.makes_a_token("the deployment pipeline").await;
        Cast { demo, maya, tomas, helen, token, sights, _browser: browser }
    }

    /// What a deployment pipeline is told before it deploys.
    async fn the_pipeline_asks(&self) -> Value {
        let request = local_client().get(self.demo.url("/api/v1/freeze?environment=production&component=app"));
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }
}

async fn the_whole_way(database: Database, look: Look, sights: Sights) {
    let mut cast = Cast::gathers(&database, look, sights).await;
    critical::a_critical_failure_is_rolled_back(&mut cast).await;
    setbacks::one_is_stopped_and_one_fails(&cast).await;
    considered::three_people_weigh_a_rollback(&cast).await;
    if cast.sights.are_judged() {
        every_page::is_found_and_sound(&cast).await;
    }
    assert!(cast.demo.backout(&["audit", "verify"]).starts_with("The chain holds"));
    cast.sights.are_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_with_every_page_looked_at() {
    the_whole_way(Database::sqlite(), Look::desktop(), Sights::judged()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql() {
    the_whole_way(Database::postgres().await, Look::desktop(), Sights::unjudged()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_javascript() {
    the_whole_way(Database::sqlite(), Look::desktop().without_javascript(), Sights::unjudged()).await;
}
