//! How our types look in a column: instants and truths as BIGINT, lists and bytes as TEXT.

use crate::domain::Timestamp;
use crate::store::StoreError;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

impl<DB: Database> Type<DB> for Timestamp
where
    i64: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <i64 as Type<DB>>::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        <i64 as Type<DB>>::compatible(ty)
    }
}

impl<'q, DB: Database> Encode<'q, DB> for Timestamp
where
    i64: Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.encode_by_ref(buffer)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Timestamp
where
    i64: Decode<'r, DB>,
{
    fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Timestamp, BoxDynError> {
        i64::decode(value).map(Timestamp)
    }
}

/// A truth kept as 0 or 1. A row type says `#[sqlx(try_from = "Flag")]` over a `bool`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Flag(pub i64);

impl From<bool> for Flag {
    fn from(truth: bool) -> Flag {
        Flag(i64::from(truth))
    }
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> bool {
        flag.0 != 0
    }
}

/// A list of texts kept as a JSON array. A row type says `#[sqlx(try_from = "TextList")]` over a `Vec<String>`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct TextList(pub String);

impl From<&[String]> for TextList {
    fn from(list: &[String]) -> TextList {
        TextList(serde_json::to_string(list).expect("a list of texts is always JSON"))
    }
}

impl TryFrom<TextList> for Vec<String> {
    type Error = serde_json::Error;

    fn try_from(list: TextList) -> Result<Vec<String>, serde_json::Error> {
        serde_json::from_str(&list.0)
    }
}

/// Bytes as the text that a column keeps.
pub(super) fn bytes_to_text(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

/// The bytes of such a text, or `Corrupt`.
pub(super) fn text_to_bytes(text: &str) -> Result<Vec<u8>, StoreError> {
    data_encoding::BASE64
        .decode(text.as_bytes())
        .map_err(|fault| StoreError::Corrupt(format!("stored bytes are not base64: {fault}")))
}
