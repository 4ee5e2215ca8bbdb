//! The impact summary (L7): one page without jargon that a manager reads in a minute, and prints on one sheet.
//!
//! Opening it leaves a read receipt (C11): who, when first, when last. It is the one thing that a page writes when it is
//! read, and it is nobody's act: no entry of a journal, no notice, no sign of life for a session. What a page fetches by
//! itself, and what a browser fetches before anybody asked, counts as nothing.

use super::AppState;
use super::acting::{self, NotDone, Returned, act};
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed, instant_by};
use super::incident::{Named, Place, Sight, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::room::band::{Band, Press};
use super::routes::Route;
use super::session::{REFRESH, SignedIn};
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::domain::command::Command;
use crate::domain::event::{ImpactSaid, Recorded};
use crate::domain::impact::{Figure, Impact, Standing, impact};
use crate::domain::refusal::Refusal;
use crate::domain::state::Attempt;
use crate::domain::{PersonId, Span, Timestamp};
use crate::store::{Reading, StoreError};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

/// A reading this soon after the last one is the same reading.
const AGAIN: Span = Span::minutes(1);

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/impact", Capability::SignedIn, get),
        Route::post("/incidents/{id}/impact", Capability::SignedIn, post),
    ]
}

/// Somebody who opened the page.
struct Reader {
    named: Named,
    first: Timestamp,
    /// Only where it is another time.
    last: Option<Timestamp>,
}

/// An assessment that somebody wrote.
struct Judged {
    title: String,
    by: String,
    at: Timestamp,
    sections: Vec<(String, String)>,
}

/// What people feel, as it was said last, and by whom.
struct Said {
    by: String,
    at: Timestamp,
}

#[derive(Template)]
#[template(path = "impact.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    band: Band,
    impact: Impact,
    update_due: Option<Timestamp>,
    said: Option<Said>,
    describe: Place,
    judged: Vec<Judged>,
    readers: Vec<Reader>,
    told: Option<Refusal>,
    faults: Vec<Fault>,
    typed: Typed,
}

impl View {
    /// The figures with their labels, people first and money last; how long it lasts stands between and counts.
    fn figures(&self) -> [(&'static str, &Figure); 3] {
        let impact = &self.impact;
        [("People affected", &impact.people), ("Ends", &impact.ends), ("Cost", &impact.cost)]
    }

    fn icon(standing: &Standing) -> &'static str {
        match standing {
            Standing::Good => "check",
            Standing::Open => "waiting",
            Standing::Bad => "attention",
        }
    }

    fn class(standing: &Standing) -> &'static str {
        match standing {
            Standing::Good => "risk-good",
            Standing::Open => "risk-open",
            Standing::Bad => "risk-bad",
        }
    }
}

fn view(sight: &Sight, journal: &[Recorded], readings: Vec<Reading>, back: Option<Returned>) -> View {
    let incident = sight.incident;
    let header = IncidentHeader::of(sight, Page::Impact);
    let told = incident.impact.as_ref();
    // What was said stands in the fields, unless a form came back.
    let back = back.unwrap_or_else(|| Returned {
        typed: told.map_or_else(Typed::default, |told| typed(&told.said, sight.now)),
        ..Returned::default()
    });
    // Asked with other words than those that stand there: the same again would be nothing new.
    let asked = ImpactSaid { felt: "…".to_owned(), ..ImpactSaid::default() };
    View {
        layout: Layout::in_incident(sight, &header.tab("Impact"), "/impact"),
        id: incident.id.clone(),
        band: Band::of(sight),
        impact: impact(journal, incident, sight.facts, sight.now),
        update_due: incident.updates.promised.filter(|_| incident.is_open()).map(|promise| promise.due_at),
        said: told.map(|told| Said { by: sight.facts.name(&told.by), at: told.at }),
        describe: Place::of(sight.offers().ask(&Command::DescribeImpact(asked))),
        judged: incident.current().map_or_else(Vec::new, |attempt| judged(sight, attempt)),
        readers: readings.into_iter().map(|reading| reader(sight, reading)).collect(),
        told: back.refused,
        faults: back.faults.0,
        typed: back.typed,
        header,
    }
}

