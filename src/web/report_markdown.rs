//! The rollback report as Markdown, and what its page shows.
//!
//! Words that people typed must stay words: [`line`] takes the meaning from every sign that Markdown or HTML would give
//! one, [`quote`] does so over several lines, [`code`] cannot be left by what stands in it. The template calls nothing else.

use crate::domain::Span;
use crate::domain::report::{Entry, Report, SectionPart};
use crate::domain::story::TimelineKind;
use crate::domain::words::{offset_words, stopped};
use askama::Template;

/// The report as one Markdown file, complete, in CommonMark with tables.
pub fn markdown(report: &Report) -> String {
    let text = MarkdownReport { report }.render().expect("writing to a string cannot fail");
    one_blank_line_at_most(&text)
}

#[derive(Template)]
#[template(path = "report.md", escape = "none")]
struct MarkdownReport<'a> {
    report: &'a Report,
}

/// What `templates/_report_body.html` shows; a page that includes it has the same field and the same functions in reach.
#[derive(Template)]
#[template(path = "_report_body.html")]
pub struct ReportView<'a> {
    pub report: &'a Report,
}

/// A figure, or the plain word that there is none.
pub fn figure(span: &Option<Span>) -> String {
    span.map_or_else(|| "not known".to_owned(), |span| span.to_string())
}

/// An offset from T+0; empty where there is none.
pub fn offset(span: &Option<Span>) -> String {
    span.map_or_else(String::new, offset_words)
}

/// A run's start.
pub fn offset_of(span: &Span) -> String {
    offset_words(*span)
}

/// What the timeline says beneath an entry. Updates stand whole in their own part.
pub fn shown_detail(entry: &Entry) -> Option<String> {
    let detail = entry.told.detail.as_ref().filter(|_| entry.told.kind != TimelineKind::Message)?;
    let lines: Vec<&str> = detail.lines().filter(|part| !part.trim().is_empty()).collect();
    let mut joined = String::new();
    for (place, line) in lines.iter().enumerate() {
        joined.push_str(line);
        if place + 1 < lines.len() {
            joined.push_str(if line.ends_with(['.', '!', '?', '…']) { " " } else { "; " });
        }
    }
    Some(joined)
}

/// A step's planned window: `T+0:00 to T+5:00`.
pub fn window(from: &Option<Span>, to: &Option<Span>) -> String {
    match (from, to) {
        (None, _) => "no window".to_owned(),
        (Some(from), Some(to)) => format!("{} to {}", offset_words(*from), offset_words(*to)),
        (Some(from), None) => format!("from {}, ongoing", offset_words(*from)),
    }
}

/// What a step really took.
pub fn actual(from: &Option<Span>, to: &Option<Span>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{} to {}", offset_words(*from), offset_words(*to)),
        _ => "nothing recorded".to_owned(),
    }
}

/// Who wrote a section, or why it is empty.
pub fn authorship(section: &SectionPart) -> String {
    match &section.written {
        Some(said) => format!("{}, {}", said.by, said.at.in_words()),
        None if section.from_assessments.is_empty() => "Not written yet.".to_owned(),
        None => "Not written yet; this is what was assessed during the incident.".to_owned(),
    }
}

/// Typed text on one line: line breaks become blanks, and no sign keeps a meaning of its own.
pub fn line(text: &str) -> String {
    let words: Vec<&str> = text.split(is_break).map(str::trim).filter(|part| !part.is_empty()).collect();
    escaped(&words.join(" "))
}

/// Text that ends a sentence.
pub fn ended(text: &str) -> String {
    line(&stopped(text))
}

/// Typed text as a block quotation; its lines and paragraphs stay.
pub fn quote(text: &str) -> String {
    let lines: Vec<String> = text
        .trim()
        .split(['\n', '\u{2028}', '\u{2029}'])
        .map(|part| format!("> {}", line(part)).trim_end().to_owned())
        .collect();
    // Two blanks at the end of a line keep the break.
    lines.join("  \n").replace(">  \n", ">\n")
}

/// One line of code in a fence that is longer than any run of backticks in it.
pub fn code(text: &str) -> String {
    let text: String = text.split(is_break).collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|sign| !is_invisible(*sign)).collect();
    let longest = text.split(|sign| sign != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{text}\n{fence}")
}

fn is_break(sign: char) -> bool {
    sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}')
}

/// Signs that turn the reading direction or hide themselves could make a line say something else than it does.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut number = true;
    for (at, sign) in text.char_indices().filter(|(_, sign)| !is_invisible(*sign)) {
        let rest = &text[at..];
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '$' | '@' => {
                out.push('\\');
                out.push(sign);
            }
            // Bare addresses would become links.
            ':' if rest.starts_with("://") => out.push_str("\\:"),
            '.' if out.to_ascii_lowercase().ends_with("www") => out.push_str("\\."),
            // At the beginning of a line these make lists, rules and headings.
            '-' | '+' | '=' if out.is_empty() => {
                out.push('\\');
                out.push(sign);
            }
            '.' | ')' if number && !out.is_empty() && rest[1..].chars().next().is_none_or(char::is_whitespace) => {
                out.push('\\');
                out.push(sign);
            }
            other => out.push(other),
        }
        number &= sign.is_ascii_digit();
    }
    out
}

