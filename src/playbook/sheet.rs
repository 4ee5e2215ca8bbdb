//! The text under reading: gathers its faults, and the names that entries give themselves and use of each other.
//!
//! References are settled at the end, when every name is known, so that the order of a playbook's tables is free.

use super::fault::Fault;
use super::nearest::suggestion;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

/// What an entry is, to be referred to by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noun {
    Role,
    Responder,
    Contact,
    Category,
    Trigger,
    Rule,
    Authority,
    Type,
    Checklist,
    Step,
    Item,
    Criterion,
    Indicator,
    Communication,
    Message,
    Assessment,
    Drill,
    Scenario,
    Document,
    Executor,
    Action,
    /// Something measured: built in, or by a trigger's own query.
    Series,
    /// A role or a team of responders.
    Owner,
}

impl Noun {
    pub(super) fn word(self) -> &'static str {
        match self {
            Noun::Role => "role",
            Noun::Responder => "team",
            Noun::Contact => "contact",
            Noun::Category => "category",
            Noun::Trigger => "trigger",
            Noun::Rule => "rule",
            Noun::Authority => "authority",
            Noun::Type => "type",
            Noun::Checklist => "checklist",
            Noun::Step => "step",
            Noun::Item => "item",
            Noun::Criterion => "criterion",
            Noun::Indicator => "indicator",
            Noun::Communication => "communication phase",
            Noun::Message => "message",
            Noun::Assessment => "assessment",
            Noun::Drill => "drill",
            Noun::Scenario => "scenario",
            Noun::Document => "document",
            Noun::Executor => "executor",
            Noun::Action => "action",
            Noun::Series => "series",
            Noun::Owner => "role or team",
        }
    }

    /// Roles and teams share their names, because an item's owner may be either.
    fn covers(self, other: Noun) -> bool {
        self == other || (self == Noun::Owner && matches!(other, Noun::Role | Noun::Responder))
    }

    fn shares_names_with(self, other: Noun) -> bool {
        self == other || (Noun::Owner.covers(self) && Noun::Owner.covers(other))
    }
}

struct Named {
    noun: Noun,
    name: String,
    at: usize,
}

struct Found {
    at: usize,
    text: String,
    message: String,
    mend: String,
    /// May be nothing but the consequence of a broken line elsewhere.
    may_follow: bool,
}

