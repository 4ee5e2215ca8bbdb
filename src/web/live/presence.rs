//! Who has an incident open: said by the server with the stream, shown to everyone who looks (L1).
//!
//! Presence is told and forgotten. It stands in no journal, nobody's session lives longer for it, and who was not seen for
//! [`HERE`] is gone.

use super::super::AppState;
use crate::app::Looked;
use crate::domain::{PersonId, Role, Span, Timestamp};
use crate::store::StoreError;
use askama::Template;

/// Who was seen within it is here: a server says it anew every twenty seconds, so that one loss does no harm.
pub const HERE: Span = Span::seconds(45);

/// The most names in the line; a crowd is counted.
const NAMES: usize = 8;

/// How the places of an incident stand, and who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    here: Vec<String>,
    seats: [Here; 2],
}

/// Whether the holder of a place is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    pub id: String,
    /// ` · here`, ` · seen 03:14 UTC`, or nothing where nobody was seen.
    pub words: String,
}

const SEATS: [Role; 2] = [Role::IncidentCommander, Role::TechnicalLead];

#[derive(Template)]
#[template(
    source = r#"{%- include "room/presence.html" -%}{%- for here in presence.seats -%}{%- include "room/seat_here.html" -%}{%- endfor -%}"#,
    ext = "html"
)]
struct Region<'a> {
    presence: &'a Presence,
}

impl Presence {
    /// # Errors
    /// The store's.
    pub async fn read(app: &AppState, looked: &Looked) -> Result<Presence, StoreError> {
        let rows = app.store.present(&looked.incident.id).await?;
        let seen: Vec<(PersonId, Timestamp)> =
            rows.into_iter().map(|row| (PersonId(row.person), row.seen_at)).collect();
        Ok(Presence::of(looked, &seen, app.clock.now()))
    }

    fn of(looked: &Looked, seen: &[(PersonId, Timestamp)], now: Timestamp) -> Presence {
        let is_here = |at: Timestamp| now - at < HERE;
        let people = &looked.gathered.people;
        let here = seen.iter().filter(|(_, at)| is_here(*at)).filter_map(|(person, _)| people.get(person));
        let mut here: Vec<String> = here.map(|fact| fact.name.clone()).collect();
        here.sort();
        let seats = SEATS.map(|role| {
            let holder = looked.incident.holder(role);
            let words = match holder.and_then(|holder| seen.iter().find(|(person, _)| person == holder)) {
                Some((_, at)) if is_here(*at) => " · here".to_owned(),
                Some((_, at)) => format!(" · seen {} UTC", at.time_of_day()),
                None => String::new(),
            };
            Here { id: format!("here-{}", role.key()), words }
        });
        Presence { here, seats }
    }

    /// `2 here now: Maya Okafor, Noor Aziz`.
    pub fn words(&self) -> String {
        let named = self.here.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
        match self.here.len() {
            0 => "Nobody has this page open".to_owned(),
            all if all > NAMES => format!("{all} here now: {named} and {} more", all - NAMES),
            all => format!("{all} here now: {named}"),
        }
    }

    /// How the holder of one of the two places stands.
    pub fn of_role(&self, role: Role) -> &Here {
        let place = SEATS.iter().position(|seat| *seat == role).unwrap_or(0);
        &self.seats[place]
    }

    /// The markup of everything that changes with it, for a stream to all who look.
    pub fn region(&self) -> String {
        Region { presence: self }.render().unwrap_or_default()
    }
}
