//! What a counter has left when it is dropped goes in steps of bounded size, in each shard by itself.
//!
//! One kind of rows goes after the other, as [`Kind`] numbers them. Blocks, generations of ids and buckets of sketches
//! are looked for by their numbers, from the oldest that there may be on: what is not there the table's filter in memory
//! answers. Each has a timer of its own, by which it would go when its time is over. It is cancelled with the last row; of
//! what has begun to go by it, it is waited for the end. Values go last, since series of blocks are of them.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Shard, Tx};

use crate::apply::{Emptied, end_first};
use crate::blocks;
use crate::facts;
use crate::ledger::{self, DROP_BLOCK};
use crate::levels::Level;
use crate::limits::{
    AHEAD_MS_MAX, CORRECTIONS_KEPT, EMPTYING_WAITS_MS, LATE_KEPT, PAGE_KEYS, STEP_LOOKS,
};
use crate::once::{self, FORGET};
use crate::table::{
    CORRECTED, CORRECTIONS, COUNTERS, Counter, DIMENSIONS, DOMAIN, EMPTYING, Emptying, FACT_LISTS,
    FACT_PAGES, FACTS, GENERATIONS, HEADS, ID_PAGES, KEYS, LATE, LATE_EVENTS, MOVES, OPEN, RAW,
    SKETCHED, VALUES,
};
use crate::uniques::{self, DROP_SKETCHES};

/// Set when a shard knows that a counter is dropped, until none of its rows is left: nobody waits for it.
pub(crate) const EMPTY: Timer = Timer::idle(DOMAIN, 5, empty, empty_reads);

/// A kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Blocks of a level.
    Blocks(u8, Level),
    /// Buckets of sketches of a level.
    Sketches(u8, Level),
    /// Generations of ids.
    Ids,
    /// Late events, all at once: they are few.
    Late,
    /// What was corrected, and what is known of a topic, all at once.
    Corrections,
    /// What is known of keys, the last pages of them first.
    Facts,
    /// The values of a dimension, all at once.
    Values(usize),
}

/// The kind of this number: levels with their blocks and with their sketches, then what each counter has once, then its
/// dimensions. `None` behind the last one.
fn kind_of(counter: &Counter, number: u64) -> Option<Kind> {
    let levels = || (0..).zip(counter.levels.iter().copied());
    let blocks = levels().map(|(at, level)| Kind::Blocks(at, level));
    let sketches = levels().map(|(at, level)| Kind::Sketches(at, level));
    let values = (0..counter.dims.iter().count()).map(Kind::Values);
    let all = blocks.chain(sketches);
    let all = all.chain([Kind::Ids, Kind::Late, Kind::Corrections, Kind::Facts]);
    all.chain(values).nth(usize::try_from(number).ok()?)
}

/// Whether nothing is left in a shard but the counter itself.
pub(crate) fn is_last(counter: &Counter, emptying: &Emptying) -> bool {
    kind_of(counter, emptying.kind).is_none()
}

impl Kind {
    /// The numbers that there may be of a time.
    fn number_at(self, counter: &Counter, at_ms: u64) -> u64 {
        match self {
            Self::Blocks(_, level) => level.bucket(at_ms).block(),
            Self::Sketches(_, level) => level.bucket(at_ms).0,
            Self::Ids => at_ms / counter.dedupe_ms,
            Self::Late | Self::Corrections | Self::Facts | Self::Values(_) => 0,
        }
    }

    /// Those at which the next step looks, from the oldest on that there may be.
    fn next(self, counter: &Counter, from: u64, now_ms: u64) -> std::ops::Range<u64> {
        let oldest_ms = counter.created_at_ms.saturating_sub(counter.late_ms);
        let first = self.number_at(counter, oldest_ms).max(from);
        let last = self.number_at(counter, now_ms + AHEAD_MS_MAX);
        first..(last + 1).min(first + STEP_LOOKS)
    }
}

/// What one step has come to.
enum Step {
    /// All of this kind are gone that have lower numbers.
    UpTo(u64),
    /// More rows of this one are to go.
    More(u64),
    /// This one goes by itself already.
    Waits(u64),
}

