//! `COUNTER.LIST`: all counters, in the order of their bytes.

use compact_str::CompactString;
use tidegate_engine::RowKey;
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
        let mut rows = context.rows_by_text(&COUNTERS, prefix, after, self.limit() + 1);
        let name_of = |key: &RowKey| CompactString::new(key.parts().text().unwrap_or_default());
        let is_short = rows.len() > self.limit();
        rows.truncate(self.limit());
        let last = rows.last().map(|(key, _)| name_of(key));
        let there = rows.iter().filter(|(_, counter)| !counter.is_dropped);
        let items = there.map(|(key, counter)| CounterInfo::of(name_of(key), counter));
        Ok(Page {
            items: items.collect(),
            next: last.filter(|_| is_short),
        })
    }
}
