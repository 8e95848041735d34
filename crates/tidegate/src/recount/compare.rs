//! What a counter says beside what its events add up to.
//!
//! Events go on arriving: those that had come before the counter was asked are in what it says, and those that come
//! until it has answered may be. So a count is right between two sums, and differs outside of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Args;
use super::events::{Events, Place};
use super::server::{RecountError, Server, list, number};
use super::span::{Piece, levels_of, pieces};
use crate::client::path_segment;

/// The key that stands for all others than those that the events name.
pub(super) const OTHERS: &str = "*";

/// Steps of one question.
const STEPS: u64 = 1_000;

/// A count that is not what the events add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) key: String,
    pub(super) bucket_ms: u64,
    pub(super) width_ms: u64,
    pub(super) counted: u64,
    pub(super) events: u64,
    /// No event of it came meanwhile.
    is_settled: bool,
    pub(super) is_repaired: bool,
    /// Why it was not.
    pub(super) refused: Option<String>,
}

/// What was compared, and what differs.
pub(super) struct Books {
    pub(super) counter: String,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) events: u64,
    pub(super) keys: usize,
    /// Buckets of keys.
    pub(super) compared: usize,
    /// Those of them in which events came meanwhile.
    pub(super) moving: usize,
    pub(super) differences: Vec<Difference>,
}

type Sums = BTreeMap<Place, u64>;

impl Books {
    pub(super) fn of(server: &Server<'_>, args: &Args) -> Result<Self, RecountError> {
        let info = info_of(server, &args.counter)?;
        let topic = info["raw"].as_str();
        let topic = topic.ok_or_else(|| RecountError::NotKept(args.counter.clone()))?;
        let path = format!("/v1/counters/{}", path_segment(&args.counter));
        let now_ms = number(&server.get(&format!("{path}/raw"))?, "as_of_ms")?;
        let span = (args.from, args.to.unwrap_or(now_ms));
        let pieces = pieces(&levels_of(&info)?, span, now_ms);
        let (Some(last), Some(first)) = (pieces.first(), pieces.last()) else {
            return Err(RecountError::EmptySpan);
        };
        let (from_ms, to_ms) = (first.from_ms, last.to_ms);
        let mut events = Events::new(server, (&args.counter, topic), &pieces);
        events.check_kept(from_ms)?;
        events.catch_up()?;
        let before = events.sums.clone();
        let named = before.keys().map(|(key, _)| key);
        let keys: BTreeSet<&String> = if args.key.is_empty() {
            named.collect()
        } else {
            args.key.iter().collect()
        };
        let mut counted = Sums::new();
        for key in &keys {
            ask(server, &path, key, &pieces, &mut counted)?;
        }
        let mut all = Sums::new();
        if args.key.is_empty() {
            ask(server, &path, OTHERS, &pieces, &mut all)?;
        }
        events.catch_up()?;
        let mut books = Self {
            counter: args.counter.clone(),
            from_ms,
            to_ms,
            events: events.events,
            keys: keys.len(),
            compared: 0,
            moving: 0,
            differences: Vec::new(),
        };
        books.compare(&pieces, &counted, (&before, &events.sums));
        books.compare_others(&pieces, &counted, &all, (&before, &events.sums));
        Ok(books)
    }

    /// Of each key and bucket, what was counted lies between what its events added up to before and behind.
    fn compare(&mut self, pieces: &[Piece], counted: &Sums, (before, behind): (&Sums, &Sums)) {
        for (place, counted) in counted {
            let of = |sums: &Sums| sums.get(place).copied().unwrap_or(0);
            let (least, most) = (of(before), of(behind));
            self.compared += usize::from(most.max(*counted) > 0);
            self.moving += usize::from(least < most);
            if !(least..=most).contains(counted) {
                let (key, bucket_ms) = place.clone();
                self.differences.push(Difference {
                    key,
                    bucket_ms,
                    width_ms: width_of(pieces, bucket_ms),
                    counted: *counted,
                    events: most,
                    is_settled: least == most,
                    is_repaired: false,
                    refused: None,
                });
            }
        }
    }

