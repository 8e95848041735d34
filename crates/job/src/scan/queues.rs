//! `JOB.QUEUES`: all queues, in the order of their bytes, over all partitions.

use tidegate_engine::contract::{Never, Page, RefusalDef, Scan, ScanContext};

use crate::command::Queues;
use crate::reply::QueueInfo;
use crate::table::QUEUES;

impl Scan for Queues {
    type Item = QueueInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[QUEUES.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<QueueInfo>, Never> {
        let prefix = self.prefix.as_ref().map_or("", |prefix| prefix.as_str());
        let after = self.after.as_ref().map_or("", |after| after.as_str());
        let rows = context.rows_by_text(&QUEUES, prefix, after, self.limit() + 1);
        let items = rows.into_iter().map(|(key, queue)| {
            let name = key.parts().text().unwrap_or_default().to_owned();
            queue.info(&name)
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}
