//! Every playbook that was ever loaded, whole, so that a journal which pinned one means the same for ever; and settings.

use crate::domain::Timestamp;

/// A playbook as it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlaybook {
    /// SHA-256 of the text.
    pub hash: String,
    /// The whole TOML file.
    pub text: String,
    pub title: String,
    pub version: String,
    /// When it was last taken into use, and by whom.
    pub used_at: Timestamp,
    pub used_by: String,
}

row!(StoredPlaybook { hash, text, title, version, used_at, used_by });

macro_rules! columns {
    () => {
        "hash, text, title, version, added_at AS used_at, added_by AS used_by"
    };
}

queries! {
    /// Keeps a playbook. False when this very text was kept before: then only its use is new.
    alone pub fn add_playbook(db, playbook: &StoredPlaybook) -> bool {
        let added = sqlx::query(
            "INSERT INTO playbooks (hash, text, title, version, added_at, added_by) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING",
        )
            .bind(&playbook.hash)
            .bind(&playbook.text)
            .bind(&playbook.title)
            .bind(&playbook.version)
            .bind(playbook.used_at)
            .bind(&playbook.used_by)
            .execute(&mut *db)
            .await?;
        if added.rows_affected() == 1 {
            return Ok(true);
        }
        let again = "UPDATE playbooks SET added_at = $2, added_by = $3 WHERE hash = $1";
        sqlx::query(again).bind(&playbook.hash).bind(playbook.used_at).bind(&playbook.used_by).execute(db).await?;
        Ok(false)
    }

    read pub fn playbook(db, hash: &str) -> Option<StoredPlaybook> {
        let sql = concat!("SELECT ", columns!(), " FROM playbooks WHERE hash = $1");
        Ok(sqlx::query_as(sql).bind(hash).fetch_optional(db).await?)
    }

    /// Every playbook, the one last taken into use first.
    read pub fn playbooks(db) -> Vec<StoredPlaybook> {
        let sql = concat!("SELECT ", columns!(), " FROM playbooks ORDER BY added_at DESC");
        Ok(sqlx::query_as(sql).fetch_all(db).await?)
    }

    /// One setting, such as `playbook/current`.
    read pub fn setting(db, key: &str) -> Option<String> {
        Ok(sqlx::query_scalar("SELECT value FROM settings WHERE key = $1").bind(key).fetch_optional(db).await?)
    }

    /// Sets a setting.
    alone pub fn put_setting(db, key: &str, value: &str) -> () {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(key).bind(value).execute(db).await?;
        Ok(())
    }
}
