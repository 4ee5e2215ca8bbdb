//! How our types look in a column: instants and truths as BIGINT, lists and bytes as TEXT.

use crate::domain::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

/// A type that is bound and read as the one it wraps.
macro_rules! wraps {
    ($($outer:ident($inner:ty)),*) => { $(
        impl<DB: Database> Type<DB> for $outer
        where
            $inner: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$inner as Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <$inner as Type<DB>>::compatible(ty)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $outer
        where
            $inner: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                self.0.encode_by_ref(buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $outer
        where
            $inner: Decode<'r, DB>,
        {
            fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<$outer, BoxDynError> {
                <$inner>::decode(value).map($outer)
            }
        }
    )* };
}

wraps!(Timestamp(i64), Flag(i64), TextList(String), ByteText(String));

/// A column's value as the field's type; the fault names the column.
pub(super) fn convert<C, F>(column: &str, value: C) -> sqlx::Result<F>
where
    F: TryFrom<C>,
    F::Error: Into<BoxDynError>,
{
    value.try_into().map_err(|fault: F::Error| sqlx::Error::ColumnDecode { index: column.into(), source: fault.into() })
}

/// A truth kept as 0 or 1. A row says `field: Flag` of a `bool`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A list of texts kept as a JSON array. A row says `field: TextList` of a `Vec<String>`.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Bytes kept as base64. A row says `field: ByteText` of a `Vec<u8>`.
#[derive(Debug, Clone, PartialEq, Eq)]
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
