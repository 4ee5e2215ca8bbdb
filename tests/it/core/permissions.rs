//! Who may do what, and when: one line a command, one column a state, in one file that a change shows up in.

use super::steps::hubs;
use super::walk::everything;
use super::world::{ANN, DUO, MIA, SUE, TOM, World, ZED, person};
use backout::access::capability::Capability;
use backout::domain::actor::Actor;
use backout::domain::decide::decide;
use backout::domain::state::Incident;
use backout::web::routes;
use expect_test::expect_file;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The people of the table and their letters. Duo holds the commander's role and management's, but no place.
const WHO: [(&str, char); 6] = [(ANN, 'C'), (TOM, 'L'), (MIA, 'M'), (DUO, 'D'), (SUE, 's'), (ZED, 'z')];

const LEGEND: &str = "\
Who is accepted, by command and state of the newest attempt, if all is typed well and freshly confirmed.
C the incident's commander, L its technical lead, M management, D commander's role and management's without a place,
s support, z an account without a role, B Backout itself. A dot: nobody.
";

fn state(incident: &Incident) -> String {
    match incident.current() {
        _ if !incident.is_open() => "closed".into(),
        None => "no attempt".into(),
        Some(attempt) => attempt.status().to_string(),
    }
}

fn name_of(command: &backout::domain::command::Command) -> String {
    match serde_json::to_value(command).unwrap() {
        serde_json::Value::Object(map) => map.keys().next().unwrap().clone(),
        serde_json::Value::String(name) => name,
        other => panic!("{other} is no command"),
    }
}

#[test]
fn every_command_in_every_state_is_allowed_to_those_and_no_others() {
    let mut allowed: BTreeMap<String, BTreeMap<String, BTreeSet<char>>> = BTreeMap::new();
    let mut states = Vec::new();
    for node in hubs() {
        let column = state(&node.incident);
        if !states.contains(&column) {
            states.push(column.clone());
        }
        let world = World::new(&node.outside);
        let facts = world.facts();
        for command in everything(&node) {
            let row = allowed.entry(name_of(&command)).or_default().entry(column.clone()).or_default();
            let now = node.outside.now();
            let mut ask = |actor: &Actor, letter| {
                if decide(Some(&node.incident), &facts, &command, actor, now).is_ok() {
                    row.insert(letter);
                }
            };
            for (name, letter) in WHO {
                ask(&person(name), letter);
            }
            ask(&Actor::SYSTEM, 'B');
        }
    }
    let mut text = format!("{LEGEND}\n{:<18}", "");
    for column in &states {
        write!(text, " {column:<11}").unwrap();
    }
    text.push('\n');
    for (command, row) in &allowed {
        write!(text, "{command:<18}").unwrap();
        for column in &states {
            let letters: String = row.get(column).into_iter().flatten().collect();
            write!(text, " {:<11}", if letters.is_empty() { ".".to_owned() } else { letters }).unwrap();
        }
        text = text.trim_end().to_owned() + "\n";
    }
    expect_file!["permissions.txt"].assert_eq(&text);
}

#[test]
fn every_address_has_the_door_that_is_written_down() {
    let mut lines: Vec<String> = routes::table()
        .iter()
        .map(|route| format!("{:<5} {:<44} {:?}\n", route.method.as_str(), route.path, route.capability))
        .collect();
    lines.sort();
    assert!(routes::table().iter().all(|route| Capability::ALL.contains(&route.capability)));
    expect_file!["routes.txt"].assert_eq(&lines.concat());
}
