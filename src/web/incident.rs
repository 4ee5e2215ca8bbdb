//! One incident as one person sees it at one moment: what every page of an incident begins with.
//!
//! A page loads with [`look`], lends the facts with [`Sight`], and asks [`Sight::offers`] for every button. What would
//! be refused is no button but a [`Lock`]: a line that says why not, and what would change it.

use super::AppState;
use super::acting;
use super::error::{WebError, page};
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::app::summary::number_of;
use crate::app::{Looked, Seen};
use crate::domain::actor::Who;
use crate::domain::facts::{Facts, Registered};
use crate::domain::offers::Offers;
use crate::domain::procedure::TargetKind;
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::state::{Attempt, Incident};
use crate::domain::{PersonId, Role, Timestamp};
use crate::web::layout::initials;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Loads the incident of an address. `id` must look like `RB-0142`.
///
/// # Errors
/// The page that says there is nothing here, or what else went wrong.
pub async fn look(app: &AppState, id: &str) -> Result<Looked, WebError> {
    if is_name(id) { app.incidents.look(id).await.map_err(acting::error) } else { Err(WebError::not_found()) }
}

/// A page of one incident as this person sees it now. `status` is that of a form that came back, or OK.
///
/// # Errors
/// As for [`look`], and whatever `view` says.
pub async fn shown<V: Template>(
    app: &AppState,
    who: &SignedIn,
    id: &str,
    status: StatusCode,
    view: impl FnOnce(&Sight) -> Result<V, WebError>,
) -> Result<Response, WebError> {
    let looked = look(app, id).await?;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let html = page(&view(&Sight::of(&looked, &facts, who))?)?;
    Ok((status, html).into_response())
}

/// Whether this is how an incident is written in an address. Only the one spelling: `RB-1` would otherwise be a second
/// address of `RB-0001`.
pub fn is_name(id: &str) -> bool {
    number_of(id).is_some_and(|number| crate::app::summary::name_of(number) == id)
}

/// What the views of an incident are made from.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    pub incident: &'a Incident,
    pub facts: &'a Facts<'a>,
    pub who: &'a SignedIn,
    pub now: Timestamp,
    /// From where on the page's stream goes on.
    pub seen: &'a Seen,
}

/// The place of a button that would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Follows "No, because": lower case, no full stop.
    pub because: String,
    /// What would change it: a whole sentence.
    pub mend: String,
}

impl From<Refusal> for Lock {
    fn from(refusal: Refusal) -> Lock {
        Lock { because: refusal.because, mend: refusal.mend }
    }
}

/// Nothing in the way, or what is.
pub fn lock(answer: Result<(), Refusal>) -> Option<Lock> {
    answer.err().map(Lock::from)
}

/// A command that has a place on the page: open, locked, or no place at all because the moment is not right for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Open,
    Locked(Lock),
    /// Nobody could do it now; a locked line would only be noise.
    None,
}

impl Place {
    pub fn of(answer: Result<(), Refusal>) -> Place {
        match answer {
            Ok(()) => Place::Open,
            Err(refusal) if matches!(refusal.kind, RefusalKind::Phase | RefusalKind::AlreadyDone) => Place::None,
            Err(refusal) => Place::Locked(refusal.into()),
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self, Place::Open)
    }

    pub fn lock(&self) -> Option<&Lock> {
        match self {
            Place::Locked(lock) => Some(lock),
            Place::Open | Place::None => None,
        }
    }
}

/// A person's name with the two letters of the round mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub initials: String,
    /// The one who looks at the page.
    pub you: bool,
}

impl<'a> Sight<'a> {
    pub fn of(looked: &'a Looked, facts: &'a Facts<'a>, who: &'a SignedIn) -> Sight<'a> {
        Sight { incident: &looked.incident, facts, who, now: looked.now, seen: &looked.seen }
    }

    pub fn offers(&self) -> Offers<'a> {
        Offers { incident: self.incident, facts: self.facts, person: &self.who.person, now: self.now }
    }

    /// The place of stopping an attempt. Once it is ordered, there is no second time.
    pub fn stop_place(&self, attempt: &Attempt) -> Place {
        if attempt.stop.is_some() { Place::None } else { Place::of(self.offers().stop(attempt.number)) }
    }

    pub fn named(&self, person: &PersonId) -> Named {
        let name = self.facts.name(person);
        Named { initials: initials(&name), name, you: *person == self.who.person }
    }

    /// `Maya Okafor`, or `Backout` where no person did it.
    pub fn by(&self, person: Option<&PersonId>) -> String {
        person.map_or_else(|| "Backout".to_owned(), |person| self.facts.name(person))
    }

    /// Whoever entered something into a register: a person's name, `Backout`, or what a machine called itself.
    pub fn registered_by(&self, entry: &Registered) -> String {
        Who::parse(&entry.by).map_or_else(|| entry.by.clone(), |who| self.by(who.person()))
    }

    /// What speaks against going to what was registered, a sentence each: a release that was rolled back from, or that is
    /// newer than what runs.
    pub fn speaks_against(&self, entry: &Registered) -> Vec<String> {
        if entry.kind != TargetKind::Release {
            return Vec::new();
        }
        // Also of one that was deployed once more since: what it did, it may do again.
        let left = entry.left_at.map(|at| {
            format!("{} failed before: {} rolled back from it, {}.", entry.name, entry.left_in, at.in_words())
        });
        let running = self.facts.running_release(&entry.component);
        let older = running.filter(|running| running.at < entry.at && running.name != entry.name);
        let newer = older.map(|running| format!("{} is newer than {}, which runs now.", entry.name, running.name));
        left.into_iter().chain(newer).collect()
    }

    /// `Maya Okafor or Noor Aziz`: who could be asked for something, by role.
    pub fn holders(&self, role: Role) -> String {
        names(self.facts.holders(role).map(|(_, fact)| fact.name.clone()).collect(), "or")
    }

    /// Whether run logs and evidence bodies open for this person.
    pub fn reads_logs(&self) -> bool {
        Capability::ReadLogs.open_to(Some(self.who.standing())).is_ok()
    }
}

/// `A`, `A and B`, `A, B and C`; empty for nobody.
pub fn names(mut names: Vec<String>, joint: &str) -> String {
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} {joint} {last}", names.join(", ")),
    }
}

/// Where an action is carried out: a label, or the server itself.
pub fn place_words(place: &str) -> &str {
    if place.is_empty() { "this server" } else { place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_as_people_say_them() {
        let all = |list: &[&str]| names(list.iter().map(ToString::to_string).collect(), "or");
        assert_eq!(all(&[]), "");
        assert_eq!(all(&["A"]), "A");
        assert_eq!(all(&["A", "B"]), "A or B");
        assert_eq!(all(&["A", "B", "C"]), "A, B or C");
    }
}
