//! The arguments of `XREAD` and `XREADGROUP`.

use tidegate_engine::contract::{Grammar, Name, Spoken};
use tidegate_engine::limits::WAIT_MS_MAX;

use super::{Args, SYNTAX, id_of};
use crate::stream::id::StreamId;
use crate::{BATCH_MESSAGES_MAX, STREAMS_MAX};

/// Where a read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Behind this id.
    Behind(StreamId),
    /// Behind what is there: `$`; for a group, with what it was not given: `>`.
    News,
}

/// What both have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// Most entries.
    pub(crate) count: u64,
    /// How long to wait for one, if there is none.
    pub(crate) wait_ms: u64,
    /// At least one.
    pub(crate) streams: Vec<(Name, From)>,
}

/// In the name of a consumer of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadGroup {
    pub(crate) group: Name,
    pub(crate) consumer: Name,
    /// What is read counts as acknowledged.
    pub(crate) no_ack: bool,
    pub(crate) read: Read,
}

/// What stands before `STREAMS`.
#[derive(Default)]
struct Options {
    count: Option<u64>,
    wait_ms: u64,
    no_ack: bool,
    of_group: Option<(Name, Name)>,
}

impl Options {
    /// Reads all up to `STREAMS`, and that.
    fn read(args: &mut Args<'_>) -> Result<Self, String> {
        let mut options = Self::default();
        while !args.takes("STREAMS") {
            if args.takes("COUNT") {
                options.count = Some(args.number_or_less()?).filter(|count| *count > 0);
            } else if args.takes("BLOCK") {
                options.wait_ms = wait_ms(args)?;
            } else if args.takes("GROUP") {
                options.of_group = Some((args.name("group")?, args.name("consumer")?));
            } else if args.takes("NOACK") {
                options.no_ack = true;
            } else {
                return Err(SYNTAX.to_owned());
            }
        }
        Ok(options)
    }

    fn of(self, streams: Vec<(Name, From)>) -> Read {
        let most = BATCH_MESSAGES_MAX as u64;
        Read {
            count: self.count.unwrap_or(most).min(most),
            wait_ms: self.wait_ms,
            streams,
        }
    }
}

/// How long to wait; 0 stands for ever, which is as long as the server has anybody wait.
fn wait_ms(args: &mut Args<'_>) -> Result<u64, String> {
    let arg = std::str::from_utf8(args.next()?).ok();
    let ms = arg.and_then(|arg| arg.parse::<i64>().ok());
    match ms.ok_or("timeout is not an integer or out of range")? {
        ..0 => Err("timeout is negative".to_owned()),
        0 => Ok(WAIT_MS_MAX.unsigned_abs()),
        ms => Ok(ms.min(WAIT_MS_MAX).unsigned_abs()),
    }
}

/// Names, and as many ids.
fn streams(args: &mut Args<'_>, what: &str, news: &[u8]) -> Result<Vec<(Name, From)>, String> {
    let count = args.left() / 2;
    if count == 0 || !args.left().is_multiple_of(2) {
        return Err(format!(
            "Unbalanced '{what}' list of streams: for each stream key an ID or '{}' must be specified.",
            char::from(news[0])
        ));
    }
    if count > STREAMS_MAX {
        return Err(format!(
            "up to {STREAMS_MAX} streams are read at once, not {count}"
        ));
    }
    let names: Vec<_> = (0..count)
        .map(|_| args.name("stream"))
        .collect::<Result<_, _>>()?;
    let ids = args.rest().iter().map(|arg| match *arg {
        arg if arg == news => Ok(From::News),
        arg => id_of(arg, 0).map(From::Behind),
    });
    let ids: Vec<_> = ids.collect::<Result<_, _>>()?;
    Ok(names.into_iter().zip(ids).collect())
}

impl Spoken for Read {
    const GRAMMAR: Grammar = Grammar {
        syntax: "[COUNT count] [BLOCK milliseconds] STREAMS key [key …] id|$ [id|$ …]",
        arity: -4,
        key: None,
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let options = Options::read(&mut args)?;
        if options.of_group.is_some() {
            return Err(
                "The GROUP option is only supported by XREADGROUP. You called XREAD instead."
                    .to_owned(),
            );
        }
        if options.no_ack {
            return Err(
                "The NOACK option is only supported by XREADGROUP. You called XREAD instead."
                    .to_owned(),
            );
        }
        let streams = streams(&mut args, "xread", b"$")?;
        let has_news = streams.iter().any(|(_, from)| *from == From::News);
        if has_news && streams.len() > 1 {
            return Err(
                "of several streams, say behind which id each is read: $ is for one stream"
                    .to_owned(),
            );
        }
        Ok(options.of(streams))
    }
}

impl Spoken for ReadGroup {
    const GRAMMAR: Grammar = Grammar {
        syntax: "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key …] id|> [id|> …]",
        arity: -7,
        key: None,
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let mut options = Options::read(&mut args)?;
        let of_group = options.of_group.take();
        let (group, consumer) = of_group.ok_or("Missing GROUP option for XREADGROUP")?;
        let streams = streams(&mut args, "xreadgroup", b">")?;
        let has_old = streams.iter().any(|(_, from)| *from != From::News);
        if has_old && streams.len() > 1 {
            return Err("of several streams only what is new is read, with >: what is pending, of one stream".to_owned());
        }
        if has_old {
            options.wait_ms = 0; // What is pending is known.
        }
        Ok(Self {
            group,
            consumer,
            no_ack: options.no_ack,
            read: options.of(streams),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Read, String> {
        let args: Vec<_> = words.split(' ').map(str::as_bytes).collect();
        Read::parse(&args)
    }

    #[test]
    fn nobody_waits_longer_than_the_server_has_anybody_wait() {
        for (block, wait_ms) in [("0", 25_000), ("7", 7), ("99999999", 25_000)] {
            let read = read(&format!("BLOCK {block} COUNT 9 STREAMS a $")).unwrap();
            assert_eq!((read.wait_ms, read.count), (wait_ms, 9));
        }
        assert_eq!(
            read("COUNT 0 STREAMS a 1").unwrap().count,
            BATCH_MESSAGES_MAX as u64
        );
    }

    #[test]
    fn each_stream_has_an_id() {
        let two = read("STREAMS a b 1 2-3").unwrap().streams;
        let behind = |ms, seq| From::Behind(StreamId { ms, seq });
        let ids: Vec<_> = two.iter().map(|(_, from)| *from).collect();
        assert_eq!(ids, [behind(1, 0), behind(2, 3)]);
        for wrong in [
            "STREAMS a b 1",
            "STREAMS",
            "COUNT 1",
            "STREAMS a b $ $",
            "BLOCK -1 STREAMS a 1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
