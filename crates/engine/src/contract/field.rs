//! The fields of a request: their types, their limits, and how they are read from any front.

use std::net::IpAddr;

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

use super::grammar::Grammar;
use crate::key::Shard;
use crate::limits::{NAME_BYTES_MAX, PAGE_ITEMS_MAX, WAIT_MS_MAX};

/// One field of a request, as every front and the documentation see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in JSON, in a path or in a query string.
    pub name: &'static str,
    /// The word that introduces it in RESP; `None` for a field by position.
    pub word: Option<&'static str>,
    /// What values it takes.
    pub kind: FieldKind,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What it is when it is not sent.
    pub default: Option<&'static str>,
    /// What it means.
    pub doc: &'static str,
}

/// The type and range of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// 1–128 bytes of UTF-8 without control characters.
    Name,
    /// A [`FieldKind::Name`], or `*` to have one minted.
    Id,
    /// UTF-8 of any characters.
    Payload {
        /// Most bytes.
        max: usize,
    },
    /// Any bytes. A protocol that has texts only takes them under another name as well: see
    /// [`super::BASE64_SUFFIX`].
    Bytes {
        /// Most bytes.
        max: usize,
    },
    /// An integer between these bounds, both included.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// The address of who asks, which a front fills in: in HTTP nothing that can be sent; in RESP the word of
    /// the field may name another one, for whoever speaks for many people there. So it has a word, and may be
    /// absent.
    Address,
    /// Items: in RESP by position, behind their number; in JSON a list of objects; never in a path or a
    /// query string.
    List {
        /// The fields of each, all by position: in RESP one that is not given, and may be left out, is an empty text.
        fields: &'static [Field],
        /// The most items; the least is one.
        max: usize,
    },
    /// All arguments of the request, which has no other field: see [`super::Spoken`]. Only for fronts that have
    /// arguments.
    Grammar(Grammar),
}

/// A value as a front found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raw<'a> {
    /// From a protocol without types (RESP, a path, a query string).
    Text(&'a [u8]),
    /// A JSON string.
    String(&'a str),
    /// Of bytes, from a protocol that has texts only: their base64.
    Base64(&'a str),
    /// A JSON integer.
    Integer(i64),
    /// The address of who asks, from a front itself.
    Address(IpAddr),
    /// The values of a list's items, one item's behind the other's: one for each of its fields. Of a
    /// [`FieldKind::Grammar`], all arguments.
    List(&'a [Option<Raw<'a>>]),
    /// Any other JSON value, named for the error.
    Other(&'static str),
}

/// Why a field cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The field's name.
    pub field: &'static str,
    /// Unreadable, or readable and out of range.
    pub kind: InvalidKind,
    /// What would be right, to follow the field's name: `must be …`.
    pub message: String,
}

/// The two ways in which a field can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidKind {
    /// A required field was not sent.
    Missing,
    /// The value is not of the field's type.
    Unreadable,
    /// The value is of the type and outside its range.
    OutOfRange,
}

/// A hash over every field sent, defaults filled in: what makes two requests with one id the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content(pub u64);

/// Gathers the content of a request. Hashed in one go: requests are small, and the state of a
/// streaming hash is larger than most of them.
#[derive(Debug)]
pub struct Hasher(Vec<u8>);

/// So many bytes most requests have at most.
const USUAL_BYTES: usize = 256;

impl Hasher {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(USUAL_BYTES))
    }

    /// Adds bytes. What is added tells its own length, or has a fixed one.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn content(&self) -> Content {
        Content(xxh3_64(&self.0))
    }
}

/// A type that a field of a request can have.
pub trait FieldType: Sized {
    /// How it is documented and what it takes.
    const KIND: FieldKind;
    /// Whether it must be sent.
    const REQUIRED: bool = true;

