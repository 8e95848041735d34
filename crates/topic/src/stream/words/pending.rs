//! The arguments of `XPENDING`, `XCLAIM` and `XAUTOCLAIM`.

use tidegate_engine::contract::{Grammar, Name, Spoken};

use super::range::{greatest, least};
use super::{Args, id_of};
use crate::stream::id::StreamId;
use crate::{BATCH_MESSAGES_MAX, RANGE_ENTRIES_MAX};

/// What is pending of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingWords {
    pub(crate) name: Name,
    pub(crate) group: Name,
    /// Each of them; else what they add up to.
    pub(crate) list: Option<PendingList>,
}

/// Which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingList {
    /// Only those that were given so long ago.
    pub(crate) idle_ms: u64,
    pub(crate) from: StreamId,
    pub(crate) to: StreamId,
    pub(crate) count: u64,
    pub(crate) consumer: Option<Name>,
}

impl Spoken for PendingWords {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key group [[IDLE min-idle] start end count [consumer]]",
        arity: -3,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let (name, group) = (args.name("stream")?, args.name("group")?);
        let list = if args.left() > 0 {
            Some(list(&mut args)?)
        } else {
            None
        };
        args.end()?;
        Ok(Self { name, group, list })
    }
}

fn list(args: &mut Args<'_>) -> Result<PendingList, String> {
    let idle_ms = if args.takes("IDLE") {
        args.number()?
    } else {
        0
    };
    let (from, to) = (least(args.next()?)?, greatest(args.next()?)?);
    let count = args.number_or_less()?;
    if count > RANGE_ENTRIES_MAX as u64 {
        return Err(format!("count is at most {RANGE_ENTRIES_MAX}, not {count}"));
    }
    let consumer = if args.left() > 0 {
        Some(args.name("consumer")?)
    } else {
        None
    };
    Ok(PendingList {
        idle_ms,
        from,
        to,
        count,
        consumer,
    })
}

/// Entries that another consumer takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) name: Name,
    pub(crate) group: Name,
    pub(crate) consumer: Name,
    /// Only those that were given so long ago.
    pub(crate) idle_ms: u64,
    pub(crate) ids: Vec<StreamId>,
    pub(crate) given: Option<Given>,
    pub(crate) deliveries: Option<u64>,
    /// Also those that are not pending.
    pub(crate) is_forced: bool,
    /// Answer ids alone, and do not count it as given.
    pub(crate) just_ids: bool,
}

/// When an entry counts as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// So long ago.
    Ago(u64),
    /// Then.
    At(u64),
}

impl Given {
    /// Not later than now.
    pub(crate) fn at_ms(self, now_ms: u64) -> u64 {
        match self {
            Self::Ago(ms) => now_ms.saturating_sub(ms),
            Self::At(at_ms) => at_ms.min(now_ms),
        }
    }
}

/// How long ago entries must have been given; a negative number means nothing.
fn min_idle(args: &mut Args<'_>, command: &str) -> Result<u64, String> {
    let wrong = format!("Invalid min-idle-time argument for {command}");
    args.number_or_less().map_err(|_| wrong)
}

impl Spoken for Claim {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key group consumer min-idle id [id …] [IDLE ms] [TIME unix-ms] [RETRYCOUNT count] [FORCE] [JUSTID]",
        arity: -6,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let (name, group, consumer) = (
            args.name("stream")?,
            args.name("group")?,
            args.name("consumer")?,
        );
        let idle_ms = min_idle(&mut args, "XCLAIM")?;
        let first = args.id(0)?;
        let mut claim = Self {
            name,
            group,
            consumer,
            idle_ms,
            ids: vec![first],
            given: None,
            deliveries: None,
            is_forced: false,
            just_ids: false,
        };
        while let Some(id) = args.0.first().and_then(|arg| id_of(arg, 0).ok()) {
            claim.ids.push(id);
            args.next()?;
        }
        claim.options(&mut args)?;
        if claim.ids.len() > BATCH_MESSAGES_MAX {
            return Err(format!(
                "up to {BATCH_MESSAGES_MAX} entries are claimed at once"
            ));
        }
        Ok(claim)
    }
}

