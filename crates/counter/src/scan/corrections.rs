//! `COUNTER.AUDIT`: who has corrected what.

use compact_str::ToCompactString;
use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Slot, Splits};

use super::listed;
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
        let came_at_ms = |listed: &Correction| listed.at_ms;
        let listed = (&CORRECTIONS, CORRECTIONS_KEPT, came_at_ms as fn(&_) -> u64);
        listed::page(context, name, listed, (self.after, self.limit()), info_of)
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
