//! The commands of a benchmark, and what it asks the server before and after.

use std::time::{SystemTime, UNIX_EPOCH};

use super::server::Server;
use super::{BenchArgs, BenchError, Kind, Target};
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

/// Commands as bytes: one template per SKU, with places where the id goes.
pub(crate) struct Templates {
    templates: Vec<(Vec<u8>, Vec<usize>)>,
    /// Makes ids of this run differ from those of every other.
    run: u32,
}

/// Digits of an id: 8 of the run, 8 of the command.
const ID_DIGITS: usize = 16;

impl Templates {
    /// Appends the command number `n`.
    pub(crate) fn write(&self, n: u64, out: &mut Vec<u8>) {
        let at = usize::try_from(n).unwrap_or(0) % self.templates.len();
        let (template, places) = &self.templates[at];
        let start = out.len();
        out.extend_from_slice(template);
        let id = u64::from(self.run) << 32 | n & 0xffff_ffff;
        for place in places {
            let digits = &mut out[start + place..start + place + ID_DIGITS];
            for (index, digit) in digits.iter_mut().enumerate() {
                let nibble = id >> (4 * (ID_DIGITS - 1 - index)) & 15;
                *digit = b"0123456789abcdef"[usize::try_from(nibble).unwrap_or(0)];
            }
        }
    }
}

/// A command of which the words `{id}` are places for the id.
fn template(words: &[&str]) -> (Vec<u8>, Vec<usize>) {
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
        Kind::Hold | Kind::Ping => "bench-hold-",
    }
}

fn sku(work: Kind, n: u16) -> String {
    format!("{}{n:04}", sku_prefix(work))
}

/// Declares the SKUs and makes the templates.
#[allow(clippy::disallowed_methods, reason = "ids of two runs must differ")]
pub(crate) fn prepare(args: &BenchArgs, server: &Server) -> Result<Templates, BenchError> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let run = since.as_millis() as u32;
    let mut server = server.asker()?;
    let units = if args.work == Kind::SoldOut {
        0
    } else {
        PLENTY
    };
    let mut templates = Vec::new();
    let sha = match args.target {
        Target::Redis => server.ask(&["SCRIPT", "LOAD", HOLD_LUA], text)?,
        Target::Tidegate => String::new(),
    };
    for n in 0..args.skus {
        let sku = sku(args.work, n);
        let declare = match (args.target, args.work) {
            (_, Kind::Ping) => continue,
            (Target::Redis, _) => "SET",
            (Target::Tidegate, _) => "STOCK.SET",
        };
        server.ask(&[declare, &sku, &units.to_string()], done)?;
        templates.push(match args.target {
            Target::Tidegate => {
                template(&["STOCK.HOLD", &sku, "{id}", "1", "BUYER", "{id}", "MAX", "1"])
            }
            Target::Redis => {
                let (buyers, flow) = (format!("{sku}:buyers"), format!("{sku}:flow"));
                template(&["EVALSHA", &sha, "3", &sku, &buyers, &flow, "{id}"])
            }
        });
    }
    if args.work == Kind::Ping {
        templates.push(template(&["PING"]));
    }
    Ok(Templates { templates, run })
}

/// Units that the server says have gone, over all SKUs of the benchmark; `None` where that says
/// nothing.
pub(crate) fn effects_left(args: &BenchArgs, server: &Server) -> Result<Option<u64>, BenchError> {
    if args.work != Kind::Hold {
        return Ok(None);
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
    Ok(Some(gone))
}

/// A text, for people or as a number.
fn text(reply: &Reply<'_>) -> Option<String> {
    String::from_utf8(reply.text()?.to_vec()).ok()
}

/// Whatever is no error.
fn done(reply: &Reply<'_>) -> Option<()> {
    (!matches!(reply, Reply::Error(_))).then_some(())
}