pub(super) struct Sheet<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
    faults: RefCell<Vec<Found>>,
    given: RefCell<Vec<Named>>,
    used: RefCell<Vec<Named>>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let line_starts =
            std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Sheet {
            text,
            line_starts: line_starts.collect(),
            faults: RefCell::default(),
            given: RefCell::default(),
            used: RefCell::default(),
        }
    }

    /// The text of a place as it stands in the file.
    pub(super) fn raw(&self, at: &Range<usize>) -> &'a str {
        self.text.get(at.clone()).unwrap_or_default()
    }

    pub(super) fn fault(&self, at: &Range<usize>, message: impl Into<String>, mend: impl Into<String>) {
        self.note(at.start, shown(self.raw(at)), message.into(), mend.into(), false);
    }

    /// A fault that names another text than all of its place.
    pub(super) fn fault_about(&self, at: usize, text: &str, message: impl Into<String>, mend: impl Into<String>) {
        self.note(at, text.to_owned(), message.into(), mend.into(), false);
    }

    /// Something is not there: said, unless a broken line elsewhere may have swallowed it.
    pub(super) fn missing(&self, at: &Range<usize>, message: impl Into<String>, mend: impl Into<String>) {
        self.note(at.start, shown(self.raw(at)), message.into(), mend.into(), true);
    }

    fn note(&self, at: usize, text: String, message: String, mend: String, may_follow: bool) {
        self.faults.borrow_mut().push(Found { at, text, message, mend, may_follow });
    }

    /// An entry gives itself a name, which must be its own.
    pub(super) fn give(&self, noun: Noun, name: &str, at: usize) {
        let mut given = self.given.borrow_mut();
        if let Some(first) = given.iter().find(|other| noun.shares_names_with(other.noun) && other.name == name) {
            let (line, _) = self.position(first.at);
            let message = format!("{} `{name}` is named twice, first on line {line}", noun.word());
            self.fault_about(at, name, message, "give one of them another name");
            return;
        }
        given.push(Named { noun, name: name.to_owned(), at });
    }

    /// A name that may be given by many and counts once.
    pub(super) fn know(&self, noun: Noun, name: &str) {
        self.given.borrow_mut().push(Named { noun, name: name.to_owned(), at: 0 });
    }

    /// An entry refers to another one.
    pub(super) fn refer(&self, noun: Noun, name: &str, at: usize) {
        self.used.borrow_mut().push(Named { noun, name: name.to_owned(), at });
    }

    /// Turns every reference to nothing into a fault.
    pub(super) fn settle_references(&self) {
        let given = self.given.borrow();
        for used in self.used.borrow().iter() {
            let known: BTreeSet<&str> =
                given.iter().filter(|one| used.noun.covers(one.noun)).map(|one| &*one.name).collect();
            if !known.contains(&*used.name) {
                let message = format!("unknown {} `{}`", used.noun.word(), used.name);
                self.note(used.at, used.name.clone(), message, suggestion(&used.name, known), true);
            }
        }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts[line - 1];
        let before = self.text.as_bytes().get(start..at).unwrap_or_default();
        (line, String::from_utf8_lossy(before).chars().count() + 1)
    }

    /// All faults in the order of the file. Beside broken lines, what may only follow from them is left out.
    pub(super) fn into_faults(self, broken: &[toml::de::Error]) -> Vec<Fault> {
        let place = |at: usize, text: String, message: String, mend: String| {
            let (line, column) = self.position(at);
            let whole_line = || shown(&self.text[self.line_starts[line - 1]..]);
            let text = if text.is_empty() { whole_line() } else { text };
            Fault { line, column, text, message, mend }
        };
        let mut faults: Vec<Fault> = broken
            .iter()
            .map(|error| {
                let at = error.span().unwrap_or_default();
                let (message, mend) = in_plain_words(error.message());
                place(at.start, shown(self.raw(&at)), message, mend)
            })
            .collect();
        let broken_lines: BTreeSet<usize> = faults.iter().map(|fault| fault.line).collect();
        for found in self.faults.take() {
            let fault = place(found.at, found.text, found.message, found.mend);
            if broken_lines.is_empty() || (!found.may_follow && !broken_lines.contains(&fault.line)) {
                faults.push(fault);
            }
        }
        faults.sort();
        faults.dedup();
        faults
    }
}

/// What the parser says of a broken line, beginning so; what is wrong in plain words; and the mend.
pub(super) const BROKEN: [(&str, &str, &str); 15] = [
    (
        "string values must be quoted",
        "this is no value",
        "write text between quotation marks, as in \"text\"; numbers, true and false stand without",
    ),
    ("invalid boolean", "this is no value", "write true or false, or text between quotation marks"),
    ("invalid basic string, expected `\"`", "this text does not end", "close it with \""),
    ("invalid multi-line basic string, expected `\"`", "this text does not end", "close it with \"\"\""),
    ("invalid literal string, expected `'`", "this text does not end", "close it with '"),
    ("missing escaped value", "the \\ stands before a sign that it does not go with", "write \\\\ for a \\ itself"),
    ("key with no value", "this name has no value", "write it as name = value"),
    ("unquoted keys cannot be empty", "no name stands here", "write it as name = value"),
    ("invalid unquoted key", "this is no name", "use letters, digits, - and _, or put it between quotation marks"),
    ("unclosed array table", "this heading is not closed", "close it with ]]"),
    ("unclosed table", "this heading is not closed", "close it with ]"),
    ("missing table open", "this ] closes nothing", "leave it out, or open the heading before it with ["),
    ("unclosed array", "this list is not closed", "close it with ]"),
    ("unclosed inline table", "this group is not closed", "close it with }"),
    ("unexpected key or value", "something follows the value", "write it on a line of its own"),
];

/// The parser's own message in plain words: what is wrong and what would be right.
fn in_plain_words(message: &str) -> (String, String) {
    if let Some((_, wrong, mend)) = BROKEN.iter().find(|(begins, ..)| message.starts_with(begins)) {
        return ((*wrong).to_owned(), (*mend).to_owned());
    }
    match message.split_once(", expected ") {
        Some((wrong, "nothing")) => (wrong.to_owned(), "nothing may follow here".to_owned()),
        Some((wrong, right)) => (wrong.to_owned(), format!("expected {right}")),
        None if message.contains("duplicate key") => {
            ("this key is given twice".to_owned(), "leave one of them out".to_owned())
        }
        None => (message.to_owned(), "mend the line by the rules of TOML".to_owned()),
    }
}

/// One line, not too long.
fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = text.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}
