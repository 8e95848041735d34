//! Who came: how many different ones there were, in the buckets of the wide levels.
//!
//! Of each bucket there is a sketch for every key, and one for all keys of the shard together under [`ALL_KEYS`]. A
//! sketch is a head and, once it has many, chunks: rows of about 200 bytes, of which one is put when somebody new comes
//! and none when it is somebody who was there. It is a function of the set of those who came, so sketches of buckets, keys
//! and shards can be put together, and whether they fit can be told exactly.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};
use tidegate_sketch::{CHUNKS, Chunk, Coupon, Put};

use crate::apply::ALL_KEYS;
use crate::levels::{Bucket, Level};
use crate::limits::{PAGE_SKETCHES, UNIQUE_MS_MIN};
use crate::sketches::{SketchChunk, SketchHead};
use crate::table::{
    Counter, DOMAIN, SKETCH_CHUNKS, SKETCH_PAGES, SKETCHED, SKETCHES, Sketched, Texts,
};

/// Set with the first sketch of a bucket, due when the bucket is not kept any more: nobody waits for it.
pub(crate) const DROP_SKETCHES: Timer = Timer::idle(DOMAIN, 2, drop_sketches, drop_reads);

/// Somebody came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Visit<'a> {
    pub(crate) key: &'a str,
    pub(crate) at_ms: u64,
    pub(crate) who: Coupon,
}

/// A bucket of a level of a counter.
pub(crate) type OfBucket<'a> = (&'a str, u8, u64);

/// A sketch: of a bucket, and of a key in it.
type OfKey<'a> = (&'a str, u8, u64, &'a str);

/// The levels that have sketches, with their numbers: those an hour wide and wider, or the last one if none is.
pub(crate) fn levels(counter: &Counter) -> Vec<(u8, Level)> {
    let last = counter.levels.len().saturating_sub(1);
    let all = (0..).zip(counter.levels.iter().copied());
    let wide = all
        .filter(|(number, level)| level.width_ms >= UNIQUE_MS_MIN || usize::from(*number) == last);
    wide.collect()
}

/// The row of a chunk.
pub(crate) fn chunk_of(of: OfKey<'_>, chunk: usize) -> (OfKey<'_>, u8) {
    let chunk = u8::try_from(chunk).expect("because there are 64 chunks");
    (of, chunk)
}

/// Puts those who came into the sketches of all levels that keep the time at which they did. Who is known in a narrow bucket
/// is known in the wide one in which it lies, so only those go on to the next level who were new.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    (name, counter): (&str, &Counter),
    visits: &[Visit<'_>],
) -> Result<(), Missing> {
    if visits.is_empty() {
        return Ok(());
    }
    let now_ms = tx.now_ms();
    let mut left = for_sketches(visits);
    for (number, level) in levels(counter) {
        let first_kept = level.first_kept(now_ms);
        let is_kept = |visit: &Visit<'_>| level.bucket(visit.at_ms) >= first_kept;
        let (kept, mut next): (Vec<_>, Vec<_>) = left.into_iter().partition(is_kept);
        let seen = seen(level, &kept);
        for in_bucket in seen.chunk_by(|a, b| a.0 == b.0) {
            let bucket = in_bucket[0].0;
            let at_ms = level.begins_ms(bucket);
            let mut new_keys = Vec::new();
            for of_key in in_bucket.chunk_by(|a, b| a.1 == b.1) {
                let key = of_key[0].1;
                let is_new = put(tx, (name, number, bucket.0, key), of_key, |who| {
                    next.push(Visit { key, at_ms, who });
                })?;
                if is_new {
                    new_keys.push(key);
                }
            }
            list(tx, (name, number, bucket.0), level, &new_keys)?;
        }
        left = next;
    }
    Ok(())
}

/// Each for its key, and for all.
fn for_sketches<'a>(visits: &[Visit<'a>]) -> Vec<Visit<'a>> {
    let each = visits.iter();
    let each = each.flat_map(|visit| [visit.key, ALL_KEYS].map(|key| Visit { key, ..*visit }));
    each.collect()
}

/// One who came into a bucket, for a key.
type Seen<'a> = (Bucket, &'a str, Coupon);

/// Who came into which bucket, in order and each once.
fn seen<'a>(level: Level, visits: &[Visit<'a>]) -> Vec<Seen<'a>> {
    let each = visits.iter();
    let each = each.map(|visit| (level.bucket(visit.at_ms), visit.key, visit.who));
    let mut seen: Vec<_> = each.collect();
    seen.sort_unstable();
    seen.dedup();
    seen
}

/// Puts them into one sketch, and names those who have changed it. Whether there was none before.
fn put(
    tx: &mut Tx<'_>,
    of: OfKey<'_>,
    seen: &[Seen<'_>],
    mut is_new_there: impl FnMut(Coupon),
) -> Result<bool, Missing> {
    let before = tx.get(&SKETCHES, of)?;
    let is_new = before.is_none();
    let SketchHead(mut head) = before.unwrap_or_default();
    let mut is_changed = false;
    let mut chunks = Chunks::default();
    for (.., who) in seen {
        let has_changed_it = match head.put(*who) {
            Put::Known => false,
            Put::Changed => {
                is_changed = true;
                true
            }
            Put::Split(split) => {
                is_changed = true;
                chunks.split(split);
                true
            }
            Put::IntoChunk => chunks.put(tx, of, *who)?,
        };
        if has_changed_it {
            is_new_there(*who);
        }
    }
    if is_changed {
        tx.put(&SKETCHES, of, SketchHead(head));
    }
    chunks.close(tx, of);
    Ok(is_new)
}

/// Chunks of one sketch that were looked at, and whether they are others now.
#[derive(Default)]
struct Chunks(BTreeMap<usize, (Chunk, bool)>);

impl Chunks {
    fn split(&mut self, split: BTreeMap<usize, Chunk>) {
        let changed = split.into_iter().map(|(at, chunk)| (at, (chunk, true)));
        self.0.extend(changed);
    }

    /// Whether that has changed one.
    fn put(&mut self, tx: &mut Tx<'_>, of: OfKey<'_>, who: Coupon) -> Result<bool, Missing> {
        let at = who.chunk();
        let (chunk, is_changed) = match self.0.entry(at) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let row = tx.get(&SKETCH_CHUNKS, chunk_of(of, at))?;
                unknown.insert((row.unwrap_or_default().0, false))
            }
        };
        let has_changed_it = chunk.put(who);
        *is_changed |= has_changed_it;
        Ok(has_changed_it)
    }

    fn close(self, tx: &mut Tx<'_>, of: OfKey<'_>) {
        let changed = self
            .0
            .into_iter()
            .filter(|(_, (_, is_changed))| *is_changed);
        for (at, (chunk, _)) in changed {
            tx.put(&SKETCH_CHUNKS, chunk_of(of, at), SketchChunk(chunk));
        }
    }
}

