//! Counting less: a correction takes away what should not have been counted.
//!
//! Counts grow otherwise, and what follows from that has to be done here: a key that led a bucket and does not any more
//! leaves its list to another one, which is looked for among all keys of the block. So that is bounded by how many there
//! may be. A key of which nothing is left stays in the directory of its block, until that goes.

use std::cmp::Reverse;

use compact_str::CompactString;
use tidegate_engine::{Reads, Stop, Tx};

use crate::Refusal;
use crate::blocks::{self, KeyBlocks, KnownBlocks};
use crate::leaders::{Of, bucket_of};
use crate::ledger::Sum;
use crate::levels::{Bucket, Level};
use crate::limits::{LOWERED_KEYS_MAX, PAGE_KEYS};
use crate::series::is_key;
use crate::table::{Counter, HEADS, Head, KEYS, LEADERS, Leaders};

/// Takes away what was counted of a key, in all levels that keep the time.
pub(crate) fn lower(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    sum: Sum<'_>,
) -> Result<(), Stop<Refusal>> {
    for (number, bucket) in buckets(counter, sum.at_ms, tx.now_ms()) {
        let level = counter.levels[usize::from(number)];
        lower_in(
            tx,
            (name, (number, level), bucket),
            (sum.key, sum.amount),
            counter.top,
        )?;
    }
    Ok(())
}

/// The buckets of a moment that are kept, with the numbers of their levels.
pub(crate) fn buckets(
    counter: &Counter,
    at_ms: u64,
    now_ms: u64,
) -> impl Iterator<Item = (u8, Bucket)> {
    let levels = (0..).zip(&counter.levels);
    let kept = levels.filter(move |(_, level)| level.bucket(at_ms) >= level.first_kept(now_ms));
    kept.map(move |(number, level)| (number, level.bucket(at_ms)))
}

fn lower_in(
    tx: &mut Tx<'_>,
    (name, (number, level), bucket): (&str, (u8, Level), Bucket),
    (key, amount): (&str, u64),
    top: u64,
) -> Result<(), Stop<Refusal>> {
    let of = (name, number, bucket.block());
    let mut blocks = KeyBlocks::of(tx, (name, key))?;
    let counts = blocks.take(tx, (number, bucket.block()))?;
    let (Some(mut counts), Some(mut head)) = (counts, tx.get(&HEADS, of)?) else {
        return Err(Refusal::CountChanged { count: 0 }.into());
    };
    let place = bucket.place();
    let before = counts.get(place);
    let left = before.checked_sub(amount);
    let left = left.ok_or(Refusal::CountChanged { count: before })?;
    counts.set(place, left);
    head.totals.set(place, head.totals.get(place) - amount);
    blocks.set(tx, (number, level), bucket.block(), counts);
    blocks.close(tx);
    if top > 0 {
        give_way(tx, of, (&mut head, place), (key, left), top)?;
    }
    tx.put(&HEADS, of, head);
    Ok(())
}

/// All keys and series of a block, in the order in which they are listed, unless they are too many.
fn listed(
    tx: &mut Tx<'_>,
    (name, level, block): Of<'_>,
    head: &Head,
) -> Result<Vec<CompactString>, Stop<Refusal>> {
    if head.keys > LOWERED_KEYS_MAX {
        return Err(Refusal::TooManyKeys { keys: head.keys }.into());
    }
    let mut listed = Vec::new();
    for page in 0..head.keys.div_ceil(PAGE_KEYS) {
        let row = tx.get(&KEYS, (name, level, block, page))?;
        listed.extend(row.unwrap_or_default().iter().map(CompactString::new));
    }
    Ok(listed)
}

/// A key of a bucket has less than before: if it leads there, and others may have more, the list is made anew.
fn give_way(
    tx: &mut Tx<'_>,
    of: Of<'_>,
    (head, place): (&mut Head, usize),
    (key, left): (&str, u64),
    top: u64,
) -> Result<(), Stop<Refusal>> {
    let (name, level, block) = of;
    let row_key = (name, level, bucket_of(block, place).0);
    let list = tx.get(&LEADERS, row_key)?.unwrap_or_default();
    let least = head.leasts.get(place);
    let Some(at) = list.iter().position(|leading| leading == key) else {
        return Ok(());
    };
    if left > 0 && left >= least {
        let mut had: Vec<_> = list.had().collect();
        had[at] = had[at].min(left); // It is never more than what the key has.
        tx.put(&LEADERS, row_key, Leaders::new(list.into_keys(), &had));
        return Ok(());
    }
    let mut counts = counts_of(tx, of, head, place)?;
    counts.sort_unstable_by(|(a, a_count), (b, b_count)| {
        (Reverse(a_count), a).cmp(&(Reverse(b_count), b))
    });
    counts.truncate(usize::try_from(top).unwrap_or(usize::MAX));
    let is_full = counts.len() as u64 == top;
    let lowest = counts.last().map_or(0, |(_, count)| *count);
    head.leasts.set(place, if is_full { lowest } else { 0 });
    if counts.is_empty() {
        tx.remove(&LEADERS, row_key);
    } else {
        let keys = counts.iter().flat_map(|(key, _)| [key.as_bytes(), &[0]]);
        let had: Vec<_> = counts.iter().map(|(_, count)| *count).collect();
        let keys = keys.flatten().copied().collect();
        tx.put(&LEADERS, row_key, Leaders::new(keys, &had));
    }
    Ok(())
}

/// The keys that have something in a bucket, and how much.
fn counts_of(
    tx: &mut Tx<'_>,
    of: Of<'_>,
    head: &Head,
    place: usize,
) -> Result<Vec<(CompactString, u64)>, Stop<Refusal>> {
    let mut counts = Vec::new();
    for key in listed(tx, of, head)? {
        if is_key(&key) {
            let counts_of = blocks::counts(tx, of, &key)?;
            let count = counts_of.map_or(0, |counts| counts.get(place));
            counts.extend((count > 0).then_some((key, count)));
        }
    }
    Ok(counts)
}

/// Names the rows that [`lower`] reads.
pub(crate) fn reads(reads: &mut Reads<'_>, (name, counter): (&str, &Counter), sum: Sum<'_>) {
    for (number, bucket) in buckets(counter, sum.at_ms, reads.now_ms()) {
        let (block, level) = (bucket.block(), counter.levels[usize::from(number)]);
        let read = |reads: &mut Reads<'_>, key: &str| {
            KnownBlocks::of(reads, (name, key)).reads(reads, (number, level), block);
        };
        read(reads, sum.key);
        reads.row(&LEADERS, (name, number, bucket.0));
        let Some(head) = reads.get(&HEADS, (name, number, block)) else {
            continue;
        };
        if head.keys > LOWERED_KEYS_MAX {
            continue;
        }
        for page in 0..head.keys.div_ceil(PAGE_KEYS) {
            let row = reads.get(&KEYS, (name, number, block, page));
            for key in row.unwrap_or_default().iter() {
                read(reads, key);
            }
        }
    }
}
