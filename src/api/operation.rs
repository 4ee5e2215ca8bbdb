//! For whoever operates the server: is the process alive, can it work, and what does it count.
//!
//! `/healthz` is bare and open. `/readyz` and `/metrics` say more, so they answer a visitor on this machine, or one with a
//! token.

use super::Desk;
use super::problem::Problem;
use crate::app::SubmitError;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What this process counts, from the first call on. Nothing when another recorder is in its place.
pub fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()).as_ref()
}

/// Alive, and nothing more.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the store answers and a playbook is loaded.
///
/// # Errors
/// [`Problem::NotKnown`] with what is missing.
pub async fn ready(desk: &Desk) -> Result<&'static str, Problem> {
    let mut read = desk.0.store.read().await?;
    match desk.0.playbooks.current_read(&mut read).await {
        Ok(_) => Ok("ready\n"),
        Err(SubmitError::Store(fault)) => Err(fault.into()),
        Err(_) => Err(Problem::NotKnown("No playbook is loaded, so no incident can open.".to_owned())),
    }
}

/// Everything that is counted, in the text form of Prometheus.
///
/// # Errors
/// That the store does not answer: stale gauges would look like good news.
pub async fn render(desk: &Desk) -> Result<String, Problem> {
    let (mut open, mut runs) = (BTreeMap::<String, u32>::new(), BTreeMap::<&'static str, u32>::new());
    let (mut sent, mut missed) = (0, 0);
    for severity in crate::domain::Severity::ALL {
        open.insert(severity.key().to_owned(), 0);
    }
    for row in desk.0.store.open_all().await? {
        *open.entry(row.severity.clone()).or_default() += 1;
        let Ok(incident) = desk.0.incident(&row.incident).await else { continue };
        for run in incident.attempts.iter().flat_map(|attempt| &attempt.runs) {
            *runs.entry(run.state.key()).or_default() += 1;
        }
        sent += incident.updates.sent.len();
        missed += incident.updates.sent.iter().map(|(_, update)| update.missed.len()).sum::<usize>();
        missed += incident.updates.call.missed.len();
    }
    // Set before they are read; a state that no run is in any more goes back to nought.
    let Some(handle) = recorder() else {
        return Err(Problem::NotKnown("Nothing is counted in this process.".to_owned()));
    };
    for (severity, count) in open {
        metrics::gauge!("backout_open_incidents", "severity" => severity).set(count);
    }
    for state in ["starting", "running", "succeeded", "failed", "timed out", "cancelled", "lost"] {
        let count = runs.get(state).copied().unwrap_or_default();
        metrics::gauge!("backout_open_incidents_runs", "state" => state).set(count);
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; the counts are far below 2^53")]
    {
        metrics::gauge!("backout_open_incidents_updates_sent").set(sent as f64);
        metrics::gauge!("backout_open_incidents_updates_missed").set(missed as f64);
        metrics::gauge!("backout_ledger_seq").set(desk.0.store.head().await?.seq as f64);
    }
    handle.run_upkeep();
    Ok(handle.render())
}
