//! `COUNTER.LIST`: all counters, in the order of their bytes.

use compact_str::CompactString;
use tidegate_engine::contract::{Name, Never, Page, RefusalDef, Scan, ScanContext};

use crate::command::List;
use crate::reply::CounterInfo;
use crate::table::COUNTERS;

impl Scan for List {
    type Item = CounterInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[COUNTERS.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        super::most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<CounterInfo>, Never> {
        let prefix = self.prefix.as_ref().map_or("", Name::as_str);
        let after = self.after.as_ref().map_or("", Name::as_str);
        let rows = context.rows_by_text(&COUNTERS, prefix, after, self.limit() + 1);
        let items = rows.into_iter().map(|(key, counter)| {
            let name = key.parts().text().unwrap_or_default();
            CounterInfo::of(CompactString::new(name), &counter)
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}
