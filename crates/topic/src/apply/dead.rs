//! `TOPIC.DEADINFO`, `TOPIC.REPLAY` and `TOPIC.DROP`: one dead letter of a group.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Division, Missing, Reads, Splits, Stop, Tx};

use super::desk::{Desk, Of};
use super::pin::unpin;
use crate::Refusal;
use crate::command::{DeadInfo, DropDead, Replay};
use crate::parts::{place_of, send, several};
use crate::refusal::{DEAD_NOT_FOUND, UNKNOWN_GROUP};
use crate::reply::{DeadDetails, DropReceipt, MessageInfo, ReplayReceipt};
use crate::table::{DEAD, Dead, GROUPS, MESSAGES, PARTS, PINS, Waiting};

fn reads_of(reads: &mut Reads<'_>, of: Of<'_>, number: u64) -> Option<Dead> {
    reads.row(&GROUPS, of);
    reads.row(&PARTS, of.0);
    let dead = reads.get(&DEAD, (of.0, of.1, number))?;
    reads.row(&PINS, (of.0, dead.position));
    Some(dead)
}

/// Takes a dead letter out of its group.
fn take_out(tx: &mut Tx<'_>, desk: &mut Desk<'_>, number: u64) -> Result<Dead, Stop<Refusal>> {
    let key = (desk.of.0, desk.of.1, number);
    let dead = tx.get(&DEAD, key)?.ok_or(Refusal::DeadNotFound)?;
    tx.remove(&DEAD, key);
    desk.group.dead -= 1;
    Ok(dead)
}

/// Has the group given what was a dead letter again.
pub(super) fn replay(tx: &mut Tx<'_>, desk: &mut Desk<'_>, position: u64) -> Result<(), Missing> {
    if !desk.is_settled(tx, position)? {
        return drop_dead(tx, desk, position); // It is given anyway: the group was moved back.
    }
    desk.open(tx, position)?;
    let replayed = Waiting {
        position,
        tries: 0,
        is_replay: true,
    };
    desk.line_up(tx, replayed);
    Ok(())
}

/// Nothing keeps the message of what was a dead letter any more.
pub(super) fn drop_dead(
    tx: &mut Tx<'_>,
    desk: &mut Desk<'_>,
    position: u64,
) -> Result<(), Missing> {
    unpin(tx, desk.of.0, position)
}

impl Apply for DeadInfo {
    type Reply = DeadDetails;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, DEAD_NOT_FOUND];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<DeadDetails, Refusal>> {
        let (shard, number) = place_of(self.number.get(), several(splits, &self.name)?);
        let name = self.name.clone();
        let call = Self {
            name: self.name.of_shard(shard),
            number: number.cast_signed().into(),
            ..self.clone()
        };
        Some(send(name, shard, call))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let of = (self.name.as_str(), self.group.as_str());
        if let Some(dead) = reads_of(reads, of, self.number.get()) {
            reads.row(&MESSAGES, (of.0, dead.position));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DeadDetails, Stop<Refusal>> {
        let of = (self.name.as_str(), self.group.as_str());
        tx.get(&GROUPS, of)?.ok_or(Refusal::UnknownGroup)?;
        let number = self.number.get();
        let dead = tx.get(&DEAD, (of.0, of.1, number))?;
        let dead = dead.ok_or(Refusal::DeadNotFound)?;
        let message = tx.get(&MESSAGES, (of.0, dead.position))?;
        let message = message.expect("because a dead letter is of a message that is kept");
        Ok(DeadDetails {
            number,
            tries: dead.tries.into(),
            cause: dead.cause,
            member: dead.member,
            died_at_ms: dead.at_ms,
            message: MessageInfo::of(dead.position, message),
        })
    }
}

impl Apply for Replay {
    type Reply = ReplayReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, DEAD_NOT_FOUND];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<ReplayReceipt, Refusal>> {
        let (shard, number) = place_of(self.number.get(), several(splits, &self.name)?);
        let name = self.name.clone();
        let call = Self {
            name: self.name.of_shard(shard),
            number: number.cast_signed().into(),
            ..self.clone()
        };
        Some(send(name, shard, call))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let of = (self.name.as_str(), self.group.as_str());
        reads_of(reads, of, self.number.get());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<ReplayReceipt, Stop<Refusal>> {
        let of = (self.name.as_str(), self.group.as_str());
        let mut desk = Desk::of(tx, of)?.ok_or(Refusal::UnknownGroup)?;
        let Dead { position, .. } = take_out(tx, &mut desk, self.number.get())?;
        replay(tx, &mut desk, position)?;
        let dead = desk.group.dead;
        desk.put(tx);
        Ok(ReplayReceipt { position, dead })
    }
}

impl Apply for DropDead {
    type Reply = DropReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, DEAD_NOT_FOUND];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<DropReceipt, Refusal>> {
        let (shard, number) = place_of(self.number.get(), several(splits, &self.name)?);
        let name = self.name.clone();
        let call = Self {
            name: self.name.of_shard(shard),
            number: number.cast_signed().into(),
            ..self.clone()
        };
        Some(send(name, shard, call))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let of = (self.name.as_str(), self.group.as_str());
        reads_of(reads, of, self.number.get());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DropReceipt, Stop<Refusal>> {
        let of = (self.name.as_str(), self.group.as_str());
        let mut desk = Desk::of(tx, of)?.ok_or(Refusal::UnknownGroup)?;
        let Dead { position, .. } = take_out(tx, &mut desk, self.number.get())?;
        drop_dead(tx, &mut desk, position)?;
        let dead = desk.group.dead;
        desk.put(tx);
        Ok(DropReceipt { dead })
    }
}
