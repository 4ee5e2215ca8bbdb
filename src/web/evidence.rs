//! What a trigger saw, as it was frozen then: never a link that rots.

use super::AppState;
use super::error::{WebError, page};
use super::incident::{Sight, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::plot::LineView;
use super::routes::Route;
use super::run::visible;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::domain::Timestamp;
use crate::domain::breach::{Breach, MOST_POINTS};
use crate::domain::curve::Point;
use crate::domain::recovery::{Threshold, Trace};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/incidents/{id}/evidence/{number}", Capability::ReadLogs, get)]
}

#[derive(Template)]
#[template(path = "evidence.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    number: usize,
    text: String,
    saw: String,
    seen_at: Timestamp,
    evidence: String,
    plot: Option<LineView>,
}

async fn get(
    State(app): State<AppState>,
    who: SignedIn,
    Path((id, number)): Path<(String, usize)>,
) -> Result<Html<String>, WebError> {
    let looked = look(&app, &id).await?;
    let seen = number.checked_sub(1).and_then(|place| looked.incident.triggers.get(place));
    let seen = seen.ok_or_else(WebError::not_found)?;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(&looked, &facts, &who);
    let header = IncidentHeader::of(&sight, Page::Elsewhere);
    page(&View {
        layout: Layout::in_incident(&sight, &header.tab("evidence"), &format!("/evidence/{number}")),
        id,
        number,
        text: seen.text.clone(),
        saw: seen.saw.clone(),
        seen_at: seen.seen_at,
        evidence: readable(&seen.evidence),
        plot: frozen(&seen.evidence).map(|trace| LineView::of("evidence", &trace)),
        header,
    })
}

/// The breached window, where a measurement set it off. A payload of somebody else's is text and no picture.
fn frozen(evidence: &str) -> Option<Trace> {
    let frozen = Breach::of(evidence)?;
    let points: Vec<Point> = frozen.values.iter().map(|(at, value)| Point { at: *at, value: Some(*value) }).collect();
    let in_order = points.windows(2).all(|pair| pair[0].at < pair[1].at);
    (in_order && !points.is_empty() && points.len() <= MOST_POINTS).then(|| Trace {
        series: frozen.series,
        points,
        trigger: Some(Threshold { direction: frozen.direction, value: frozen.threshold }),
        goal: None,
        marks: Vec::new(),
        silent_since: None,
        ended: true,
    })
}

/// JSON with its lines and indents; anything else as it is. Either way nothing in it acts.
fn readable(evidence: &str) -> String {
    let pretty = serde_json::from_str::<serde_json::Value>(evidence).ok();
    let pretty = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let text = pretty.unwrap_or_else(|| evidence.to_owned());
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[test]
    fn a_breached_window_is_drawn_and_a_payload_of_somebody_else_is_not() {
        let evidence = r#"{"series":"error_rate","direction":"above","threshold":100000,"hold":300000000,
            "since":1772679600000000,"values":[[1772679600000000,120000],[1772679605000000,340000]],
            "query":"error rate above 10 %","frozen_at":1772679605000000}"#;
        let trace = super::frozen(evidence).unwrap();
        assert_eq!(trace.trigger.unwrap().value, 100_000);
        assert!(trace.sentence().starts_with("Error rate peaked at 34\u{a0}%"), "{}", trace.sentence());
        let disordered = evidence.replace("[1772679605000000,340000]", "[1,340000]");
        for other in ["{}", "not JSON", r#"{"alerts":[]}"#, &disordered] {
            assert!(super::frozen(other).is_none(), "{other}");
        }
    }

    #[tokio::test]
    async fn frozen_evidence_reads_well_acts_never_and_is_kept_from_those_who_may_not() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut ada = world.signed_in("ada").await;
        let page = ada.get(&format!("/incidents/{id}/evidence/1")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(!page.body.contains("<script>alert"));
        assert!(page.words().contains("no message was flagged for 6 minutes"));
        for number in ["0", "2"] {
            let missing = ada.get(&format!("/incidents/{id}/evidence/{number}")).await;
            assert_eq!(missing.status, StatusCode::NOT_FOUND);
        }
        for login in ["sam", "olga"] {
            let closed = world.signed_in(login).await.get(&format!("/incidents/{id}/evidence/1")).await;
            assert_eq!(closed.status, StatusCode::FORBIDDEN, "{login}");
        }
    }
}
