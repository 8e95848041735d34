//! `STOCK.FLOW`: every change of a SKU, in order.

use compact_str::CompactString;
use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Shard, Slot, Splits};

use super::sku_of;
use crate::archive::FLOW_ARCHIVE;
use crate::command::Flow;
use crate::refusal::{self, Refusal};
use crate::reply::FlowEntry;
use crate::shard::{behind, in_all};
use crate::table::{Change, DOMAIN, FLOW, SKUS};

impl Scan for Flow {
    type Item = FlowEntry;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[refusal::UNKNOWN_SKU];
    const TABLES: &'static [u16] = &[SKUS.id(), FLOW.id(), FLOW_ARCHIVE.id()];

    fn key(&self) -> Option<&str> {
        Some(self.sku.as_str())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, self.sku.as_str()))
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<FlowEntry>, Refusal> {
        let shard = context.shard(DOMAIN, self.sku.as_str());
        let name = &*shard.key_of(self.sku.as_str());
        let Some(sku) = sku_of(context, name, shard)? else {
            return Ok(Page::of(Vec::new(), false));
        };
        let after = self.after.map_or(0, |after| behind(after.get(), shard));
        let mut items = Vec::new();
        if after < sku.flow_left {
            let rows = context.archived(&FLOW_ARCHIVE, &name, Some(&(name, after)));
            let entries = rows.map(|(key, change)| {
                let mut parts = key.parts();
                let (_slice, _sku) = (parts.slice(), parts.text());
                entry(shard, parts.number().unwrap_or_default(), &change)
            });
            items.extend(entries.take(self.limit()));
        }
        let after = after.max(sku.flow_left);
        let rows = context.rows(&FLOW, name, Some((name, after)), self.limit() - items.len());
        let entries = (after + 1..).zip(rows);
        items.extend(entries.map(|(position, (_, change))| entry(shard, position, &change)));
        let all = in_all(sku.changes, shard);
        let more = items.last().is_some_and(|last| last.position < all);
        Ok(Page::of(items, more))
    }
}

fn entry(shard: Shard, position: u64, change: &Change) -> FlowEntry {
    FlowEntry {
        position: in_all(position, shard),
        kind: change.kind.word(),
        id: (!change.id.is_empty()).then(|| tidegate_claim::shown(&change.id)),
        owner: tidegate_claim::owner_of(&change.id).map(CompactString::new),
        quantity: change.quantity,
        before: change.before,
        after: change.after,
        at_ms: change.at_ms,
    }
}
