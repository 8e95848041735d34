//! What was counted of a key while nothing was known of a dimension is moved to the value that is told first.
//!
//! It lies in the series of [`NO_FACT`], of the key and of all keys. One block after the other is moved, of each level, in
//! one transaction each with its two series: so at every moment the values of a dimension add up to what the key has. An
//! event that comes meanwhile is counted for what is known by then. The series of [`NO_FACT`] stays in the directory of its
//! block, with nothing in it.

use compact_str::CompactString;
use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Shard, Tx};

use crate::blocks::{self, KeyBlocks, KnownBlocks};
use crate::counts::Counts;
use crate::ledger::list_keys;
use crate::levels::Level;
use crate::limits::{AHEAD_MS_MAX, PAGE_KEYS, STEP_MOVES, STEP_PAGES};
use crate::series::{NO_FACT, allowed, allowed_as_known, name_of};
use crate::table::{
    COUNTERS, Counter, DOMAIN, FACT_LISTS, FACT_PAGES, HEADS, KEYS, Listed, MOVES, Move,
};

/// Set when a fact is told of which nothing was known, until all is moved.
pub(crate) const MOVE: Timer = Timer::idle(DOMAIN, 6, go_on, move_reads);

/// A counter, a key, and a dimension.
type Of<'a> = (&'a str, &'a str, &'a str);

/// What was counted while nothing was known is moved to this value.
pub(crate) fn move_to(tx: &mut Tx<'_>, of: Of<'_>, value: &str) {
    let moved = Move {
        value: value.into(),
        ..Move::default()
    };
    tx.put(&MOVES, of, moved);
    tx.wake_at(&MOVE, tx.now_ms(), of);
}

/// Lists a key of which something is known.
pub(crate) fn list(tx: &mut Tx<'_>, (name, key): (&str, &str)) -> Result<(), Missing> {
    let mut listed = tx.get(&FACT_LISTS, name)?.unwrap_or_default();
    let page = (name, listed.keys / PAGE_KEYS);
    let mut keys = tx.get(&FACT_PAGES, page)?.unwrap_or_default();
    keys.push(key);
    listed.keys += 1;
    tx.put(&FACT_PAGES, page, keys);
    tx.put(&FACT_LISTS, name, listed);
    Ok(())
}

/// The last pages of keys, so many as go in one step.
pub(crate) fn last_pages(listed: &Listed) -> std::ops::Range<u64> {
    let pages = listed.keys.div_ceil(PAGE_KEYS);
    pages.saturating_sub(STEP_PAGES)..pages
}

/// Names the rows that listing a key reads.
pub(crate) fn reads_of_list(reads: &mut Reads<'_>, name: &str) {
    let listed = reads.get(&FACT_LISTS, name).unwrap_or_default();
    reads.row(&FACT_PAGES, (name, listed.keys / PAGE_KEYS));
}

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> Of<'a> {
    let (name, key, dim) = (owner.text(), owner.text(), owner.text());
    let of = name.zip(key).zip(dim);
    let ((name, key), dim) = of.expect("because the timer is set with all three");
    (name, key, dim)
}

/// The key of the shard in which a key lies.
fn shard_of(of: Option<u16>, (name, key, _): Of<'_>) -> CompactString {
    Shard::of_whom(key, of.unwrap_or(1)).key_of(name)
}

/// The blocks at which the next step looks.
fn next(level: Level, from: u64, now_ms: u64) -> std::ops::Range<u64> {
    let first = level.first_kept(now_ms).block().max(from);
    let last = level.bucket(now_ms + AHEAD_MS_MAX).block();
    first..(last + 1).min(first + STEP_MOVES)
}

/// The series from and to which it is moved: of the key, and of all keys.
fn series((_, key, dim): Of<'_>, value: &str) -> [[CompactString; 2]; 2] {
    [key, ""].map(|key| [NO_FACT, value].map(|value| name_of(key, dim, value)))
}

