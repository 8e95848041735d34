//! The leading keys of a bucket, exactly.
//!
//! Counts of a bucket only grow, and the count of a key is at hand when it does. So the list of leading keys names keys, and
//! changes only when another one enters; counts are read from their rows. What a key had when it was last looked at
//! stands beside it: the least of these is looked at first, and if it is still so no key of the list has less. Until it is full, each key that has a
//! count in the bucket is in it. Once it is, the head of the block keeps a *least*: no key beside the list has more, no
//! key of the list has less. It may stay behind what the least of the list really is; it is looked for again when some key
//! passes it. Who passes it either takes the place of the key with the least count, which is no more than the new least
//! then, or has not more than that. So no key beside the list ever has more than the least.

use std::ops::Range;

use tidegate_engine::{Missing, Reads, Tx};

use crate::blocks::{self, KnownBlocks};
use crate::levels::{BLOCK_BUCKETS, Bucket};
use crate::table::{Counter, Head, LEADERS, Leaders};

/// A counter, the number of a level, and a block of it.
pub(crate) type Of<'a> = (&'a str, u8, u64);

/// A key that may have come among the leading ones of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rising<'a> {
    /// The place of the bucket in its block.
    pub(crate) place: usize,
    pub(crate) key: &'a str,
    /// Its count now.
    pub(crate) count: u64,
}

/// Whether a key whose count has grown may have come among the leading ones. One that was above the least is there.
pub(crate) fn rises(before: u64, least: u64, count: u64) -> bool {
    match least {
        0 => before == 0,
        least => before <= least && least < count,
    }
}

pub(crate) fn bucket_of(block: u64, place: usize) -> Bucket {
    Bucket(block * BLOCK_BUCKETS + place as u64)
}

/// Takes keys of one bucket into its list, whose rows are put already.
pub(crate) fn admit(
    tx: &mut Tx<'_>,
    of: Of<'_>,
    head: &mut Head,
    rising: &[Rising<'_>],
    most: usize,
) -> Result<(), Missing> {
    let Some(place) = rising.first().map(|first| first.place) else {
        return Ok(());
    };
    let (name, level, block) = of;
    let row_key = (name, level, bucket_of(block, place).0);
    let row = tx.get(&LEADERS, row_key)?.unwrap_or_default();
    let mut list = List {
        of,
        place,
        least: head.leasts.get(place),
        had: row.had().collect(),
        keys: row.into_keys(),
        has_changed: false,
    };
    for one in rising {
        list.meet(tx, one, most)?;
    }
    head.leasts.set(place, list.least);
    if list.has_changed {
        tx.put(&LEADERS, row_key, Leaders::new(list.keys, &list.had));
    }
    Ok(())
}

/// The leading keys while some are taken in. There are a hundred of them as a rule, of which one or two are looked at: they
/// stay as they are stored.
struct List<'a> {
    of: Of<'a>,
    place: usize,
    least: u64,
    /// Each ended by a zero.
    keys: Vec<u8>,
    /// What each of them had when it was looked at.
    had: Vec<u64>,
    has_changed: bool,
}

impl<'a> List<'a> {
    /// A key whose count has grown enters, or does not.
    fn meet(&mut self, tx: &mut Tx<'_>, one: &Rising<'a>, most: usize) -> Result<(), Missing> {
        if self.had.len() < most {
            self.keys.extend_from_slice(one.key.as_bytes());
            self.keys.push(0);
            self.had.push(one.count);
            self.has_changed = true;
            if self.had.len() == most {
                self.least = 1; // No key has less, and there is no other one.
            }
            return Ok(());
        }
        if one.count <= self.least || self.has(one.key) {
            return Ok(());
        }
        let (at, least) = self.lowest(tx)?;
        self.least = least;
        if least < one.count {
            self.replace(at, one);
            (_, self.least) = self.lowest(tx)?;
        }
        Ok(())
    }

    fn has(&self, key: &str) -> bool {
        let mut keys = self.keys.split(|byte| *byte == 0);
        keys.any(|other| other == key.as_bytes())
    }

    /// Where a key lies among the bytes.
    fn range(&self, at: usize) -> Range<usize> {
        let bytes = self.keys.iter().enumerate();
        let mut ends = bytes.filter(|(_, byte)| **byte == 0).map(|(end, _)| end);
        let before = at.checked_sub(1).and_then(|before| ends.nth(before));
        let from = before.map_or(0, |end| end + 1);
        from..ends.next().unwrap_or(from)
    }

    fn replace(&mut self, at: usize, one: &Rising<'_>) {
        self.keys.splice(self.range(at), one.key.bytes());
        self.had[at] = one.count;
        self.has_changed = true;
    }

    /// Which key of the list has the least count, and that count. What a key had is no more than what it has: so the one
    /// that had least has least, if it still has as much.
    fn lowest(&mut self, tx: &mut Tx<'_>) -> Result<(usize, u64), Missing> {
        loop {
            let had = self.had.iter().copied().enumerate();
            let lowest = had.min_by_key(|(_, had)| *had);
            let (at, had) = lowest.expect("because a full list has a key");
            let has = self.count(tx, at)?;
            if has <= had {
                return Ok((at, has));
            }
            self.had[at] = has;
            self.has_changed = true;
        }
    }

    /// What a key of the list has.
    fn count(&self, tx: &mut Tx<'_>, at: usize) -> Result<u64, Missing> {
        let key = std::str::from_utf8(&self.keys[self.range(at)]).unwrap_or_default();
        let counts = blocks::counts(tx, self.of, key)?;
        Ok(counts.map_or(0, |counts| counts.get(self.place)))
    }
}

/// Names the rows that are read if so many keys may come among the leading ones of a bucket. Once the list is full they are
/// those of the keys that may have the least, in the order of [`List::lowest`], until one more than come are known to have
/// what they had: each that comes may take the place of one.
pub(crate) fn reads(
    reads: &mut Reads<'_>,
    (name, counter): (&str, &Counter),
    (number, block, place): (u8, u64, usize),
    rising: usize,
) {
    let row = reads.get(&LEADERS, (name, number, bucket_of(block, place).0));
    let row = row.unwrap_or_default();
    let mut lowest_first: Vec<_> = row.had().zip(row.iter()).collect();
    if (lowest_first.len() + rising) as u64 <= counter.top {
        return;
    }
    lowest_first.sort_by_key(|(had, _)| *had);
    let level = counter.levels[usize::from(number)];
    let mut still = 0;
    for (had, key) in lowest_first {
        let blocks = KnownBlocks::of(reads, (name, key));
        let counts = blocks.reads(reads, (number, level), block);
        still += usize::from(counts.is_some_and(|counts| counts.get(place) <= had));
        if still > rising {
            return;
        }
    }
}
