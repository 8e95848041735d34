//! Leading keys are those that lead.

use std::collections::BTreeMap;

use super::Fault;
use super::rows::{BlockRows, Rows};
use crate::leaders::bucket_of;
use crate::levels::Bucket;
use crate::series::is_key;
use crate::table::{Counter, Head, Leaders};

/// Law 5.
pub(super) fn check(rows: &Rows, counter: &Counter, fault: Fault<'_>) {
    for (number, bucket) in rows.leaders.keys() {
        let (block, place) = (Bucket(*bucket).block(), Bucket(*bucket).place());
        let of_block = rows.blocks.get(&(*number, block));
        let head = of_block.and_then(|of_block| of_block.head.as_ref());
        if counter.top == 0 || head.is_none_or(|head| head.totals.get(place) == 0) {
            fault(format!(
                " level {number} bucket {bucket}: leading keys of nothing"
            ));
        }
    }
    for ((number, block), of_block) in &rows.blocks {
        let whole = of_block.head.as_ref().filter(|head| head.pages_gone == 0);
        let Some(head) = whole.filter(|_| counter.top > 0) else {
            continue;
        };
        for (place, _) in head.totals.some() {
            let bucket = bucket_of(*block, place).0;
            let list = rows.leaders.get(&(*number, bucket));
            let none = Leaders::default();
            let list = list.unwrap_or(&none);
            if let Err(what) = check_bucket(of_block, head, place, list, counter.top) {
                fault(format!(" level {number} bucket {bucket}: {what}"));
            }
        }
    }
}

fn check_bucket(
    rows: &BlockRows,
    head: &Head,
    place: usize,
    list: &Leaders,
    top: u64,
) -> Result<(), String> {
    let keys = rows.keys.iter().filter(|(key, _)| is_key(key));
    let counts = keys.map(|(key, counts)| (key.as_str(), counts.get(place)));
    let mut others: BTreeMap<_, _> = counts.filter(|(_, count)| *count > 0).collect();
    let least = head.leasts.get(place);
    let mut lowest = u64::MAX;
    let (mut many, mut all_had, mut odd) = (0, list.had(), None);
    for key in list.iter() {
        let count = others.remove(key);
        let count = count.ok_or_else(|| format!("{key} leads twice, or has nothing"))?;
        let had = all_had.next().unwrap_or_default();
        if !(1..=count).contains(&had) {
            odd.get_or_insert_with(|| format!("{key} had {had}, and has {count}"));
        }
        lowest = lowest.min(count);
        many += 1;
    }
    let highest = others.values().max().copied().unwrap_or_default();
    let is_full = many == top;
    let is_right = match is_full {
        true => 1 <= least && highest <= least && least <= lowest,
        false => many < top && least == 0 && highest == 0,
    };
    if is_right {
        return odd.map_or(Ok(()), Err);
    }
    Err(format!(
        "{many} of {top} leading keys with {lowest} at least, others with {highest} at most, and the least is {least}"
    ))
}
