//! The arguments of `XRANGE` and `XREVRANGE`.

use tidegate_engine::contract::{Grammar, Name, Spoken};

use super::{Args, id_of};
use crate::stream::id::StreamId;

/// Entries from one id to another, both included. There are none if they are not in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) name: Name,
    pub(crate) from: StreamId,
    pub(crate) to: StreamId,
    pub(crate) count: Option<u64>,
}

/// The same, the last one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RevRange(pub(crate) Range);

/// The least id of a range: `-`, an id, or `(` and an id that is none of it.
pub(super) fn least(arg: &[u8]) -> Result<StreamId, String> {
    bound(arg, 0, StreamId::next, "invalid start ID for the interval")
}

/// The greatest one.
pub(super) fn greatest(arg: &[u8]) -> Result<StreamId, String> {
    bound(
        arg,
        u64::MAX,
        StreamId::before,
        "invalid end ID for the interval",
    )
}

fn bound(
    arg: &[u8],
    seq: u64,
    beside: fn(StreamId) -> Option<StreamId>,
    none: &str,
) -> Result<StreamId, String> {
    match arg {
        b"-" => Ok(StreamId::NONE),
        b"+" => Ok(StreamId::GREATEST),
        [b'(', id @ ..] => beside(id_of(id, seq)?).ok_or_else(|| none.to_owned()),
        id => id_of(id, seq),
    }
}

fn parse(args: &[&[u8]], is_reverse: bool) -> Result<Range, String> {
    let mut args = Args::new(args);
    let name = args.name("stream")?;
    let (one, other) = (args.next()?, args.next()?);
    let (from, to) = if is_reverse {
        (other, one)
    } else {
        (one, other)
    };
    let mut count = None;
    while args.takes("COUNT") {
        count = Some(args.number_or_less()?);
    }
    args.end()?;
    Ok(Range {
        name,
        from: least(from)?,
        to: greatest(to)?,
        count,
    })
}

impl Spoken for Range {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key start end [COUNT count]",
        arity: -4,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        parse(args, false)
    }
}

impl Spoken for RevRange {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key end start [COUNT count]",
        arity: -4,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        parse(args, true).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_without_a_second_part_begin_or_end_with_all_of_their_milliseconds() {
        let read = |from: &str, to: &str| {
            let range = Range::parse(&[b"s", from.as_bytes(), to.as_bytes()])?;
            Ok::<_, String>((range.from.to_string(), range.to.to_string()))
        };
        let both = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(read("5", "5"), both("5-0", "5-18446744073709551615"));
        assert_eq!(read("(5", "(5"), both("5-1", "5-18446744073709551614"));
        assert_eq!(read("(5-7", "(5-0"), both("5-8", "4-18446744073709551615"));
        assert_eq!(
            read("-", "(0-0"),
            Err("invalid end ID for the interval".to_owned())
        );
    }
}
