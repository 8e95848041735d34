//! `COUNTER.SOURCES`: counters that have sources, in the order of their bytes.

use compact_str::CompactString;
use tidegate_engine::contract::{Name, Never, Page, RefusalDef, Scan, ScanContext};

use super::most;
use crate::command::SourceList;
use crate::reply::{SourceInfo, SourcesInfo};
use crate::table::{SOURCES, Source};

impl Scan for SourceList {
    type Item = SourcesInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[SOURCES.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<SourcesInfo>, Never> {
        let prefix = self.prefix.as_ref().map_or("", Name::as_str);
        let after = self.after.as_ref().map_or("", Name::as_str);
        let rows = context.rows_by_text(&SOURCES, prefix, after, self.limit() + 1);
        let items = rows.into_iter().map(|(key, sources)| SourcesInfo {
            name: CompactString::new(key.parts().text().unwrap_or_default()),
            sources: sources.topics.into_iter().map(told).collect(),
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}

fn told(source: Source) -> SourceInfo {
    SourceInfo {
        topic: source.topic,
        group: source.group,
        in_flight: source.in_flight,
        since_ms: source.since_ms,
    }
}
