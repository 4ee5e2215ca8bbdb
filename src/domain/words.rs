//! Small words that pages, timeline and report share.

use super::condition::Series;
use super::event::RunEnd;
use super::plan::Target;
use super::procedure::Procedure;
use super::state::IndicatorSign;
use super::{Role, Span};

/// An action's title. A plan may have an action once for each component: `name/component`.
pub fn action_title(procedure: &Procedure, name: &str) -> String {
    let (base, component) = name.split_once('/').map_or((name, None), |(base, component)| (base, Some(component)));
    let title = procedure.action(base).map_or_else(|| plain(base), |action| action.title.clone());
    match component {
        Some(component) => format!("{title} ({component})"),
        None => title,
    }
}

/// `full rollback of crisis-detection to 4.11.3`.
pub fn planned(kind: String, targets: &[Target]) -> String {
    let words: Vec<String> = targets.iter().map(|target| format!("{} to {}", target.component, target.name)).collect();
    if words.is_empty() { kind } else { format!("{kind} of {}", words.join(", ")) }
}

/// How a run ended, after its name.
pub fn end_words(end: &RunEnd) -> String {
    match end {
        RunEnd::Exited(0) => "succeeded, exit 0".to_owned(),
        RunEnd::Exited(code) => format!("failed, exit {code}"),
        RunEnd::Signalled(signal) => format!("failed, ended by signal {signal}"),
        RunEnd::TimedOut => "passed its time limit and was stopped".to_owned(),
        RunEnd::Cancelled => "was stopped".to_owned(),
        RunEnd::NeverStarted(why) => format!("never started: {why}"),
    }
}

pub const fn sign_words(sign: IndicatorSign) -> &'static str {
    match sign {
        IndicatorSign::NotSeen => "not seen",
        IndicatorSign::Watching => "being watched",
        IndicatorSign::Seen => "seen",
    }
}

/// A series by its key in the journal, in words: `error rate`.
pub fn series_words(key: &str) -> String {
    Series::from_key(key).label().to_owned()
}

/// The first twelve digits: enough to compare by eye.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// An offset from the first start: `T+14:31`, `T-1:20`.
pub fn offset_words(offset: Span) -> String {
    // Less than a second before is no other moment: never `T-0:00`.
    if offset.0 <= -1_000_000 { format!("T{offset}") } else { format!("T+{}", offset.max(Span(0))) }
}

/// `1,284`.
pub fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    groups.join(",")
}

/// `management or support`.
pub fn roles_words(roles: &[Role], last: &str) -> String {
    roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(&format!(" {last} "))
}

/// A name of the playbook that it has no text for any more.
pub fn plain(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

/// What somebody wrote, as a whole sentence: with its full stop, and never with two.
pub fn stopped(text: impl AsRef<str>) -> String {
    let text = text.as_ref().trim_end();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

/// `Incident commander`: as a sentence or a heading begins.
pub fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A program and its arguments on one line, as a shell would read them: what is not plain stands in single quotes.
pub fn command_line(argv: &[String]) -> String {
    let plain = |sign: char| sign.is_alphanumeric() || "-_./:=,@%+".contains(sign);
    let words = argv.iter().map(|word| {
        let quoted = || format!("'{}'", word.replace('\'', r"'\''"));
        if !word.is_empty() && word.chars().all(plain) { word.clone() } else { quoted() }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// For the middle of a sentence. Abbreviations and versions stay as they are.
pub fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_command_is_written_so_that_a_shell_reads_the_same_words() {
        let argv = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(command_line(&argv(&["scripts/roll.sh", "--to=4.11.3"])), "scripts/roll.sh --to=4.11.3");
        assert_eq!(command_line(&argv(&["say", "it's late", ""])), r"say 'it'\''s late' ''");
        let odd = argv(&["printf", "%s\\n", "it's", "\"quoted\"", "a  b", "", "$(id) `id` \\ * ~ ; # é", "one\ntwo"]);
        let read = Command::new("sh").arg("-c").arg(command_line(&odd)).output().unwrap();
        assert_eq!(String::from_utf8(read.stdout).unwrap(), odd[2..].join("\n") + "\n");
    }

    #[test]
    fn a_sentence_begins_with_a_capital() {
        assert_eq!(upper_first("take command"), "Take command");
        assert_eq!(upper_first("élan"), "Élan");
        assert_eq!(upper_first(""), "");
    }
}
