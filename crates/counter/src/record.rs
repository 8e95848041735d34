//! Events come in: each is known from before, too late, or counted.

use tidegate_engine::contract::Id;
use tidegate_engine::limits::NAME_BYTES_MAX;
use tidegate_engine::{Missing, Reads, Tx};
use tidegate_sketch::Coupon;
use xxhash_rust::xxh3::xxh3_64;

use crate::Refusal;
use crate::apply::ALL_KEYS;
use crate::ledger::{self, Sum};
use crate::limits::{AHEAD_MS_MAX, DIMS_BYTES_MAX, LATE_KEPT};
use crate::once::{Came, Ids, hash_of};
use crate::raw;
use crate::series::{self, of_event};
use crate::table::{Counter, LATE, LATE_EVENTS, LateEvent};
use crate::uniques::{self, Visit};

/// What an event says: two numbers, whom it is by, and its dimensions.
const CONTENT_BYTES_MAX: usize = 16 + NAME_BYTES_MAX + 1 + DIMS_BYTES_MAX;

/// An event as it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) key: &'a str,
    pub(crate) amount: u64,
    pub(crate) at_ms: Option<u64>,
    pub(crate) by: Option<&'a str>,
    /// As [`crate::Dims`] has them.
    pub(crate) dims: Option<&'a str>,
}

/// The id that an event has, if it has one.
pub(crate) fn id_of(id: &Id) -> Option<&str> {
    match id {
        Id::Chosen(id) => Some(id.as_str()),
        Id::Mint => None,
    }
}

impl<'a> Event<'a> {
    /// Its dimensions, each with its value.
    pub(crate) fn dims(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let pairs = self.dims.into_iter().flat_map(|dims| dims.split('\n'));
        pairs.filter_map(|pair| pair.split_once('='))
    }

    fn sum(&self, now_ms: u64) -> Sum<'a> {
        Sum {
            key: self.key,
            at_ms: self.at_ms.unwrap_or(now_ms),
            amount: self.amount,
        }
    }

    /// Who it is by, if that is counted.
    fn visit(&self, counter: &Counter, now_ms: u64) -> Option<Visit<'a>> {
        let by = self.by.filter(|_| counter.unique)?;
        Some(Visit {
            key: self.key,
            at_ms: self.at_ms.unwrap_or(now_ms),
            who: Coupon::of(by.as_bytes()),
        })
    }

    /// The hash of what it says beside its id and its key. Stored, so for ever.
    fn content(&self) -> u64 {
        let mut bytes = [0; CONTENT_BYTES_MAX];
        bytes[..8].copy_from_slice(&self.amount.to_le_bytes());
        let at_ms = self.at_ms.unwrap_or(u64::MAX);
        bytes[8..16].copy_from_slice(&at_ms.to_le_bytes());
        let by = self.by.unwrap_or_default().as_bytes();
        let dims = self.dims.unwrap_or_default().as_bytes();
        let behind = 16 + by.len() + usize::from(!dims.is_empty());
        bytes[16..16 + by.len()].copy_from_slice(by);
        bytes[behind..behind + dims.len()].copy_from_slice(dims);
        xxh3_64(&bytes[..behind + dims.len()])
    }

    /// Why it cannot be taken in, whatever came before.
    fn check(&self, counter: &Counter, now_ms: u64) -> Result<(), Refusal> {
        if self.key == ALL_KEYS {
            return Err(Refusal::KeyReserved);
        }
        let is_unknown = |dim: &str| !counter.dims.iter().any(|own| own == dim);
        if self.dims().any(|(dim, _)| is_unknown(dim)) {
            return Err(Refusal::UnknownDimension);
        }
        let is_fact = |dim: &str| counter.facts.iter().any(|own| own == dim);
        if self.dims().any(|(dim, _)| is_fact(dim)) {
            return Err(Refusal::DimensionOfFacts);
        }
        if self
            .at_ms
            .is_some_and(|at_ms| at_ms > now_ms + AHEAD_MS_MAX)
        {
            return Err(Refusal::TooFarAhead);
        }
        Ok(())
    }

    fn is_late(&self, counter: &Counter, now_ms: u64) -> bool {
        self.at_ms
            .is_some_and(|at_ms| at_ms + counter.late_ms < now_ms)
    }
}

/// What has become of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Counted,
    Late,
    /// The same came before.
    Repeated {
        /// It was late then, and not counted.
        was_late: bool,
    },
    /// None of it: it is refused.
    Refused(Refusal),
}

