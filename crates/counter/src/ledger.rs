//! Counting: what events add up to is written to the rows of each level, one get and one put for each row.

use std::collections::BTreeMap;

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use crate::apply::shard_in;
use crate::blocks::{self, KeyBlocks, KnownBlocks};
use crate::counts::Counts;
use crate::leaders::{self, Rising, admit, bucket_of, rises};
use crate::levels::Level;
use crate::limits::{PAGE_KEYS, STEP_PAGES};
use crate::series::is_key;
use crate::table::{BLOCKS, COUNTERS, Counter, DOMAIN, HEADS, Head, KEYS, LEADERS, OPEN, Texts};

/// Set with a block, due when none of its buckets is kept: nobody waits for it.
pub(crate) const DROP_BLOCK: Timer = Timer::idle(DOMAIN, 0, drop_block, drop_block_reads);

/// What is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sum<'a> {
    /// A key, or a series of one or of all.
    pub(crate) key: &'a str,
    pub(crate) at_ms: u64,
    pub(crate) amount: u64,
}

/// Counts in all levels that keep the time at which it happened. Sums are in order.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    sums: &[Sum<'_>],
) -> Result<(), Missing> {
    debug_assert!(sums.is_sorted(), "what is of one row stands together");
    let most = usize::try_from(counter.top).unwrap_or(usize::MAX);
    let sheets = (0..).zip(&counter.levels).map(|(number, level)| Sheet {
        name,
        number,
        level: *level,
        most,
        blocks: Vec::new(),
    });
    let mut sheets: Vec<_> = sheets.collect();
    for of_key in sums.chunk_by(|a, b| a.key == b.key) {
        let mut blocks = KeyBlocks::of(tx, (name, of_key[0].key))?;
        for sheet in &mut sheets {
            sheet.count(tx, &mut blocks, of_key)?;
        }
        blocks.close(tx);
    }
    let mut sheets = sheets.into_iter();
    sheets.try_for_each(|sheet| sheet.close(tx))
}

/// What one command does in one level.
struct Sheet<'a, 's> {
    name: &'a str,
    number: u8,
    level: Level,
    most: usize,
    blocks: Vec<OpenBlock<'s>>,
}

/// A block in which it counts: hardly ever more than one or two.
struct OpenBlock<'s> {
    block: u64,
    head: Head,
    is_new: bool,
    new_keys: Vec<&'s str>,
    rising: Vec<Rising<'s>>,
}

