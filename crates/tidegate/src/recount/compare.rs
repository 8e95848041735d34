//! What a counter says beside what its events add up to.
//!
//! Events go on arriving: those that had come before the counter was asked are in what it says, and those that come
//! until it has answered may be. So a count is right between two sums, and differs outside of them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::json;

use super::Args;
use super::events::Events;
use super::said::{Counter, Said};
use super::server::{Ask, RecountError, number};
use super::span::{Piece, pieces, unique_span};
use super::tally::{ALL, Sums, Tally};

/// A count that is not what the events add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) key: String,
    /// `dim=value`, if it is of events of one value, without the value if it is of all that are counted together; `by`, if it
    /// is how many different ones they are by.
    pub(super) of: String,
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
    /// Of how many keys it was compared how many different ones their events are by, all together among them.
    pub(super) unique: usize,
    pub(super) differences: Vec<Difference>,
}

/// What `of` says of different ones.
const BY: &str = "by";

impl Books {
    pub(super) async fn of(ask: &impl Ask, args: &Args) -> Result<Self, RecountError> {
        let counter = Counter::named(ask, &args.counter).await?;
        let given = [("name", json!(counter.name))];
        let raw = ask.told("COUNTER.RAW", &given).await?;
        let now_ms = number(&raw, "as_of_ms")?;
        let span = (args.from, args.to.unwrap_or(now_ms));
        let pieces = pieces(&counter.levels, span, now_ms);
        let (Some(last), Some(first)) = (pieces.first(), pieces.last()) else {
            return Err(RecountError::EmptySpan);
        };
        let (from_ms, to_ms) = (first.from_ms, last.to_ms);
        let unique = unique_span(&counter.levels, (from_ms, args.to), now_ms);
        let unique = unique.filter(|_| counter.has_unique);
        let tally = Tally::new(&pieces, unique.clone());
        let mut events = Events::new(ask, (&counter.name, &counter.topic), 0, tally);
        events.check_kept(from_ms).await?;
        events.catch_up().await?;
        let (mut before, unique_before) = (events.tally.sums.clone(), events.tally.unique());
        let (keys, is_all) = match args.key.as_slice() {
            [] => (events.tally.keys(), true),
            some => (some.to_vec(), false),
        };
        let of = (keys.as_slice(), is_all);
        let mut said = Said::of(ask, &counter, of, (&pieces, unique.as_ref())).await?;
        events.catch_up().await?;
        let (mut behind, unique_behind) = (events.tally.sums.clone(), events.tally.unique());
        said.join_others(&mut before);
        said.join_others(&mut behind);
        let mut books = Self {
            from_ms,
            to_ms,
            events: events.tally.events,
            keys: keys.len(),
            compared: 0,
            moving: 0,
            unique: said.different.len(),
            differences: Vec::new(),
            counter: counter.name.clone(),
        };
        books.compare(&pieces, &said.counts, (&before, &behind));
        books.compare_others(&pieces, &said, (&before, &behind));
        if let Some(span) = unique {
            books.compare_unique(&said.different, &span, (&unique_before, &unique_behind));
        }
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
                let (key, of, bucket_ms) = place.clone();
                let width_ms = width_of(pieces, bucket_ms);
                self.differs(
                    (key, of),
                    (bucket_ms, width_ms),
                    (*counted, most),
                    least == most,
                );
            }
        }
    }

    fn differs(
        &mut self,
        (key, of): (String, String),
        (bucket_ms, width_ms): (u64, u64),
        (counted, events): (u64, u64),
        is_settled: bool,
    ) {
        self.differences.push(Difference {
            key,
            of,
            bucket_ms,
            width_ms,
            counted,
            events,
            is_settled,
            is_repaired: false,
            refused: None,
        });
    }

    /// Of each bucket in which no events came meanwhile, all keys together have what those have that events name.
    fn compare_others(&mut self, pieces: &[Piece], said: &Said, (before, behind): (&Sums, &Sums)) {
        let [counted, before, behind] = [&said.counts, before, behind].map(by_bucket);
        for (bucket_ms, all) in by_bucket(&said.all) {
            let of = |sums: &BTreeMap<u64, u64>| sums.get(&bucket_ms).copied().unwrap_or(0);
            let named = of(&counted);
            if of(&before) == of(&behind) && all > named {
                let place = (bucket_ms, width_of(pieces, bucket_ms));
                self.differs(
                    (ALL.to_owned(), String::new()),
                    place,
                    (all - named, 0),
                    true,
                );
            }
        }
    }

    /// A sketch is made of whom events are by, and of nothing else: so is the estimate.
    fn compare_unique(
        &mut self,
        told: &BTreeMap<String, u64>,
        span: &Range<u64>,
        (before, behind): (&BTreeMap<String, u64>, &BTreeMap<String, u64>),
    ) {
        for (key, unique) in told {
            let of = |all: &BTreeMap<String, u64>| all.get(key).copied().unwrap_or(0);
            let (least, most) = (of(before), of(behind));
            if !(least..=most).contains(unique) {
                let place = (span.start, span.end - span.start);
                let of = (key.clone(), BY.to_owned());
                self.differs(of, place, (*unique, most), least == most);
            }
        }
    }

    /// Corrects what differs.
    pub(super) async fn repair(&mut self, ask: &impl Ask, args: &Args) -> Result<(), RecountError> {
        for difference in &mut self.differences {
            if let Some(why) = difference.not_repaired() {
                difference.refused = Some(why.to_owned());
                continue;
            }
            let given = [
                ("name", json!(self.counter)),
                ("key", json!(difference.key)),
                ("at_ms", json!(difference.bucket_ms)),
                ("from", json!(difference.counted)),
                ("to", json!(difference.events)),
                ("by", json!(args.by)),
            ];
            match ask.ask("COUNTER.CORRECT", &given).await? {
                Ok(_) => difference.is_repaired = true,
                Err(why) => difference.refused = Some(why),
            }
        }
        Ok(())
    }
}

impl Difference {
    /// Why it is not corrected, if it is not.
    fn not_repaired(&self) -> Option<&'static str> {
        if self.of == BY {
            return Some("different ones cannot be corrected");
        }
        if !self.of.is_empty() {
            return Some("counts by dimension cannot be corrected");
        }
        if self.key == ALL {
            return Some("no event names the keys: say which with --key");
        }
        (!self.is_settled).then_some("events came meanwhile: try again")
    }
}

fn width_of(pieces: &[Piece], at_ms: u64) -> u64 {
    let mut pieces = pieces.iter();
    let piece = pieces.find(|piece| piece.bucket_ms(at_ms).is_some());
    piece.map_or(0, |piece| piece.width_ms)
}

fn by_bucket(sums: &Sums) -> BTreeMap<u64, u64> {
    let mut of_bucket = BTreeMap::new();
    let whole = sums.iter().filter(|((_, of, _), _)| of.is_empty());
    for ((_, _, bucket_ms), sum) in whole {
        *of_bucket.entry(*bucket_ms).or_default() += sum;
    }
    of_bucket
}
