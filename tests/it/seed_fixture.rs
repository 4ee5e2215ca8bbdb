//! The written procedure is read completely: no requirement is lost before anything is compared with it.

use crate::support::seed::{Mark, PROCEDURE, Requirement, requirements, requirements_of};

fn count(wanted: impl Fn(Mark) -> bool) -> usize {
    requirements().filter(|requirement| wanted(requirement.mark)).count()
}

#[test]
fn eighty_four_lines_look_like_headings_and_three_of_them_are_script_captions() {
    assert_eq!(count(|mark| matches!(mark, Mark::Heading(_))), 81);
    assert_eq!(count(|mark| mark == Mark::ScriptCaption), 3);
}

#[test]
fn there_are_197_bullets() {
    assert_eq!(count(|mark| mark == Mark::Bullet), 197);
}

#[test]
fn there_are_35_numbered_items() {
    assert_eq!(count(|mark| mark == Mark::Numbered), 35);
}

#[test]
fn every_requirement_says_something_that_stands_on_its_line() {
    let lines: Vec<&str> = PROCEDURE.lines().collect();
    for Requirement { line, text, .. } in requirements() {
        assert!(!text.is_empty(), "line {line} says nothing");
        assert!(lines[line - 1].replace("**", "").contains(&text), "line {line} does not say {text:?}");
        assert!(
            !text.starts_with(['-', '?', '#', '[']) && !text.contains("**"),
            "line {line} keeps a marker: {text:?}"
        );
    }
}

#[test]
fn markers_are_taken_off_and_lines_are_counted_from_one() {
    let text = "# **Top**\n\n- [ ] Confirm it\n   - ? Done <1%\n12. **Twelfth** item\nplain\n```bash\n# a caption\n- no\n```\n";
    let read: Vec<Requirement> = requirements_of(text).collect();
    let expected = [
        (1, Mark::Heading(1), "Top"),
        (3, Mark::Bullet, "Confirm it"),
        (4, Mark::Bullet, "Done <1%"),
        (5, Mark::Numbered, "Twelfth item"),
        (8, Mark::ScriptCaption, "a caption"),
    ]
    .map(|(line, mark, text)| Requirement { line, mark, text: text.to_owned() });
    assert_eq!(read, expected);
}

#[test]
fn the_customer_is_not_named() {
    let name = ["Pixel", "ated"].concat();
    assert!(!PROCEDURE.contains(&name));
}
