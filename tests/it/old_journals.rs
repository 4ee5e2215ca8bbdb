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

#[test]
fn measurements_that_were_kept_are_read_for_ever() {
    let body = r#"{"MeasuresKept":{"curves":[{"series":"error_rate","from":1795410000000000,"to":1795410025000000,
        "step":10000000,"values":[0,333334,null,5000],"newest":1795410024000000},{"series":{"other":"queue_depth"},
        "from":1795410000000000,"to":1795410010000000,"step":10000000,"values":[7,8],"newest":null}]}}"#;
    let Event::MeasuresKept { curves } = Event::read("MeasuresKept", body).unwrap() else { panic!("another event") };
    let points: Vec<_> = curves[0].points().map(|point| (point.at.0, point.value)).collect();
    let at = |second: i64| 1_795_410_000_000_000 + second * 1_000_000;
    assert_eq!(points, [(at(0), Some(0)), (at(10), Some(333_334)), (at(20), None), (at(25), Some(5_000))]);
    assert_eq!(curves[1].points().map(|point| point.value).collect::<Vec<_>>(), [Some(7), Some(8)]);
    // A journal from before there were any has none, and is whole all the same.
    let incident = fold(&journal(include_str!("journals/first-format.jsonl"))).unwrap();
    assert_eq!(incident.kept, vec![]);
}
