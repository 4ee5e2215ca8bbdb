//! What two versions of a playbook say differently, entry by entry. Each change has a word; colour only repeats it.

use super::book::{Book, Entry, Part};

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

fn changed(from: &[Entry], to: &[Entry]) -> Vec<Change> {
    let mut changes = Vec::new();
    for entry in to {
        match from.iter().find(|other| other.key == entry.key) {
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
    let gone = from.iter().filter(|entry| !to.iter().any(|other| other.key == entry.key));
    changes.extend(gone.map(|entry| Change {
        title: entry.title.clone(),
        how: How::Removed,
        lines: flat(entry).into_iter().map(|(label, was)| Differing { label, was, now: String::new() }).collect(),
    }));
    let order = |entries: &[Entry], others: &[Entry]| -> Vec<String> {
        let both = entries.iter().filter(|entry| others.iter().any(|other| other.key == entry.key));
        both.map(|entry| entry.key.clone()).collect()
    };
    if order(from, to) != order(to, from) {
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

/// Lines that stand in one alone. A label's lines that went are set against those that came, in their order; the same
/// lines in another order are one change of order.
fn compared(from: &[(String, String)], to: &[(String, String)]) -> Vec<Differing> {
    let mut labels: Vec<&String> = Vec::new();
    for (label, _) in to.iter().chain(from) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let mut differing = Vec::new();
    for label in labels {
        let of = |lines: &[(String, String)]| -> Vec<String> {
            lines
                .iter()
                .filter(|(known, text)| known == label && !text.is_empty())
                .map(|(_, text)| text.clone())
                .collect()
        };
        let (was, now) = (of(from), of(to));
        let gone: Vec<&String> = was.iter().filter(|text| !now.contains(text)).collect();
        let came: Vec<&String> = now.iter().filter(|text| !was.contains(text)).collect();
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
