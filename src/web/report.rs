//! The rollback report (R1): a page that writes itself from the journal, the same as Markdown, and the parts that people
//! write. Every signed-in person reads it; what a trigger froze as evidence is left out for support and observers.

use super::AppState;
use super::acting::{self, NotDone, Returned, act};
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::incident::{Lock, Sight, lock, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::report_markdown::markdown;
use super::routes::Route;
use super::run::host_name;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::Looked;
use crate::app::catalogue::Scripts;
use crate::domain::PersonId;
use crate::domain::command::Command;
use crate::domain::lanes::lanes;
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::report::{Report, report, telling};
use crate::store::Head;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/report", Capability::SignedIn, get),
        Route::get("/incidents/{id}/report.md", Capability::SignedIn, get_markdown),
        Route::post("/incidents/{id}/report/sections", Capability::SignedIn, post_section),
    ]
}

/// A part that people write.
struct Section {
    document: String,
    name: String,
    title: String,
    text: String,
    lock: Option<Lock>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    report: Report,
    sections: Vec<Section>,
    /// The ledger's head when the page was made.
    chain: Head,
    /// The address that printed links begin with.
    site: String,
    told: Option<Refusal>,
    faults: Vec<Fault>,
}

/// The report as this person may read it.
async fn written(app: &AppState, who: &SignedIn, looked: &Looked) -> Result<Report, WebError> {
    let journal = app.incidents.journal(&looked.incident.id).await.map_err(acting::error)?;
    let people = &looked.gathered.people;
    let names = |id: &PersonId| people.get(id).map_or_else(|| "someone who left".to_owned(), |fact| fact.name.clone());
    let mut report = report(&journal, &looked.gathered.procedure, &names).ok_or_else(WebError::not_found)?;
    report.measured = telling(app.incidents.measured(looked).await?.traces);
    for (part, attempt) in report.attempts.iter_mut().zip(&looked.incident.attempts) {
        part.lanes = lanes(&looked.incident, attempt, &looked.gathered.procedure, looked.now);
        for run in &mut part.runs {
            run.host = host_name(app, &run.host).await?;
        }
    }
    if Capability::ReadLogs.open_to(Some(who.standing())).is_err() {
        for trigger in &mut report.triggers {
            trigger.evidence.clear();
        }
    }
    Ok(report)
}

fn view(app: &AppState, who: &SignedIn, looked: &Looked, report: Report, chain: Head, back: Returned) -> View {
    let incident = &looked.incident;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(looked, &facts, who);
    let header = IncidentHeader::of(&sight, Page::Report);
    let typed = facts.procedure.documents.iter().filter(|document| document.title == report.title);
    let sections = typed.flat_map(|document| {
        let sections = document.sections.iter().filter(|section| section.typed);
        sections.map(move |section| (document.name.clone(), section))
    });
    let sections = sections.map(|(document, section)| {
        let own = back.typed.text("section") == section.name;
        let stored = incident.sections.get(&(document.clone(), section.name.clone()));
        let text =
            if own { back.typed.text("text").to_owned() } else { stored.map_or_else(String::new, |s| s.text.clone()) };
        // Asked with other words than those that stand there: the same again would be nothing new.
        let command =
            Command::WriteSection { document: document.clone(), section: section.name.clone(), text: "…".to_owned() };
        let answer = sight.offers().ask(&command);
        let answer = answer.or_else(|no| if no.kind == RefusalKind::AlreadyDone { Ok(()) } else { Err(no) });
        Section { document, name: section.name.clone(), title: section.title.clone(), text, lock: lock(answer) }
    });
    View {
        layout: Layout::in_incident(&sight, &header.tab("Report"), "/report"),
        header,
        id: incident.id.clone(),
        sections: sections.collect(),
        report,
        chain,
        site: app.site.origin(),
        told: back.refused,
        faults: back.faults.0,
    }
}