fn reader(sight: &Sight, reading: Reading) -> Reader {
    let last = (reading.last_at - reading.first_at >= Span::minutes(1)).then_some(reading.last_at);
    Reader { named: sight.named(&PersonId(reading.person)), first: reading.first_at, last }
}

fn judged(sight: &Sight, attempt: &Attempt) -> Vec<Judged> {
    let forms = sight.facts.procedure.assessments.iter();
    forms
        .filter_map(|form| {
            let written = attempt.assessments.get(&form.name)?;
            let sections = form.sections.iter().filter_map(|section| {
                let text = written.sections.get(&section.name).filter(|text| !text.is_empty())?;
                Some((section.title.clone(), text.clone()))
            });
            Some(Judged {
                title: form.title.clone(),
                by: sight.by(written.by.as_ref()),
                at: written.at,
                sections: sections.collect(),
            })
        })
        .collect()
}

/// What was said, as it stands in the form.
fn typed(said: &ImpactSaid, now: Timestamp) -> Typed {
    let since = said.since.map_or_else(String::new, |at| at.near(now));
    Typed::of([
        ("felt", said.felt.clone()),
        ("people", said.people.map_or_else(String::new, |people| people.to_string())),
        ("people_note", said.people_note.clone()),
        ("since", since),
        ("cost", said.cost.clone()),
        ("cost_note", said.cost_note.clone()),
        ("acting", said.acting.clone()),
        ("waiting", said.waiting.clone()),
    ])
}

async fn show(app: &AppState, who: &SignedIn, id: &str, back: Option<Returned>) -> Result<Response, WebError> {
    let mut looked = look(app, id).await?;
    app.incidents.learn(&mut looked).await?;
    let journal = app.incidents.journal(id).await.map_err(acting::error)?;
    let readings = app.store.readings(id).await?;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(&looked, &facts, who);
    let status = back.as_ref().map_or(StatusCode::OK, Returned::status);
    Ok((status, page(&view(&sight, &journal, readings, back))?).into_response())
}

async fn get(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    look(&app, &id).await?;
    if opened_by_a_person(&method, &headers) {
        // The page is worth more than its receipt.
        if let Err(fault) = note_reading(&app, &who, &id).await {
            tracing::warn!(%fault, incident = id, "a reading could not be noted");
        }
    }
    show(&app, &who, &id, None).await
}

/// Notes who read it, at most once a minute: a page that is loaded again and again keeps nobody from writing.
async fn note_reading(app: &AppState, who: &SignedIn, id: &str) -> Result<(), StoreError> {
    let (now, readings) = (app.clock.now(), app.store.readings(id).await?);
    let noted = readings.iter().any(|reading| reading.person == who.person.0 && now - reading.last_at < AGAIN);
    if noted { Ok(()) } else { app.store.note_reading(id, &who.person.0, now).await }
}

/// Not a page that renews itself, not a browser that fetches ahead, not a look at the head alone.
fn opened_by_a_person(method: &Method, headers: &HeaderMap) -> bool {
    let ahead = ["sec-purpose", "purpose"].into_iter().filter_map(|name| headers.get(name)?.to_str().ok());
    *method == Method::GET && !headers.contains_key(REFRESH) && !ahead.into_iter().any(|it| it.contains("prefetch"))
}

struct Describe {
    /// Without the time since when: that is read with the day at hand.
    said: ImpactSaid,
    intent: String,
}