fn empty_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let shard = owner.text().unwrap_or_default();
    let name = Shard::whole_of(shard);
    let row = reads.get(&EMPTYING, shard).zip(reads.get(&COUNTERS, shard));
    let Some((Emptying { kind, from, .. }, counter)) = row else {
        return;
    };
    let Some(kind) = kind_of(&counter, kind) else {
        return;
    };
    for number in kind.next(&counter, from, reads.now_ms()) {
        match kind {
            Kind::Blocks(level, _) => {
                let head = reads.get(&HEADS, (name, level, number));
                let pages = head.iter().flat_map(ledger::next_pages);
                for page in pages {
                    let keys = reads.get(&KEYS, (name, level, number, page));
                    let keys = keys.unwrap_or_default();
                    keys.iter().for_each(|key| reads.row(&OPEN, (name, key)));
                }
            }
            Kind::Sketches(level, _) => reads.row(&SKETCHED, (name, level, number)),
            Kind::Ids => {
                let generation = reads.get(&GENERATIONS, (name, number));
                let pages = generation.iter().flat_map(once::next_pages);
                pages.for_each(|page| reads.row(&ID_PAGES, (name, number, page)));
            }
            Kind::Late => reads.row(&LATE, name),
            Kind::Corrections => reads.row(&CORRECTED, name),
            Kind::Facts => {
                let listed = reads.get(&FACT_LISTS, name).unwrap_or_default();
                let pages = facts::last_pages(&listed);
                for page in pages {
                    let keys = reads.get(&FACT_PAGES, (name, page));
                    for key in keys.unwrap_or_default().iter() {
                        for dim in counter.facts.iter() {
                            reads.row(&MOVES, (name, key, dim));
                        }
                    }
                }
            }
            Kind::Values(at) => reads.row(&DIMENSIONS, (name, dim_of(&counter, at))),
        }
    }
}

fn dim_of(counter: &Counter, at: usize) -> &str {
    counter.dims.iter().nth(at).unwrap_or_default()
}

/// Some rows of a counter that is dropped go; a further timer goes on with the rest.
fn empty(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let shard = owner.text().unwrap_or_default();
    let row = tx.get(&EMPTYING, shard)?;
    let Some((mut emptying, counter)) = row.zip(tx.get(&COUNTERS, shard)?) else {
        return Ok(());
    };
    let Some(kind) = kind_of(&counter, emptying.kind) else {
        return end(tx, shard, emptying);
    };
    let numbers = kind.next(&counter, emptying.from, tx.now_ms());
    let last = kind.number_at(&counter, tx.now_ms() + AHEAD_MS_MAX);
    let mut due_ms = tx.now_ms();
    match step(tx, (Shard::whole_of(shard), &counter), kind, numbers)? {
        Step::UpTo(number) if number > last => {
            (emptying.kind, emptying.from) = (emptying.kind + 1, 0);
        }
        Step::UpTo(number) | Step::More(number) => emptying.from = number,
        Step::Waits(number) => {
            emptying.from = number;
            due_ms += EMPTYING_WAITS_MS;
        }
    }
    tx.put(&EMPTYING, shard, emptying);
    tx.wake_at(&EMPTY, due_ms, shard);
    Ok(())
}

/// The first rows that are found go.
fn step(
    tx: &mut Tx<'_>,
    of: (&str, &Counter),
    kind: Kind,
    numbers: std::ops::Range<u64>,
) -> Result<Step, Missing> {
    let end = numbers.end;
    for number in numbers {
        let found = match kind {
            Kind::Blocks(level, width) => drop_block(tx, of, (level, width), number)?,
            Kind::Sketches(level, width) => drop_sketches(tx, of, (level, width), number)?,
            Kind::Ids => drop_ids(tx, of, number)?,
            Kind::Late => drop_late(tx, of.0)?,
            Kind::Corrections => drop_corrections(tx, of.0)?,
            Kind::Facts => drop_facts(tx, of)?,
            Kind::Values(at) => drop_values(tx, (of.0, dim_of(of.1, at)))?,
        };
        if let Some(step) = found {
            return Ok(step);
        }
    }
    Ok(Step::UpTo(end))
}

/// `None` if there is no such block; and so with what follows.
fn drop_block(
    tx: &mut Tx<'_>,
    (name, _): (&str, &Counter),
    (level, width): (u8, Level),
    block: u64,
) -> Result<Option<Step>, Missing> {
    let of = (name, level, block);
    let Some(mut head) = tx.get(&HEADS, of)? else {
        return Ok(None);
    };
    let gone_ms = width.block_gone_ms(block);
    if gone_ms <= tx.now_ms() {
        return Ok(Some(Step::Waits(block)));
    }
    let is_gone = ledger::drop_pages(tx, of, &mut head, |tx, key| blocks::drop_open(tx, of, key))?;
    if is_gone {
        tx.cancel(&DROP_BLOCK, gone_ms, of);
    }
    Ok(Some(Step::More(block)))
}

