//! Learns of commits by others: PostgreSQL tells, and a look once a second catches what was not told.

use super::connection::announce;
use super::open::Pools;
use sqlx::postgres::{PgListener, PgPool};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The channel on which is told that a run printed something.
const LINES: &str = "backout_lines";

const LAST_SEQ: &str = "SELECT seq FROM head WHERE id = 1";

/// Starts the task that feeds `commits` until it is aborted.
pub(super) fn spawn(pools: &Pools, commits: Arc<watch::Sender<i64>>, lines: Arc<watch::Sender<u64>>) -> JoinHandle<()> {
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    match pools {
        Pools::Sqlite { readers, .. } => {
            let readers = readers.clone();
            tokio::spawn(async move {
                loop {
                    tick.tick().await;
                    let Ok(mut lent) = readers.lend().await else { continue };
                    match sqlx::query_scalar(LAST_SEQ).fetch_one(&mut *lent).await {
                        Ok(seq) => announce(&commits, seq),
                        Err(_) => lent.doubt(),
                    }
                }
            })
        }
        Pools::Postgres(pool) => {
            let pool = pool.clone();
            tokio::spawn(async move {
                loop {
                    tick.tick().await;
                    if let Ok(mut listener) = PgListener::connect_with(&pool).await
                        && listener.listen_all(["backout", LINES]).await.is_ok()
                    {
                        hear(&mut listener, &pool, &commits, &lines, &mut tick).await;
                    }
                    look(&pool, &commits).await;
                }
            })
        }
    }
}

/// Hears until the connection is lost.
async fn hear(
    listener: &mut PgListener,
    pool: &PgPool,
    commits: &watch::Sender<i64>,
    lines: &watch::Sender<u64>,
    tick: &mut Interval,
) {
    // What was committed before we listened was not told to us.
    look(pool, commits).await;
    loop {
        tokio::select! {
            told = listener.recv() => match told {
                Ok(notice) if notice.channel() == LINES => lines.send_modify(|times| *times += 1),
                Ok(notice) => if let Ok(seq) = notice.payload().parse() { announce(commits, seq) },
                Err(fault) => {
                    tracing::warn!(%fault, "no longer told of commits by other replicas; looking once a second");
                    return;
                }
            },
            _ = tick.tick() => {
                lines.send_modify(|times| *times += 1);
                look(pool, commits).await;
            }
        }
    }
}

async fn look(pool: &PgPool, commits: &watch::Sender<i64>) {
    if let Ok(seq) = sqlx::query_scalar(LAST_SEQ).fetch_one(pool).await {
        announce(commits, seq);
    }
}
