//! Journals that earlier versions wrote: each must be readable for ever, and mean what it meant.

use backout::domain::Timestamp;
use backout::domain::actor::Who;
use backout::domain::apply::fold;
use backout::domain::command::Outcome;
use backout::domain::event::{Event, Recorded};
use backout::domain::state::AttemptStatus;
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    seq: i64,
    version: i64,
    at: i64,
    actor: String,
    kind: String,
    body: String,
}

fn journal(text: &str) -> Vec<Recorded> {
    text.lines()
        .map(|line| {
            let line: Line = serde_json::from_str(line).unwrap();
            let event = Event::read(&line.kind, &line.body).unwrap();
            assert_eq!(event.kind(), line.kind, "an event keeps its name");
            let actor = Who::parse(&line.actor).unwrap();
            Recorded { seq: line.seq, version: line.version, at: Timestamp(line.at), actor, event }
        })
        .collect()
}

#[test]
fn the_first_format_tells_the_rollback_that_it_told() {
    let incident = fold(&journal(include_str!("journals/first-format.jsonl"))).unwrap();
    assert_eq!(incident.closed.as_ref().unwrap().outcome, Outcome::RolledBack);
    let attempt = incident.current().unwrap();
    assert_eq!(attempt.status(), AttemptStatus::Succeeded);
    assert_eq!(attempt.runs.len(), 1);
    assert_eq!(attempt.approvals.len(), 1);
    assert!(incident.updates.promised.is_none(), "nothing is promised after the outcome was said");
}
