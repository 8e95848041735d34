//! `STOCK.FLOW`: every change of a SKU, in order.

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};

use crate::command::Flow;
use crate::refusal::{self, Refusal};
use crate::reply::FlowEntry;
use crate::table::{Change, FLOW, SKUS};

impl Scan for Flow {
    type Item = FlowEntry;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[refusal::UNKNOWN_SKU];
    const TABLES: &'static [u16] = &[SKUS.id(), FLOW.id()];

    fn key(&self) -> Option<&str> {
        Some(self.sku.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<FlowEntry>, Refusal> {
        let name = self.sku.as_str();
        let sku = context.get(&SKUS, name).ok_or(Refusal::UnknownSku)?;
        let after = self.after.map_or(0, |after| after.get());
        let rows = context.rows(&FLOW, name, Some((name, after)), self.limit());
        let entries = (after + 1..)
            .zip(rows)
            .map(|(position, (_, change))| entry(position, &change));
        let items: Vec<_> = entries.collect();
        let more = items.last().is_some_and(|last| last.position < sku.changes);
        Ok(Page::of(items, more))
    }
}

fn entry(position: u64, change: &Change) -> FlowEntry {
    FlowEntry {
        position,
        kind: change.kind.word(),
        id: (!change.id.is_empty()).then(|| change.id.clone()),
        quantity: change.quantity,
        before: change.before,
        after: change.after,
        at_ms: change.at_ms,
    }
}
