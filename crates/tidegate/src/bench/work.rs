//! The commands of a benchmark, and what it asks the server before and after.

use std::time::{SystemTime, UNIX_EPOCH};

use super::server::Server;
use super::{BenchArgs, BenchError, Kind, LINES, Target};
use crate::client::Reply;

/// Units of each SKU where there are enough.
const PLENTY: u64 = 1_000_000_000;

/// What Redis does for a hold: has this buyer bought, is there one left, take it, remember the
/// buyer, record the flow.
const HOLD_LUA: &str = "\
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then return redis.error_reply('REPEATED') end \
local left = tonumber(redis.call('GET', KEYS[1])) \
if left < 1 then return redis.error_reply('SOLDOUT available=' .. left) end \
redis.call('DECRBY', KEYS[1], 1) \
redis.call('SADD', KEYS[2], ARGV[1]) \
redis.call('XADD', KEYS[3], '*', 'kind', 'hold', 'id', ARGV[1], 'quantity', 1, 'before', left, 'after', left - 1) \
return left - 1";

/// How long a hold of [`Kind::HoldConfirm`] lasts: longer than any benchmark.
const DAY_MS: &str = "86400000";

/// Commands as bytes: templates with places where the id goes.
pub(crate) struct Commands {
    work: Kind,
    /// One per SKU.
    holds: Vec<Template>,
    /// One per SKU where there is anything to confirm.
    confirms: Vec<Template>,
    /// Makes ids of this run differ from those of every other.
    run: u32,
}

/// A command's bytes, and where in them the id goes.
type Template = (Vec<u8>, Vec<usize>);

/// Digits of an id.
const ID_DIGITS: usize = 16;

impl Commands {
    /// Appends the command number `n`.
    pub(crate) fn write(&self, n: u64, out: &mut Vec<u8>) {
        let group = u64::from(self.work.group());
        let (turn, part) = (n / group, n % group);
        let (templates, hold) = match self.work {
            Kind::HoldConfirm if part == 2 => (&self.confirms, 2 * turn),
            Kind::HoldConfirm => (&self.holds, 2 * turn + part),
            Kind::Hold | Kind::Place | Kind::SoldOut | Kind::Ping => (&self.holds, n),
        };
        let at = usize::try_from(turn).unwrap_or(0) % templates.len();
        let (template, places) = &templates[at];
        let start = out.len();
        out.extend_from_slice(template);
        let id = mix(u64::from(self.run) << 32 | hold & 0xffff_ffff);
        for place in places {
            let digits = &mut out[start + place..start + place + ID_DIGITS];
            for (index, digit) in digits.iter_mut().enumerate() {
                let nibble = id >> (4 * (ID_DIGITS - 1 - index)) & 15;
                *digit = b"0123456789abcdef"[usize::try_from(nibble).unwrap_or(0)];
            }
        }
    }

    /// The hold that this command confirms, if it is a confirm.
    pub(crate) fn confirmed_by(&self, n: u64) -> Option<u64> {
        (self.work == Kind::HoldConfirm && n % 3 == 2).then(|| n - 2)
    }
}

/// Another number for each number, which looks random (the finalizer of SplitMix64): ids in no
/// order, as those of real orders are.
pub(crate) fn mix(n: u64) -> u64 {
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}

/// A command of which the words `{id}` are places for the id.
fn template(words: &[&str]) -> Template {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    let mut places = Vec::new();
    for word in words {
        let word = if *word == "{id}" {
            "0000000000000000"
        } else {
            *word
        };
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        if word == "0000000000000000" {
            places.push(bytes.len());
        }
        bytes.extend_from_slice(word.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    (bytes, places)
}

/// SKUs without units are others than those with plenty, so that runs do not disturb each other.
pub(crate) fn sku_prefix(work: Kind) -> &'static str {
    match work {
        Kind::SoldOut => "bench-out-",
        Kind::Hold | Kind::HoldConfirm | Kind::Place | Kind::Ping => "bench-hold-",
    }
}

fn sku(work: Kind, n: u16) -> String {
    format!("{}{n:04}", sku_prefix(work))
}

/// Declares the SKUs and makes the templates.
pub(crate) fn prepare(args: &BenchArgs, server: &Server) -> Result<Commands, BenchError> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut commands = Commands {
        work: args.work,
        holds: Vec::new(),
        confirms: Vec::new(),
        run: since.as_millis() as u32,
    };
    if args.work == Kind::Ping {
        commands.holds.push(template(&["PING"]));
        return Ok(commands);
    }
    let mut server = server.asker()?;
    let units = match args.work {
        Kind::SoldOut => 0,
        Kind::Hold | Kind::HoldConfirm | Kind::Place | Kind::Ping => PLENTY,
    };
    let (declare, sha) = match args.target {
        Target::Redis => ("SET", server.ask(&["SCRIPT", "LOAD", HOLD_LUA], text)?),
        Target::Tidegate => ("STOCK.SET", String::new()),
    };
    for n in 0..args.skus {
        let sku = sku(args.work, n);
        server.ask(&[declare, &sku, &units.to_string()], done)?;
        commands.holds.push(match (args.target, args.work) {
            (Target::Redis, _) => {
                let (buyers, flow) = (format!("{sku}:buyers"), format!("{sku}:flow"));
                template(&["EVALSHA", &sha, "3", &sku, &buyers, &flow, "{id}"])
            }
            (Target::Tidegate, Kind::Place) => place(args, n),
            (Target::Tidegate, Kind::HoldConfirm) => {
                template(&["STOCK.HOLD", &sku, "{id}", "1", "TTL", DAY_MS])
            }
            (Target::Tidegate, _) => {
                template(&["STOCK.HOLD", &sku, "{id}", "1", "BUYER", "{id}", "MAX", "1"])
            }
        });
        if args.work == Kind::HoldConfirm {
            let confirm = template(&["STOCK.CONFIRM", &sku, "{id}"]);
            commands.confirms.push(confirm);
        }
    }
    Ok(commands)
}

