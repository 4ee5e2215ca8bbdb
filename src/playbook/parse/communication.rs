//! Who is told what and when: updates, phases, and the texts with their variables.

use super::people::DUTIES;
use super::{SEVERITIES, window};
use crate::domain::procedure::{
    CommunicationPhase, DueMessage, Message, NEXT_CONTACT, NEXT_CONTACT_AFTER, SLOW_AFTER, SLOWEST, Sending, Updates,
};
use crate::domain::progress::VARIABLES;
use crate::domain::{Role, Span};
use crate::playbook::nearest::suggestion;
use crate::playbook::reader::{Reader, Words};
use crate::playbook::sheet::{Noun, Sheet};
use crate::playbook::template::{render, variables};
use std::collections::BTreeMap;
use std::ops::Range;

const SENDING: Words<'_, Sending> = &[("by_itself", Sending::ByItself), ("by_person", Sending::ByPerson)];

pub(super) fn updates(top: &mut Reader<'_>) -> Updates {
    let read = |updates: &mut Reader<'_>| {
        let every = updates.span("every");
        let draft_before = updates.span("draft_before");
        if let Some(at) = updates.place_of("draft_before")
            && every > Span::ZERO
            && draft_before >= every
        {
            let message = format!("a draft {draft_before} ahead of updates every {every} is never ready in time");
            updates.sheet.fault(&at, message, "let `draft_before` be shorter than `every`");
        }
        let from = updates.word("from", SEVERITIES);
        let sent = updates.word_if_any("sent", SENDING).unwrap_or_default();
        let slowest = updates.span_if_any("slowest");
        if let (Some(slowest), Some(at)) = (slowest, updates.place_of("slowest"))
            && slowest < every
        {
            let message = format!("updates every {every} cannot be slowed to every {slowest}");
            updates.sheet.fault(&at, message, "let `slowest` be at least as long as `every`");
        }
        Updates {
            every,
            draft_before,
            from,
            sent,
            slow_after: updates.span_from_zero("slow_after").unwrap_or(SLOW_AFTER),
            slowest: slowest.unwrap_or(SLOWEST).max(every),
            next_contact_after: updates.span_if_any("next_contact_after").unwrap_or(NEXT_CONTACT_AFTER),
            next_contact: next_contact(updates),
            seed: updates.text_if_any("seed"),
        }
    };
    top.table("updates", "[updates]", read).unwrap_or_default()
}

/// Somebody must be asked, each role once, and none that may not write.
fn next_contact(updates: &mut Reader<'_>) -> Vec<Role> {
    let Some(at) = updates.place_of("next_contact") else { return NEXT_CONTACT.to_vec() };
    let mut roles = updates.words("next_contact", DUTIES);
    if updates.length_of("next_contact") == 0 {
        updates.sheet.fault(
            &at,
            "`next_contact` names nobody",
            "name whom to ask, such as [\"management\"], or leave it out",
        );
    }
    if roles.contains(&Role::Observer) {
        updates.sheet.fault(&at, "an observer writes no update", "let `next_contact` name roles that act");
    }
    let named = roles.len();
    roles.sort_unstable();
    roles.dedup();
    if roles.len() < named {
        updates.sheet.fault(&at, "`next_contact` names a role twice", "name each once");
    }
    roles
}

pub(super) fn phases(top: &mut Reader<'_>) -> Vec<CommunicationPhase> {
    top.tables("communication", "a communication phase", |phase| CommunicationPhase {
        name: phase.name(Noun::Communication),
        title: phase.text("title"),
        internal: phase.flag("internal", true),
        window: window(phase),
        messages: phase.tables("messages", "a message that is due", |due| DueMessage {
            text: due.text("text"),
            audience: due.text("audience"),
            condition: due.text_if_any("condition"),
            message: due.reference_if_any("message", Noun::Message),
            seed: due.text_if_any("seed"),
        }),
        seed: phase.text_if_any("seed"),
    })
}

pub(super) fn messages(top: &mut Reader<'_>) -> Vec<Message> {
    top.tables("message", "a message", |message| {
        let name = message.name(Noun::Message);
        let template = message.text("template");
        if let Some(at) = message.place_of("template") {
            check_template(message.sheet, &template, &at, &VARIABLES);
        }
        Message { name, template, seed: message.text_if_any("seed") }
    })
}

/// Reports a template that does not parse, or uses what nobody fills, or cannot be filled with texts. Returns the
/// variables that it uses, with their places.
pub(super) fn check_template(
    sheet: &Sheet<'_>,
    template: &str,
    at: &Range<usize>,
    filled: &[&str],
) -> Vec<(String, usize)> {
    let raw = sheet.raw(at);
    let used = match variables(template) {
        Ok(used) => used,
        Err(fault) => {
            let place = at.start + line_in(raw, fault.line.unwrap_or(1));
            let text = sheet.raw(&(place..at.end)).lines().next().unwrap_or_default().trim().to_owned();
            let message = format!("the template does not parse: {}", fault.message);
            sheet.fault_about(
                place,
                &text,
                message,
                "write variables as {{ name }} and conditions as {% if name %}…{% endif %}",
            );
            return Vec::new();
        }
    };
    let used: Vec<(String, usize)> =
        used.into_iter().map(|name| (name.clone(), at.start + place_in(raw, &name))).collect();
    let unfilled: Vec<&(String, usize)> = used.iter().filter(|(name, _)| !filled.contains(&name.as_str())).collect();
    for (name, place) in &unfilled {
        let message = format!("nothing fills the variable `{name}`");
        sheet.fault_about(*place, name, message, suggestion(name, filled.iter().copied()));
    }
    if unfilled.is_empty() {
        // Once with every value there and once with every value empty: filters and both sides of a condition.
        for value in ["1", ""] {
            let values: BTreeMap<&str, String> = filled.iter().map(|name| (*name, value.to_owned())).collect();
            if let Err(fault) = render(template, &values) {
                let message = format!("the template cannot be filled: {}", fault.message);
                let place = at.start + line_in(raw, fault.line.unwrap_or(1));
                let text = sheet.raw(&(place..at.end)).lines().next().unwrap_or_default().trim().to_owned();
                sheet.fault_about(place, &text, message, "every value is a text: use no other filters and no sums");
                break;
            }
        }
    }
    used
}

/// Where a line of the template starts in its quoted text, which may leave its first line empty.
fn line_in(raw: &str, line: usize) -> usize {
    let opened = ["\"\"\"\r\n", "\"\"\"\n", "'''\r\n", "'''\n"].iter().find(|open| raw.starts_with(**open));
    let line = if opened.is_some() { line + 1 } else { line };
    raw.match_indices('\n').map(|(at, _)| at + 1).nth(line.wrapping_sub(2)).unwrap_or(0)
}

/// Where a variable is first used in the quoted text: as a whole word inside `{{ }}` or `{% %}`.
fn place_in(raw: &str, name: &str) -> usize {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    raw.match_indices(name)
        .map(|(at, _)| at)
        .find(|&at| {
            let (before, after) = (&raw[..at], &raw[at + name.len()..]);
            let opened = before.rfind("{{").max(before.rfind("{%"));
            let closed = before.rfind("}}").max(before.rfind("%}"));
            opened > closed && !before.ends_with(in_word) && !after.starts_with(in_word)
        })
        .unwrap_or(0)
}
