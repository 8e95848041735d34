//! `TOPIC.GROUP`: declares a group, or changes how it is given messages.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::create::check_version;
use super::lag::look_later;
use crate::command::SetGroup;
use crate::open::chunk_of;
use crate::refusal::{GROUP_FIXED, TOO_MANY_GROUPS, UNKNOWN_TOPIC, VERSION_CHANGED};
use crate::reply::{GroupInfo, some};
use crate::table::{GROUPS, Group, Order, PARTS, Part, TOPICS, Topic};
use crate::{GROUPS_MAX, Refusal};

impl Apply for SetGroup {
    type Reply = GroupInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] =
        &[UNKNOWN_TOPIC, VERSION_CHANGED, GROUP_FIXED, TOO_MANY_GROUPS];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&TOPICS, self.name.as_str());
        reads.row(&PARTS, self.name.as_str());
        reads.row(&GROUPS, (self.name.as_str(), self.group.as_str()));
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<GroupInfo, Stop<Refusal>> {
        let (name, group) = (self.name.as_str(), self.group.as_str());
        let topic = tx.get(&TOPICS, name)?.ok_or(Refusal::UnknownTopic)?;
        let before = tx.get(&GROUPS, (name, group))?;
        let part = tx.get(&PARTS, name)?.unwrap_or_else(Part::fresh);
        let mut after = self.changed(before.unwrap_or_else(|| self.fresh(&part, tx.now_ms())));
        let is_same = before == Some(after);
        let version = before.map_or(0, |before| before.version);
        check_version(
            self.if_version.map(|only_if| only_if.get()),
            version,
            is_same,
        )?;
        self.check_fixed(&after)?;
        if before.is_none() {
            add_group(tx, name, topic)?;
        }
        if !is_same {
            after.version += 1;
            if before.is_none_or(|before| before.max_lag_ms != after.max_lag_ms) {
                look_later(tx, (name, group), &mut after);
            }
            tx.put(&GROUPS, (name, group), after);
        }
        Ok(self.info(&after))
    }
}

fn add_group(tx: &mut Tx<'_>, name: &str, topic: Topic) -> Result<(), Refusal> {
    if topic.groups == GROUPS_MAX {
        return Err(Refusal::TooManyGroups);
    }
    let groups = topic.groups + 1;
    tx.put(&TOPICS, name, Topic { groups, ..topic });
    Ok(())
}

impl SetGroup {
    /// A group that has done nothing yet.
    fn fresh(&self, part: &Part, now_ms: u64) -> Group {
        let from = self.from.map_or(part.first, |from| from.get());
        let next = from.max(part.first);
        Group {
            version: 0,
            created_at_ms: now_ms,
            order: self.order.unwrap_or(Order::Key),
            lease_ms: 0,
            tries: 0,
            rest_min_ms: 0,
            rest_max_ms: 0,
            next,
            open: 0,
            leased: 0,
            ready_from: 1,
            ready_to: 1,
            resting: 0,
            blocked: 0,
            died: 0,
            dead: 0,
            acked: 0,
            expired: 0,
            from,
            dropped: 0,
            moves: 0,
            is_paused: false,
            steered: 0,
            max_lag_ms: 0,
            looks_at_ms: 0,
            is_lagging: false,
            floor: chunk_of(next),
        }
    }

    fn changed(&self, group: Group) -> Group {
        let tries = u32::try_from(self.tries.get());
        Group {
            lease_ms: self.lease_ms.get(),
            tries: tries.expect("because the field's bounds are"),
            rest_min_ms: self.rest_min_ms.get(),
            rest_max_ms: self.rest_max_ms.get().max(self.rest_min_ms.get()),
            max_lag_ms: self.max_lag_ms.map_or(0, |ms| ms.get()),
            ..group
        }
    }

    fn check_fixed(&self, group: &Group) -> Result<(), Refusal> {
        let is_other = self.order.is_some_and(|order| order != group.order)
            || self.from.is_some_and(|from| from.get() != group.from);
        if is_other {
            return Err(Refusal::GroupFixed);
        }
        Ok(())
    }

    fn info(&self, group: &Group) -> GroupInfo {
        GroupInfo {
            name: self.name.compact(),
            group: self.group.compact(),
            version: group.version,
            order: group.order.word(),
            lease_ms: group.lease_ms,
            tries: group.tries.into(),
            rest_min_ms: group.rest_min_ms,
            rest_max_ms: group.rest_max_ms,
            max_lag_ms: some(group.max_lag_ms),
            next: group.next,
            paused: group.is_paused,
        }
    }
}
