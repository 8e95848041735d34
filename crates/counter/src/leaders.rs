//! The leading keys of a bucket, exactly.
//!
//! Counts of a bucket only grow, and the count of a key is at hand when it does. So the list of leading keys names keys
//! only, and changes only when another one enters; counts are read from their rows. Until it is full, each key that has a
//! count in the bucket is in it. Once it is, the head of the block keeps a *least*: no key beside the list has more, no
//! key of the list has less. It may stay behind what the least of the list really is; it is looked for again when some key
//! passes it. Who passes it either takes the place of the key with the least count, which is no more than the new least
//! then, or has not more than that. So no key beside the list ever has more than the least.

use tidegate_engine::{Missing, Reads, Tx};

use crate::levels::{BLOCK_BUCKETS, Bucket};
use crate::table::{BLOCKS, Head, LEADERS, Texts};

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
    let keys: Vec<&str> = row.iter().collect();
    let mut list = List {
        of,
        place,
        least: head.leasts.get(place),
        keys,
        counts: None,
        has_changed: false,
    };
    for one in rising {
        list.meet(tx, one, most)?;
    }
    head.leasts.set(place, list.least);
    if list.has_changed {
        let keys: Texts = list.keys.into_iter().collect();
        tx.put(&LEADERS, row_key, keys);
    }
    Ok(())
}

struct List<'a> {
    of: Of<'a>,
    place: usize,
    least: u64,
    keys: Vec<&'a str>,
    /// Those of the keys, once they were read.
    counts: Option<Vec<u64>>,
    has_changed: bool,
}

impl<'a> List<'a> {
    /// A key whose count has grown enters, or does not.
    fn meet(&mut self, tx: &mut Tx<'_>, one: &Rising<'a>, most: usize) -> Result<(), Missing> {
        if self.keys.len() < most {
            self.keys.push(one.key);
            self.has_changed = true;
            if self.keys.len() == most {
                self.least = 1; // No key has less, and there is no other one.
            }
            return Ok(());
        }
        if one.count <= self.least || self.keys.contains(&one.key) {
            return Ok(());
        }
        let (at, least) = self.lowest(tx)?;
        self.least = least;
        if least < one.count {
            self.keys[at] = one.key;
            self.has_changed = true;
            if let Some(counts) = &mut self.counts {
                counts[at] = one.count;
            }
            (_, self.least) = self.lowest(tx)?;
        }
        Ok(())
    }

    /// Which key of the list has the least count, and that count.
    fn lowest(&mut self, tx: &mut Tx<'_>) -> Result<(usize, u64), Missing> {
        if self.counts.is_none() {
            self.counts = Some(self.read(tx)?);
        }
        let counts = self.counts.iter().flatten().copied();
        let lowest = counts.enumerate().min_by_key(|(_, count)| *count);
        Ok(lowest.expect("because a full list has a key"))
    }

    fn read(&self, tx: &mut Tx<'_>) -> Result<Vec<u64>, Missing> {
        let (name, level, block) = self.of;
        let count = |key: &&str| {
            let row = tx.get(&BLOCKS, (name, level, block, *key))?;
            Ok(row.map_or(0, |row| row.counts.get(self.place)))
        };
        self.keys.iter().map(count).collect()
    }
}

/// Names the rows that are read if a key comes among the leading ones of a bucket.
pub(crate) fn reads(reads: &mut Reads<'_>, (name, level, block): Of<'_>, place: usize) {
    let row = reads.get(&LEADERS, (name, level, bucket_of(block, place).0));
    for key in row.unwrap_or_default().iter() {
        reads.row(&BLOCKS, (name, level, block, key));
    }
}
