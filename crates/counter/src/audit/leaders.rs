//! Leading keys are those that lead.

use std::collections::BTreeMap;

use super::Fault;
use super::rows::{BlockRows, Rows};
use crate::leaders::bucket_of;
use crate::levels::Bucket;
use crate::series::is_key;
use crate::table::{Counter, Head};

/// Law 5.
pub(super) fn check(rows: &Rows, counter: &Counter, fault: Fault<'_>) {
    for (number, bucket) in rows.leaders.keys() {
        let (block, place) = (Bucket(*bucket).block(), Bucket(*bucket).place());
        let of_block = rows.blocks.get(&(*number, block));
        let head = of_block.and_then(|of_block| of_block.head);
        if counter.top == 0 || head.is_none_or(|head| head.totals.get(place) == 0) {
            fault(format!(
                " level {number} bucket {bucket}: leading keys of nothing"
            ));
        }
    }
    for ((number, block), of_block) in &rows.blocks {
        let whole = of_block.head.filter(|head| head.pages_gone == 0);
        let Some(head) = whole.filter(|_| counter.top > 0) else {
            continue;
        };
        for (place, _) in head.totals.some() {
            let bucket = bucket_of(*block, place).0;
            let list = rows.leaders.get(&(*number, bucket));
            let list: Vec<_> = list.iter().flat_map(|list| list.iter()).collect();
            if let Err(what) = check_bucket(of_block, &head, place, &list, counter.top) {
                fault(format!(" level {number} bucket {bucket}: {what}"));
            }
        }
    }
}

fn check_bucket(
    rows: &BlockRows,
    head: &Head,
    place: usize,
    list: &[&str],
    top: u64,
) -> Result<(), String> {
    let keys = rows.keys.iter().filter(|(key, _)| is_key(key));
    let counts = keys.map(|(key, counts)| (key.as_str(), counts.get(place)));
    let mut others: BTreeMap<_, _> = counts.filter(|(_, count)| *count > 0).collect();
    let least = head.leasts.get(place);
    let mut lowest = u64::MAX;
    for key in list {
        let count = others.remove(key);
        let count = count.ok_or_else(|| format!("{key} leads twice, or has nothing"))?;
        lowest = lowest.min(count);
    }
    let highest = others.values().max().copied().unwrap_or_default();
    let is_full = list.len() as u64 == top;
    let is_right = match is_full {
        true => 1 <= least && highest <= least && least <= lowest,
        false => (list.len() as u64) < top && least == 0 && highest == 0,
    };
    if is_right {
        return Ok(());
    }
    let many = list.len();
    Err(format!(
        "{many} of {top} leading keys with {lowest} at least, others with {highest} at most, and the least is {least}"
    ))
}
