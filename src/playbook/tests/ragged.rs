//! Half a playbook is no reason to fall over: whatever is torn out, the reader answers.

use crate::playbook::{DEFAULT, parse};

const SOUND: &str = include_str!("sound.toml");

/// Parses, or says where it does not.
fn answers(text: &str, what: &str) -> bool {
    match parse(text) {
        Ok(_) => true,
        Err(faults) => {
            assert!(!faults.is_empty(), "{what}: refused without a fault");
            let lines = text.lines().count().max(1);
            for fault in &faults {
                assert!((1..=lines + 1).contains(&fault.line) && fault.column >= 1, "{what}: {fault}");
                assert!(!fault.message.is_empty() && !fault.mend.is_empty(), "{what}: {fault}");
            }
            false
        }
    }
}

fn without(lines: &[&str], lost: usize) -> String {
    let rest = lines.iter().enumerate().filter(|(at, _)| *at != lost).map(|(_, line)| *line);
    rest.collect::<Vec<_>>().join("\n")
}

/// Every line is lost once: each chapter is read by itself, since reading the whole for each line takes a minute.
#[test]
fn every_line_of_every_chapter_can_be_lost() {
    let mut tried = 0;
    let chapters: Vec<String> = DEFAULT.split("\n# ---").map(|chapter| format!("#{chapter}")).collect();
    for chapter in &chapters {
        let lines: Vec<&str> = chapter.lines().collect();
        for lost in 0..lines.len() {
            answers(&without(&lines, lost), &format!("a chapter without its line {lost}: {}", lines[lost]));
            tried += 1;
        }
    }
    assert!(tried + chapters.len() >= DEFAULT.lines().count());
}

#[test]
fn a_line_can_be_lost_from_the_whole() {
    let lines: Vec<&str> = DEFAULT.lines().collect();
    let (mut sound, mut faulty) = (0, 0);
    for lost in (0..lines.len()).step_by(29) {
        match answers(&without(&lines, lost), &format!("without line {}: {}", lost + 1, lines[lost])) {
            true => sound += 1,
            false => faulty += 1,
        }
    }
    assert!(sound > 0 && faulty > 0, "{sound} lines can be left out and {faulty} cannot");
}

#[test]
fn a_file_can_end_anywhere() {
    for end in (0..SOUND.len()).step_by(5) {
        answers(&SOUND[..end], &format!("up to byte {end}"));
    }
}

#[test]
fn a_byte_can_be_another() {
    let others = ["\"", "[", "]", "{", "}", "=", "\n", "\u{0}", "é", "9", "%", "'", "#", "."];
    for (at, other) in (0..SOUND.len()).step_by(5).zip(others.iter().cycle()) {
        let text = format!("{}{other}{}", &SOUND[..at], &SOUND[at + 1..]);
        answers(&text, &format!("{other:?} at byte {at}"));
    }
}

#[test]
fn what_is_no_playbook_at_all_is_refused() {
    for text in
        ["", "\u{feff}", "<html>", "title", "= = =", "[[[[", "\"\"\"", "a.b.c.d = 1", "title = 1\r\ntitle = 2\r\n"]
    {
        assert!(!answers(text, text));
    }
    assert!(!answers(&"[".repeat(10_000), "ten thousand brackets"));
    assert!(!answers(&format!("title = {}", "[".repeat(10_000)), "ten thousand lists"));
}
