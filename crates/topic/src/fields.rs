//! Fields that only messages have.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::contract::{FieldKind, FieldType, Hasher, InvalidKind, Payload, Raw};
use tidegate_engine::words;

use crate::schema::{Schema, Wrong};
use crate::table::Order;
use crate::{ABOUT_BYTES_MAX, CAUSE_BYTES_MAX, HEADERS_BYTES_MAX, SCHEMA_BYTES_MAX};

/// Why a message is given back.
pub(crate) type Cause = Payload<CAUSE_BYTES_MAX>;

/// What something is, and whose.
pub(crate) type About = Payload<ABOUT_BYTES_MAX>;

words!(Order {
    "key" => Order::Key,
    "none" => Order::None,
});

/// Whether a schema is to accept all that the one before it has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatible {
    /// It is.
    Yes,
    /// It need not.
    No,
}

words!(Compatible {
    "yes" => Compatible::Yes,
    "no" => Compatible::No,
});

/// Where a group begins that is told neither a position nor a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first message that is kept.
    Earliest,
    /// With the next one that is published.
    Latest,
}

words!(Start {
    "earliest" => Start::Earliest,
    "latest" => Start::Latest,
});

type HeadersText = Payload<HEADERS_BYTES_MAX>;

/// The headers of a message: a JSON object whose values are texts. They are kept as they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers(HeadersText);

impl Headers {
    pub(crate) fn text(&self) -> CompactString {
        CompactString::new(self.0.as_str())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_str().len()
    }
}

impl FieldType for Headers {
    const KIND: FieldKind = HeadersText::KIND;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let text = HeadersText::read(raw)?;
        let headers = serde_json::from_str::<BTreeMap<String, String>>(text.as_str());
        let wrong = |_| {
            let message = "must be the text of a JSON object whose values are texts".to_owned();
            (InvalidKind::Unreadable, message)
        };
        headers.map_err(wrong).map(|_| Self(text))
    }

    fn hash(&self, hasher: &mut Hasher) {
        self.0.hash(hasher);
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

type SchemaBytes = Payload<SCHEMA_BYTES_MAX>;

/// The text of a schema. It is kept as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaText(SchemaBytes);

impl SchemaText {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FieldType for SchemaText {
    const KIND: FieldKind = SchemaBytes::KIND;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let text = SchemaBytes::read(raw)?;
        let wrong = |wrong: Wrong| {
            let Wrong { at, what } = wrong;
            let message = format!("must be a schema that topics know: \"{at}\" {what}");
            (InvalidKind::Unreadable, message)
        };
        Schema::of(text.as_str()).map_err(wrong).map(|_| Self(text))
    }

    fn hash(&self, hasher: &mut Hasher) {
        self.0.hash(hasher);
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_an_object_of_texts() {
        for text in ["{}", r#"{"a":"1","b":""}"#] {
            let headers = Headers::read(Raw::String(text)).unwrap();
            assert_eq!(headers.text(), text);
        }
        for text in [
            "",
            "[]",
            "x",
            r#"{"a":1}"#,
            r#"{"a":{}}"#,
            r#"{"a":null}"#,
            "{} {}",
        ] {
            assert!(Headers::read(Raw::String(text)).is_err(), "{text}");
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(HEADERS_BYTES_MAX));
        assert!(Headers::read(Raw::String(&long)).is_err());
    }
}
