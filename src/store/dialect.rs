//! What the two databases say differently. Everything else is one text.

pub(super) mod sqlite {
    use crate::store::Result;

    pub type Database = sqlx::Sqlite;
    pub type Connection = sqlx::SqliteConnection;

    /// Nobody to tell: other processes look once a second.
    pub async fn announce(_: &mut Connection, _seq: i64) -> Result<()> {
        Ok(())
    }

    /// Nobody to tell.
    pub async fn announce_lines(_: &mut Connection) -> Result<()> {
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

    /// Tells the other replicas, at commit, that some run printed something.
    pub async fn announce_lines(db: &mut Connection) -> Result<()> {
        sqlx::query("SELECT pg_notify('backout_lines', '')").execute(db).await?;
        Ok(())
    }
}
