//! Ids of entries: two numbers, `ms-seq`, which ascend with positions.
//!
//! Nothing is kept of an id that is minted: it is when the message was published, and its position. So every message
//! of a topic has one, whoever has published it, and a position is read from an id. Only one that was chosen is kept
//! with its message, and one that is minted behind an id that was chosen beyond the clock.

use std::fmt::{self, Display};

use minicbor::{Decode, Encode};

/// The id of an entry; `0-0` is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub(crate) struct StreamId {
    /// Milliseconds since 1970, as whoever has chosen it says.
    #[n(0)]
    pub(crate) ms: u64,
    #[n(1)]
    pub(crate) seq: u64,
}

impl StreamId {
    pub(crate) const NONE: Self = Self { ms: 0, seq: 0 };
    pub(crate) const GREATEST: Self = Self {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// The id behind this one; none behind the greatest.
    pub(crate) fn next(self) -> Option<Self> {
        let Self { ms, seq } = self;
        let in_ms = seq.checked_add(1).map(|seq| Self { ms, seq });
        in_ms.or_else(|| ms.checked_add(1).map(|ms| Self { ms, seq: 0 }))
    }

    /// The id before this one; none before `0-0`.
    pub(crate) fn before(self) -> Option<Self> {
        let Self { ms, seq } = self;
        let in_ms = seq.checked_sub(1).map(|seq| Self { ms, seq });
        let seq = u64::MAX;
        in_ms.or_else(|| ms.checked_sub(1).map(|ms| Self { ms, seq }))
    }

    /// Reads `ms-seq`, or `ms` with this for the rest.
    pub(crate) fn parse(text: &[u8], seq: u64) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let Some((ms, seq)) = text.split_once('-') else {
            return number(text).map(|ms| Self { ms, seq });
        };
        let (ms, seq) = (number(ms)?, number(seq)?);
        Some(Self { ms, seq })
    }
}

/// Reads a number of digits alone.
pub(crate) fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

impl Display for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        for (text, read) in [
            ("5-7", Some(id(5, 7))),
            ("5", Some(id(5, 9))),
            (
                "18446744073709551615-18446744073709551615",
                Some(StreamId::GREATEST),
            ),
            ("18446744073709551616-0", None),
            ("", None),
            ("-", None),
            ("5-", None),
            ("-5", None),
            ("+5-1", None),
            ("5-1-2", None),
            ("a-1", None),
        ] {
            assert_eq!(StreamId::parse(text.as_bytes(), 9), read, "{text}");
        }
        assert_eq!(id(5, 7).to_string(), "5-7");
    }

    #[test]
    fn each_id_has_a_next_one_and_one_before_but_for_those_at_the_ends() {
        for (one, next) in [
            (id(0, 0), id(0, 1)),
            (id(1, 2), id(1, 3)),
            (id(1, u64::MAX), id(2, 0)),
        ] {
            assert_eq!(one.next(), Some(next));
            assert_eq!(next.before(), Some(one));
        }
        assert_eq!(
            (StreamId::GREATEST.next(), StreamId::NONE.before()),
            (None, None)
        );
    }
}