    /// Reads a value that was sent.
    ///
    /// # Errors
    /// What was wrong, and what would be right.
    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)>;

    /// What the field is when it was not sent; `None` if it must be.
    fn absent() -> Option<Self> {
        None
    }

    /// Adds the value to the content of its request.
    fn hash(&self, hasher: &mut Hasher);

    /// Bytes that it takes beside its own size.
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// A key, or any name of 1–128 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(CompactString);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the compact string that rows store.
    #[must_use]
    pub fn compact(&self) -> CompactString {
        self.0.clone()
    }

    /// The name of a shard of what has this one. Nobody can send it, but for that of the first.
    #[must_use]
    pub fn of_shard(&self, shard: Shard) -> Self {
        Self(shard.key_of(&self.0))
    }

    fn check(bytes: &[u8]) -> Result<&str, (InvalidKind, String)> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| (InvalidKind::Unreadable, "must be UTF-8".to_owned()))?;
        let length = text.len();
        if length == 0 || length > NAME_BYTES_MAX {
            let message = format!("must be 1 to {NAME_BYTES_MAX} bytes long, not {length}");
            return Err((InvalidKind::OutOfRange, message));
        }
        if text.chars().any(char::is_control) {
            let message = "must not contain control characters".to_owned();
            return Err((InvalidKind::OutOfRange, message));
        }
        Ok(text)
    }
}

pub(super) fn text_of<'a>(raw: Raw<'a>) -> Result<&'a [u8], (InvalidKind, String)> {
    let found = match raw {
        Raw::Text(bytes) => return Ok(bytes),
        Raw::String(text) => return Ok(text.as_bytes()),
        Raw::Base64(_) => "base64",
        Raw::Integer(_) => "a number",
        Raw::Address(_) => "an address",
        Raw::List(_) => "a list",
        Raw::Other(what) => what,
    };
    Err((
        InvalidKind::Unreadable,
        format!("must be a string, not {found}"),
    ))
}

impl FieldType for Name {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        Ok(Self(CompactString::new(Self::check(text_of(raw)?)?)))
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&(self.0.len() as u64).to_le_bytes());
        hasher.update(self.0.as_bytes());
    }

    fn heap_bytes(&self) -> usize {
        if self.0.is_heap_allocated() {
            self.0.len()
        } else {
            0
        }
    }
}

/// The id that a caller chose for a thing, or `*`: mint one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// The caller's own: its idempotency key.
    Chosen(Name),
    /// A fresh one; the caller accepts that a lost reply and a retry act twice.
    Mint,
}

impl FieldType for Id {
    const KIND: FieldKind = FieldKind::Id;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let name = Name::read(raw)?;
        Ok(if name.as_str() == "*" {
            Self::Mint
        } else {
            Self::Chosen(name)
        })
    }

    fn hash(&self, hasher: &mut Hasher) {
        match self {
            Self::Chosen(name) => name.hash(hasher),
            Self::Mint => hasher.update(b"*"),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Chosen(name) => name.heap_bytes(),
            Self::Mint => 0,
        }
    }
}

impl FieldType for i64 {
    const KIND: FieldKind = FieldKind::Integer {
        min: i64::MIN,
        max: i64::MAX,
    };

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let found = match raw {
            Raw::Integer(value) => return Ok(value),
            Raw::Text(bytes) => {
                let value = std::str::from_utf8(bytes).ok().and_then(integer);
                return value.ok_or_else(|| {
                    (
                        InvalidKind::Unreadable,
                        "must be an integer of 64 bits".to_owned(),
                    )
                });
            }
            Raw::String(_) | Raw::Base64(_) => "a string",
            Raw::Address(_) => "an address",
            Raw::List(_) => "a list",
            Raw::Other(what) => what,
        };
        Err((
            InvalidKind::Unreadable,
            format!("must be an integer, not {found}"),
        ))
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&self.to_le_bytes());
    }
}

/// An integer as it is written in the one usual way: no plus sign, no zeros in front.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let usual = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', ..] => true,
        [_, ..] | [] => false,
    };
    text.parse().ok().filter(|_| usual)
}

/// An integer between two bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bounded<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Bounded<MIN, MAX> {
    /// The value, which is not negative where `MIN` is not.
    #[must_use]
    pub fn get(self) -> u64 {
        const { assert!(MIN >= 0, "a bounded integer of a request counts something") };
        self.0.unsigned_abs()
    }
}

impl<const MIN: i64, const MAX: i64> From<i64> for Bounded<MIN, MAX> {
    fn from(value: i64) -> Self {
        Self(value.clamp(MIN, MAX))
    }
}

