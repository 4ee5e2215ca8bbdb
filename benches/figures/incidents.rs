//! What most figures need of an incident: an alarm that opens one, and the approval that its plan waits for.

use crate::product::{COMPONENT, ENVIRONMENT};
use backout::app::{App, Raised};
use backout::clock::{Clock, SystemClock, fresh_id};
use backout::domain::actor::Actor;
use backout::domain::command::{Approve, Command};
use backout::domain::decide::open_items;
use backout::domain::event::TriggerSeen;
use backout::domain::state::AttemptStatus;
use backout::domain::{PersonId, Role, Strength};

/// Opens a critical incident with a plan that waits for this commander; answers its name.
pub async fn open(app: &App, commander: &PersonId) -> String {
    let raised = Raised {
        title: String::new(),
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        trigger: TriggerSeen {
            // Always an incident of its own, and a critical one.
            name: "data-breach".to_owned(),
            text: String::new(),
            category: String::new(),
            fingerprint: fresh_id(),
            saw: "34 % of the requests failed".to_owned(),
            evidence: "{}".to_owned(),
            seen_at: SystemClock.now(),
        },
        severity: None,
        outage: false,
        users_affected_ppm: None,
    };
    let id = app.raise(Actor::SYSTEM, raised, None).await.unwrap().incident.id.clone();
    ask(app, commander, &id, Command::TakeRole { role: Role::IncidentCommander }).await;
    id
}

/// Has a person do something that is not measured.
pub async fn ask(app: &App, person: &PersonId, incident: &str, command: Command) {
    let actor = Actor::person(person, Some(Strength::Password));
    app.submit(incident, actor, command, None).await.unwrap();
}

/// The commander's approval of the plan as it stands, waiving what is open.
pub async fn approval(app: &App, incident: &str) -> Approve {
    let looked = app.look(incident).await.unwrap();
    let scripts = backout::app::catalogue::Scripts(&app.site);
    let facts = looked.gathered.facts(&scripts);
    let attempt = looked.incident.current().unwrap();
    assert_eq!(attempt.status(), AttemptStatus::Submitted, "the plan waits for its commander");
    let submitted = attempt.submitted.as_ref().unwrap();
    let open = open_items(&facts, attempt).into_iter().filter(|item| item.evidence.is_none());
    Approve {
        attempt: attempt.number,
        digest: submitted.digest.clone(),
        slot: "incident_commander".to_owned(),
        starts: None,
        phrase: submitted.plan.phrase.clone(),
        comment: String::new(),
        waive: open.map(|item| item.name.clone()).collect(),
        waive_reason: "every minute counts".to_owned(),
    }
}
