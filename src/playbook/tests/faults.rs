//! Planted faults: each is found where it stands, with the offending text and what would be right.

use crate::playbook::sheet::BROKEN;
use crate::playbook::{Fault, parse};
use std::path::Path;

/// A small playbook without a fault.
const SOUND: &str = include_str!("sound.toml");

/// The faults to plant into it, and what is said about each; the file explains itself.
const PLANTED: &str = include_str!("planted.txt");

struct Planted<'a> {
    what: &'a str,
    from: String,
    to: String,
    said: Vec<&'a str>,
}

fn planted() -> impl Iterator<Item = Planted<'static>> {
    PLANTED.split("\n\n").skip(1).map(|block| {
        let lines = |mark: &str| -> Vec<&str> { block.lines().filter_map(|line| line.strip_prefix(mark)).collect() };
        Planted { what: lines("# ")[0], from: lines("- ").join("\n"), to: lines("+ ").join("\n"), said: lines("= ") }
    })
}

fn faults_of(text: &str) -> Vec<Fault> {
    parse(text).err().unwrap_or_default()
}

fn said(faults: &[Fault]) -> Vec<String> {
    let one = |fault: &Fault| {
        let Fault { line, column, text, message, mend } = fault;
        format!("{line}:{column} [{text}] {message}; {mend}")
    };
    faults.iter().map(one).collect()
}

/// The sound playbook with one place of it replaced; where nothing replaces whole lines, they are gone.
fn with(from: &str, to: &str) -> String {
    assert_eq!(SOUND.matches(from).count(), 1, "{from:?} must stand in the sound playbook once");
    let whole_lines = format!("\n{from}\n");
    if to.is_empty() && SOUND.contains(&whole_lines) {
        SOUND.replace(&whole_lines, "\n")
    } else {
        SOUND.replace(from, to)
    }
}

#[test]
fn the_sound_playbook_has_no_fault() {
    assert_eq!(said(&faults_of(SOUND)), Vec::<String>::new());
}

#[test]
fn each_planted_fault_is_found_where_it_stands_with_its_mend() {
    let mut wrong = String::new();
    let mut kinds = 0;
    for Planted { what, from, to, said: expected } in planted() {
        kinds += 1;
        let found = said(&faults_of(&with(&from, &to)));
        if found != expected || found.is_empty() {
            wrong += &format!("# {what}\n{}", found.iter().map(|line| format!("= {line}\n")).collect::<String>());
        }
    }
    assert!(wrong.is_empty(), "the reader says otherwise:\n{wrong}");
    assert!(kinds >= 80, "only {kinds} kinds of faults are planted");
}

/// Those sentences stand for messages of the parser, which another release of it may word otherwise.
#[test]
fn each_sentence_about_a_broken_line_is_said_of_one_that_is_planted() {
    for (begins, wrong, mend) in BROKEN {
        let said = format!("] {wrong}; {mend}");
        assert!(planted().any(|one| one.said.iter().any(|line| line.ends_with(&said))), "{begins}: nothing is planted");
    }
}

#[test]
fn ten_faults_in_one_file_are_all_reported_in_its_order() {
    let text = SOUND
        .replace("status = \"Draft\"", "staus = \"Draft\"")
        .replace("every = \"5m\"", "every = \"5 minuts\"")
        .replace("duty = \"support\"", "duty = \"suport\"")
        .replace("above = \"10%\"", "above = \"10 percent\"")
        .replace("hours = [22, 6]", "hours = [25, 6]")
        .replace("to = \"15m\"", "to = \"5m\"")
        .replace("owner = \"ic\"\nevidence", "owner = \"someone\"\nevidence")
        .replace("{{ state }}", "{{ stat }}")
        .replace("keep = \"2y\"", "keep = \"2 years\"")
        .replace("executor = \"app-rollback\"", "executor = \"app-rolback\"");
    let found = said(&faults_of(&text));
    expect_test::expect![[r#"
        4:1 [staus] unknown key `staus` in the playbook; did you mean `status`?
        7:9 ["5 minuts"] `5 minuts` is no span of time; write "5m"
        19:8 [suport] `duty` cannot be `suport`; did you mean `support`?
        32:46 ["10 percent"] `10 percent` is no share; write "10%"
        45:60 [25] `hours` cannot be 25; write a whole number from 0 to 24
        70:9 [someone] unknown role or team `someone`; known here are `helpdesk` and `ic`
        78:10 [{ from = "5m", to = "5m" }] the window ends at 5:00, not after its start at 5:00; let `to` be later than `from`
        109:22 [stat] nothing fills the variable `stat`; did you mean `state`?
        121:8 ["2 years"] `2 years` is no span of time; write "2y"
        142:12 [app-rolback] unknown executor `app-rolback`; did you mean `app-rollback`?"#]].assert_eq(&found.join("\n"));
    assert_eq!(found.len(), 10);
}

#[test]
fn a_broken_line_does_not_hide_the_other_faults_nor_invent_any() {
    let text = SOUND
        .replace("title = \"Outage\"", "title = \"Outage")
        .replace("date = \"2026-01-01\"", "date = 2026-01-01x")
        .replace("keep = \"2y\"", "keep = \"2 years\"");
    expect_test::expect![[r#"
        3:8 [2026-01-01x] invalid date-time; expected `T` between date and time
        23:16 [title = "Outage] this text does not end; close it with "
        121:8 ["2 years"] `2 years` is no span of time; write "2y""#]]
    .assert_eq(&said(&faults_of(&text)).join("\n"));
}

#[test]
fn a_fault_prints_so_that_an_editor_can_jump_to_it() {
    let text = SOUND.replace("executor = \"app-rollback\"", "executor = \"app-rolback\"");
    let fault = &faults_of(&text)[0];
    assert_eq!(
        fault.in_file(Path::new("playbooks/ours.toml")).to_string(),
        "playbooks/ours.toml:142:12: unknown executor `app-rolback`; did you mean `app-rollback`?"
    );
}

#[test]
fn columns_count_characters_and_lines_may_end_like_windows_lines() {
    let text = SOUND.replace("[{ text = \"An outage\"", "[{ text = \"Ausfälle überall 🔥\"");
    let text = text.replace("categories = [\"outage\"]", "categories = [\"outag\"]").replace('\n', "\r\n");
    let line = text.lines().position(|line| line.contains("outag\"")).unwrap();
    let column = text.lines().nth(line).unwrap().chars().collect::<String>();
    let column = column.chars().take_while(|c| *c != '🔥').count() + "🔥\", categories = [".chars().count() + 1;
    let fault = &faults_of(&text)[0];
    assert_eq!((fault.line, fault.column, fault.text.as_str()), (line + 1, column, "outag"));
}
