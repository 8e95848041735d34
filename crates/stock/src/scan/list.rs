//! `STOCK.LIST`: all SKUs, in the order of their bytes, over all partitions.

use compact_str::CompactString;
use tidegate_engine::contract::{Never, Page, RefusalDef, Scan, ScanContext};

use crate::command::List;
use crate::reply::SkuInfo;
use crate::table::SKUS;

impl Scan for List {
    type Item = SkuInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[SKUS.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<SkuInfo>, Never> {
        let prefix = self.prefix.as_ref().map_or("", |prefix| prefix.as_str());
        let after = self.after.as_ref().map_or("", |after| after.as_str());
        let rows = context.rows_by_text(&SKUS, prefix, after, self.limit() + 1);
        let items = rows
            .into_iter()
            .map(|(key, sku)| {
                let units = sku.in_all();
                SkuInfo {
                    sku: CompactString::new(key.parts().text().unwrap_or_default()),
                    total: units.total,
                    available: units.available(),
                    held: units.held,
                    sold: units.sold,
                    version: sku.version,
                }
            })
            .collect();
        Ok(Page::cut(items, self.limit()))
    }
}
