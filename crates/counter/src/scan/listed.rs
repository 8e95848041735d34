//! What each shard of a counter lists and numbers, in the order in which it came.

use tidegate_engine::contract::{Page, PageItem, ScanContext};
use tidegate_engine::{Row, Table};

use crate::Refusal;
use crate::fields::LatePlace;
use crate::table::{COUNTERS, DOMAIN};

/// A page of the rows that a shard lists, of which it keeps so many; each came at some time.
pub(super) fn page<R: Row, I: PageItem>(
    context: &ScanContext,
    name: &str,
    (table, most, came_at_ms): (&Table<R>, u64, fn(&R) -> u64),
    (after, limit): (Option<LatePlace>, usize),
    info_of: fn((LatePlace, R)) -> I,
) -> Result<Page<I>, Refusal> {
    let shard = context.shard(DOMAIN, name);
    let counter = context.get(&COUNTERS, shard.key_of(name).as_str());
    let is_known = counter.is_some_and(|counter| !counter.is_dropped);
    if !is_known && shard.at == 0 {
        return Err(Refusal::UnknownCounter);
    }
    let rows = context.rows(table, name, None::<()>, most as usize);
    let placed = rows.into_iter().map(|(key, row)| {
        let mut parts = key.parts();
        let number = parts.text().and_then(|_| parts.number());
        let place = LatePlace {
            came_at_ms: came_at_ms(&row),
            shard: shard.at,
            number: number.unwrap_or_default(),
        };
        (place, row)
    });
    let behind = placed.filter(|(place, _)| after.is_none_or(|after| *place > after));
    let items = behind.take(limit + 1).map(info_of);
    Ok(Page::cut(items.collect(), limit))
}
