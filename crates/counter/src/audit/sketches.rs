//! Sketches of who came.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::Shard;
use tidegate_sketch::{Chunk, Head, Sketch};

use super::Fault;
use super::rows::{Rows, Timers, is_home};
use crate::apply::ALL_KEYS;
use crate::levels::Bucket;
use crate::limits::PAGE_SKETCHES;
use crate::table::{Counter, Sketched, Texts};
use crate::uniques::levels;

/// All rows of the sketches of one bucket.
#[derive(Default)]
pub(super) struct SketchRows {
    pub(super) sketched: Option<Sketched>,
    pub(super) pages: BTreeMap<u64, Texts>,
    pub(super) heads: BTreeMap<CompactString, Head>,
    pub(super) chunks: BTreeMap<CompactString, BTreeMap<usize, Chunk>>,
    pub(super) timers: Timers,
}

/// Laws 10 and 11.
pub(super) fn check(rows: &Rows, (shard, counter): (Shard, &Counter), fault: Fault<'_>) {
    let levels: BTreeMap<_, _> = levels(counter).into_iter().collect();
    for ((number, bucket), of_bucket) in &rows.sketches {
        let mut fault = |what: String| fault(format!(": bucket {bucket} of level {number}{what}"));
        let level = levels.get(number).filter(|_| counter.unique);
        let (Some(sketched), Some(level)) = (of_bucket.sketched, level) else {
            fault(" has sketches, and should have none".to_owned());
            continue;
        };
        check_directory(of_bucket, sketched, shard, &mut fault);
        check_timer(
            of_bucket,
            sketched,
            level.gone_ms(Bucket(*bucket)),
            &mut fault,
        );
        if sketched.pages_gone == 0 {
            check_union(of_bucket, &mut fault);
        }
    }
}

fn check_directory(rows: &SketchRows, sketched: Sketched, shard: Shard, fault: Fault<'_>) {
    let pages = sketched.pages_gone..sketched.keys.div_ceil(PAGE_SKETCHES);
    let mut listed: Vec<_> = rows.pages.values().flat_map(Texts::iter).collect();
    listed.sort_unstable();
    let many = sketched
        .keys
        .saturating_sub(sketched.pages_gone * PAGE_SKETCHES);
    let has_all = rows
        .heads
        .keys()
        .map(CompactString::as_str)
        .eq(listed.iter().copied());
    if !pages.eq(rows.pages.keys().copied()) || listed.len() as u64 != many || !has_all {
        let heads = rows.heads.len();
        fault(format!(
            " has {heads} sketches, and lists {listed:?} as {sketched:?}"
        ));
    }
    let is_away = |key: &&CompactString| ***key != *ALL_KEYS && !is_home(shard, key);
    if let Some(key) = rows.heads.keys().find(is_away) {
        fault(format!(" has a sketch of {key}, which is of another shard"));
    }
}

fn check_timer(rows: &SketchRows, sketched: Sketched, gone_ms: u64, fault: Fault<'_>) {
    let due_ms = rows.timers.due_ms.first();
    let is_due = due_ms.is_none_or(|due_ms| sketched.pages_gone > 0 || *due_ms == gone_ms);
    if !rows.timers.is_one() || !is_due {
        let timers = &rows.timers;
        fault(format!(" of sketches has the timers {timers:?}"));
    }
}

/// The sketch of all keys is the union of the others, whose chunks are such as they have.
fn check_union(rows: &SketchRows, fault: Fault<'_>) {
    let (mut union, mut all) = (Sketch::default(), Sketch::default());
    for (key, head) in &rows.heads {
        let sketch = if **key == *ALL_KEYS {
            &mut all
        } else {
            &mut union
        };
        sketch.merge_head(head);
        for (number, chunk) in rows.chunks.get(key).into_iter().flatten() {
            sketch.merge_chunk(*number, chunk);
        }
    }
    if all != union {
        let [all, union] = [all, union].map(|sketch| sketch.estimate().count);
        fault(format!(" has sketches of {union}, and one of all of {all}"));
    }
    let is_split = |key: &CompactString| rows.heads.get(key).is_some_and(Head::is_split);
    let has_none = |chunks: &BTreeMap<usize, Chunk>| chunks.values().any(Chunk::is_empty);
    if rows
        .chunks
        .iter()
        .any(|(key, chunks)| !is_split(key) || has_none(chunks))
    {
        fault(" has chunks of a sketch that is whole, or of nobody".to_owned());
    }
}
