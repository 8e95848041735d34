//! `COUNTER.LATE`: events that came too late to be counted.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Slot, Splits};

use crate::Refusal;
use crate::command::Late;
use crate::fields::LatePlace;
use crate::limits::LATE_KEPT;
use crate::refusal::UNKNOWN_COUNTER;
use crate::reply::LateInfo;
use crate::table::{COUNTERS, DOMAIN, LATE_EVENTS, LateEvent};

impl Scan for Late {
    type Item = LateInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER];
    const TABLES: &'static [u16] = &[COUNTERS.id(), LATE_EVENTS.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, self.name.as_str()))
    }

    fn limit(&self) -> usize {
        super::most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<LateInfo>, Refusal> {
        let name = self.name.as_str();
        let shard = context.shard(DOMAIN, name);
        let counter = context.get(&COUNTERS, shard.key_of(name).as_str());
        let is_known = counter.is_some_and(|counter| !counter.is_dropped);
        if !is_known && shard.at == 0 {
            return Err(Refusal::UnknownCounter);
        }
        let rows = context.rows(&LATE_EVENTS, name, None::<()>, LATE_KEPT as usize);
        let placed = rows.into_iter().map(|(key, event)| {
            let mut parts = key.parts();
            let number = parts.text().and_then(|_| parts.number());
            let place = LatePlace {
                came_at_ms: event.came_at_ms,
                shard: shard.at,
                number: number.unwrap_or_default(),
            };
            (place, event)
        });
        let behind = placed.filter(|(place, _)| self.after.is_none_or(|after| *place > after));
        let items = behind.take(self.limit() + 1).map(info_of);
        Ok(Page::cut(items.collect(), self.limit()))
    }
}

fn info_of((place, event): (LatePlace, LateEvent)) -> LateInfo {
    LateInfo {
        place: place.to_compact_string(),
        event: Some(event.id).filter(|id: &CompactString| !id.is_empty()),
        key: event.key,
        amount: event.amount,
        at_ms: event.at_ms,
        came_at_ms: event.came_at_ms,
    }
}
