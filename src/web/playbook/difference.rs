//! What two versions of a playbook say differently, entry by entry. Each change has a word; colour only repeats it.

use super::book::{Book, Entry, Part};
use std::collections::{BTreeMap, BTreeSet};

/// A chapter in which something differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub chapter: &'static str,
    pub entries: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub title: String,
    pub how: How,
    pub lines: Vec<Differing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Added,
    Removed,
    Changed,
}

impl How {
    pub const fn word(self) -> &'static str {
        match self {
            How::Added => "Added",
            How::Removed => "Removed",
            How::Changed => "Changed",
        }
    }

    pub const fn icon(self) -> &'static str {
        match self {
            How::Added => "check",
            How::Removed => "minus",
            How::Changed => "retry",
        }
    }
}

/// One line of an entry: what it was, what it is. One of the two is empty where it came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    pub label: String,
    pub was: String,
    pub now: String,
}

/// Everything that `to` says otherwise than `from`, in the order of the procedure.
pub fn difference(from: &Book, to: &Book) -> Vec<Changes> {
    let mut ids: Vec<(&'static str, &'static str)> = to.chapters.iter().map(|it| (it.id, it.title)).collect();
    let gone = from.chapters.iter().map(|it| (it.id, it.title));
    ids.extend(gone.filter(|(id, _)| !to.chapters.iter().any(|it| it.id == *id)));
    let entries = |book: &Book, id: &str| {
        book.chapters.iter().find(|it| it.id == id).map_or_else(Vec::new, |it| it.entries.clone())
    };
    ids.into_iter()
        .map(|(id, chapter)| Changes { chapter, entries: changed(&entries(from, id), &entries(to, id)) })
        .filter(|changes| !changes.entries.is_empty())
        .collect()
}

/// Entries by their key: the first of each. A playbook may have thousands, so that nothing is looked for one by one.
fn by_key(entries: &[Entry]) -> BTreeMap<&str, &Entry> {
    entries.iter().rev().map(|entry| (entry.key.as_str(), entry)).collect()
}

fn changed(from: &[Entry], to: &[Entry]) -> Vec<Change> {
    let mut changes = Vec::new();
    let (known, wanted) = (by_key(from), by_key(to));
    for entry in to {
        match known.get(entry.key.as_str()) {
            None => changes.push(Change {
                title: entry.title.clone(),
                how: How::Added,
                lines: flat(entry)
                    .into_iter()
                    .map(|(label, now)| Differing { label, was: String::new(), now })
                    .collect(),
            }),
            Some(other) => {
                let lines = compared(&with_title(other), &with_title(entry));
                if !lines.is_empty() {
                    changes.push(Change { title: entry.title.clone(), how: How::Changed, lines });
                }
            }
        }
    }
    let gone = from.iter().filter(|entry| !wanted.contains_key(entry.key.as_str()));
    changes.extend(gone.map(|entry| Change {
        title: entry.title.clone(),
        how: How::Removed,
        lines: flat(entry).into_iter().map(|(label, was)| Differing { label, was, now: String::new() }).collect(),
    }));
    let order = |entries: &[Entry], others: &BTreeMap<&str, &Entry>| -> Vec<String> {
        let both = entries.iter().filter(|entry| others.contains_key(entry.key.as_str()));
        both.map(|entry| entry.key.clone()).collect()
    };
    if order(from, &wanted) != order(to, &known) {
        let titles = |entries: &[Entry]| entries.iter().map(|entry| entry.title.clone()).collect::<Vec<_>>().join("; ");
        let lines = vec![Differing { label: "Order".to_owned(), was: titles(from), now: titles(to) }];
        changes.push(Change { title: "The order of the entries".to_owned(), how: How::Changed, lines });
    }
    changes
}

fn with_title(entry: &Entry) -> Vec<(String, String)> {
    let mut lines =
        vec![("Heading".to_owned(), entry.title.clone()), ("Beside the heading".to_owned(), entry.note.clone())];
    lines.extend(flat(entry));
    lines
}

/// Label and text of every line; the lines of a list share its label.
fn flat(entry: &Entry) -> Vec<(String, String)> {
    let parts = entry.parts.iter();
    parts
        .flat_map(|part| match part {
            Part::Line { label, text } | Part::Text { label, text } => vec![(label.clone(), text.clone())],
            Part::List { label, lines } => lines
                .iter()
                .map(|line| {
                    let note = [&line.note, &line.code]
                        .map(|part| if part.is_empty() { String::new() } else { format!(" ({part})") })
                        .concat();
                    (label.clone(), format!("{}{note}", line.text))
                })
                .collect(),
        })
        .collect()
}

/// The texts of each label, in their order, without the empty ones.
fn by_label(lines: &[(String, String)]) -> BTreeMap<&str, Vec<String>> {
    let mut texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (label, text) in lines.iter().filter(|(_, text)| !text.is_empty()) {
        texts.entry(label).or_default().push(text.clone());
    }
    texts
}