fn move_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let of = owner_of(&mut owner);
    let shard = shard_of(reads.splits().of(DOMAIN, of.0), of);
    let row = reads
        .get(&MOVES, of)
        .zip(reads.get(&COUNTERS, shard.as_str()));
    let Some((moved, counter)) = row else {
        return;
    };
    let Some(level) = counter.levels.get(usize::from(moved.level)) else {
        return;
    };
    let value = allowed_as_known(reads, (of.0, &counter), of.2, &moved.value);
    let series = series(of, value);
    for block in next(*level, moved.from, reads.now_ms()) {
        let read = |reads: &mut Reads<'_>, name: &CompactString| {
            KnownBlocks::of(reads, (of.0, name)).reads(reads, (moved.level, *level), block)
        };
        let from = read(reads, &series[0][0]);
        let head = reads.get(&HEADS, (of.0, moved.level, block));
        if from.is_some() {
            for name in series.iter().flatten() {
                read(reads, name);
            }
            let page = head.map_or(0, |head| head.keys / PAGE_KEYS);
            reads.row(&KEYS, (of.0, moved.level, block, page));
        }
    }
}

/// Some blocks are moved; a further timer goes on with the rest.
fn go_on(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let of = owner_of(&mut owner);
    let shard = shard_of(tx.splits().of(DOMAIN, of.0), of);
    let Some(mut moved) = tx.get(&MOVES, of)? else {
        return Ok(());
    };
    let counter = tx.get(&COUNTERS, shard.as_str())?;
    let counter = counter.filter(|counter| !counter.is_dropped);
    let level = counter.as_ref().zip(moved.level.into()).and_then(level_of);
    let Some((counter, level)) = counter.as_ref().zip(level) else {
        tx.remove(&MOVES, of); // All is moved, or goes anyway.
        return Ok(());
    };
    let blocks = next(level, moved.from, tx.now_ms());
    let end = blocks.end;
    for block in blocks {
        move_block(tx, of, counter, (&moved, level, block))?;
    }
    if end > level.bucket(tx.now_ms() + AHEAD_MS_MAX).block() {
        (moved.level, moved.from) = (moved.level + 1, 0);
    } else {
        moved.from = end;
    }
    tx.put(&MOVES, of, moved);
    tx.wake_at(&MOVE, tx.now_ms(), of);
    Ok(())
}

fn level_of((counter, number): (&Counter, u8)) -> Option<Level> {
    counter.levels.get(usize::from(number)).copied()
}

/// Moves what is of one block, in both series.
fn move_block(
    tx: &mut Tx<'_>,
    of: Of<'_>,
    counter: &Counter,
    (moved, level, block): (&Move, Level, u64),
) -> Result<(), Missing> {
    let (name, number) = (of.0, moved.level);
    let at = (name, number, block);
    let no_fact = name_of(of.1, of.2, NO_FACT);
    let counts = blocks::counts(tx, at, &no_fact)?;
    let counts = counts.filter(|counts| counts.some().next().is_some());
    let head = tx.get(&HEADS, at)?;
    let Some((counts, mut head)) = counts.zip(head).filter(|(_, head)| head.pages_gone == 0) else {
        return Ok(());
    };
    let value = allowed(tx, (name, counter), of.2, &moved.value)?;
    let mut new = Vec::new();
    let series = series(of, value);
    for [from, to] in &series {
        let mut left = KeyBlocks::of(tx, (name, from))?;
        let mut more = KeyBlocks::of(tx, (name, to))?;
        let mut has = left.take(tx, (number, block))?.unwrap_or(Counts::NONE);
        let before = more.take(tx, (number, block))?;
        if before.is_none() {
            new.push(to.as_str());
        }
        let mut gets = before.unwrap_or(Counts::NONE);
        for (place, count) in counts.some() {
            has.set(place, has.get(place) - count);
            gets.add(place, count);
        }
        left.set(tx, (number, level), block, has);
        left.close(tx);
        more.set(tx, (number, level), block, gets);
        more.close(tx);
    }
    list_keys(tx, at, &mut head, &new)?;
    tx.put(&HEADS, at, head);
    Ok(())
}