/// An order of a buyer of its own, of this SKU and those behind it.
fn place(args: &BenchArgs, n: u16) -> Template {
    let lines = LINES.to_string();
    let skus: Vec<_> = (n..n + LINES)
        .map(|n| sku(args.work, n % args.skus))
        .collect();
    let mut words = vec!["ORDER.PLACE", "{id}", "{id}", &lines];
    words.extend(skus.iter().flat_map(|sku| [sku.as_str(), "1", "1999"]));
    words.extend(["TTL", DAY_MS]);
    template(&words)
}

/// Units, or orders of some, that the server says have gone, over all SKUs of the benchmark; `None` where that says
/// nothing.
pub(crate) fn effects_left(args: &BenchArgs, server: &Server) -> Result<Option<u64>, BenchError> {
    match args.work {
        Kind::Hold | Kind::HoldConfirm | Kind::Place => {}
        Kind::SoldOut | Kind::Ping => return Ok(None),
    }
    let mut server = server.asker()?;
    let mut gone = 0;
    for n in 0..args.skus {
        let sku = sku(args.work, n);
        gone += match args.target {
            Target::Redis => server.ask(&["GET", &sku], |reply| {
                PLENTY.checked_sub(text(reply)?.parse().ok()?)
            })?,
            Target::Tidegate => server.ask(&["STOCK.GET", &sku], |reply| {
                Some(reply.field("held")?.count()? + reply.field("sold")?.count()?)
            })?,
        };
    }
    let of_each = match args.work {
        Kind::Place => u64::from(LINES),
        Kind::Hold | Kind::HoldConfirm | Kind::SoldOut | Kind::Ping => 1,
    };
    Ok(Some(gone / of_each))
}

/// A text, for people or as a number.
fn text(reply: &Reply<'_>) -> Option<String> {
    String::from_utf8(reply.text()?.to_vec()).ok()
}

/// Whatever is no error.
fn done(reply: &Reply<'_>) -> Option<()> {
    (!matches!(reply, Reply::Error(_))).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(commands: &Commands, n: u64) -> String {
        let mut bytes = Vec::new();
        commands.write(n, &mut bytes);
        let text = String::from_utf8(bytes).expect("ASCII");
        let words = text
            .split("\r\n")
            .filter(|word| !word.starts_with(['*', '$']));
        words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }

    #[test]
    fn of_two_holds_of_a_sku_the_first_is_confirmed() {
        let skus = ["a", "b"];
        let commands = Commands {
            work: Kind::HoldConfirm,
            holds: skus.map(|sku| template(&["HOLD", sku, "{id}"])).into(),
            confirms: skus.map(|sku| template(&["CONFIRM", sku, "{id}"])).into(),
            run: 7,
        };
        let id = |hold| format!("{:016x}", mix(7_u64 << 32 | hold));
        let expected = [
            format!("HOLD a {}", id(0)),
            format!("HOLD a {}", id(1)),
            format!("CONFIRM a {}", id(0)),
            format!("HOLD b {}", id(2)),
            format!("HOLD b {}", id(3)),
            format!("CONFIRM b {}", id(2)),
            format!("HOLD a {}", id(4)),
        ];
        for (n, expected) in (0..).zip(expected) {
            assert_eq!(words(&commands, n), expected);
        }
        assert_eq!(
            [3, 4, 5].map(|n| commands.confirmed_by(n)),
            [None, None, Some(3)]
        );
    }
}
