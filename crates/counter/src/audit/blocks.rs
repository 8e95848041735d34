//! Counts of keys, of all keys together, and of one level beside the next.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::Shard;

use super::Fault;
use super::rows::{BlockRows, Rows, is_home};
use crate::counts::Counts;
use crate::leaders::bucket_of;
use crate::levels::{Bucket, Level};
use crate::limits::PAGE_KEYS;
use crate::series::{NO_FACT, is_key, name_of, parts_of};
use crate::table::{Counter, Head};

/// Enters what keys have in open blocks with the other rows of those blocks. No key has a row of its own in a block that is
/// open, or behind it.
pub(super) fn enter_open(rows: &mut Rows, fault: Fault<'_>) {
    for (key, row) in &rows.open {
        if !row.blocks.is_sorted_by(|a, b| a.level < b.level) {
            fault(format!(" key {key}: open blocks are {row:?}"));
        }
        let mut is_of_one = false;
        for open in &row.blocks {
            let newest = ((open.level, open.block)..(open.level + 1, 0)).clone();
            let mut behind = rows.blocks.range(newest);
            if behind.any(|(_, of_block)| of_block.keys.contains_key(key)) {
                let (level, block) = (open.level, open.block);
                fault(format!(
                    " level {level} block {block}: is open of key {key}, and has a row or one behind it"
                ));
            }
            let of_block = rows.blocks.get_mut(&(open.level, open.block));
            if let Some(of_block) = of_block.filter(|of_block| of_block.expects(key)) {
                is_of_one = true;
                of_block.keys.insert(key.clone(), open.counts.clone());
            }
        }
        if !is_of_one {
            fault(format!(" key {key}: open blocks of which none is there"));
        }
    }
}

/// Of each level of which a key has a row that is kept, a block is open.
fn check_open(rows: &Rows, counter: &Counter, clock_up_to_ms: u64, fault: Fault<'_>) {
    for ((number, block), of_block) in &rows.blocks {
        let level = counter.levels.get(usize::from(*number));
        if level.is_none_or(|level| clock_up_to_ms >= level.block_gone_ms(*block)) {
            continue;
        }
        for key in of_block.keys.keys() {
            let open = rows.open.get(key).map(|row| &row.blocks);
            if !open.is_some_and(|open| open.iter().any(|open| open.level == *number)) {
                fault(format!(" level {number}: no block of key {key} is open"));
            }
        }
    }
}

impl BlockRows {
    /// Whether a key whose block is open is listed here still: one whose time is over stays open when it is not.
    fn expects(&self, key: &str) -> bool {
        let is_going = self.head.as_ref().is_some_and(|head| head.pages_gone > 0);
        let mut listed = self.pages.values().flat_map(|page| page.iter());
        !is_going || listed.any(|listed| listed == key)
    }
}

/// Laws 2, 3, 4 and 6.
pub(super) fn check(
    rows: &Rows,
    (shard, counter): (Shard, &Counter),
    clock_up_to_ms: u64,
    fault: Fault<'_>,
) {
    for ((number, block), of_block) in &rows.blocks {
        let mut fault = |what: String| fault(format!(" level {number} block {block}{what}"));
        let level = counter.levels.get(usize::from(*number));
        let (Some(level), Some(head)) = (level, &of_block.head) else {
            fault(": rows of a block that is not there".to_owned());
            continue;
        };
        let gone_ms = level.block_gone_ms(*block);
        let is_early = clock_up_to_ms < gone_ms && !counter.is_dropped;
        check_timer(of_block, head, (gone_ms, is_early), &mut fault);
        check_keys(of_block, head, (shard, rows), &mut fault);
        if head.pages_gone == 0 {
            check_totals(of_block, head, &mut fault);
        }
    }
    if counter.is_dropped {
        return; // One level goes after the other.
    }
    check_open(rows, counter, clock_up_to_ms, fault);
    for (number, two) in counter.levels.windows(2).enumerate() {
        let fine = (number, two[0]);
        check_levels(rows, fine, (number + 1, two[1]), clock_up_to_ms, fault);
    }
}

fn check_timer(rows: &BlockRows, head: &Head, (gone_ms, is_early): (u64, bool), fault: Fault<'_>) {
    let is_going = head.pages_gone > 0;
    let due_ms = rows.timers.due_ms.first();
    let is_right = due_ms.is_none_or(|due_ms| is_going || *due_ms == gone_ms);
    if !rows.timers.is_one() || !is_right {
        let timers = &rows.timers;
        fault(format!(
            ": goes at {gone_ms}, and its timers are {timers:?}"
        ));
    }
    if is_going && is_early {
        fault(format!(": is going before {gone_ms}"));
    }
}