impl Claim {
    fn options(&mut self, args: &mut Args<'_>) -> Result<(), String> {
        while args.left() > 0 {
            if args.takes("IDLE") {
                self.given = Some(Given::Ago(args.number()?));
            } else if args.takes("TIME") {
                self.given = Some(Given::At(args.number()?));
            } else if args.takes("RETRYCOUNT") {
                self.deliveries = Some(args.number()?);
            } else if args.takes("FORCE") {
                self.is_forced = true;
            } else if args.takes("JUSTID") {
                self.just_ids = true;
            } else {
                let option = String::from_utf8_lossy(args.next()?).into_owned();
                return Err(format!("Unrecognized XCLAIM option '{option}'"));
            }
        }
        Ok(())
    }
}

/// Entries that nobody has acknowledged for long, wherever they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AutoClaim {
    pub(crate) name: Name,
    pub(crate) group: Name,
    pub(crate) consumer: Name,
    pub(crate) idle_ms: u64,
    pub(crate) from: StreamId,
    pub(crate) count: u64,
    pub(crate) just_ids: bool,
}

/// How many entries one command takes over if it does not say.
const COUNT_DEFAULT: u64 = 100;

impl Spoken for AutoClaim {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key group consumer min-idle start [COUNT count] [JUSTID]",
        arity: -6,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let (name, group, consumer) = (
            args.name("stream")?,
            args.name("group")?,
            args.name("consumer")?,
        );
        let idle_ms = min_idle(&mut args, "XAUTOCLAIM")?;
        let from = least(args.next()?)?;
        let (mut count, mut just_ids) = (COUNT_DEFAULT, false);
        while args.left() > 0 {
            if args.takes("COUNT") {
                count = args.number()?;
            } else if args.takes("JUSTID") {
                just_ids = true;
            } else {
                return Err(super::SYNTAX.to_owned());
            }
        }
        if count == 0 {
            return Err("COUNT must be > 0".to_owned());
        }
        if count > BATCH_MESSAGES_MAX as u64 {
            return Err(format!(
                "COUNT is at most {BATCH_MESSAGES_MAX}, not {count}"
            ));
        }
        Ok(Self {
            name,
            group,
            consumer,
            idle_ms,
            from,
            count,
            just_ids,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_claim_end_where_its_options_begin() {
        let words = "s g c 10 1-1 2 JUSTID TIME 5 RETRYCOUNT 3";
        let args: Vec<_> = words.split(' ').map(str::as_bytes).collect();
        let claim = Claim::parse(&args).unwrap();
        assert_eq!(claim.ids.len(), 2);
        assert_eq!(
            (claim.given, claim.deliveries),
            (Some(Given::At(5)), Some(3))
        );
        assert!(claim.just_ids && !claim.is_forced);
        let wrong = [&args[..], &[b"x"]].concat();
        assert_eq!(
            Claim::parse(&wrong),
            Err("Unrecognized XCLAIM option 'x'".to_owned())
        );
    }

    #[test]
    fn what_is_pending_is_summed_up_or_listed() {
        let read = |words: &str| {
            let args: Vec<_> = words.split(' ').map(str::as_bytes).collect();
            PendingWords::parse(&args).map(|words| words.list)
        };
        assert_eq!(read("s g"), Ok(None));
        let list = read("s g IDLE 9 - + 10 c").unwrap().unwrap();
        assert_eq!((list.idle_ms, list.count), (9, 10));
        assert_eq!(read("s g - +"), Err(super::super::SYNTAX.to_owned()));
        assert_eq!(
            read("s g - + x"),
            Err(super::super::NOT_AN_INTEGER.to_owned())
        );
    }
}
