//! `TOPIC.REPLAYALL` and `TOPIC.DROPALL`: many dead letters of a group, some hundreds at a time.

use tidegate_engine::contract::{Apply, Bounded, Payload, RefusalDef};
use tidegate_engine::{Division, Missing, PARTLY_DONE, Reads, Shard, Splits, Stop, Tx};

use super::dead::{drop_dead, replay};
use super::desk::{Desk, Of};
use crate::command::{DropAll, ReplayAll};
use crate::fields::Cause;
use crate::parts::{send_to_all, several, up_to};
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

/// Behind which number a part goes on, if the topic does behind this one.
fn behind<const MAX: i64>(after: u64, shard: Shard) -> Bounded<0, MAX> {
    up_to(after, shard).cast_signed().into()
}

/// Behind which of two numbers to go on, so that nothing behind either is missed.
fn first_of(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
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
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, PARTLY_DONE];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(
        &mut self,
        splits: &Splits,
        _nth: u64,
    ) -> Option<Division<ReplayAllReceipt, Refusal>> {
        let of = several(splits, &self.name)?;
        let call = |shard: Shard| Self {
            name: self.name.of_shard(shard),
            after: self.after.map(|after| behind(after.get(), shard)),
            ..self.clone()
        };
        let fold = |one: ReplayAllReceipt, other: ReplayAllReceipt| ReplayAllReceipt {
            replayed: one.replayed + other.replayed,
            dead: one.dead + other.dead,
            next: first_of(one.next, other.next),
        };
        Some(send_to_all(self.name.clone(), of, call, fold))
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
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, PARTLY_DONE];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<DropAllReceipt, Refusal>> {
        let of = several(splits, &self.name)?;
        let call = |shard: Shard| Self {
            name: self.name.of_shard(shard),
            after: self.after.map(|after| behind(after.get(), shard)),
            ..self.clone()
        };
        let fold = |one: DropAllReceipt, other: DropAllReceipt| DropAllReceipt {
            dropped: one.dropped + other.dropped,
            dead: one.dead + other.dead,
            next: first_of(one.next, other.next),
        };
        Some(send_to_all(self.name.clone(), of, call, fold))
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
