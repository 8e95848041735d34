//! `COUNTER.RANGE`: what was counted of a key over a span of time, in steps.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Slot, Splits, Stop, Tx};

use super::get::counted;
use super::{ALL_KEYS, counter_of, shard_of, slot_of};
use crate::Refusal;
use crate::command::Range;
use crate::refusal::{EMPTY_SPAN, TOO_MANY_STEPS, UNKNOWN_COUNTER, UNKNOWN_DIMENSION, WRONG_STEP};
use crate::reply::{AsOf, RangeInfo};
use crate::scan::{RangeBy, of_all_shards};
use crate::span::Span;
use crate::table::COUNTERS;

impl Apply for Range {
    type Reply = RangeInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_COUNTER,
        UNKNOWN_DIMENSION,
        EMPTY_SPAN,
        WRONG_STEP,
        TOO_MANY_STEPS,
    ];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.name, &self.key)
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        if self.by.is_some() {
            return Some(of_all_shards(RangeBy(self.clone())));
        }
        let is_of_all = self.key.as_str() == ALL_KEYS;
        is_of_all.then(|| of_all_shards(self.clone()))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let shard = shard_of(reads.splits(), &self.name, &self.key);
        let counter = reads.get(&COUNTERS, shard.as_str());
        let span = counter.and_then(|counter| Span::asked(self, &counter, reads.now_ms()).ok());
        if let Some(span) = span {
            span.reads(reads, (self.name.as_str(), self.key.as_str()));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<RangeInfo, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name, &self.key)?;
        let span = Span::asked(self, &counter, tx.now_ms())?;
        let (counts, as_of) = counted(tx, (&self.name, &self.key), &span)?;
        Ok(self.info(&span, counts, as_of))
    }
}

impl Range {
    pub(crate) fn info(&self, span: &Span, counts: Vec<Option<u64>>, as_of: AsOf) -> RangeInfo {
        RangeInfo {
            name: self.name.compact(),
            key: self.key.compact(),
            from_ms: span.begin_ms(),
            to_ms: span.end_ms(),
            step_ms: span.step_ms,
            begins_ms: self.zone.as_ref().map(|_| span.begins_ms().to_vec()),
            level_ms: span.level.width_ms,
            kept_from_ms: span.kept_from_ms,
            total: counts.iter().flatten().sum(),
            counts,
            values: None,
            exact: true,
            rows: as_of.rows.into(),
            as_of_ms: as_of.ms,
        }
    }
}
