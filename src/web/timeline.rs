//! The whole story of an incident (L6): triggers, decisions, approvals, ticks, runs, messages, measurements and notes,
//! newest first. Every entry has an address of its own that stays; whoever may read the room may add a note.

use super::AppState;
use super::acting::{self, NotDone, act};
use super::error::{WebError, page};
use super::forms::{Checked, Form};
use super::incident::{Place, Sight, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::room::orders::{Back, Note, Order, Orders};
use super::routes::Route;
use super::session::SignedIn;
use super::timeline_row::{LIST, Row, Rows};
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::domain::command::Command;
use crate::domain::story::TimelineKind;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/timeline", Capability::SignedIn, get),
        Route::post("/incidents/{id}/timeline", Capability::SignedIn, post),
    ]
}

/// One kind of entries to look at alone.
struct Filter {
    title: &'static str,
    href: String,
    count: usize,
    current: bool,
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    back: Back,
    filters: Vec<Filter>,
    /// The kind that is looked at alone.
    only: Option<&'static str>,
    /// New entries arrive only in the list that has every kind, and the newest.
    list: &'static str,
    /// Not more than [`MOST`] of them.
    rows: Vec<Row>,
    /// Where the entries before and after those stand.
    newer: Option<String>,
    older: Option<String>,
    /// How many there are of this kind, and in all.
    of_kind: usize,
    all: usize,
    note: Place,
}

#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    kind: String,
    /// An entry that the page must hold.
    #[serde(default)]
    at: String,
}

async fn get(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    show(&app, &who, &id, &asked, Back::default()).await
}

/// What is asked for and unknown is passed over: no such kind filters nothing, and no such entry begins with the newest.
async fn show(app: &AppState, who: &SignedIn, id: &str, asked: &Asked, back: Back) -> Result<Response, WebError> {
    let looked = look(app, id).await?;
    let journal = app.incidents.journal(id).await.map_err(acting::error)?;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(&looked, &facts, who);
    let only = TimelineKind::from_key(&asked.kind);
    let maker = Rows::of(&looked.incident, &facts);
    let mut rows: Vec<Row> = journal.iter().rev().map(|recorded| maker.row(recorded)).collect();
    let filters = filters(id, &rows, only);
    rows.retain(|row| only.is_none_or(|kind| kind == row.kind));
    let of_kind = rows.len();
    let start = start_of(&rows, asked.at.parse().ok());
    let address = |row: &Row| {
        let kind = only.map_or_else(String::new, |kind| format!("kind={}&", kind.key()));
        format!("/incidents/{id}/timeline?{kind}at={}", row.seq)
    };
    let newer = (start > 0).then(|| address(&rows[start.saturating_sub(MOST)]));
    let older = rows.get(start + MOST).map(address);
    let rows: Vec<Row> = rows.into_iter().skip(start).take(MOST).collect();
    let header = IncidentHeader::of(&sight, Page::Timeline);
    let status = back.status();
    let view = View {
        layout: Layout::in_incident(&sight, &header.tab("Timeline"), "/timeline"),
        id: id.to_owned(),
        back,
        filters,
        only: only.map(TimelineKind::title),
        list: if only.is_some() || newer.is_some() { "timeline-rows-of-part" } else { LIST },
        rows,
        newer,
        older,
        of_kind,
        all: journal.len(),
        note: Place::of(sight.offers().ask(&Command::AddNote { text: "…".to_owned() })),
        header,
    };
    Ok((status, page(&view)?).into_response())
}

/// How many entries a page holds: the story of a long night is read in parts.
const MOST: usize = 500;

/// Where a page begins that holds this entry: with the newest while it is among them, else with the entry itself.
fn start_of(rows: &[Row], at: Option<i64>) -> usize {
    let place = at.and_then(|seq| rows.iter().position(|row| row.seq <= seq));
    place.filter(|place| *place >= MOST).unwrap_or(0)
}

