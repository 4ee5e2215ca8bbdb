//! What people look for (L11): the call, the chat, the runbook. The playbook's links that open come first, then those
//! that were pinned for this incident.

use crate::domain::command::Command;
use crate::domain::event::Pin;
use crate::domain::procedure::LinkKind;
use crate::domain::words::upper_first;
use crate::web::incident::{Lock, Place, Sight};

pub struct Pins {
    pub links: Vec<Line>,
    pub add: bool,
    pub lock: Option<Lock>,
    pub open: bool,
}

pub struct Line {
    of: LinkKind,
    pub icon: &'static str,
    pub kind: String,
    pub title: String,
    pub target: String,
    /// A browser opens it; what is only the name of a place is shown as words.
    pub opens: bool,
    /// It was pinned here, and may be taken down by whoever looks.
    pub unpin: bool,
}

/// The kinds to choose from, with their words.
pub fn kinds() -> [(&'static str, String); 4] {
    LinkKind::ALL.map(|kind| (kind.key(), upper_first(&kind.to_string())))
}

impl Pins {
    pub fn of(sight: &Sight) -> Pins {
        let incident = sight.incident;
        let wish = Command::PinLink(Pin {
            kind: LinkKind::Other,
            title: "…".to_owned(),
            address: "https://example.invalid/a-new-one".to_owned(),
        });
        let place = Place::of(sight.offers().ask(&wish));
        let known = sight.facts.procedure.links.iter();
        let about = known.filter(|link| link.component.as_ref().is_none_or(|part| *part == incident.component));
        let mut links: Vec<Line> =
            about.map(|link| line(link.kind, &link.title, &link.target, link.target.starts_with("https://"))).collect();
        links.extend(incident.pins.iter().map(|pin| {
            let unpin = Command::UnpinLink { address: pin.address.clone() };
            let unpin = sight.offers().ask(&unpin).is_ok();
            Line { unpin, ..line(pin.kind, &pin.title, &pin.address, true) }
        }));
        // What is looked for first stands first: the call, the chat, the runbook.
        links.sort_by_key(|line| LinkKind::ALL.iter().position(|kind| *kind == line.of));
        Pins { links, add: place.is_open(), lock: place.lock().cloned(), open: incident.is_open() }
    }
}

fn line(kind: LinkKind, title: &str, target: &str, opens: bool) -> Line {
    let icon = match kind {
        LinkKind::Call => "bell",
        LinkKind::Chat => "message",
        LinkKind::Runbook => "document",
        LinkKind::Other => "link",
    };
    Line {
        of: kind,
        icon,
        kind: upper_first(&kind.to_string()),
        title: title.to_owned(),
        target: target.to_owned(),
        opens,
        unpin: false,
    }
}
