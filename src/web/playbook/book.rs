//! A procedure as people read it: chapters of entries, each with labelled lines and lists. The page shows it, and the
//! difference of two versions compares it, so that both speak of the same things in the same words.

mod chapters;
mod phrases;

use crate::domain::procedure::Procedure;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    pub title: String,
    pub version: String,
    pub date: String,
    pub status: String,
    pub chapters: Vec<Chapter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Its place in the page.
    pub id: &'static str,
    pub title: &'static str,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// By which it is found again in another version; unique in its chapter.
    pub key: String,
    pub title: String,
    /// Beside the title: a window, a severity.
    pub note: String,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A label and what it says.
    Line { label: String, text: String },
    /// Lines under a label, which may be empty.
    List { label: String, lines: Vec<Line> },
    /// A text as it will be sent, variables and all.
    Text { label: String, text: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub note: String,
    /// What a machine reads, such as a query.
    pub code: String,
}

impl Entry {
    fn new(key: &str, title: &str) -> Entry {
        Entry { key: key.to_owned(), title: title.to_owned(), note: String::new(), parts: Vec::new() }
    }

    fn with_note(mut self, note: impl Into<String>) -> Entry {
        self.note = note.into();
        self
    }

    /// A line; none where there is nothing to say.
    fn line(mut self, label: &str, text: impl Into<String>) -> Entry {
        let text = text.into();
        if !text.is_empty() {
            self.parts.push(Part::Line { label: label.to_owned(), text });
        }
        self
    }

    fn list(mut self, label: &str, lines: impl IntoIterator<Item = Line>) -> Entry {
        let lines: Vec<Line> = lines.into_iter().collect();
        if !lines.is_empty() {
            self.parts.push(Part::List { label: label.to_owned(), lines });
        }
        self
    }

    fn text(mut self, label: &str, text: &str) -> Entry {
        self.parts.push(Part::Text { label: label.to_owned(), text: text.trim_end().to_owned() });
        self
    }
}

impl Book {
    pub fn of(procedure: &Procedure) -> Book {
        Book {
            title: procedure.title.clone(),
            version: procedure.version.clone(),
            date: procedure.date.clone(),
            status: procedure.status.clone(),
            chapters: chapters::of(procedure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::default_procedure;
    use std::collections::BTreeSet;

    /// Everything that a page of it says.
    fn words(book: &Book) -> String {
        let mut words = Vec::new();
        for entry in book.chapters.iter().flat_map(|chapter| &chapter.entries) {
            words.extend([entry.title.clone(), entry.note.clone()]);
            for part in &entry.parts {
                match part {
                    Part::Line { label, text } | Part::Text { label, text } => {
                        words.extend([label.clone(), text.clone()])
                    }
                    Part::List { label, lines } => {
                        words.push(label.clone());
                        words.extend(
                            lines.iter().flat_map(|line| [line.text.clone(), line.note.clone(), line.code.clone()]),
                        );
                    }
                }
            }
        }
        words.join("\n")
    }

    #[test]
    fn every_text_of_the_procedure_stands_in_the_page() {
        let procedure = default_procedure();
        let words = words(&Book::of(&procedure));
        let mut texts: Vec<&str> = procedure.triggers.iter().map(|it| it.text.as_str()).collect();
        texts.extend(procedure.items().map(|(_, _, item)| item.text.as_str()));
        texts.extend(procedure.rules.iter().map(|it| it.text.as_str()));
        texts.extend(procedure.authorities.iter().map(|it| it.text.as_str()));
        texts.extend(procedure.verification.criteria.iter().map(|it| it.text.as_str()));
        texts.extend(procedure.verification.indicators.iter().map(|it| it.text.as_str()));
        texts.extend(procedure.messages.iter().map(|it| it.template.trim_end()));
        texts.extend(procedure.communication.iter().flat_map(|it| &it.messages).map(|it| it.text.as_str()));
        texts.extend(procedure.roles.iter().flat_map(|it| &it.authority).map(|it| it.text.as_str()));
        texts.extend(procedure.types.iter().flat_map(|it| &it.scope).map(|it| it.text.as_str()));
        texts.extend(procedure.types.iter().flat_map(|it| &it.when_used).map(|it| it.text.as_str()));
        texts.extend(procedure.drills.iter().flat_map(|it| &it.parts).map(|it| it.text.as_str()));
        texts.extend(procedure.scenarios.iter().flat_map(|it| &it.steps).map(|it| it.text.as_str()));
        texts.extend(procedure.documents.iter().flat_map(|it| &it.sections).map(|it| it.title.as_str()));
        texts.extend(procedure.assessments.iter().flat_map(|it| &it.sections).map(|it| it.title.as_str()));
        texts.extend(procedure.practices.iter().map(|it| it.text.as_str()));
        texts.extend(procedure.after_tasks.iter().map(|it| it.text.as_str()));
        texts.extend(procedure.contacts.iter().map(|it| it.title.as_str()));
        texts.extend(procedure.links.iter().map(|it| it.target.as_str()));
        texts.extend(procedure.executors.iter().map(|it| it.title.as_str()));
        texts.extend(procedure.actions.iter().map(|it| it.title.as_str()));
        assert!(texts.len() > 200, "{}", texts.len());
        for text in texts {
            assert!(words.contains(text), "left out: {text}");
        }
        assert!(words.contains("error rate above 10"), "the threshold in words: {words}");
    }

    #[test]
    fn an_entry_is_found_again_by_its_key() {
        for chapter in Book::of(&default_procedure()).chapters {
            let keys: BTreeSet<&str> = chapter.entries.iter().map(|entry| entry.key.as_str()).collect();
            assert_eq!(keys.len(), chapter.entries.len(), "{}", chapter.title);
        }
    }
}
