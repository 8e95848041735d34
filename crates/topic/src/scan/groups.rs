//! `TOPIC.GROUPS`: the groups of a topic, each with what it lags behind.

use compact_str::CompactString;
use tidegate_engine::contract::{Name, Page, RefusalDef, Scan, ScanContext};

use super::most;
use crate::command::Groups;
use crate::refusal::{Refusal, UNKNOWN_TOPIC};
use crate::reply::{GroupLag, some};
use crate::table::{GROUPS, Group, MESSAGES, OPEN, PARTS, Part};

impl Scan for Groups {
    type Item = GroupLag;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_TOPIC];
    const TABLES: &'static [u16] = &[PARTS.id(), GROUPS.id(), OPEN.id(), MESSAGES.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<GroupLag>, Refusal> {
        let name = self.name.as_str();
        let part = context.get(&PARTS, name).ok_or(Refusal::UnknownTopic)?;
        let after = self.after.as_ref().map_or("", Name::as_str);
        let rows = context.rows(&GROUPS, name, Some((name, after)), self.limit() + 1);
        let items = rows.into_iter().map(|(key, group)| {
            let mut parts = key.parts();
            let _name = parts.text();
            let of = CompactString::new(parts.text().unwrap_or_default());
            self.lag_of(context, of, &group, part)
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}

impl Groups {
    fn lag_of(
        &self,
        context: &ScanContext,
        of: CompactString,
        group: &Group,
        part: Part,
    ) -> GroupLag {
        let oldest = self.oldest(context, &of, group, part);
        let at_ms = oldest.and_then(|position| {
            let message = context.get(&MESSAGES, (self.name.as_str(), position));
            message.map(|message| message.at_ms)
        });
        let now_ms = context.asked_ms();
        GroupLag {
            group: of,
            version: group.version,
            order: group.order.word(),
            paused: group.is_paused,
            lag: part.lag(group),
            max_lag_ms: some(group.max_lag_ms),
            lag_ms: at_ms.map_or(0, |at_ms| now_ms.saturating_sub(at_ms)),
            next: group.next,
            leased: group.leased,
            ready: group.ready_to - group.ready_from,
            resting: group.resting,
            blocked: group.blocked,
            dead: group.dead,
            acked: group.acked,
            expired: group.expired,
            dropped: group.dropped,
        }
    }

    /// The position of the oldest message that is not settled.
    fn oldest(&self, context: &ScanContext, of: &str, group: &Group, part: Part) -> Option<u64> {
        let work = group.work(of);
        let prefix = (self.name.as_str(), work.as_str());
        let chunks = context.rows(&OPEN, prefix, None::<()>, 1);
        let first = chunks.first().and_then(|(key, chunk)| {
            let mut parts = key.parts();
            let (_name, _group) = (parts.text(), parts.text());
            chunk.positions(parts.number()?).next()
        });
        let next = group.next.max(part.first);
        let first = first.map(|position| position.max(part.first));
        first
            .or(Some(next))
            .filter(|position| *position <= part.last)
    }
}