fn one_blank_line_at_most(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = true;
    for part in text.lines() {
        let empty = part.trim().is_empty();
        if !(empty && blank) {
            out.push_str(if empty { "" } else { part });
            out.push('\n');
        }
        blank = empty;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::report::report;
    use crate::domain::report::tests::sample::{journal, names};
    use crate::playbook::default_procedure;
    use expect_test::expect_file;

    const HOSTILE: &str = "[x](javascript:alert(1)) <img src=x onerror=alert(2)> ](javascript:alert(3)) `code` ```\n# head\n\
                           | a | b |\n1. one\n- two\n> three\n~~~\nhttps://evil.example www.evil.example a@b.example &lt; \u{202e}*b*";

    fn told() -> Report {
        report(&journal(), &default_procedure(), &names).unwrap()
    }

    #[test]
    fn the_sample_incident_reads_as_this_file() {
        expect_file!["report_markdown_sample.md"].assert_eq(&markdown(&told()));
    }

    #[test]
    fn no_sign_of_a_typed_text_keeps_a_meaning() {
        assert_eq!(line("](javascript:alert(1))"), "\\](javascript:alert(1))");
        assert_eq!(line("<b>&lt;"), "&lt;b&gt;&amp;lt;");
        assert_eq!(line("`a` | *b* _c_\n# d"), "\\`a\\` \\| \\*b\\* \\_c\\_ \\# d");
        assert_eq!(line("1. one"), "1\\. one");
        assert_eq!(line("- one"), "\\- one");
        assert_eq!(line("4.12.0 stopped, at 3.1 %"), "4.12.0 stopped, at 3.1 %");
        assert_eq!(line("see https://a.example, www.b.example"), "see https\\://a.example, www\\.b.example");
        assert_eq!(quote("one\n\n# two"), "> one  \n>\n> \\# two");
        assert_eq!(code("a ```` b"), "`````\na ```` b\n`````");
    }

    /// Hostile words in every place that people type into: nothing of them may become a link, an element or a new line.
    #[test]
    fn hostile_words_stay_words_everywhere() {
        let mut journal = journal();
        for recorded in &mut journal {
            match &mut recorded.event {
                Event::Opened(opened) => {
                    opened.title = HOSTILE.into();
                    opened.trigger.saw = HOSTILE.into();
                    opened.trigger.evidence = serde_json::json!({ HOSTILE: HOSTILE }).to_string();
                }
                Event::NoteAdded { text } | Event::SectionWritten { text, .. } => *text = HOSTILE.into(),
                Event::Approved(approved) => approved.comment = HOSTILE.into(),
                Event::SeverityChanged { reason, .. } | Event::Closed { reason, .. } => *reason = HOSTILE.into(),
                Event::RunLost { why: text, .. } | Event::RunJudged { reason: text, .. } => *text = HOSTILE.into(),
                Event::UpdateSent(update) => update.text = HOSTILE.into(),
                _ => {}
            }
        }
        let hostile = |_: &crate::domain::PersonId| HOSTILE.to_owned();
        let report = report(&journal, &default_procedure(), &hostile).unwrap();
        let text = markdown(&report);
        assert!(!text.contains("<img"), "an element got through");
        assert!(!text.contains(" [x]("), "a link got through");
        assert!(!text.contains(" ](javascript"), "half a link got through");
        assert!(!text.contains("https://evil") && !text.contains("www.evil") && !text.contains("a@b"), "an address");
        assert!(!text.contains('\u{202e}'), "a turned line");
        for made in ["\n# head", "\n| a", "\n1. one", "\n- two", "\n> three", "\n~~~"] {
            assert!(!text.contains(made), "{made:?} began a line");
        }
        let cells = |row: &str| row.replace("\\|", "").matches('|').count();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with("| ") && pair[1].starts_with("| ")) {
            assert_eq!(cells(pair[0]), cells(pair[1]), "a row has its own number of cells:\n{}\n{}", pair[0], pair[1]);
        }
        let page = ReportView { report: &report }.render().unwrap();
        assert!(!page.contains("<img"), "an element got into the page");
    }

    #[test]
    fn the_page_says_what_the_file_says() {
        let page = ReportView { report: &told() }.render().unwrap();
        for part in [
            "Crisis detection stopped flagging messages",
            "Full rollback of crisis-detection from 4.12.0 to 4.11.3",
            "Image present, no migrations",
            "Core features tested",
            "The health check covered the process",
            "T+14:31",
            "2:10 late",
        ] {
            assert!(page.contains(part), "{part} is missing");
        }
        assert!(!page.contains("person:") && !page.contains("p-7f3a"), "identifiers are never shown");
    }
}
