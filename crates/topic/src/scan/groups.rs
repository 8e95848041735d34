//! `TOPIC.GROUPS`: the groups of a topic, each with what it lags behind.

use compact_str::CompactString;
use tidegate_engine::contract::{Name, Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Shard, Slot, Splits};

use super::most;
use crate::command::Groups;
use crate::parts::in_all;
use crate::refusal::{Refusal, UNKNOWN_TOPIC};
use crate::reply::{GroupLag, some};
use crate::table::{DOMAIN, GROUPS, Group, MESSAGES, OPEN, PARTS, Part};

impl Scan for Groups {
    type Item = GroupLag;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_TOPIC];
    const TABLES: &'static [u16] = &[PARTS.id(), GROUPS.id(), OPEN.id(), MESSAGES.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, self.name.as_str()))
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<GroupLag>, Refusal> {
        let shard = context.shard(DOMAIN, self.name.as_str());
        let name = &*shard.key_of(self.name.as_str());
        let part = context.get(&PARTS, name).ok_or(Refusal::UnknownTopic)?;
        let after = self.after.as_ref().map_or("", Name::as_str);
        let rows = context.rows(&GROUPS, name, Some((name, after)), self.limit() + 1);
        let items = rows.into_iter().map(|(key, group)| {
            let mut parts = key.parts();
            let _name = parts.text();
            let of = CompactString::new(parts.text().unwrap_or_default());
            lag_of(context, (name, shard), of, (&group, part))
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }

    /// A group has one row in each part.
    fn joined(one: &mut GroupLag, other: GroupLag) -> Option<GroupLag> {
        one.lag += other.lag;
        one.lag_ms = one.lag_ms.max(other.lag_ms);
        one.next = one.next.min(other.next);
        one.leased += other.leased;
        one.ready += other.ready;
        one.resting += other.resting;
        one.blocked += other.blocked;
        one.dead += other.dead;
        one.acked += other.acked;
        one.expired += other.expired;
        one.dropped += other.dropped;
        None
    }
}

fn lag_of(
    context: &ScanContext,
    (name, shard): (&str, Shard),
    of: CompactString,
    (group, part): (&Group, Part),
) -> GroupLag {
    let oldest = oldest(context, (name, &of), group, part);
    let at_ms = oldest.and_then(|position| {
        let message = context.get(&MESSAGES, (name, position));
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
        next: in_all(group.next, shard),
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
fn oldest(
    context: &ScanContext,
    (name, of): (&str, &str),
    group: &Group,
    part: Part,
) -> Option<u64> {
    let work = group.work(of);
    let prefix = (name, work.as_str());
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
