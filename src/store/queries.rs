//! The macro that compiles one text for two drivers. See the module above for how it is read.

/// Takes `read|write|alone [pub] fn name(db, argument: Type, …) -> Answer { … }` and gives `name` to `Tx`, and to `Read`
/// and `Store` as the word allows. Inside a body `db` is the driver's `&mut` connection, `?` turns a driver's error
/// into a [`StoreError`](crate::store::StoreError), and `dialect` is the driver's own words. The body ends in `Ok(…)`.
macro_rules! queries {
    ($(
        $(#[$doc:meta])*
        $word:ident $vis:vis fn $name:ident($db:ident $(, $arg:ident: $ty:ty)* $(,)?) -> $answer:ty $body:block
    )*) => {
        mod sqlite {
            use super::*;
            #[allow(unused_imports, reason = "few bodies need words of the driver's own")]
            use crate::store::dialect::sqlite as dialect;
            $(pub(super) async fn $name(
                $db: &mut sqlx::SqliteConnection $(, $arg: $ty)*
            ) -> crate::store::Result<$answer> $body)*
        }
        mod postgres {
            use super::*;
            #[allow(unused_imports, reason = "few bodies need words of the driver's own")]
            use crate::store::dialect::postgres as dialect;
            $(pub(super) async fn $name(
                $db: &mut sqlx::PgConnection $(, $arg: $ty)*
            ) -> crate::store::Result<$answer> $body)*
        }
        $(offer! { $word { $(#[$doc])* } $vis fn $name($($arg: $ty),*) -> $answer })*
    };
}

/// Puts a query's name on the types that its word allows.
macro_rules! offer {
    (read $doc:tt $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty) => {
        offer! { @on Tx $doc $vis fn $name($($arg: $ty),*) -> $answer }
        offer! { @on Read $doc $vis fn $name($($arg: $ty),*) -> $answer }
        offer! { @store $doc $vis fn $name($($arg: $ty),*) -> $answer {
            |store| { store.read().await?.$name($($arg),*).await }
        } }
    };
    (write $doc:tt $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty) => {
        offer! { @on Tx $doc $vis fn $name($($arg: $ty),*) -> $answer }
    };
    (alone $doc:tt $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty) => {
        offer! { @on Tx $doc $vis fn $name($($arg: $ty),*) -> $answer }
        offer! { @store $doc $vis fn $name($($arg: $ty),*) -> $answer {
            |store| {
                let mut tx = store.begin().await?;
                let answer = tx.$name($($arg),*).await?;
                tx.commit().await?;
                Ok(answer)
            }
        } }
    };
    (@on $on:ident { $(#[$doc:meta])* } $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty) => {
        impl crate::store::$on {
            $(#[$doc])*
            $vis async fn $name(&mut self $(, $arg: $ty)*) -> crate::store::Result<$answer> {
                let answer = match self.driver() {
                    crate::store::connection::Driver::Sqlite(db) => sqlite::$name(db $(, $arg)*).await,
                    crate::store::connection::Driver::Postgres(db) => postgres::$name(db $(, $arg)*).await,
                };
                if answer.is_err() {
                    self.doubt();
                }
                answer
            }
        }
    };
    (@store { $(#[$doc:meta])* } $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty {
        |$store:ident| $body:block
    }) => {
        impl crate::store::Store {
            $(#[$doc])*
            $vis async fn $name(&self $(, $arg: $ty)*) -> crate::store::Result<$answer> {
                let $store = self;
                $body
            }
        }
    };
}
