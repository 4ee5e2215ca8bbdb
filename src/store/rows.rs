//! The macro that reads a row into a struct, for both drivers.
//!
//! sqlx's own derive would do the same, but it builds both drivers and SQLite itself a second time, for the compiler:
//! a third of all that a newcomer waits for.

/// `row!(Person { id, roles: TextList })`: every field, each from the column of its name. A field whose column keeps
/// another type names it, and is converted.
macro_rules! row {
    ($row:ident $fields:tt) => {
        row! { @of sqlx::sqlite::SqliteRow, $row $fields }
        row! { @of sqlx::postgres::PgRow, $row $fields }
    };
    (@of $from:ty, $row:ident { $($field:ident $(: $column:ty)?),* $(,)? }) => {
        impl sqlx::FromRow<'_, $from> for $row {
            fn from_row(from: &$from) -> sqlx::Result<$row> {
                Ok($row { $($field: row! { @field from, $field $(, $column)? }),* })
            }
        }
    };
    (@field $from:ident, $field:ident) => {
        sqlx::Row::try_get($from, stringify!($field))?
    };
    (@field $from:ident, $field:ident, $column:ty) => {
        crate::store::columns::convert::<$column, _>(
            stringify!($field),
            sqlx::Row::try_get($from, stringify!($field))?,
        )?
    };
}
