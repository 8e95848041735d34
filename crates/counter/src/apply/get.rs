//! `COUNTER.GET`: what was counted of a key, over all that is kept.

use tidegate_engine::contract::{Apply, Name, RefusalDef, ScanCall};
use tidegate_engine::{Missing, Reads, RowsRead, Slot, Splits, Stop, Tx};

use super::{ALL_KEYS, counter_of, shard_of, slot_of};
use crate::Refusal;
use crate::command::Get;
use crate::refusal::UNKNOWN_COUNTER;
use crate::reply::{AsOf, CountInfo};
use crate::scan::of_all_shards;
use crate::span::Span;
use crate::table::{BLOCKS, COUNTERS, OPEN};

impl Apply for Get {
    type Reply = CountInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.name, &self.key)
    }

    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        let is_of_all = self.key.as_str() == ALL_KEYS;
        is_of_all.then(|| of_all_shards(self.clone()))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let shard = shard_of(reads.splits(), &self.name, &self.key);
        if let Some(counter) = reads.get(&COUNTERS, shard.as_str()) {
            let span = Span::whole(&counter, reads.now_ms());
            span.reads(reads, (self.name.as_str(), self.key.as_str()));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<CountInfo, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name, &self.key)?;
        let span = Span::whole(&counter, tx.now_ms());
        let (counts, as_of) = counted(tx, (&self.name, &self.key), &span)?;
        Ok(self.info(&span, &counts, as_of))
    }
}

/// What a key has in a span.
pub(super) fn counted(
    tx: &mut Tx<'_>,
    (name, key): (&Name, &Name),
    span: &Span,
) -> Result<(Vec<Option<u64>>, AsOf), Missing> {
    let mut rows = RowsRead::default();
    let (name, key, level) = (name.as_str(), key.as_str(), span.number);
    let open = tx.get_noting(&OPEN, (name, key), &mut rows)?;
    let open = open.unwrap_or_default();
    let counts = span.counts(|block| {
        let own = || tx.get_noting(&BLOCKS, (name, level, block, key), &mut rows);
        open.counts((level, block), own)
    })?;
    let ms = tx.now_ms();
    Ok((counts, AsOf { ms, rows }))
}

impl Get {
    pub(crate) fn info(&self, span: &Span, counts: &[Option<u64>], as_of: AsOf) -> CountInfo {
        CountInfo {
            name: self.name.compact(),
            key: self.key.compact(),
            count: counts.iter().flatten().sum(),
            kept_from_ms: span.kept_from_ms,
            exact: true,
            rows: as_of.rows.into(),
            as_of_ms: as_of.ms,
        }
    }
}
