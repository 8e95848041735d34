//! `TOPIC.GROUP`: declares a group, or changes how it is given messages.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Missing, Reads, Shard, Stop, Tx};

use super::create::check_version;
use super::desk::Of;
use super::lag::look_later;
use super::place::place_of_begin;
use super::told::{LETTERS_MAX, Word, tell_parts, until_known};
use crate::command::SetGroup;
use crate::fields::Start;
use crate::open::chunk_of;
use crate::parts::{in_all, shard_of};
use crate::refusal::{
    CONFLICTING_FIELDS, GROUP_FIXED, TOO_MANY_GROUPS, UNKNOWN_TOPIC, VERSION_CHANGED,
};
use crate::reply::{GroupInfo, some};
use crate::table::{Begins, GROUP_NAMES, GROUPS, Group, Order, PARTS, Part, TOLD, TOPICS, Topic};
use crate::{GROUPS_MAX, Refusal, TOLD_MS_MAX};

impl Apply for SetGroup {
    type Reply = GroupInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        CONFLICTING_FIELDS,
        UNKNOWN_TOPIC,
        VERSION_CHANGED,
        GROUP_FIXED,
        TOO_MANY_GROUPS,
    ];
    /// All parts have to know it.
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&TOPICS, self.name.as_str());
        reads.row(&PARTS, self.name.as_str());
        reads.row(&GROUPS, (self.name.as_str(), self.group.as_str()));
        reads.row(&TOLD, self.name.as_str());
        reads.row(&GROUP_NAMES, self.name.as_str());
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn waits_ms(&self) -> u64 {
        TOLD_MS_MAX
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<GroupInfo, Stop<Refusal>> {
        if tx.runs_again() {
            return self.known(tx);
        }
        let begins = self.begins()?;
        let (name, group) = (self.name.as_str(), self.group.as_str());
        let topic = tx.get(&TOPICS, name)?.ok_or(Refusal::UnknownTopic)?;
        let before = tx.get(&GROUPS, (name, group))?;
        let mut after = self.changed(match before {
            Some(before) => before,
            None => self.fresh(tx, begins.unwrap_or_default())?,
        });
        let is_same = before == Some(after);
        let version = before.map_or(0, |before| before.version);
        check_version(
            self.if_version.map(|only_if| only_if.get()),
            version,
            is_same,
        )?;
        self.check_fixed((&after, shard_of(tx.splits(), name)), begins)?;
        if before.is_none() {
            if topic.groups == GROUPS_MAX {
                return Err(Refusal::TooManyGroups.into());
            }
            add_group(tx, (name, group), topic)?;
        }
        if !is_same {
            after.version += 1;
            if before.is_none_or(|before| before.max_lag_ms != after.max_lag_ms) {
                look_later(tx, (name, group), &mut after);
            }
            tx.put(&GROUPS, (name, group), after);
            let word = Word::Group {
                name: self.group.compact(),
                group: after,
            };
            tell_parts(tx, &self.name, word)?;
        }
        self.known(tx)
    }
}

/// A group of a part is to be given messages as that of the first part is.
pub(super) fn put_group(tx: &mut Tx<'_>, of: Of<'_>, first: &Group) -> Result<(), Missing> {
    let before = tx.get(&GROUPS, of)?;
    if before.is_none()
        && let Some(topic) = tx.get(&TOPICS, of.0)?
    {
        add_group(tx, of, topic)?;
    }
    let max_lag_ms = before.map_or(0, |before| before.max_lag_ms);
    let group = match before {
        Some(before) => before,
        None => fresh(tx, of.0, (first.order, first.begins), first.created_at_ms)?,
    };
    let mut group = Group {
        version: first.version,
        lease_ms: first.lease_ms,
        tries: first.tries,
        rest_min_ms: first.rest_min_ms,
        rest_max_ms: first.rest_max_ms,
        max_lag_ms: first.max_lag_ms,
        is_paused: first.is_paused,
        ..group
    };
    if group.max_lag_ms != max_lag_ms {
        look_later(tx, of, &mut group);
    }
    tx.put(&GROUPS, of, group);
    Ok(())
}

/// A topic, or a part of one, has one more group.
fn add_group(tx: &mut Tx<'_>, (key, group): Of<'_>, topic: Topic) -> Result<(), Missing> {
    let mut names = tx.get(&GROUP_NAMES, key)?.unwrap_or_default();
    names.add(group);
    tx.put(&GROUP_NAMES, key, names);
    let groups = topic.groups + 1;
    tx.put(&TOPICS, key, Topic { groups, ..topic });
    Ok(())
}

/// A group of a part that has done nothing yet.
fn fresh(
    tx: &mut Tx<'_>,
    key: &str,
    (order, begins): (Order, Begins),
    now_ms: u64,
) -> Result<Group, Missing> {
    let part = tx.get(&PARTS, key)?.unwrap_or_else(Part::fresh);
    let shard = shard_of(tx.splits(), key);
    let from = place_of_begin(tx, (key, shard), &part, begins)?;
    let next = from.max(part.first);
    Ok(Group {
        version: 0,
        created_at_ms: now_ms,
        order,
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
        moves: part.moves_from,
        is_paused: false,
        steered: 0,
        max_lag_ms: 0,
        looks_at_ms: 0,
        is_lagging: false,
        floor: chunk_of(next),
        begins,
        others_lag: 0,
    })
}

impl SetGroup {
    /// The group, once all parts know what they were told.
    fn known(&self, tx: &mut Tx<'_>) -> Result<GroupInfo, Stop<Refusal>> {
        until_known(tx, self.name.as_str())?;
        let (name, group) = (self.name.as_str(), self.group.as_str());
        // Its topic may have been deleted since.
        let row = tx
            .get(&GROUPS, (name, group))?
            .ok_or(Refusal::UnknownTopic)?;
        Ok(self.info(&row, shard_of(tx.splits(), name)))
    }

    /// Where it is asked to begin, if it is.
    fn begins(&self) -> Result<Option<Begins>, Refusal> {
        let from = self.from.map(|from| Begins::Position(from.get()));
        let since = self.since_ms.map(|since_ms| Begins::Since(since_ms.get()));
        let start = self.start.map(|start| match start {
            Start::Earliest => Begins::Earliest,
            Start::Latest => Begins::Latest,
        });
        let mut asked = [from, since, start].into_iter().flatten();
        match (asked.next(), asked.next()) {
            (_, Some(_)) => Err(Refusal::ConflictingFields),
            (begins, None) => Ok(begins),
        }
    }

    /// A group that has done nothing yet.
    fn fresh(&self, tx: &mut Tx<'_>, begins: Begins) -> Result<Group, Missing> {
        let order = self.order.unwrap_or(Order::Key);
        let now_ms = tx.now_ms();
        fresh(tx, self.name.as_str(), (order, begins), now_ms)
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

    /// What never changes is as the group has it. One that began with what was kept began at a position too, which is
    /// the same in all parts if there is one.
    fn check_fixed(
        &self,
        (group, shard): (&Group, Shard),
        begins: Option<Begins>,
    ) -> Result<(), Refusal> {
        let at = (shard.of == 1).then_some(Begins::Position(group.from));
        let is_so =
            |asked| asked == group.begins || group.begins.is_earliest() && Some(asked) == at;
        let is_other = self.order.is_some_and(|order| order != group.order);
        if is_other || !begins.is_none_or(is_so) {
            return Err(Refusal::GroupFixed);
        }
        Ok(())
    }

    fn info(&self, group: &Group, shard: Shard) -> GroupInfo {
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
            next: in_all(group.next, shard),
            paused: group.is_paused,
        }
    }
}
