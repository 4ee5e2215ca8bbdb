//! Who has which place in the incident, and how a place changes hands: taken, offered, accepted, never silently.

use crate::domain::Role;
use crate::domain::command::Command;
use crate::domain::words::upper_first;
use crate::web::incident::{Named, Place, Sight};

pub struct People {
    pub places: Vec<Seat>,
    /// The other roles, with everyone who holds them.
    pub others: Vec<(String, String)>,
}

/// One of the two places.
pub struct Seat {
    pub role: Role,
    pub title: String,
    pub holder: Option<Named>,
    /// Take it while it is vacant, or take it over.
    pub take: Place,
    pub take_words: &'static str,
    /// Whom the holder could hand it to: id and name. Empty for everyone else.
    pub heirs: Vec<(String, String)>,
    pub offered_to: String,
    pub accept: Place,
}

impl People {
    pub fn of(sight: &Sight) -> People {
        let seats = [Role::IncidentCommander, Role::TechnicalLead].into_iter().map(|role| seat(sight, role));
        let others = [Role::Management, Role::Support].into_iter().map(|role| {
            let holders = sight.holders(role).replace(" or ", " and ");
            let holders = if holders.is_empty() { "Nobody holds this role".to_owned() } else { holders };
            (upper_first(&role.to_string()), holders)
        });
        People { places: seats.collect(), others: others.collect() }
    }
}

fn seat(sight: &Sight, role: Role) -> Seat {
    let offers = sight.offers();
    let holder = sight.incident.holder(role);
    let offered = sight.incident.offers.get(&role).map(|offer| &offer.to);
    let heirs = sight
        .facts
        .holders(role)
        .filter(|(person, _)| holder == Some(&sight.who.person) && *person != &sight.who.person);
    let heirs = heirs.filter(|(person, _)| offers.ask(&Command::OfferRole { role, to: (*person).clone() }).is_ok());
    Seat {
        role,
        title: upper_first(&role.to_string()),
        holder: holder.map(|person| sight.named(person)),
        take: if sight.incident.is_open() { Place::of(offers.take(role)) } else { Place::None },
        take_words: match (holder.is_some(), role) {
            (true, _) => "Take over",
            (false, Role::IncidentCommander) => "Take command",
            (false, _) => "Take this place",
        },
        heirs: heirs.map(|(person, fact)| (person.0.clone(), fact.name.clone())).collect(),
        offered_to: offered.map_or(String::new(), |person| sight.facts.name(person)),
        accept: match offered {
            Some(person) if *person == sight.who.person => Place::of(offers.ask(&Command::AcceptRole { role })),
            _ => Place::None,
        },
    }
}