fn filters(id: &str, rows: &[Row], only: Option<TimelineKind>) -> Vec<Filter> {
    let everything =
        Filter { title: "All", href: format!("/incidents/{id}/timeline"), count: rows.len(), current: only.is_none() };
    let kinds = TimelineKind::ALL.into_iter().map(|kind| Filter {
        title: kind.title(),
        href: format!("/incidents/{id}/timeline?kind={}", kind.key()),
        count: rows.iter().filter(|row| row.kind == kind).count(),
        current: only == Some(kind),
    });
    std::iter::once(everything).chain(kinds).collect()
}

/// A note, and back to it: its own address.
async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Order<Note>>,
) -> Result<Response, WebError> {
    let order = match form.value {
        Ok(order) => order,
        Err(faults) => {
            let back = Back::faulty(Note::PLACE, form.typed, &faults, Order::<Note>::FIELDS);
            return show(&app, &who, &id, &Asked::default(), back).await;
        }
    };
    match act(&app, &who, &id, order.command, &order.intent).await {
        Ok(accepted) => {
            let place = accepted.and_then(|accepted| accepted.events.last().map(|written| written.seq));
            let place = place.map_or_else(String::new, |seq| format!("#event-{seq}"));
            Ok(Redirect::to(&format!("/incidents/{id}/timeline{place}")).into_response())
        }
        Err(NotDone::Refused(refusal)) => {
            show(&app, &who, &id, &Asked::default(), Back::refused(Note::PLACE, form.typed, &refusal)).await
        }
        Err(NotDone::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::Span;
    use crate::domain::event::Event;
    use crate::store::NewEntry;
    use crate::web::sample::World;
    use crate::web::timeline_row::Rows;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn the_timeline_filters_by_kind_and_counts_each() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut sam = world.signed_in("sam").await;
        let written = sam.post(&format!("/incidents/{id}/timeline"), &[("text", "users <em>call</em>")]).await;
        assert_eq!(written.status, StatusCode::SEE_OTHER, "{}", written.words());
        let journal = world.app.incidents.journal(&id).await.unwrap();
        let (first, last) = (journal.first().unwrap().seq, journal.last().unwrap().seq);
        let address = format!("/incidents/{id}/timeline");
        assert_eq!(written.location(), format!("{address}#event-{last}"), "back to the note's own address");

        let notes = sam.get(&format!("{address}?kind=note")).await;
        assert!(notes.body.contains(&format!("id=\"event-{last}\"")), "{}", notes.body);
        assert!(!notes.body.contains(&format!("id=\"event-{first}\"")), "the opening is no note");
        assert!(
            notes.body.contains(&format!("href=\"{address}?at={last}#event-{last}\"")),
            "its address needs no filter"
        );
        assert!(!notes.body.contains("<em>"));
        assert!(notes.words().contains(&format!("1 of {} events", journal.len())), "{}", notes.words());
        assert!(notes.words().contains("Sam Ellery wrote a note users"), "{}", notes.words());
        // Rows that a stream brings have every kind: a list of one kind must not take them in.
        assert!(!notes.body.contains("id=\"timeline-rows\""));

        let all = sam.get(&format!("{address}?kind=nonsense")).await;
        assert!(all.body.contains("id=\"timeline-rows\"") && all.body.contains(&format!("id=\"event-{first}\"")));
        assert!(all.body.find(&format!("event-{last}\"")) < all.body.find(&format!("event-{first}\"")), "newest first");
    }

    #[tokio::test]
    async fn a_row_made_from_one_entry_is_the_row_of_the_page() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        let run = world.runs(&id, "app-rollback").await;
        world.ends(&id, &run, 0).await;
        let page = world.signed_in("olga").await.get(&format!("/incidents/{id}/timeline")).await;
        let looked = world.app.incidents.look(&id).await.unwrap();
        let scripts = crate::app::catalogue::Scripts(&world.app.incidents.site);
        let facts = looked.gathered.facts(&scripts);
        for recorded in world.app.incidents.journal(&id).await.unwrap() {
            let row = Rows::of(&looked.incident, &facts).row(&recorded).html().unwrap();
            assert!(page.body.contains(row.trim()), "not on the page: {row}");
        }
        assert!(page.body.contains("<strong>Maya Okafor</strong> authorised the rollback"), "the actor is bold");
        let words = page.words();
        assert!(
            words.contains("“Deploy the previous application version” succeeded, exit 0"),
            "named from the fold: {words}"
        );
    }

    #[tokio::test]
    async fn the_room_shows_the_newest_and_leads_to_all() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut olga = world.signed_in("olga").await;
        for number in 0..20 {
            world.turn(Span::seconds(1));
            let text = format!("note {number}");
            let sent = olga.post(&format!("/incidents/{id}/note"), &[("text", text.as_str())]).await;
            assert_eq!(sent.location(), format!("/incidents/{id}#timeline"));
        }
        let room = olga.get(&format!("/incidents/{id}")).await;
        assert_eq!(room.body.matches("<li class=\"event\"").count(), 15);
        let all = world.app.incidents.journal(&id).await.unwrap().len();
        assert!(room.words().contains(&format!("All {all} events")), "{}", room.words());
        assert!(room.words().contains("note 19") && !room.words().contains("note 4"));
        let whole = olga.get(&format!("/incidents/{id}/timeline")).await;
        assert_eq!(whole.body.matches("<li class=\"event\"").count(), all);
    }

    #[tokio::test]
    async fn a_long_story_is_read_in_parts_and_an_entry_keeps_its_address() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut tx = world.app.store.begin().await.unwrap();
        let notes = (0..1_100).map(|number| Event::NoteAdded { text: format!("note {number}.") });
        let entries: Vec<NewEntry> = notes.map(|event| NewEntry::new(event.kind(), event.body())).collect();
        let who = format!("person:{}", world.id("olga"));
        tx.append(&format!("incident/{id}"), None, world.now(), &who, &entries).await.unwrap();
        tx.commit().await.unwrap();
        let all = world.app.incidents.journal(&id).await.unwrap();
        let (oldest, newest) = (all.first().unwrap().seq, all.last().unwrap().seq);
        let address = format!("/incidents/{id}/timeline");
        let mut olga = world.signed_in("olga").await;
        let shown = |body: &str| body.matches("<li class=\"event\"").count();

        let first = olga.get(&address).await;
        assert_eq!(shown(&first.body), 500);
        assert!(first.body.contains("id=\"timeline-rows\"") && first.body.contains(&format!("id=\"event-{newest}\"")));
        assert!(!first.words().contains("Newer events"));
        // Page after page, each entry once.
        let (mut page, mut seen) = (first, 500);
        while let Some((_, rest)) = page.body.split_once("id=\"older\" href=\"") {
            let (next, _) = rest.split_once('"').unwrap();
            page = olga.get(&next.replace("&#38;", "&")).await;
            seen += shown(&page.body);
            assert!(!page.body.contains("id=\"timeline-rows\""), "what arrives is newer than this page");
        }
        assert_eq!(seen, all.len());
        let old = olga.get(&format!("{address}?at={oldest}")).await;
        assert!(old.body.contains(&format!("id=\"event-{oldest}\"")), "its address still leads to it");
        assert!(olga.get(&format!("{address}?at=x")).await.body.contains(&format!("id=\"event-{newest}\"")));
    }

    #[tokio::test]
    async fn an_entry_of_another_day_says_its_date() {
        let world = World::new().await;
        let id = world.critical().await;
        world.turn(Span::hours(24));
        let mut sam = world.signed_in("sam").await;
        sam.post(&format!("/incidents/{id}/timeline"), &[("text", "a day later")]).await;
        let page = sam.get(&format!("/incidents/{id}/timeline")).await;
        assert_eq!(page.body.matches("<span>2026-03-06</span>").count(), 1, "{}", page.body);
    }

    #[tokio::test]
    async fn an_empty_note_comes_back_with_its_reason() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut sam = world.signed_in("sam").await;
        let refused = sam.post(&format!("/incidents/{id}/timeline"), &[("text", "  ")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.words().contains("This was not done"), "{}", refused.words());
        assert!(refused.words().contains("Timeline"), "on the page that it was sent from");
    }
}
