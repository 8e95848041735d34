//! Lines: at each of their numbers there is a job, or a gap that others say too.

use std::collections::BTreeMap;

use super::Fault;
use super::rows::Rows;
use crate::line::{Entry, Line};
use crate::table::Queue;

/// Gives who stands where, by line and place.
pub(super) fn check(queue: &Queue, rows: &Rows, fault: Fault<'_>) -> BTreeMap<(u8, u64), String> {
    let mut standing = BTreeMap::new();
    for ((line, place), entry) in &rows.lines {
        if let Entry::Job(id) = entry {
            standing.insert((*line, *place), id.to_string());
        }
        let of = queue.line_at(*line);
        if of.is_none_or(|of| !(of.head..of.tail).contains(place)) {
            fault(format!(
                ": line {line} has something at {place}, where it is not in use"
            ));
        }
    }
    for line in &queue.lines {
        let entry = |place| rows.lines.get(&(line.number, place));
        check_line(line, &entry, &mut |what| {
            fault(format!(": line {}{what}", line.number))
        });
    }
    if !queue
        .lines
        .is_sorted_by(|one, other| one.number < other.number)
    {
        fault(format!(": its lines are {:?}", queue.lines));
    }
    standing
}

/// A line has what it says at its places.
pub(super) fn check_line<'a>(
    line: &Line,
    entry: &dyn Fn(u64) -> Option<&'a Entry>,
    fault: Fault<'_>,
) {
    let (mut place, mut live, mut is_behind_gap) = (line.head, 0, true);
    while place < line.tail {
        match entry(place) {
            Some(Entry::Job(_)) => {
                live += 1;
                is_behind_gap = false;
                place += 1;
            }
            Some(Entry::Gap(last)) => {
                if is_behind_gap || *last >= line.tail - 1 {
                    return fault(format!(
                        " has a gap at {place} that touches another one, or its end"
                    ));
                }
                let is_whole = *last == place || entry(*last) == Some(&Entry::Gap(place));
                let has_inner = (place + 1..*last).any(|inner| entry(inner).is_some());
                if *last < place || !is_whole || has_inner {
                    return fault(format!(" has a gap from {place} to {last} that is none"));
                }
                is_behind_gap = true;
                place = *last + 1;
            }
            None => return fault(format!(" has nothing at {place}")),
        }
    }
    if live != line.live || line.head > line.tail {
        fault(format!(
            " has {live} jobs from {} to {}, it says {}",
            line.head, line.tail, line.live
        ));
    }
}
