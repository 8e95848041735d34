//! `TOPIC.REPLAYALL` and `TOPIC.DROPALL`: many dead letters of a group, some hundreds at a time.

use tidegate_engine::contract::{Apply, Payload, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::dead::{drop_dead, replay};
use super::desk::{Desk, Of};
use crate::command::{DropAll, ReplayAll};
use crate::fields::Cause;
use crate::refusal::UNKNOWN_GROUP;
use crate::reply::{DropAllReceipt, ReplayAllReceipt};
use crate::table::{DEAD, GROUPS, PARTS, PINS};
use crate::{BATCH_MESSAGES_MAX, Refusal};

/// Which dead letters.
struct Which<'a> {
    of: Of<'a>,
    after: u64,
    cause: Option<&'a str>,
}

/// What was done: to how many, and behind which number it goes on, if there are more.
#[derive(Default)]
struct Done {
    count: u64,
    next: Option<u64>,
}

impl Which<'_> {
    /// The numbers that are looked at, of a group in which so many have died.
    fn numbers(&self, died: u64) -> std::ops::RangeInclusive<u64> {
        let most = self.after.saturating_add(BATCH_MESSAGES_MAX as u64);
        self.after.saturating_add(1)..=died.min(most)
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let (name, group) = self.of;
        reads.row(&PARTS, name);
        let Some(row) = reads.get(&GROUPS, (name, group)) else {
            return;
        };
        for number in self.numbers(row.died) {
            if let Some(dead) = reads.get(&DEAD, (name, group, number)) {
                reads.row(&PINS, (name, dead.position));
            }
        }
    }

    /// Does it to each of them that has this cause.
    fn each(
        &self,
        tx: &mut Tx<'_>,
        desk: &mut Desk<'_>,
        act: impl Fn(&mut Tx<'_>, &mut Desk<'_>, u64) -> Result<(), Missing>,
    ) -> Result<Done, Missing> {
        let numbers = self.numbers(desk.group.died);
        let next = Some(*numbers.end()).filter(|last| *last < desk.group.died);
        let mut count = 0;
        for number in numbers {
            let dead = tx.get(&DEAD, (self.of.0, self.of.1, number))?;
            let is_it = |cause: &str| self.cause.is_none_or(|wanted| wanted == cause);
            if let Some(dead) = dead.filter(|dead| is_it(&dead.cause)) {
                tx.remove(&DEAD, (self.of.0, self.of.1, number));
                desk.group.dead -= 1;
                act(tx, desk, dead.position)?;
                count += 1;
            }
        }
        Ok(Done { count, next })
    }
}

/// The group, with what was done to it.
fn apply(
    tx: &mut Tx<'_>,
    which: &Which<'_>,
    act: impl Fn(&mut Tx<'_>, &mut Desk<'_>, u64) -> Result<(), Missing>,
) -> Result<(Done, u64), Stop<Refusal>> {
    let mut desk = Desk::of(tx, which.of)?.ok_or(Refusal::UnknownGroup)?;
    let done = which.each(tx, &mut desk, act)?;
    let dead = desk.group.dead;
    if done.count > 0 {
        desk.put(tx);
    }
    Ok((done, dead))
}

impl ReplayAll {
    fn which(&self) -> Which<'_> {
        Which {
            of: (self.name.as_str(), self.group.as_str()),
            after: self.after.map_or(0, |after| after.get()),
            cause: self.cause.as_ref().map(Cause::as_str),
        }
    }
}

impl DropAll {
    fn which(&self) -> Which<'_> {
        Which {
            of: (self.name.as_str(), self.group.as_str()),
            after: self.after.map_or(0, |after| after.get()),
            cause: self.cause.as_ref().map(Payload::as_str),
        }
    }
}

impl Apply for ReplayAll {
    type Reply = ReplayAllReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        self.which().reads(reads);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<ReplayAllReceipt, Stop<Refusal>> {
        let (done, dead) = apply(tx, &self.which(), replay)?;
        Ok(ReplayAllReceipt {
            replayed: done.count,
            dead,
            next: done.next,
        })
    }
}

impl Apply for DropAll {
    type Reply = DropAllReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        self.which().reads(reads);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DropAllReceipt, Stop<Refusal>> {
        let (done, dead) = apply(tx, &self.which(), drop_dead)?;
        Ok(DropAllReceipt {
            dropped: done.count,
            dead,
            next: done.next,
        })
    }
}