    /// Of each bucket in which no events came meanwhile, all keys together have what those have that events name.
    fn compare_others(
        &mut self,
        pieces: &[Piece],
        counted: &Sums,
        all: &Sums,
        (before, behind): (&Sums, &Sums),
    ) {
        let [counted, before, behind] = [counted, before, behind].map(by_bucket);
        for ((_, bucket_ms), all) in all {
            let of = |sums: &BTreeMap<u64, u64>| sums.get(bucket_ms).copied().unwrap_or(0);
            let named = of(&counted);
            if of(&before) == of(&behind) && *all > named {
                self.differences.push(Difference {
                    key: OTHERS.to_owned(),
                    bucket_ms: *bucket_ms,
                    width_ms: width_of(pieces, *bucket_ms),
                    counted: all - named,
                    events: 0,
                    is_settled: true,
                    is_repaired: false,
                    refused: None,
                });
            }
        }
    }

    /// Corrects what differs.
    pub(super) fn repair(&mut self, server: &Server<'_>, args: &Args) -> Result<(), RecountError> {
        let path = format!("/v1/counters/{}/correct", path_segment(&self.counter));
        for difference in &mut self.differences {
            if difference.key == OTHERS {
                difference.refused =
                    Some("no event names the keys: say which with --key".to_owned());
                continue;
            }
            if !difference.is_settled {
                difference.refused = Some("events came meanwhile: try again".to_owned());
                continue;
            }
            let body = json!({
                "key": difference.key,
                "at_ms": difference.bucket_ms,
                "from": difference.counted,
                "to": difference.events,
                "by": args.by,
            });
            match server.post(&path, &body)? {
                Ok(_) => difference.is_repaired = true,
                Err(why) => difference.refused = Some(why),
            }
        }
        Ok(())
    }
}

fn width_of(pieces: &[Piece], at_ms: u64) -> u64 {
    let mut pieces = pieces.iter();
    let piece = pieces.find(|piece| piece.bucket_ms(at_ms).is_some());
    piece.map_or(0, |piece| piece.width_ms)
}

fn by_bucket(sums: &Sums) -> BTreeMap<u64, u64> {
    let mut of_bucket = BTreeMap::new();
    for ((_, bucket_ms), sum) in sums {
        *of_bucket.entry(*bucket_ms).or_default() += sum;
    }
    of_bucket
}

/// What a counter was declared as.
fn info_of(server: &Server<'_>, name: &str) -> Result<Value, RecountError> {
    let path = format!("/v1/counters?prefix={}&limit=1", path_segment(name));
    let page = server.get(&path)?;
    let first = list(&page, "items")?.first().cloned();
    let named = first.filter(|counter| counter["name"] == name);
    named.ok_or_else(|| RecountError::NoCounter(name.to_owned()))
}

/// Asks for the buckets of a key.
fn ask(
    server: &Server<'_>,
    path: &str,
    key: &str,
    pieces: &[Piece],
    counted: &mut Sums,
) -> Result<(), RecountError> {
    for piece in pieces {
        let step_ms = piece.width_ms;
        let mut from_ms = piece.from_ms;
        while from_ms < piece.to_ms {
            let to_ms = piece.to_ms.min(from_ms + STEPS * step_ms);
            let range = server.get(&format!(
                "{path}/keys/{}/range?from_ms={from_ms}&to_ms={to_ms}&step_ms={step_ms}",
                path_segment(key)
            ))?;
            let begins_ms =
                (from_ms..to_ms).step_by(usize::try_from(step_ms).unwrap_or(usize::MAX));
            for (begins_ms, count) in begins_ms.zip(list(&range, "counts")?) {
                if let Some(count) = count.as_u64() {
                    counted.insert((key.to_owned(), begins_ms), count);
                }
            }
            from_ms = to_ms;
        }
    }
    Ok(())
}
