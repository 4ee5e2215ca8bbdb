//! Reads back which version runs, where the operator gave an address that says so (E18).

use crate::app::App;
use crate::app::gather::{StoredVersion, version_key};
use crate::domain::Span;
use crate::domain::decide::is_plain_name;
use crate::store::StoreError;
use crate::triggers::probe::ReadBackClient;
use std::time::Duration;

/// How often the services are asked.
const EVERY: Duration = Duration::from_secs(2);

/// An unchanged answer is written again this often, so that its age shows.
const REFRESH: Span = Span::seconds(5);

/// Asks every service once; an answer that is no plain version name counts as none.
///
/// # Errors
/// The store's.
pub async fn step(app: &App, client: &ReadBackClient) -> Result<(), StoreError> {
    for (name, environment) in &app.site.environments {
        for (component, url) in &environment.version_urls {
            let Some(version) = client.text(url).await.filter(|text| is_plain_name(text)) else { continue };
            let now = app.clock.now();
            let key = version_key(name, component);
            let known = app.store.setting(&key).await?;
            let known = known.and_then(|text| serde_json::from_str::<StoredVersion>(&text).ok());
            if known.is_none_or(|known| known.version != version || now - known.at >= REFRESH) {
                let text = serde_json::to_string(&StoredVersion { version, at: now }).expect("plain data");
                app.store.put_setting(&key, &text).await?;
            }
        }
    }
    Ok(())
}

/// Reads back until the process ends.
pub async fn keep(app: App, client: ReadBackClient) {
    super::keep_on("versions", || {
        let (app, client) = (app.clone(), client.clone());
        async move {
            step(&app, &client).await?;
            tokio::time::sleep(EVERY).await;
            Ok::<(), StoreError>(())
        }
    })
    .await;
}