/// The directory has each key of the block once, and no other.
fn check_keys(rows: &BlockRows, head: &Head, (shard, all): (Shard, &Rows), fault: Fault<'_>) {
    let pages = head.pages_gone..head.keys.div_ceil(PAGE_KEYS);
    if !pages.clone().eq(rows.pages.keys().copied()) {
        let there: Vec<_> = rows.pages.keys().collect();
        fault(format!(": pages {pages:?} of keys, there are {there:?}"));
    }
    let listed = rows.pages.values().flat_map(|page| page.iter());
    let mut listed: Vec<_> = listed.collect();
    let says = head.keys.saturating_sub(head.pages_gone * PAGE_KEYS);
    listed.sort_unstable();
    let has_all = rows
        .keys
        .keys()
        .map(CompactString::as_str)
        .eq(listed.iter().copied());
    if !has_all || says != listed.len() as u64 {
        let there = rows.keys.keys();
        fault(format!(
            ": {says} keys, lists {listed:?}, there are {there:?}"
        ));
    }
    for (key, counts) in &rows.keys {
        if !is_home(shard, key) {
            fault(format!(": key {key} of another shard"));
        }
        let is_moved = parts_of(key).is_some_and(|(.., value)| value == NO_FACT);
        let may_be_none = is_moved || all.corrected.is_some();
        if counts.some().next().is_none() && !may_be_none {
            fault(format!(": nothing counted of key {key}"));
        }
    }
}

/// What is counted of keys adds up to what is counted of all.
fn check_totals(rows: &BlockRows, head: &Head, fault: Fault<'_>) {
    let mut sums = Counts::NONE;
    let keys = rows.keys.iter().filter(|(key, _)| is_key(key));
    for (place, count) in keys.flat_map(|(_, counts)| counts.some()) {
        sums.add(place, count);
    }
    if sums != head.totals {
        let says = &head.totals;
        fault(format!(": keys add up to {sums:?}, all have {says:?}"));
    }
}

type Sums = BTreeMap<(Bucket, CompactString), u64>;

/// What is to be the same at all levels: while something is moved from one value of a dimension to another, one level
/// after the other, all values of that together.
fn alike(rows: &Rows, series: &str) -> CompactString {
    match parts_of(series) {
        Some((key, dim, _)) if rows.moves.keys().any(|(_, of)| of == dim) => name_of(key, dim, ""),
        Some(_) | None => CompactString::new(series),
    }
}

/// What keys have in the buckets of a level from a time on, by the wider buckets in which those lie.
fn sums_of(rows: &Rows, (number, level): (usize, Level), wide: Level, from_ms: u64) -> Sums {
    let mut sums = Sums::new();
    let of_level = rows.blocks.iter();
    let of_level = of_level.filter(|((of, _), _)| usize::from(*of) == number);
    for ((_, block), of_block) in of_level {
        for (key, counts) in &of_block.keys {
            let key = alike(rows, key);
            for (place, count) in counts.some() {
                let begins_ms = level.begins_ms(bucket_of(*block, place));
                let bucket = wide.bucket(begins_ms);
                if wide.begins_ms(bucket) >= from_ms {
                    *sums.entry((bucket, key.clone())).or_default() += count;
                }
            }
        }
    }
    sums
}

/// Of each wider bucket whose narrower ones are all kept, those add up to what it has.
fn check_levels(
    rows: &Rows,
    fine: (usize, Level),
    wide: (usize, Level),
    clock_up_to_ms: u64,
    fault: Fault<'_>,
) {
    let from_ms = fine.1.begins_ms(fine.1.first_kept(clock_up_to_ms));
    let narrower = sums_of(rows, fine, wide.1, from_ms);
    let wider = sums_of(rows, wide, wide.1, from_ms);
    let in_one = narrower.iter().find(|(at, sum)| wider.get(at) != Some(sum));
    let in_other = wider.iter().find(|(at, sum)| narrower.get(at) != Some(sum));
    if let Some(((bucket, key), _)) = in_one.or(in_other) {
        let (number, bucket) = (wide.0, bucket.0);
        let at = format!("level {number} bucket {bucket} of key {key}");
        fault(format!(
            " {at}: its narrower buckets add up to something else"
        ));
    }
}