async fn show(app: &AppState, who: &SignedIn, id: &str, back: Returned) -> Result<Response, WebError> {
    let looked = look(app, id).await?;
    let report = written(app, who, &looked).await?;
    let chain = app.store.head().await?;
    let status = back.status();
    Ok((status, page(&view(app, who, &looked, report, chain, back))?).into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    show(&app, &who, &id, Returned::default()).await
}

async fn get_markdown(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let looked = look(&app, &id).await?;
    let report = written(&app, &who, &looked).await?;
    let mut response = markdown(&report).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"));
    // Opened by a browser it would be guessed at; it is to be kept as a file.
    let name = format!("attachment; filename=\"{id}-report.md\"");
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(|fault| WebError::internal(&fault))?);
    Ok(response)
}

struct Write {
    document: String,
    section: String,
    text: String,
    intent: String,
}

impl Form for Write {
    const FIELDS: &'static [Field] = &[
        Field::text("document", "Document", 100),
        Field::text("section", "Section", 100),
        Field::text("text", "Text", 4_000),
        Field::text("intent", "Form", 64),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Write> {
        let document = typed.required("document", faults, "Load the page again.");
        let section = typed.required("section", faults, "Load the page again.");
        let text = |field| typed.text(field).to_owned();
        Some(Write { document: document?, section: section?, text: text("text"), intent: text("intent") })
    }
}

async fn post_section(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Write>,
) -> Result<Response, WebError> {
    look(&app, &id).await?;
    let typed = form.typed;
    let write = match form.value {
        Ok(write) => write,
        Err(faults) => return show(&app, &who, &id, Returned::faulty(typed, faults)).await,
    };
    let place = format!("/incidents/{id}/report#report-{}", write.section);
    let command = Command::WriteSection { document: write.document, section: write.section, text: write.text };
    match act(&app, &who, &id, command, &write.intent).await {
        Ok(_) => Ok(Redirect::to(&place).into_response()),
        Err(NotDone::Refused(refusal)) => show(&app, &who, &id, Returned::refused(typed, refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn the_report_writes_itself_and_says_what_people_have_yet_to_write() {
        let world = World::new().await;
        let id = world.critical().await;
        let address = format!("/incidents/{id}/report");
        let mut support = world.signed_in("sam").await;
        let shown = support.get(&address).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(shown.words().contains("Lessons learned: nobody has written it yet"), "{}", shown.words());
        let write = [
            ("document", "rollback-report"),
            ("section", "lessons-learned"),
            ("text", "Watch <script>alert(1)</script> the flags."),
        ];
        let done = support.post(&format!("{address}/sections"), &write).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
        let shown = support.get(&address).await;
        assert!(!shown.words().contains("Lessons learned: nobody"), "{}", shown.words());
        assert!(!shown.body.contains("<script>alert"), "what was typed is shown, not run");
        let file = support.get(&format!("{address}.md")).await;
        assert_eq!(file.headers["content-type"], "text/markdown; charset=utf-8");
        assert!(file.body.contains("the flags") && !file.body.contains("<script>"), "{}", file.body);
    }

    #[tokio::test]
    async fn frozen_evidence_is_for_those_who_may_read_logs() {
        let world = World::new().await;
        let id = world.critical().await;
        for ending in ["report", "report.md"] {
            let address = format!("/incidents/{id}/{ending}");
            assert!(world.signed_in("maya").await.get(&address).await.body.contains("alert(1)"), "{ending}");
            for login in ["sam", "olga"] {
                let shown = world.signed_in(login).await.get(&address).await;
                assert_eq!(shown.status, StatusCode::OK);
                assert!(!shown.body.contains("alert(1)"), "{login} {ending}");
            }
        }
    }

    #[tokio::test]
    async fn an_observer_writes_nothing_and_unknown_sections_are_not_there() {
        let world = World::new().await;
        let id = world.critical().await;
        let address = format!("/incidents/{id}/report");
        let write = |section| [("document", "rollback-report"), ("section", section), ("text", "x")];
        let mut observer = world.signed_in("olga").await;
        assert!(!observer.get(&address).await.body.contains("<textarea"));
        let refused = observer.post(&format!("{address}/sections"), &write("lessons-learned")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let unknown = world.signed_in("maya").await.post(&format!("{address}/sections"), &write("timeline")).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    }
}
