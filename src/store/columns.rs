//! How our types look in a column: instants and truths as BIGINT, lists and bytes as TEXT.

use crate::domain::Timestamp;
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

/// Bytes kept as base64. A row type says `#[sqlx(try_from = "ByteText")]` over a `Vec<u8>`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct ByteText(pub String);

impl From<&[u8]> for ByteText {
    fn from(bytes: &[u8]) -> ByteText {
        ByteText(data_encoding::BASE64.encode(bytes))
    }
}

impl TryFrom<ByteText> for Vec<u8> {
    type Error = data_encoding::DecodeError;

    fn try_from(text: ByteText) -> Result<Vec<u8>, data_encoding::DecodeError> {
        data_encoding::BASE64.decode(text.0.as_bytes())
    }
}
