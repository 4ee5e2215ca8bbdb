//! What stands around every page: the bar, who is signed in, the clock.

use super::alarm::Alarm;
use super::assets;
use super::incident::Sight;
use super::live::position::Position;
use super::session::SignedIn;
use crate::access::capability::role_name;
use crate::access::settings::{Settings, Theme};
use crate::domain::{Role, Timestamp};

/// Which entry of the bar is the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    Now,
    Rollbacks,
    Registers,
    Playbook,
    People,
    Audit,
    /// None of them.
    Elsewhere,
}

/// The frame of a page; every template that extends `base.html` has one in its field `layout`.
#[derive(Debug, Clone)]
pub struct Layout {
    pub title: String,
    pub here: Here,
    pub person: Option<Badge>,
    /// How whoever looks wants the pages.
    pub settings: Settings,
    /// A P0 that is open elsewhere.
    pub alarm: Option<Alarm>,
    pub now: Timestamp,
    /// What the page follows while it is open; nothing for a page that stands still.
    pub live: Option<Live>,
}

/// How a page stays live: the script of the page opens the stream, and fetches the page anew when the stream says so.
#[derive(Debug, Clone)]
pub struct Live {
    /// The stream's address, with the position at which the page was made.
    pub stream: String,
    /// The page's own address.
    pub page: String,
}

/// Who is signed in, as the bar shows it.
#[derive(Debug, Clone)]
pub struct Badge {
    pub name: String,
    pub initials: String,
    pub roles: String,
    pub administers: bool,
    /// By which texts that were not sent are told apart in a browser that several people use.
    pub login: String,
    /// When the session ends if nothing more is done, and when however much is.
    pub session_ends: Timestamp,
    pub session_most: Timestamp,
}

/// One entry of the bar.
pub struct Entry {
    pub words: &'static str,
    pub path: &'static str,
    pub current: bool,
}

impl Layout {
    /// The frame for someone who is signed in.
    pub fn of(who: &SignedIn, title: &str, here: Here, now: Timestamp) -> Layout {
        Layout {
            title: title.to_owned(),
            here,
            person: Some(Badge::of(who)),
            settings: who.settings.clone(),
            alarm: who.alarm.clone(),
            now,
            live: None,
        }
    }

    /// The frame of a page of an incident, which follows it; `tail` is what its address has beyond the room's.
    pub fn in_incident(sight: &Sight, title: &str, tail: &str) -> Layout {
        let room = format!("/incidents/{}", sight.incident.id);
        let after = Position::of(sight.seen, sight.reads_logs());
        let live = Live { stream: format!("{room}/live?after={after}"), page: format!("{room}{tail}") };
        Layout { live: Some(live), ..Layout::of(sight.who, title, Here::Rollbacks, sight.now) }
    }

    /// The same frame for a page that follows every incident; `seq` is the last entry that it surely shows.
    pub fn following(self, seq: i64, page: &str) -> Layout {
        Layout { live: Some(Live { stream: format!("/live?after={seq}"), page: page.to_owned() }), ..self }
    }

    /// The frame for nobody in particular: sign-in, links, errors.
    pub fn outside(title: &str, now: Timestamp) -> Layout {
        Layout {
            title: title.to_owned(),
            here: Here::Elsewhere,
            person: None,
            settings: Settings::default(),
            alarm: None,
            now,
            live: None,
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        let entry = |words, path, here| Entry { words, path, current: self.here == here };
        vec![
            entry("Now", "/", Here::Now),
            entry("Rollbacks", "/rollbacks", Here::Rollbacks),
            entry("Registers", "/registers", Here::Registers),
            entry("Playbook", "/playbook", Here::Playbook),
            entry("People", "/people", Here::People),
            entry("Audit log", "/audit", Here::Audit),
        ]
    }

    /// An instant in a list: minutes, and the date when it is not today's.
    pub fn near(&self, at: &Timestamp) -> String {
        format!("{} UTC", at.near(self.now))
    }

    /// `light` or `dark`; empty where the browser decides.
    pub fn theme(&self) -> &'static str {
        match self.settings.theme {
            Theme::System => "",
            theme => theme.key(),
        }
    }

    pub fn stylesheet(&self) -> &'static str {
        assets::path("app.css")
    }

    pub fn script(&self) -> &'static str {
        assets::path("app.js")
    }
}

impl Badge {
    pub fn of(who: &SignedIn) -> Badge {
        let roles: Vec<String> = who.roles.iter().map(|role| role_name(*role)).collect();
        let roles = if roles.is_empty() { "No role".to_owned() } else { roles.join(", ") };
        Badge {
            name: who.name.clone(),
            initials: initials(&who.name),
            roles,
            administers: who.roles.contains(&Role::Administrator),
            login: who.login.clone(),
            session_ends: who.ends_idle_at(),
            session_most: who.ends_at(),
        }
    }
}

/// Two letters for a round mark: first and last name.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_mark_holds_first_and_last_initial() {
        assert_eq!(initials("Maya Okafor"), "MO");
        assert_eq!(initials("maría de la cruz"), "MC");
        assert_eq!(initials("Cher"), "C");
        assert_eq!(initials(""), "");
    }
}