impl<'s> Sheet<'_, 's> {
    /// Counts what is of one key.
    fn count(
        &mut self,
        tx: &mut Tx<'_>,
        blocks: &mut KeyBlocks<'_>,
        sums: &[Sum<'s>],
    ) -> Result<(), Missing> {
        let first_kept = self.level.first_kept(tx.now_ms());
        let level = self.level;
        let block_of = |sum: &Sum<'_>| level.bucket(sum.at_ms).block();
        for row in sums.chunk_by(|a, b| block_of(a) == block_of(b)) {
            let kept = row.partition_point(|sum| level.bucket(sum.at_ms) < first_kept);
            if let Some(first) = row.get(kept) {
                let at = self.open(tx, block_of(first))?;
                self.count_row(tx, blocks, at, &row[kept..])?;
            }
        }
        Ok(())
    }

    /// The place of a block among those that are open.
    fn open(&mut self, tx: &mut Tx<'_>, block: u64) -> Result<usize, Missing> {
        if let Some(at) = self.blocks.iter().position(|open| open.block == block) {
            return Ok(at);
        }
        let head = tx.get(&HEADS, (self.name, self.number, block))?;
        self.blocks.push(OpenBlock {
            block,
            is_new: head.is_none(),
            head: head.unwrap_or(Head::NONE),
            new_keys: Vec::new(),
            rising: Vec::new(),
        });
        Ok(self.blocks.len() - 1)
    }

    /// Counts what is of one key in one block.
    fn count_row(
        &mut self,
        tx: &mut Tx<'_>,
        blocks: &mut KeyBlocks<'_>,
        at: usize,
        row: &[Sum<'s>],
    ) -> Result<(), Missing> {
        let open = &mut self.blocks[at];
        let Some(Sum { key, .. }) = row.first().copied() else {
            return Ok(());
        };
        let before = blocks.take(tx, (self.number, open.block))?;
        if before.is_none() {
            open.new_keys.push(key);
        }
        let mut counts = before.unwrap_or(Counts::NONE);
        let is_key = is_key(key);
        let place_of = |sum: &Sum<'_>| self.level.bucket(sum.at_ms).place();
        for bucket in row.chunk_by(|a, b| place_of(a) == place_of(b)) {
            let amount = bucket.iter().map(|sum| sum.amount).sum();
            let place = place_of(&bucket[0]);
            let before = counts.add(place, amount);
            if !is_key {
                continue;
            }
            open.head.totals.add(place, amount);
            let count = before + amount;
            if self.most > 0 && rises(before, open.head.leasts.get(place), count) {
                open.rising.push(Rising { place, key, count });
            }
        }
        blocks.set(tx, (self.number, self.level), open.block, counts);
        Ok(())
    }

    /// Writes what is of all keys of each block.
    fn close(self, tx: &mut Tx<'_>) -> Result<(), Missing> {
        for mut open in self.blocks {
            let of = (self.name, self.number, open.block);
            if open.is_new {
                let gone_ms = self.level.block_gone_ms(open.block);
                tx.wake_at(&DROP_BLOCK, gone_ms, of);
            }
            open.rising.sort_unstable();
            for rising in open.rising.chunk_by(|a, b| a.place == b.place) {
                admit(tx, of, &mut open.head, rising, self.most)?;
            }
            list_keys(tx, of, &mut open.head, &open.new_keys)?;
            tx.put(&HEADS, of, open.head);
        }
        Ok(())
    }
}

/// Adds keys to the directory of a block.
pub(crate) fn list_keys(
    tx: &mut Tx<'_>,
    (name, level, block): (&str, u8, u64),
    head: &mut Head,
    keys: &[&str],
) -> Result<(), Missing> {
    let mut keys = keys.iter();
    while keys.len() > 0 {
        let (page, has) = (head.keys / PAGE_KEYS, head.keys % PAGE_KEYS);
        let mut row = Texts::default();
        if has > 0 {
            let before = tx.get(&KEYS, (name, level, block, page))?;
            row = before.unwrap_or_default();
        }
        for key in keys.by_ref().take((PAGE_KEYS - has) as usize) {
            row.push(key);
            head.keys += 1;
        }
        tx.put(&KEYS, (name, level, block, page), row);
    }
    Ok(())
}

/// Names the rows that counting this reads. Sums are in order.
pub(crate) fn reads(reads: &mut Reads<'_>, (name, counter): (&str, &Counter), sums: &[Sum<'_>]) {
    debug_assert!(sums.is_sorted(), "what is of one row stands together");
    let mut heads = BTreeMap::new();
    let mut rising = BTreeMap::new();
    for of_key in sums.chunk_by(|a, b| a.key == b.key) {
        let key = of_key[0].key;
        let blocks = KnownBlocks::of(reads, (name, key));
        for (number, level) in (0..).zip(&counter.levels) {
            let bucket_of = |sum: &Sum<'_>| level.bucket(sum.at_ms);
            let first_kept = level.first_kept(reads.now_ms());
            let kept = of_key.partition_point(|sum| bucket_of(sum) < first_kept);
            for row in of_key[kept..].chunk_by(|a, b| bucket_of(a).block() == bucket_of(b).block())
            {
                let block = bucket_of(&row[0]).block();
                let of = (name, number, block);
                let head = heads
                    .entry((number, block))
                    .or_insert_with(|| reads.get(&HEADS, of).unwrap_or(Head::NONE));
                let counts = blocks.reads(reads, (number, *level), block);
                if counts.is_none() && !head.keys.is_multiple_of(PAGE_KEYS) {
                    reads.row(&KEYS, (name, number, block, head.keys / PAGE_KEYS));
                }
                if counter.top == 0 || !is_key(key) {
                    continue;
                }
                for bucket in row.chunk_by(|a, b| bucket_of(a) == bucket_of(b)) {
                    let place = bucket_of(&bucket[0]).place();
                    let before = counts.as_ref().map_or(0, |counts| counts.get(place));
                    let amount = bucket.iter().map(|sum| sum.amount).sum::<u64>();
                    if rises(before, head.leasts.get(place), before + amount) {
                        *rising.entry((number, block, place)).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    for (of, keys) in rising {
        leaders::reads(reads, (name, counter), of, keys);
    }
}

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, u8, u64) {
    let (name, level, block) = (owner.text(), owner.byte(), owner.number());
    let of = name.zip(level).zip(block);
    let ((name, level), block) = of.expect("because the timer is set with all three");
    (name, level, block)
}

/// The pages that go next.
pub(crate) fn next_pages(head: &Head) -> std::ops::Range<u64> {
    let pages = head.keys.div_ceil(PAGE_KEYS);
    let first = head.pages_gone;
    first..pages.min(first + STEP_PAGES)
}

/// Whether the rows of the keys of a block go that have what is open: those of the widest level, which is kept the longest.
fn takes_open(counter: Option<&Counter>, level: u8) -> bool {
    counter.is_some_and(|counter| usize::from(level) + 1 == counter.levels.len())
}

fn drop_block_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, level, block) = owner_of(&mut owner);
    let shard = shard_in(reads.slot(), reads.splits(), name);
    let counter = reads.get(&COUNTERS, shard.as_str());
    let takes_open = takes_open(counter.as_ref(), level);
    if let Some(head) = reads.get(&HEADS, (name, level, block)) {
        for page in next_pages(&head) {
            let keys = reads.get(&KEYS, (name, level, block, page));
            let keys = keys.filter(|_| takes_open).unwrap_or_default();
            keys.iter().for_each(|key| reads.row(&OPEN, (name, key)));
        }
    }
}

/// Some keys of a block go; a further timer goes on with the rest.
fn drop_block(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let of = owner_of(&mut owner);
    let (name, level, block) = of;
    let Some(mut head) = tx.get(&HEADS, of)? else {
        return Ok(());
    };
    let shard = shard_in(tx.slot(), tx.splits(), name);
    let counter = tx.get(&COUNTERS, shard.as_str())?;
    let takes_open = takes_open(counter.as_ref(), level);
    let is_gone = drop_pages(tx, of, &mut head, |tx, key| {
        if takes_open {
            blocks::drop_open(tx, of, key)?;
        }
        Ok(())
    })?;
    if !is_gone {
        tx.wake_at(&DROP_BLOCK, tx.now_ms(), (name, level, block));
    }
    Ok(())
}

/// The next pages of a block go, with the rows of their keys. Whether nothing is left of it.
pub(crate) fn drop_pages(
    tx: &mut Tx<'_>,
    (name, level, block): (&str, u8, u64),
    head: &mut Head,
    mut drop_open: impl FnMut(&mut Tx<'_>, &str) -> Result<(), Missing>,
) -> Result<bool, Missing> {
    for page in next_pages(head) {
        let keys = tx.get(&KEYS, (name, level, block, page))?;
        for key in keys.unwrap_or_default().iter() {
            tx.remove(&BLOCKS, (name, level, block, key));
            drop_open(tx, key)?;
        }
        tx.remove(&KEYS, (name, level, block, page));
        head.pages_gone += 1;
    }
    if !next_pages(head).is_empty() {
        tx.put(&HEADS, (name, level, block), &*head);
        return Ok(false);
    }
    for (place, _) in head.totals.some() {
        tx.remove(&LEADERS, (name, level, bucket_of(block, place).0));
    }
    tx.remove(&HEADS, (name, level, block));
    Ok(true)
}