/// Lines that stand in one alone. A label's lines that went are set against those that came, in their order; the same
/// lines in another order are one change of order.
fn compared(from: &[(String, String)], to: &[(String, String)]) -> Vec<Differing> {
    let (before, after) = (by_label(from), by_label(to));
    let mut told = BTreeSet::new();
    let mut differing = Vec::new();
    for (label, _) in to.iter().chain(from).filter(|(label, _)| told.insert(label.as_str())) {
        let of = |lines: &BTreeMap<&str, Vec<String>>| lines.get(label.as_str()).cloned().unwrap_or_default();
        let (was, now) = (of(&before), of(&after));
        let not_in = |lines: &[String], others: &[String]| -> Vec<String> {
            let others: BTreeSet<&String> = others.iter().collect();
            lines.iter().filter(|text| !others.contains(text)).cloned().collect()
        };
        let (gone, came) = (not_in(&was, &now), not_in(&now, &was));
        for place in 0..gone.len().max(came.len()) {
            differing.push(Differing {
                label: label.clone(),
                was: gone.get(place).map_or_else(String::new, ToString::to_string),
                now: came.get(place).map_or_else(String::new, ToString::to_string),
            });
        }
        if gone.is_empty() && came.is_empty() && was != now {
            let label = if label.is_empty() { "Order".to_owned() } else { format!("Order of: {label}") };
            differing.push(Differing { label, was: was.join("; "), now: now.join("; ") });
        }
    }
    differing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::{DEFAULT, parse};

    fn book(text: &str) -> Book {
        Book::of(&parse(text).unwrap())
    }

    fn only(changes: &[Changes]) -> (&'static str, &Change) {
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].entries.len(), 1, "{changes:?}");
        (changes[0].chapter, &changes[0].entries[0])
    }

    #[test]
    fn what_says_the_same_does_not_differ() {
        let rewritten = format!("# Another comment.\n{DEFAULT}");
        assert_eq!(difference(&book(DEFAULT), &book(&rewritten)), []);
    }

    #[test]
    fn a_changed_number_is_told_as_it_was_and_as_it_is() {
        let other = DEFAULT.replacen("expire_after = \"30m\"", "expire_after = \"20m\"", 1);
        let changes = difference(&book(DEFAULT), &book(&other));
        let (chapter, change) = only(&changes);
        assert_eq!((chapter, change.how), ("Overview", How::Changed));
        assert_eq!(change.lines.len(), 1, "{change:?}");
        let line = &change.lines[0];
        assert_eq!(line.label, "Approvals");
        assert!(line.was.contains("30\u{a0}minutes") && line.now.contains("20\u{a0}minutes"), "{line:?}");
    }

    #[test]
    fn an_entry_that_came_in_one_direction_went_in_the_other() {
        let extra = "\n[[responder]]\nname = \"night-watch\"\ntitle = \"Night watch\"\n";
        let more = format!("{DEFAULT}{extra}");
        let (without, with) = (book(DEFAULT), book(&more));
        let changes = difference(&without, &with);
        let (_, change) = only(&changes);
        assert_eq!((change.title.as_str(), change.how), ("Night watch", How::Added));
        let back = difference(&with, &without);
        let (_, change) = only(&back);
        assert_eq!((change.title.as_str(), change.how), ("Night watch", How::Removed));
        assert!(change.lines.iter().all(|line| line.now.is_empty() && !line.was.is_empty()), "{change:?}");
    }

    /// By pairs these would be ten thousand million looks, and nobody would see the end of this test.
    #[test]
    fn two_huge_versions_are_compared() {
        let lines =
            |word: &str| -> Vec<_> { (0..100_000).map(|n| ("Steps".to_owned(), format!("{word} {n}"))).collect() };
        let entry = |word: &str, n: usize| Entry {
            key: format!("{word}/{n}"),
            title: "An entry".to_owned(),
            note: String::new(),
            parts: vec![Part::Line { label: "Says".to_owned(), text: word.to_owned() }],
        };
        let entries = |word: &str| -> Vec<Entry> { (0..100_000).map(|n| entry(word, n)).collect() };
        assert_eq!(compared(&lines("was"), &lines("is")).len(), 100_000);
        assert_eq!(changed(&entries("was"), &entries("is")).len(), 200_000);
    }

    #[test]
    fn lines_that_only_changed_places_are_told_so() {
        let pair = |a: &str, b: &str| vec![("Steps".to_owned(), a.to_owned()), ("Steps".to_owned(), b.to_owned())];
        let told = compared(&pair("one", "two"), &pair("two", "one"));
        assert_eq!(
            told,
            [Differing { label: "Order of: Steps".into(), was: "one; two".into(), now: "two; one".into() }]
        );
    }
}
