//! The arguments of `XADD`, `XTRIM` and `XDEL`.

use tidegate_engine::contract::{Grammar, Name, Spoken};
use tidegate_engine::limits::PAYLOAD_BYTES_MAX;

use super::{Args, SYNTAX, id_of, ids_of};
use crate::TRIMMED_MAX;
use crate::stream::entry::payload_of;
use crate::stream::id::{StreamId, number};

/// The id that an entry is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewId {
    /// Any.
    Mint,
    /// Any with these milliseconds.
    Of(u64),
    /// This one.
    Chosen(StreamId),
}

impl NewId {
    fn of(arg: &[u8]) -> Result<Self, String> {
        if arg == b"*" {
            return Ok(Self::Mint);
        }
        if let Some(ms) = arg.strip_suffix(b"-*") {
            let ms = std::str::from_utf8(ms).ok().and_then(number);
            return ms.map(Self::Of).ok_or_else(|| super::INVALID_ID.to_owned());
        }
        let id = id_of(arg, 0)?;
        if id.is_none() {
            return Err("The ID specified in XADD must be greater than 0-0".to_owned());
        }
        Ok(Self::Chosen(id))
    }
}

/// Which entries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trim {
    pub(crate) by: TrimBy,
    /// All of them; else some of them may stay.
    pub(crate) is_exact: bool,
    /// So many at most.
    pub(crate) most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrimBy {
    /// All but the last ones, so many.
    MaxLen(u64),
    /// All before this id.
    MinId(StreamId),
}

impl Trim {
    /// Reads one, if it is next.
    fn read(args: &mut Args<'_>) -> Result<Option<Self>, String> {
        let is_by_count = args.takes("MAXLEN");
        if !is_by_count && !args.takes("MINID") {
            return Ok(None);
        }
        let is_exact = !args.takes("~");
        if is_exact {
            args.takes("=");
        }
        let by = if is_by_count {
            TrimBy::MaxLen(args.number()?)
        } else {
            TrimBy::MinId(args.id(0)?)
        };
        let most = Self::most(args, is_exact)?;
        Ok(Some(Self { by, is_exact, most }))
    }

    fn most(args: &mut Args<'_>, is_exact: bool) -> Result<u64, String> {
        if !args.takes("LIMIT") {
            return Ok(TRIMMED_MAX);
        }
        if is_exact {
            return Err(
                "syntax error, LIMIT cannot be used without the special ~ option".to_owned(),
            );
        }
        match args.number()? {
            0 => Ok(TRIMMED_MAX),
            limit => Ok(limit.min(TRIMMED_MAX)),
        }
    }
}

/// An entry to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Add {
    pub(crate) name: Name,
    /// Only if the stream is there.
    pub(crate) only_if_there: bool,
    pub(crate) trim: Option<Trim>,
    pub(crate) id: NewId,
    pub(crate) payload: Vec<u8>,
}

impl Spoken for Add {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value …]",
        arity: -5,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let name = args.name("stream")?;
        let (mut only_if_there, mut trim) = (false, None);
        loop {
            if args.takes("NOMKSTREAM") {
                only_if_there = true;
            } else if let Some(read) = Trim::read(&mut args)? {
                trim = Some(read);
            } else {
                break;
            }
        }
        let id = NewId::of(args.next()?)?;
        let flat = args.rest();
        if flat.is_empty() || !flat.len().is_multiple_of(2) {
            return Err("wrong number of arguments for 'xadd' command".to_owned());
        }
        let payload = payload_of(flat);
        if payload.len() > PAYLOAD_BYTES_MAX {
            let length = payload.len();
            return Err(format!(
                "an entry takes up to {PAYLOAD_BYTES_MAX} bytes, not {length}"
            ));
        }
        Ok(Self {
            name,
            only_if_there,
            trim,
            id,
            payload,
        })
    }
}

/// A stream to trim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrimOnly {
    pub(crate) name: Name,
    pub(crate) trim: Trim,
}

impl Spoken for TrimOnly {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key MAXLEN|MINID [=|~] threshold [LIMIT count]",
        arity: -4,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let name = args.name("stream")?;
        let trim = Trim::read(&mut args)?.ok_or(SYNTAX)?;
        args.end()?;
        Ok(Self { name, trim })
    }
}

/// Entries to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Del {
    pub(crate) name: Name,
    pub(crate) ids: Vec<StreamId>,
}

impl Spoken for Del {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key id [id …]",
        arity: -3,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let name = args.name("stream")?;
        let ids = ids_of(args.rest())?;
        let count = ids.len();
        if count as u64 > TRIMMED_MAX {
            return Err(format!(
                "up to {TRIMMED_MAX} entries are deleted at once, not {count}"
            ));
        }
        Ok(Self { name, ids })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(words: &str) -> Result<Add, String> {
        let args: Vec<_> = words.split(' ').map(str::as_bytes).collect();
        Add::parse(&args)
    }

    #[test]
    fn options_stand_before_the_id_in_any_order() {
        let one = add("s maxlen ~ 5 LIMIT 3 NOMKSTREAM 7 a b").unwrap();
        let trim = Trim {
            by: TrimBy::MaxLen(5),
            is_exact: false,
            most: 3,
        };
        assert_eq!((one.trim, one.only_if_there), (Some(trim), true));
        assert_eq!(one.id, NewId::Chosen(StreamId { ms: 7, seq: 0 }));
        let one = add("s MINID = 5-1 7-* a b").unwrap();
        assert_eq!(one.id, NewId::Of(7));
        assert!(
            one.trim
                .is_some_and(|trim| trim.is_exact && trim.most == TRIMMED_MAX)
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_redis() {
        for (words, told) in [
            ("s * a", "wrong number of arguments for 'xadd' command"),
            ("s * a b c", "wrong number of arguments for 'xadd' command"),
            (
                "s 0-0 a b",
                "The ID specified in XADD must be greater than 0-0",
            ),
            ("s x a b", super::super::INVALID_ID),
            ("s MAXLEN x * a b", super::super::NOT_AN_INTEGER),
            ("s MAXLEN -1 * a b", super::super::NOT_AN_INTEGER),
            (
                "s MAXLEN 5 LIMIT 3 * a b",
                "syntax error, LIMIT cannot be used without the special ~ option",
            ),
        ] {
            assert_eq!(add(words), Err(told.to_owned()), "{words}");
        }
    }
}
