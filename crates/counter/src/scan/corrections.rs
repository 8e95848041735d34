//! `COUNTER.AUDIT`: who has corrected what.

use compact_str::ToCompactString;
use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Slot, Splits};

use crate::Refusal;
use crate::command::AuditList;
use crate::fields::LatePlace;
use crate::limits::CORRECTIONS_KEPT;
use crate::refusal::UNKNOWN_COUNTER;
use crate::reply::CorrectionInfo;
use crate::table::{CORRECTIONS, COUNTERS, Correction, DOMAIN};

impl Scan for AuditList {
    type Item = CorrectionInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER];
    const TABLES: &'static [u16] = &[COUNTERS.id(), CORRECTIONS.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, self.name.as_str()))
    }

    fn limit(&self) -> usize {
        super::most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<CorrectionInfo>, Refusal> {
        let name = self.name.as_str();
        let shard = context.shard(DOMAIN, name);
        let counter = context.get(&COUNTERS, shard.key_of(name).as_str());
        if counter.is_none() && shard.at == 0 {
            return Err(Refusal::UnknownCounter);
        }
        let rows = context.rows(&CORRECTIONS, name, None::<()>, CORRECTIONS_KEPT as usize);
        let placed = rows.into_iter().map(|(key, correction)| {
            let mut parts = key.parts();
            let number = parts.text().and_then(|_| parts.number());
            let place = LatePlace {
                came_at_ms: correction.at_ms,
                shard: shard.at,
                number: number.unwrap_or_default(),
            };
            (place, correction)
        });
        let behind = placed.filter(|(place, _)| self.after.is_none_or(|after| *place > after));
        let items = behind.take(self.limit() + 1).map(info_of);
        Ok(Page::cut(items.collect(), self.limit()))
    }
}

fn info_of((place, correction): (LatePlace, Correction)) -> CorrectionInfo {
    let Correction {
        key,
        bucket_ms,
        width_ms,
        from,
        to,
        by,
        at_ms,
    } = correction;
    CorrectionInfo {
        place: place.to_compact_string(),
        key,
        bucket_ms,
        width_ms,
        from,
        to,
        by,
        at_ms,
    }
}
