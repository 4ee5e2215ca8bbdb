//! Accounts. A row is never deleted, since the ledger names people by id; an account is made inactive.

use super::{Flag, StoreError, TextList};
use crate::domain::Timestamp;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    /// As [`canonical_login`] makes it; nobody else has the same.
    pub login: String,
    pub name: String,
    /// The argon2id hash, or nothing for an account that cannot sign in by password (yet).
    pub password: Option<String>,
    pub roles: Vec<String>,
    pub active: bool,
    /// Raised when everything granted before must lose effect: a session carries the epoch of its sign-in.
    pub epoch: i64,
    pub created_at: Timestamp,
    pub password_changed_at: Option<Timestamp>,
    /// How the person wants the pages, as JSON.
    pub settings: String,
}

row!(Person {
    id,
    login,
    name,
    password,
    roles: TextList,
    active: Flag,
    epoch,
    created_at,
    password_changed_at,
    settings,
});

/// An account to be added, active, with epoch 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    pub id: String,
    pub login: String,
    pub name: String,
    pub password: Option<String>,
    pub roles: Vec<String>,
    pub created_at: Timestamp,
}

/// The one spelling of a login: without surrounding space, in lower case.
pub fn canonical_login(login: &str) -> String {
    login.trim().to_lowercase()
}

macro_rules! columns {
    () => {
        "id, login, name, password, roles, active, epoch, created_at, password_changed_at, settings"
    };
}

queries! {
    /// Adds an account; `Duplicate` when its id or its login is taken.
    alone pub fn insert_person(db, person: &NewPerson) -> () {
        let added = sqlx::query(concat!(
            "INSERT INTO people (", columns!(), ") VALUES ($1, $2, $3, $4, $5, 1, 0, $6, $7, '{}') ON CONFLICT DO NOTHING"
        ))
            .bind(&person.id)
            .bind(canonical_login(&person.login))
            .bind(&person.name)
            .bind(&person.password)
            .bind(TextList::from(&person.roles[..]))
            .bind(person.created_at)
            .bind(person.password.as_ref().map(|_| person.created_at))
            .execute(db)
            .await?;
        if added.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Duplicate) }
    }

    /// Everyone, by login.
    read pub fn people(db) -> Vec<Person> {
        let mut people: Vec<Person> = sqlx::query_as(concat!("SELECT ", columns!(), " FROM people")).fetch_all(db).await?;
        people.sort_by(|a, b| a.login.cmp(&b.login));
        Ok(people)
    }

    read pub fn person(db, id: &str) -> Option<Person> {
        let sql = concat!("SELECT ", columns!(), " FROM people WHERE id = $1");
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(db).await?)
    }

    /// By login, in any spelling.
    read pub fn person_by_login(db, login: &str) -> Option<Person> {
        let sql = concat!("SELECT ", columns!(), " FROM people WHERE login = $1");
        Ok(sqlx::query_as(sql).bind(canonical_login(login)).fetch_optional(db).await?)
    }

    /// Replaces all roles. False when there is no such account, here and below.
    alone pub fn set_roles(db, id: &str, roles: &[String]) -> bool {
        let changed = sqlx::query("UPDATE people SET roles = $2 WHERE id = $1")
            .bind(id)
            .bind(TextList::from(roles))
            .execute(db)
            .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Enables or disables the account.
    alone pub fn set_active(db, id: &str, active: bool) -> bool {
        let changed = sqlx::query("UPDATE people SET active = $2 WHERE id = $1")
            .bind(id)
            .bind(Flag::from(active))
            .execute(db)
            .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Replaces how the person wants the pages.
    alone pub fn set_settings(db, id: &str, settings: &str) -> bool {
        let changed = sqlx::query("UPDATE people SET settings = $2 WHERE id = $1")
            .bind(id)
            .bind(settings)
            .execute(db)
            .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Replaces the password's hash.
    alone pub fn set_password(db, id: &str, password: &str, at: Timestamp) -> bool {
        let changed = sqlx::query("UPDATE people SET password = $2, password_changed_at = $3 WHERE id = $1")
            .bind(id)
            .bind(password)
            .bind(at)
            .execute(db)
            .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Raises the epoch and answers the new one, or nothing when there is no such account.
    alone pub fn bump_epoch(db, id: &str) -> Option<i64> {
        let sql = "UPDATE people SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch";
        Ok(sqlx::query_scalar(sql).bind(id).fetch_optional(db).await?)
    }
}
