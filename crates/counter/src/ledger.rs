//! Counting: what events add up to is written to the rows of each level, one get and one put for each row.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use crate::counts::Counts;
use crate::leaders::{Rising, admit, bucket_of, rises};
use crate::levels::Level;
use crate::limits::{PAGE_KEYS, STEP_PAGES};
use crate::series::is_key;
use crate::table::{BLOCKS, Block, Counter, DOMAIN, HEADS, Head, KEYS, LEADERS, Texts};

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
    for (number, level) in (0..).zip(&counter.levels) {
        let mut sheet = Sheet {
            name,
            number,
            level: *level,
            most,
            blocks: Vec::new(),
        };
        sheet.count(tx, sums)?;
        sheet.close(tx)?;
    }
    Ok(())
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
    fn count(&mut self, tx: &mut Tx<'_>, sums: &[Sum<'s>]) -> Result<(), Missing> {
        let first_kept = self.level.first_kept(tx.now_ms());
        let level = self.level;
        let block_of = |sum: &Sum<'_>| level.bucket(sum.at_ms).block();
        for row in sums.chunk_by(|a, b| a.key == b.key && block_of(a) == block_of(b)) {
            let kept = row.partition_point(|sum| level.bucket(sum.at_ms) < first_kept);
            if let Some(first) = row.get(kept) {
                let at = self.open(tx, block_of(first))?;
                self.count_row(tx, at, &row[kept..])?;
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
    fn count_row(&mut self, tx: &mut Tx<'_>, at: usize, row: &[Sum<'s>]) -> Result<(), Missing> {
        let open = &mut self.blocks[at];
        let Some(Sum { key, .. }) = row.first().copied() else {
            return Ok(());
        };
        let row_key = (self.name, self.number, open.block, key);
        let before = tx.get(&BLOCKS, row_key)?;
        if before.is_none() {
            open.new_keys.push(key);
        }
        let mut counts = before.map_or(Counts::NONE, |before| before.counts);
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
        tx.put(&BLOCKS, row_key, Block { counts });
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

/// Names the rows that counting this reads.
pub(crate) fn reads(reads: &mut Reads<'_>, (name, counter): (&str, &Counter), sums: &[Sum<'_>]) {
    for (number, level) in (0..).zip(&counter.levels) {
        for sum in sums {
            let bucket = level.bucket(sum.at_ms);
            let of = (name, number, bucket.block());
            let row = reads.get(&BLOCKS, (name, number, bucket.block(), sum.key));
            let head = reads.get(&HEADS, of).unwrap_or(Head::NONE);
            if row.is_none() {
                let page = head.keys / PAGE_KEYS;
                reads.row(&KEYS, (name, number, bucket.block(), page));
            }
            if !is_key(sum.key) {
                continue;
            }
            let before = row.map_or(0, |row| row.counts.get(bucket.place()));
            let least = head.leasts.get(bucket.place());
            if counter.top > 0 && rises(before, least, before + sum.amount) {
                crate::leaders::reads(reads, of, bucket.place());
            }
        }
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

fn drop_block_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let of = owner_of(&mut owner);
    if let Some(head) = reads.get(&HEADS, of) {
        for page in next_pages(&head) {
            reads.row(&KEYS, (of.0, of.1, of.2, page));
        }
    }
}

/// Some keys of a block go; a further timer goes on with the rest.
fn drop_block(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, level, block) = owner_of(&mut owner);
    let Some(mut head) = tx.get(&HEADS, (name, level, block))? else {
        return Ok(());
    };
    if !drop_pages(tx, (name, level, block), &mut head)? {
        tx.wake_at(&DROP_BLOCK, tx.now_ms(), (name, level, block));
    }
    Ok(())
}

/// The next pages of a block go, with the rows of their keys. Whether nothing is left of it.
pub(crate) fn drop_pages(
    tx: &mut Tx<'_>,
    (name, level, block): (&str, u8, u64),
    head: &mut Head,
) -> Result<bool, Missing> {
    for page in next_pages(head) {
        let keys = tx.get(&KEYS, (name, level, block, page))?;
        for key in keys.unwrap_or_default().iter() {
            tx.remove(&BLOCKS, (name, level, block, key));
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