fn drop_sketches(
    tx: &mut Tx<'_>,
    (name, _): (&str, &Counter),
    (level, width): (u8, Level),
    bucket: u64,
) -> Result<Option<Step>, Missing> {
    let of = (name, level, bucket);
    let Some(mut sketched) = tx.get(&SKETCHED, of)? else {
        return Ok(None);
    };
    let gone_ms = width.gone_ms(crate::levels::Bucket(bucket));
    if gone_ms <= tx.now_ms() {
        return Ok(Some(Step::Waits(bucket)));
    }
    let is_gone = uniques::drop_page(tx, of, &mut sketched)?;
    if is_gone {
        tx.cancel(&DROP_SKETCHES, gone_ms, of);
    }
    Ok(Some(Step::More(bucket)))
}

fn drop_ids(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    number: u64,
) -> Result<Option<Step>, Missing> {
    let Some(mut generation) = tx.get(&GENERATIONS, (name, number))? else {
        return Ok(None);
    };
    let over_ms = once::over_ms(number, counter.dedupe_ms);
    if over_ms <= tx.now_ms() {
        return Ok(Some(Step::Waits(number)));
    }
    let is_gone = once::drop_pages(tx, (name, number), &mut generation)?;
    if is_gone {
        tx.cancel(&FORGET, over_ms, (name, number));
    }
    Ok(Some(Step::More(number)))
}

fn drop_late(tx: &mut Tx<'_>, name: &str) -> Result<Option<Step>, Missing> {
    if let Some(late) = tx.get(&LATE, name)? {
        for number in late.last.saturating_sub(LATE_KEPT) + 1..=late.last {
            tx.remove(&LATE_EVENTS, (name, number));
        }
        tx.remove(&LATE, name);
    }
    Ok(None)
}

fn drop_corrections(tx: &mut Tx<'_>, name: &str) -> Result<Option<Step>, Missing> {
    if let Some(corrected) = tx.get(&CORRECTED, name)? {
        for number in corrected.last.saturating_sub(CORRECTIONS_KEPT) + 1..=corrected.last {
            tx.remove(&CORRECTIONS, (name, number));
        }
        tx.remove(&CORRECTED, name);
    }
    tx.remove(&RAW, name);
    Ok(None)
}

fn drop_facts(tx: &mut Tx<'_>, (name, counter): (&str, &Counter)) -> Result<Option<Step>, Missing> {
    let Some(mut listed) = tx.get(&FACT_LISTS, name)? else {
        return Ok(None);
    };
    for page in facts::last_pages(&listed).rev() {
        let keys = tx.get(&FACT_PAGES, (name, page))?.unwrap_or_default();
        for key in keys.iter() {
            for dim in counter.facts.iter() {
                if tx.get(&MOVES, (name, key, dim))?.is_some() {
                    return Ok(Some(Step::Waits(0)));
                }
            }
        }
        keys.iter().for_each(|key| tx.remove(&FACTS, (name, key)));
        tx.remove(&FACT_PAGES, (name, page));
        listed.keys = page * PAGE_KEYS;
        if listed.keys == 0 {
            tx.remove(&FACT_LISTS, name);
        } else {
            tx.put(&FACT_LISTS, name, listed);
        }
    }
    Ok(Some(Step::More(0)))
}

fn drop_values(tx: &mut Tx<'_>, (name, dim): (&str, &str)) -> Result<Option<Step>, Missing> {
    if let Some(dimension) = tx.get(&DIMENSIONS, (name, dim))? {
        for value in dimension.values.iter() {
            tx.remove(&VALUES, (name, dim, value));
        }
        tx.remove(&DIMENSIONS, (name, dim));
    }
    Ok(None)
}

/// Nothing is left but the counter itself.
fn end(tx: &mut Tx<'_>, shard: &str, emptying: Emptying) -> Result<(), Missing> {
    if Shard::named(shard).is_some() {
        tx.remove(&EMPTYING, shard);
        tx.send(Shard::whole_of(shard), &Emptied {});
        return Ok(());
    }
    tx.put(&EMPTYING, shard, emptying);
    end_first(tx, shard)
}