impl<const MIN: i64, const MAX: i64> FieldType for Bounded<MIN, MAX> {
    const KIND: FieldKind = FieldKind::Integer { min: MIN, max: MAX };

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let value = i64::read(raw)?;
        if (MIN..=MAX).contains(&value) {
            return Ok(Self(value));
        }
        Err((
            InvalidKind::OutOfRange,
            format!("must be {MIN} to {MAX}, not {value}"),
        ))
    }

    fn hash(&self, hasher: &mut Hasher) {
        FieldType::hash(&self.0, hasher);
    }
}

/// How long an answer may be waited for, in milliseconds. It is no part of what is asked for: a retry may
/// wait longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(Bounded<0, WAIT_MS_MAX>);

impl Wait {
    /// The milliseconds.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl From<i64> for Wait {
    fn from(ms: i64) -> Self {
        Self(ms.into())
    }
}

impl FieldType for Wait {
    const KIND: FieldKind = <Bounded<0, WAIT_MS_MAX> as FieldType>::KIND;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        FieldType::read(raw).map(Self)
    }

    fn hash(&self, _hasher: &mut Hasher) {}
}

/// A name that says where to look, and may be left out. It is no part of what is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint(Option<Name>);

impl Hint {
    /// The name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        self.0.as_ref()
    }
}

impl FieldType for Hint {
    const KIND: FieldKind = Name::KIND;
    const REQUIRED: bool = false;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        Name::read(raw).map(|name| Self(Some(name)))
    }

    fn absent() -> Option<Self> {
        Some(Self(None))
    }

    fn hash(&self, _hasher: &mut Hasher) {}

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

/// A duration of 1 ms to 10 years.
pub type Millis = Bounded<1, 315_360_000_000>;

/// How many items a page may hold.
pub type Limit = Bounded<1, PAGE_ITEMS_MAX>;

impl<T: FieldType> FieldType for Option<T> {
    const KIND: FieldKind = T::KIND;
    const REQUIRED: bool = false;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        T::read(raw).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&[u8::from(self.is_some())]);
        if let Some(value) = self {
            value.hash(hasher);
        }
    }

    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, T::heap_bytes)
    }
}

/// Implements [`FieldType`] for an enum of words, matched without regard to case.
#[macro_export]
macro_rules! words {
    ($type:ty { $($word:literal => $variant:path),+ $(,)? }) => {
        impl $crate::contract::FieldType for $type {
            const KIND: $crate::contract::FieldKind =
                $crate::contract::FieldKind::Word(&[$($word),+]);

            fn read(
                raw: $crate::contract::Raw<'_>,
            ) -> Result<Self, ($crate::contract::InvalidKind, String)> {
                let name = $crate::contract::Name::read(raw)?;
                $(if name.as_str().eq_ignore_ascii_case($word) { return Ok($variant); })+
                let message = concat!("must be one of", $(" ", $word),+).to_owned();
                Err(($crate::contract::InvalidKind::OutOfRange, message))
            }

            fn hash(&self, hasher: &mut $crate::contract::Hasher) {
                let word: &str = match self { $($variant => $word),+ };
                hasher.update(word.as_bytes());
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_in_the_one_usual_way() {
        for (text, value) in [("0", 0), ("-7", -7), ("9223372036854775807", i64::MAX)] {
            assert_eq!(i64::read(Raw::Text(text.as_bytes())), Ok(value));
        }
        for text in [
            "",
            "-",
            "+5",
            "007",
            "-0",
            "1.0",
            " 1",
            "9223372036854775808",
            "0x1",
        ] {
            assert!(i64::read(Raw::Text(text.as_bytes())).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_bounded_utf8_without_control_characters() {
        let longest = "x".repeat(NAME_BYTES_MAX);
        for text in ["a", "värde 1", longest.as_str()] {
            assert!(Name::read(Raw::String(text)).is_ok(), "{text:?}");
        }
        let longer = "x".repeat(NAME_BYTES_MAX + 1);
        for text in ["", "a\nb", "a\0", "\u{85}", longer.as_str()] {
            assert!(Name::read(Raw::String(text)).is_err(), "{text:?}");
        }
        assert!(Name::read(Raw::Text(b"\xff")).is_err());
        assert!(Name::read(Raw::Integer(5)).is_err(), "a number is no name");
    }
}
