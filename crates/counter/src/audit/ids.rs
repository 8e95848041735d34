//! Ids that are remembered.

use super::Fault;
use super::rows::Rows;
use crate::limits::PAGE_IDS;
use crate::table::Counter;

/// Law 7.
pub(super) fn check(rows: &Rows, counter: &Counter, fault: Fault<'_>) {
    let mut listed = Vec::new();
    for (number, of_generation) in &rows.generations {
        let Some(generation) = of_generation.generation else {
            fault(format!(": generation {number} of ids is not there"));
            continue;
        };
        let pages = generation.pages_gone..generation.ids.div_ceil(PAGE_IDS);
        let ids = of_generation.pages.values().flat_map(|page| page.iter());
        let before = listed.len();
        listed.extend(ids.map(|hash| (*number, hash)));
        let many = (listed.len() - before) as u64;
        let says = generation
            .ids
            .saturating_sub(generation.pages_gone * PAGE_IDS);
        if !pages.eq(of_generation.pages.keys().copied()) || many != says {
            fault(format!(
                ": generation {number} of {generation:?} has {many} ids"
            ));
        }
        let over_ms = (number + 2) * counter.dedupe_ms;
        let due_ms = of_generation.timers.due_ms.first();
        let is_due = due_ms.is_none_or(|due_ms| generation.pages_gone > 0 || *due_ms == over_ms);
        if !of_generation.timers.is_one() || !is_due {
            let timers = &of_generation.timers;
            fault(format!(
                ": generation {number} of ids has the timers {timers:?}"
            ));
        }
    }
    listed.sort_unstable();
    if !rows.ids.keys().eq(listed.iter()) {
        let (pages, ids) = (listed.len(), rows.ids.len());
        fault(format!(
            ": the pages have {pages} ids, and {ids} others are remembered"
        ));
    }
    if rows
        .ids
        .values()
        .any(|seen| seen.since_ms >= counter.dedupe_ms)
    {
        fault(": an id came when its generation was over".to_owned());
    }
}
