//! Types of fields that only this domain has.

use std::fmt;

use compact_str::CompactString;
use tidegate_engine::contract::{FieldKind, FieldType, Hasher, InvalidKind, Name, Raw};
use tidegate_engine::words;

use crate::recur::Missed;

/// Against which jobs of the same id a new one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// All that are kept.
    Kept,
    /// Those that have not ended.
    Live,
}

words! { Unique {
    "kept" => Self::Kept,
    "live" => Self::Live,
} }

/// In which order queues are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are named.
    Strict,
    /// By chance.
    Weighted,
}

words! { Order {
    "strict" => Self::Strict,
    "weighted" => Self::Weighted,
} }

words! { Missed {
    "one" => Self::One,
    "all" => Self::All,
    "none" => Self::None,
} }

/// Whether what has failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// As often as it may be.
    Yes,
    /// No more.
    No,
}

words! { Retry {
    "yes" => Self::Yes,
    "no" => Self::No,
} }

/// Where a list of jobs goes on: in a line behind a number, or by time behind an id.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The line, or the time.
    pub(crate) of: u64,
    /// The number in the line.
    pub(crate) number: u64,
    /// The id of the job that is due then.
    pub(crate) id: CompactString,
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, number, id } = self;
        write!(out, "{of}.{number}.{id}")
    }
}

/// The longest cursor: two numbers, and an id.
const CURSOR_BYTES_MAX: usize = 2 * 21 + tidegate_engine::limits::NAME_BYTES_MAX;

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let mut number = || parts.next()?.parse().ok();
        let (of, number) = (number()?, number()?);
        let id = parts.next()?;
        let is_id = id.is_empty() || Name::read(Raw::String(id)).is_ok();
        is_id.then(|| Self {
            of,
            number,
            id: id.into(),
        })
    }
}

impl FieldType for Cursor {
    const KIND: FieldKind = FieldKind::Payload {
        max: CURSOR_BYTES_MAX,
    };

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let text = match raw {
            Raw::String(text) => Some(text),
            Raw::Text(bytes) => std::str::from_utf8(bytes).ok(),
            Raw::Base64(_) | Raw::Integer(_) | Raw::Address(_) | Raw::List(_) | Raw::Other(_) => {
                None
            }
        };
        let wrong = || {
            let message = "must be a `next` that a page of this list has given";
            (InvalidKind::Unreadable, message.to_owned())
        };
        text.and_then(Self::parse).ok_or_else(wrong)
    }

    fn hash(&self, hasher: &mut Hasher) {
        let text = self.to_string();
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }

    fn heap_bytes(&self) -> usize {
        self.id.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_reads_back_as_it_was_written() {
        let longest = "x".repeat(tidegate_engine::limits::NAME_BYTES_MAX);
        for (of, number, id) in [
            (0, 0, ""),
            (u64::MAX, u64::MAX, longest.as_str()),
            (7, 0, "a.b.c"),
        ] {
            let id = CompactString::new(id);
            let cursor = Cursor { of, number, id };
            let text = cursor.to_string();
            assert!(text.len() <= CURSOR_BYTES_MAX);
            assert_eq!(Cursor::read(Raw::Text(text.as_bytes())), Ok(cursor));
        }
        for text in ["", "1", "1.2", "a.2.b", "1.-2.b", "1.2.a\n"] {
            assert!(Cursor::read(Raw::String(text)).is_err(), "{text:?}");
        }
    }
}
