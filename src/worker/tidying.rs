//! Forgets what is past its time: samples after seven days, sessions and form keys after theirs.

use crate::app::App;
use crate::domain::Span;
use crate::store::StoreError;
use std::time::Duration;

/// How long samples are kept.
const SAMPLES: Span = Span::hours(7 * 24);

/// How long a form's one-time key is remembered: longer than any session lives.
const INTENTS: Span = Span::hours(24);

/// Sign-in delays are long over by then.
const BUCKETS: Span = Span::hours(24);

/// Who was in an incident is shown for as long.
const PRESENCE: Span = Span::hours(24);

const EVERY: Duration = Duration::from_secs(600);

/// Tidies once.
///
/// # Errors
/// The store's.
pub async fn step(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    app.store.delete_samples_before(now - SAMPLES).await?;
    app.store.delete_intents_before(now - INTENTS).await?;
    app.store.delete_expired_sessions(now).await?;
    app.store.delete_expired_links(now).await?;
    app.store.delete_sign_in_buckets_before(now - BUCKETS).await?;
    app.store.delete_presence_before(now - PRESENCE).await?;
    app.store.saw_host(&app.site.host, &app.site.label, now).await?;
    Ok(())
}

/// Tidies until the process ends.
pub async fn keep(app: App) {
    super::keep_on("tidying", || {
        let app = app.clone();
        async move {
            step(&app).await?;
            tokio::time::sleep(EVERY).await;
            Ok::<(), StoreError>(())
        }
    })
    .await;
}