/// Takes events in, in their order; tells what has become of each. One that is refused leaves no trace.
pub(crate) fn take_in(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    events: &[Event<'_>],
) -> Result<Vec<Fate>, Missing> {
    let now_ms = tx.now_ms();
    let mut ids = Ids::new(name, counter.dedupe_ms, now_ms);
    let mut fates = Vec::with_capacity(events.len());
    let mut sums = Vec::with_capacity(events.len());
    let mut series = Vec::new();
    let mut visits = Vec::new();
    let mut late = Vec::new();
    for event in events {
        let fate = fate_of(tx, counter, &mut ids, event)?;
        match fate {
            Fate::Counted => {
                let sum = event.sum(now_ms);
                sums.push(sum);
                of_event(tx, (name, counter), event, |of| series.push((of, sum)))?;
                visits.extend(event.visit(counter, now_ms));
            }
            Fate::Late => late.push(event),
            Fate::Repeated { .. } | Fate::Refused(_) => {}
        }
        fates.push(fate);
    }
    ids.note(tx)?;
    list_late(tx, name, &late)?;
    sums.extend(series.iter().map(|(key, sum)| Sum { key, ..*sum }));
    sums.sort_unstable();
    ledger::count(tx, (name, counter), &sums)?;
    uniques::count(tx, (name, counter), &visits)?;
    Ok(fates)
}

fn fate_of(
    tx: &mut Tx<'_>,
    counter: &Counter,
    ids: &mut Ids<'_>,
    event: &Event<'_>,
) -> Result<Fate, Missing> {
    let now_ms = tx.now_ms();
    if let Err(refusal) = event.check(counter, now_ms) {
        return Ok(Fate::Refused(refusal));
    }
    let is_late = event.is_late(counter, now_ms);
    if let Some(id) = event.id {
        match ids.take(tx, hash_of(event.key, id), (event.content(), is_late))? {
            Came::Never => {}
            Came::Before { was_late } => return Ok(Fate::Repeated { was_late }),
            Came::Another => return Ok(Fate::Refused(Refusal::IdConflict)),
        }
    }
    Ok(if is_late { Fate::Late } else { Fate::Counted })
}

/// Lists events that came too late; the oldest go for them.
fn list_late(tx: &mut Tx<'_>, name: &str, late: &[&Event<'_>]) -> Result<(), Missing> {
    if late.is_empty() {
        return Ok(());
    }
    let mut listed = tx.get(&LATE, name)?.unwrap_or_default();
    for event in late {
        listed.last += 1;
        let row = LateEvent {
            key: event.key.into(),
            amount: event.amount,
            at_ms: event.at_ms.unwrap_or_default(),
            came_at_ms: tx.now_ms(),
            id: event.id.unwrap_or_default().into(),
        };
        tx.put(&LATE_EVENTS, (name, listed.last), row);
        if listed.last > LATE_KEPT {
            tx.remove(&LATE_EVENTS, (name, listed.last - LATE_KEPT));
        }
    }
    tx.put(&LATE, name, listed);
    Ok(())
}

/// Names the rows that taking these in reads.
pub(crate) fn reads(
    reads: &mut Reads<'_>,
    (name, counter): (&str, &Counter),
    events: &[Event<'_>],
) {
    let now_ms = reads.now_ms();
    let ids = Ids::new(name, counter.dedupe_ms, now_ms);
    reads.row(&LATE, name);
    raw::reads(reads, (name, counter));
    let mut sums = Vec::with_capacity(events.len());
    let mut series = Vec::new();
    let mut visits = Vec::new();
    for event in events {
        if let Some(id) = event.id {
            ids.reads(reads, hash_of(event.key, id));
        }
        if !event.is_late(counter, now_ms) {
            let sum = event.sum(now_ms);
            sums.push(sum);
            series::reads(reads, (name, counter), event, |of| series.push((of, sum)));
            visits.extend(event.visit(counter, now_ms));
        }
    }
    sums.extend(series.iter().map(|(key, sum)| Sum { key, ..*sum }));
    ids.reads_of_pages(reads);
    sums.sort_unstable();
    ledger::reads(reads, (name, counter), &sums);
    uniques::reads(reads, (name, counter), &visits);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events are told apart by these hashes, which are stored.
    #[test]
    fn hashes_of_what_events_say_are_frozen() {
        let plain = Event {
            id: Some("e1"),
            key: "a",
            amount: 1,
            at_ms: None,
            by: None,
            dims: None,
        };
        let said = [
            plain,
            Event { amount: 2, ..plain },
            Event {
                at_ms: Some(0),
                ..plain
            },
            Event {
                by: Some("mia"),
                ..plain
            },
            Event {
                dims: Some("country=de"),
                ..plain
            },
        ];
        let hashes = said.map(|event| event.content());
        let expected = [
            8_691_522_550_617_757_783,
            9_449_019_704_153_015_562,
            2_806_482_627_441_532_945,
            18_219_704_232_300_715_501,
            2_173_408_004_265_181_283,
        ];
        assert_eq!(hashes, expected);
        let another = Event { key: "b", ..plain };
        assert_eq!(another.content(), plain.content(), "its id is of its key");
    }
}
