//! `JOB.PUSHES`: queues whose jobs are pushed, in the order of their bytes, over all partitions.

use tidegate_engine::contract::{Never, Page, RefusalDef, Scan, ScanContext};

use crate::command::Pushes;
use crate::reply::PushInfo;
use crate::table::PUSHES;

impl Scan for Pushes {
    type Item = PushInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[PUSHES.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<PushInfo>, Never> {
        let prefix = self.prefix.as_ref().map_or("", |prefix| prefix.as_str());
        let after = self.after.as_ref().map_or("", |after| after.as_str());
        let rows = context.rows_by_text(&PUSHES, prefix, after, self.limit() + 1);
        let items = rows.into_iter().map(|(key, push)| {
            let name = key.parts().text().unwrap_or_default().to_owned();
            push.info(&name)
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}