/// Adds keys to the directory of a bucket: those that have a sketch in it.
fn list(tx: &mut Tx<'_>, of: OfBucket<'_>, level: Level, keys: &[&str]) -> Result<(), Missing> {
    if keys.is_empty() {
        return Ok(());
    }
    let (name, number, bucket) = of;
    let before = tx.get(&SKETCHED, of)?;
    if before.is_none() {
        tx.wake_at(&DROP_SKETCHES, level.gone_ms(Bucket(bucket)), of);
    }
    let mut sketched = before.unwrap_or_default();
    let mut keys = keys.iter();
    while keys.len() > 0 {
        let (page, has) = (sketched.keys / PAGE_SKETCHES, sketched.keys % PAGE_SKETCHES);
        let row_key = (name, number, bucket, page);
        let mut row = Texts::default();
        if has > 0 {
            row = tx.get(&SKETCH_PAGES, row_key)?.unwrap_or_default();
        }
        for key in keys.by_ref().take((PAGE_SKETCHES - has) as usize) {
            row.push(key);
            sketched.keys += 1;
        }
        tx.put(&SKETCH_PAGES, row_key, row);
    }
    tx.put(&SKETCHED, of, sketched);
    Ok(())
}

/// Names the rows that this reads.
pub(crate) fn reads(
    reads: &mut Reads<'_>,
    (name, counter): (&str, &Counter),
    visits: &[Visit<'_>],
) {
    let visits = for_sketches(visits);
    for (number, level) in levels(counter) {
        for (bucket, key, who) in seen(level, &visits) {
            let of = (name, number, bucket.0, key);
            match reads.get(&SKETCHES, of) {
                Some(head) if head.0.is_split() => {
                    reads.row(&SKETCH_CHUNKS, chunk_of(of, who.chunk()));
                }
                Some(_) => {}
                None => {
                    let sketched = reads.get(&SKETCHED, (name, number, bucket.0));
                    let page = sketched.unwrap_or_default().keys / PAGE_SKETCHES;
                    reads.row(&SKETCH_PAGES, (name, number, bucket.0, page));
                }
            }
        }
    }
}

fn owner_of<'a>(owner: &mut KeyReader<'a>) -> OfBucket<'a> {
    let (name, level, bucket) = (owner.text(), owner.byte(), owner.number());
    let of = name.zip(level).zip(bucket);
    let ((name, level), bucket) = of.expect("because the timer is set with all three");
    (name, level, bucket)
}

fn drop_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let of = owner_of(&mut owner);
    let (name, level, bucket) = of;
    let Some(sketched) = reads.get(&SKETCHED, of) else {
        return;
    };
    let page = reads.get(&SKETCH_PAGES, (name, level, bucket, sketched.pages_gone));
    for key in page.unwrap_or_default().iter() {
        reads.row(&SKETCHES, (name, level, bucket, key));
    }
}

/// Some sketches of a bucket go; a further timer goes on with the rest.
fn drop_sketches(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let of = owner_of(&mut owner);
    let Some(mut sketched) = tx.get(&SKETCHED, of)? else {
        return Ok(());
    };
    if !drop_page(tx, of, &mut sketched)? {
        tx.wake_at(&DROP_SKETCHES, tx.now_ms(), of);
    }
    Ok(())
}

/// The next sketches of a bucket go. Whether none is left.
pub(crate) fn drop_page(
    tx: &mut Tx<'_>,
    of: OfBucket<'_>,
    sketched: &mut Sketched,
) -> Result<bool, Missing> {
    let (name, level, bucket) = of;
    let page = (name, level, bucket, sketched.pages_gone);
    let keys = tx.get(&SKETCH_PAGES, page)?.unwrap_or_default();
    for key in keys.iter() {
        drop_sketch(tx, (name, level, bucket, key))?;
    }
    tx.remove(&SKETCH_PAGES, page);
    sketched.pages_gone += 1;
    let is_gone = sketched.pages_gone >= sketched.keys.div_ceil(PAGE_SKETCHES);
    if is_gone {
        tx.remove(&SKETCHED, of);
    } else {
        tx.put(&SKETCHED, of, *sketched);
    }
    Ok(is_gone)
}

fn drop_sketch(tx: &mut Tx<'_>, of: OfKey<'_>) -> Result<(), Missing> {
    let head = tx.get(&SKETCHES, of)?.unwrap_or_default();
    if head.0.is_split() {
        for at in 0..CHUNKS {
            tx.remove(&SKETCH_CHUNKS, chunk_of(of, at));
        }
    }
    tx.remove(&SKETCHES, of);
    Ok(())
}
