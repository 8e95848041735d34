//! `TOPIC.PUSHES`: topics of which groups are pushed, in the order of their bytes.

use compact_str::CompactString;
use tidegate_engine::contract::{Name, Never, Page, RefusalDef, Scan, ScanContext};

use super::most;
use crate::command::Pushes;
use crate::reply::{PushedGroup, PushedTopic};
use crate::table::{PUSHES, Push};

impl Scan for Pushes {
    type Item = PushedTopic;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[PUSHES.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<PushedTopic>, Never> {
        let prefix = self.prefix.as_ref().map_or("", Name::as_str);
        let after = self.after.as_ref().map_or("", Name::as_str);
        let rows = context.rows_by_text(&PUSHES, prefix, after, self.limit() + 1);
        let items = rows.into_iter().map(|(key, pushes)| PushedTopic {
            name: CompactString::new(key.parts().text().unwrap_or_default()),
            groups: pushes.groups.into_iter().map(pushed).collect(),
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}

fn pushed(push: Push) -> PushedGroup {
    PushedGroup {
        group: push.group,
        order: push.order.word(),
        receiver: push.receiver,
        in_flight: push.in_flight,
        since_ms: push.since_ms,
    }
}
