//! What the two databases say differently. Everything else is one text.

pub(super) mod sqlite {
    use crate::store::Result;

    pub type Database = sqlx::Sqlite;
    pub type Connection = sqlx::SqliteConnection;

    /// Nobody to tell: other processes look once a second.
    pub async fn announce(_: &mut Connection, _seq: i64) -> Result<()> {
        Ok(())
    }
}

pub(super) mod postgres {
    use crate::store::Result;

    pub type Database = sqlx::Postgres;
    pub type Connection = sqlx::PgConnection;

    /// Tells the other replicas, at commit, how far the ledger has grown.
    pub async fn announce(db: &mut Connection, seq: i64) -> Result<()> {
        sqlx::query("SELECT pg_notify('backout', $1)").bind(seq.to_string()).execute(db).await?;
        Ok(())
    }
}
