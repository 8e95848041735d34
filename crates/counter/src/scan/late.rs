//! `COUNTER.LATE`: events that came too late to be counted.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Slot, Splits};

use super::listed;
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
        let came_at_ms = |listed: &LateEvent| listed.came_at_ms;
        let listed = (&LATE_EVENTS, LATE_KEPT, came_at_ms as fn(&_) -> u64);
        listed::page(context, name, listed, (self.after, self.limit()), info_of)
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
