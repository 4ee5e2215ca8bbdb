//! What the two databases say differently. Everything else is one text.

const SCHEMA: &str = "SELECT schema FROM head WHERE id = 1";

pub(super) mod sqlite {
    use super::SCHEMA;
    use crate::store::Result;

    pub type Database = sqlx::Sqlite;
    pub type Connection = sqlx::SqliteConnection;

    /// The number of the last migration that ran; `None` where none did.
    pub async fn schema(db: &mut Connection) -> Result<Option<i64>> {
        let there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'head')";
        if !sqlx::query_scalar::<_, bool>(there).fetch_one(&mut *db).await? {
            return Ok(None);
        }
        Ok(sqlx::query_scalar(SCHEMA).fetch_optional(db).await?)
    }

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
    use super::SCHEMA;
    use crate::store::Result;

    pub type Database = sqlx::Postgres;
    pub type Connection = sqlx::PgConnection;

    /// The number of the last migration that ran; `None` where none did.
    pub async fn schema(db: &mut Connection) -> Result<Option<i64>> {
        if !sqlx::query_scalar::<_, bool>("SELECT to_regclass('head') IS NOT NULL").fetch_one(&mut *db).await? {
            return Ok(None);
        }
        Ok(sqlx::query_scalar(SCHEMA).fetch_optional(db).await?)
    }

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
