//! `TOPIC.LIST`: all topics, in the order of their bytes.

use compact_str::CompactString;
use tidegate_engine::contract::{Name, Never, Page, RefusalDef, Scan, ScanContext};

use super::most;
use crate::command::List;
use crate::reply::TopicSummary;
use crate::table::TOPICS;

impl Scan for List {
    type Item = TopicSummary;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[TOPICS.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<TopicSummary>, Never> {
        let prefix = self.prefix.as_ref().map_or("", Name::as_str);
        let after = self.after.as_ref().map_or("", Name::as_str);
        let rows = context.rows_by_text(&TOPICS, prefix, after, self.limit() + 1);
        let items = rows.into_iter().map(|(key, topic)| TopicSummary {
            name: CompactString::new(key.parts().text().unwrap_or_default()),
            version: topic.version,
            owner: topic.owner,
            description: topic.description,
            groups: topic.groups,
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}