impl Form for Describe {
    const FIELDS: &'static [Field] = &[
        Field::text("felt", "What people feel", 200),
        Field::text("people", "How many people", 20),
        Field::text("people_note", "How that is known", 200),
        Field::text("since", "Since when", 20),
        Field::text("cost", "Cost", 24),
        Field::text("cost_note", "What the cost is made of", 200),
        Field::text("acting", "Risk of acting", 200),
        Field::text("waiting", "Risk of waiting", 200),
        Field::text("intent", "Form", 64),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Describe> {
        let felt = typed.required("felt", faults, "Say in one sentence what people notice.");
        let plain: String =
            typed.text("people").chars().filter(|c| !matches!(c, ' ' | ',' | '\'' | '\u{a0}')).collect();
        let people = match plain.as_str() {
            "" => None,
            number => match number.parse() {
                Ok(people) => Some(people),
                Err(_) => {
                    faults.add("people", "Write digits only, or leave it empty if nobody knows.");
                    None
                }
            },
        };
        let text = |field| typed.text(field).trim().to_owned();
        let said = ImpactSaid {
            felt: felt?,
            people,
            people_note: text("people_note"),
            since: None,
            cost: text("cost"),
            cost_note: text("cost_note"),
            acting: text("acting"),
            waiting: text("waiting"),
        };
        Some(Describe { said, intent: typed.text("intent").to_owned() })
    }
}

/// Since when, as typed: nothing where nothing was.
fn since(typed: &str, now: Timestamp, faults: &mut Faults) -> Option<Timestamp> {
    let since = instant_by(typed, now);
    match since {
        Err(_) => faults.add("since", "It is no time. Write it like 02:53, in UTC, or leave it empty."),
        Ok(Some(at)) if at > now => {
            faults.add("since", format_args!("It lies ahead. It is {} now.", now.time_of_day()));
        }
        Ok(_) => {}
    }
    since.ok().flatten()
}

async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Describe>,
) -> Result<Response, WebError> {
    look(&app, &id).await?;
    let (describe, mut faults) = match form.value {
        Ok(describe) => (Some(describe), Faults::default()),
        Err(faults) => (None, faults),
    };
    let since = since(form.typed.text("since"), app.clock.now(), &mut faults);
    let Some(describe) = describe.filter(|_| faults.is_empty()) else {
        return show(&app, &who, &id, Some(Returned::faulty(form.typed, faults.named::<Describe>()))).await;
    };
    let said = ImpactSaid { since, ..describe.said };
    match act(&app, &who, &id, Command::DescribeImpact(said), &describe.intent).await {
        Ok(_) => Ok(Redirect::to(&format!("/incidents/{id}/impact")).into_response()),
        Err(NotDone::Refused(refusal)) => show(&app, &who, &id, Some(Returned::refused(form.typed, refusal))).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::Outcome;
    use crate::web::sample::{BAD, COMPONENT, World};

    const FELT: [(&str, &str); 8] = [
        ("felt", "crisis messages are not flagged to our care team."),
        ("people", "1,284"),
        ("people_note", "wrote meanwhile"),
        ("since", "2:53"),
        ("cost", "€4,300"),
        ("cost_note", "on-call time and service credits"),
        ("acting", "messages of the last minutes are screened late"),
        ("waiting", ""),
    ];

    async fn critical() -> (World, String) {
        let world = World::new().await;
        let id = world.critical().await;
        (world, format!("/incidents/{id}/impact"))
    }

    #[tokio::test]
    async fn nothing_is_guessed_and_no_component_is_named_in_what_is_read_first() {
        let (world, address) = critical().await;
        let shown = world.signed_in("helen").await.get(&address).await;
        assert_eq!(shown.status, StatusCode::OK);
        let words = shown.words();
        assert!(words.contains("People may be affected; nobody has said yet what they feel"), "{words}");
        assert_eq!(words.matches("not measured").count(), 2, "people and cost: {words}");
        let first = words.split("Nothing for you").next().unwrap();
        assert!(first.contains("Going back to the previous version is planned and waits for Maya Okafor"), "{first}");
        assert!(!first.contains(COMPONENT) && !first.contains(BAD), "{first}");
    }

    #[tokio::test]
    async fn what_people_feel_is_said_by_those_who_hear_them_with_name_and_time() {
        let (world, address) = critical().await;
        for login in ["olga", "tomas"] {
            let refused = world.signed_in(login).await.post(&address, &FELT).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{login}");
        }
        let mut sam = world.signed_in("sam").await;
        let told = sam.post(&address, &FELT).await;
        assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.words());
        let words = sam.get(&address).await.words();
        let headline = "Crisis messages are not flagged to our care team, for 21 minutes so far";
        assert!(words.contains(headline), "{words}");
        assert!(words.contains("It began at 02:53 UTC, 38 minutes after a new version had gone live"), "{words}");
        assert!(words.contains("1,284 wrote meanwhile") && words.contains("€4,300 on-call time"), "{words}");
        assert!(words.contains("Messages of the last minutes are screened late."), "{words}");
        assert!(words.contains("Sam Ellery said what people feel"), "{words}");
        let room = sam.get(address.trim_end_matches("/impact")).await.words();
        assert!(room.contains("Sam Ellery said what people feel: crisis messages"), "it stands in the journal: {room}");
    }

    #[tokio::test]
    async fn what_cannot_be_is_told_beside_its_field_with_everything_as_it_was_typed() {
        let (world, address) = critical().await;
        let mut sam = world.signed_in("sam").await;
        for (field, wrong) in
            [("people", "many"), ("since", "noon"), ("felt", " "), ("cost", "about four thousand three hundred")]
        {
            let mut form = FELT.to_vec();
            form.iter_mut().filter(|(name, _)| *name == field).for_each(|it| it.1 = wrong);
            let shown = sam.post(&address, &form).await;
            assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
            assert!(shown.body.contains(&format!("id=\"{field}-fault\"")), "{field}: {}", shown.words());
            assert!(shown.body.contains("on-call time and service credits"), "{field}");
        }
        let all = [("felt", ""), ("people", "many"), ("since", "noon"), ("cost", "about four thousand three hundred")];
        let shown = sam.post(&address, &all).await;
        for (field, _) in all {
            assert!(shown.body.contains(&format!("id=\"{field}-fault\"")), "at once: {field}: {}", shown.words());
        }
        assert!(shown.words().contains("What people feel: It is empty. Say in one sentence"), "{}", shown.words());
        let ahead = [("felt", "nothing yet"), ("since", "2026-03-06 02:53")];
        assert_eq!(sam.post(&address, &ahead).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[tokio::test]
    async fn opening_it_is_noted_once_and_what_nobody_opened_is_not() {
        let (world, address) = critical().await;
        let id = address.split('/').nth(2).unwrap().to_owned();
        let before = world.app.store.head().await.unwrap().seq;
        let mut helen = world.signed_in("helen").await;
        let signed_in = world.app.store.head().await.unwrap().seq;
        assert!(signed_in > before);
        helen.refresh(&address).await;
        assert_eq!(world.app.store.readings(&id).await.unwrap(), [], "a page that renews itself was not opened");
        let first = world.now();
        assert!(helen.get(&address).await.words().contains("Helen Brandt (you)"), "she sees that it is kept");
        // Whoever loads it again and again keeps nobody from writing.
        world.turn(Span::seconds(59));
        helen.get(&address).await;
        assert_eq!(world.app.store.readings(&id).await.unwrap()[0].last_at, first, "once a minute is enough");
        world.turn(Span::seconds(121));
        helen.get(&address).await;
        let read = world.app.store.readings(&id).await.unwrap();
        let once = [Reading { person: world.id("helen").0, first_at: first, last_at: world.now() }];
        assert_eq!(read, once);
        assert_eq!(world.app.store.head().await.unwrap().seq, signed_in, "and nothing of it in any journal");
        let seen = world.signed_in("maya").await.get(&address).await.words();
        assert!(seen.contains("Helen Brandt") && seen.contains("again 03:17"), "{seen}");
        let unknown = helen.get("/incidents/RB-9999/impact").await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        assert_eq!(world.app.store.readings("RB-9999").await.unwrap(), []);
    }

    #[test]
    fn what_a_browser_fetches_ahead_was_not_opened() {
        let with = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), value.parse().unwrap())])
        };
        assert!(opened_by_a_person(&Method::GET, &HeaderMap::new()));
        assert!(!opened_by_a_person(&Method::HEAD, &HeaderMap::new()));
        assert!(!opened_by_a_person(&Method::GET, &with("sec-purpose", "prefetch;prerender")));
        assert!(!opened_by_a_person(&Method::GET, &with("purpose", "prefetch")));
        assert!(!opened_by_a_person(&Method::GET, &with("backout-refresh", "1")));
    }

    #[tokio::test]
    async fn whose_decision_it_is_has_one_button_to_the_very_page() {
        let world = World::new().await;
        let id = world.raised("slow-responses", "Slow answers").await;
        world.acts("maya", &id, Command::TakeRole { role: crate::domain::Role::IncidentCommander }).await;
        world.acts("tomas", &id, Command::TakeRole { role: crate::domain::Role::TechnicalLead }).await;
        world.acts("tomas", &id, Command::SubmitPlan { attempt: 1 }).await;
        let waits = crate::domain::waits::waits(&world.app.incidents.incident(&id).await.unwrap(), world.now());
        let shown = world.signed_in("helen").await.get(&format!("/incidents/{id}/impact")).await;
        let hers = waits.iter().any(|wait| wait.what.starts_with("Authorise"));
        assert!(hers, "{waits:?}");
        assert!(
            shown
                .body
                .contains(&format!("class=\"button button-primary button-large\" href=\"/incidents/{id}/approve\""))
        );
        assert_eq!(shown.body.matches("button-primary").count(), 1, "one primary button a view");
    }

    #[tokio::test]
    async fn the_end_is_estimated_by_earlier_rollbacks_where_there_were_any() {
        let (world, address) = critical().await;
        let id = address.split('/').nth(2).unwrap().to_owned();
        world.authorised(&id).await;
        world.runs(&id, "app-rollback").await;
        let mut looked = world.app.incidents.look(&id).await.unwrap();
        let journal = world.app.incidents.journal(&id).await.unwrap();
        let scripts = Scripts(&world.app.incidents.site);
        looked.gathered.earlier.actions.insert("app-rollback".into(), vec![Span::minutes(3), Span::minutes(4)]);
        looked.gathered.earlier.verified = vec![Span::minutes(5), Span::minutes(5)];
        let told = impact(&journal, &looked.incident, &looked.gathered.facts(&scripts), looked.now);
        assert_eq!(told.ends.value, "about 03:23\u{a0}UTC");
        assert_eq!(told.ends.note, "as 2 earlier rollbacks took");
    }

    #[tokio::test]
    async fn it_follows_the_rollback_to_its_end() {
        let (world, address) = critical().await;
        let id = address.split('/').nth(2).unwrap().to_owned();
        world.authorised(&id).await;
        let run = world.runs(&id, "app-rollback").await;
        world.turn(Span::minutes(2));
        let mut helen = world.signed_in("helen").await;
        let words = helen.get(&address).await.words();
        assert!(words.contains("Going back to the previous version began at 03:14 UTC"), "{words}");
        assert!(words.contains("about 03:44 UTC"), "the end, by the windows: {words}");
        world.ends(&id, &run, 0).await;
        let words = helen.get(&address).await.words();
        assert!(words.contains("Whether everything works again is being checked."), "{words}");
        assert!(words.contains("0 of 6 confirmed"), "{words}");
        world.turn(Span::minutes(60));
        // Her session fell idle meanwhile.
        let mut helen = world.signed_in("helen").await;
        let words = helen.get(&address).await.words();
        assert!(words.contains("no estimate") && words.contains("the planned 30 min passed at 03:44"), "{words}");
        let failed = Command::DeclareFailed { attempt: 1, reason: "Messages are still missed.".into() };
        world.acts("tomas", &id, failed).await;
        let close = Command::Close { outcome: Outcome::FixedForward, reason: "4.12.1 is out".into() };
        world.acts("maya", &id, close).await;
        let page = helen.get(&address).await;
        assert!(page.body.contains("data-local-until=\"2026-03-05T04:16:"), "{}", page.body);
        let words = page.words();
        assert!(words.contains("The incident was closed at 04:16 UTC: fixed forward."), "{words}");
        assert!(words.contains("declared that it did not help: messages are still missed."), "{words}");
        assert!(!words.contains("What is risked"), "nothing is left to weigh: {words}");
    }
}
