//! `TOPIC.PAUSE`, `TOPIC.RESUME` and `TOPIC.MOVE`: what people do about a group while its members go on.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::desk::{Desk, Of};
use super::moved::LINE_GOES;
use super::place::place_of_move;
use super::told::{LETTERS_MAX, Word, tell_parts, until_known};
use super::{text_of, word_of_readers};
use crate::command::{Move, Pause, Resume};
use crate::parts::{in_all, shard_of};
use crate::refusal::{CONFLICTING_FIELDS, UNKNOWN_GROUP, VERSION_CHANGED};
use crate::reply::SteerReceipt;
use crate::table::{GROUPS, How, MovedTo, PARTS, Part, STEERED, Steered, TOLD};
use crate::{Refusal, STEERED_MAX, TOLD_MS_MAX};

fn reads_of(reads: &mut Reads<'_>, of: Of<'_>) {
    reads.row(&TOLD, of.0);
    if let Some(group) = reads.get(&GROUPS, of) {
        reads.row(&STEERED, (of.0, of.1, group.steered));
    }
}

/// Writes what was done, and that it was done.
fn put(
    tx: &mut Tx<'_>,
    mut desk: Desk<'_>,
    (how, asked, by): (How, Option<MovedTo>, CompactString),
    from: u64,
) -> SteerReceipt {
    let of = desk.of;
    desk.group.steered += 1;
    let entry = Steered {
        how,
        by,
        at_ms: tx.now_ms(),
        from,
        to: desk.group.next,
        version: desk.group.version,
        asked,
    };
    desk.group.version += 1;
    tx.put(&STEERED, (of.0, of.1, desk.group.steered), entry);
    if let Some(old) = desk.group.steered.checked_sub(STEERED_MAX) {
        tx.remove(&STEERED, (of.0, of.1, old));
    }
    let receipt = receipt_of(tx, &desk, false);
    tx.tell(&word_of_readers(of));
    desk.put(tx);
    receipt
}

fn receipt_of(tx: &Tx<'_>, desk: &Desk<'_>, repeated: bool) -> SteerReceipt {
    SteerReceipt {
        name: desk.of.0.into(),
        group: desk.of.1.into(),
        version: desk.group.version,
        next: in_all(desk.group.next, shard_of(tx.splits(), desk.of.0)),
        paused: desk.group.is_paused,
        repeated,
    }
}

/// Pauses a group, or resumes it, unless it is so already.
fn set_paused(
    tx: &mut Tx<'_>,
    (topic, group): (&Name, &Name),
    (if_version, by): (Option<u64>, Option<&Name>),
    is_paused: bool,
) -> Result<SteerReceipt, Stop<Refusal>> {
    let mut desk = Desk::of(tx, (topic.as_str(), group.as_str()))?.ok_or(Refusal::UnknownGroup)?;
    if desk.group.is_paused == is_paused || tx.runs_again() {
        until_known(tx, topic.as_str())?;
        return Ok(receipt_of(tx, &desk, !tx.has_acted()));
    }
    let version = desk.group.version;
    if if_version.is_some_and(|only_if| only_if != version) {
        return Err(Refusal::VersionChanged { version }.into());
    }
    desk.group.is_paused = is_paused;
    let how = if is_paused { How::Pause } else { How::Resume };
    let next = desk.group.next;
    let receipt = put(tx, desk, (how, None, text_of(by.map(Name::as_str))), next);
    if let Some(row) = tx.get(&GROUPS, (topic.as_str(), group.as_str()))? {
        let name = group.compact();
        tell_parts(tx, topic, Word::Group { name, group: row })?;
    }
    until_known(tx, topic.as_str())?;
    Ok(receipt)
}

impl Apply for Pause {
    type Reply = SteerReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, VERSION_CHANGED];
    /// All parts have to know it.
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of(reads, (self.name.as_str(), self.group.as_str()));
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn waits_ms(&self) -> u64 {
        TOLD_MS_MAX
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SteerReceipt, Stop<Refusal>> {
        let if_version = self.if_version.map(|version| version.get());
        let of = (&self.name, &self.group);
        set_paused(tx, of, (if_version, self.by.as_ref()), true)
    }
}

impl Apply for Resume {
    type Reply = SteerReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP, VERSION_CHANGED];
    /// All parts have to know it.
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of(reads, (self.name.as_str(), self.group.as_str()));
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn waits_ms(&self) -> u64 {
        TOLD_MS_MAX
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SteerReceipt, Stop<Refusal>> {
        let if_version = self.if_version.map(|version| version.get());
        let of = (&self.name, &self.group);
        set_paused(tx, of, (if_version, self.by.as_ref()), false)
    }
}

impl Apply for Move {
    type Reply = SteerReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[CONFLICTING_FIELDS, UNKNOWN_GROUP, VERSION_CHANGED];
    /// All parts have to know it.
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&PARTS, self.name.as_str());
        reads_of(reads, (self.name.as_str(), self.group.as_str()));
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn waits_ms(&self) -> u64 {
        TOLD_MS_MAX
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SteerReceipt, Stop<Refusal>> {
        if self.to.is_some() == self.since_ms.is_some() {
            return Err(Refusal::ConflictingFields.into());
        }
        let of = (self.name.as_str(), self.group.as_str());
        let mut desk = Desk::of(tx, of)?.ok_or(Refusal::UnknownGroup)?;
        if tx.runs_again() {
            until_known(tx, self.name.as_str())?;
            return Ok(receipt_of(tx, &desk, !tx.has_acted()));
        }
        let part = tx.get(&PARTS, of.0)?.unwrap_or_else(Part::fresh);
        let to = self.place(tx, &part)?;
        if desk.group.version != self.version.get() {
            return self.repeat(tx, &desk);
        }
        let from = desk.group.next;
        set_out(tx, &mut desk, to);
        let by = text_of(self.by.as_ref().map(Name::as_str));
        let receipt = put(tx, desk, (How::Move, Some(self.moved_to()), by), from);
        let word = Word::Move {
            name: self.group.compact(),
            to: self.moved_to(),
            version: receipt.version,
        };
        tell_parts(tx, &self.name, word)?;
        until_known(tx, self.name.as_str())?;
        Ok(receipt)
    }
}

/// The group goes on there; what was in line goes.
fn set_out(tx: &mut Tx<'_>, desk: &mut Desk<'_>, to: u64) {
    if desk.group.ready_from < desk.group.ready_to {
        let now_ms = tx.now_ms();
        let owner = (desk.of.0, desk.work(), desk.group.ready_from);
        tx.wake_at(&LINE_GOES, now_ms, owner);
    }
    desk.go_to(to);
}

/// The group of another part than the first goes on there, and has this version then.
pub(super) fn go_to(tx: &mut Tx<'_>, of: Of<'_>, to: u64, version: u64) -> Result<(), Missing> {
    if let Some(mut desk) = Desk::of(tx, of)? {
        set_out(tx, &mut desk, to);
        desk.group.version = version;
        tx.tell(&word_of_readers(of));
        desk.put(tx);
    }
    Ok(())
}

impl Move {
    fn moved_to(&self) -> MovedTo {
        match (self.to, self.since_ms) {
            (Some(to), _) => MovedTo::Position(to.get()),
            (None, since_ms) => MovedTo::Since(since_ms.map_or(0, |since_ms| since_ms.get())),
        }
    }

    /// The number at which the group is to go on in the first part: of what is kept, or behind it.
    fn place(&self, tx: &mut Tx<'_>, part: &Part) -> Result<u64, Missing> {
        let key = self.name.as_str();
        let shard = shard_of(tx.splits(), key);
        place_of_move(tx, (key, shard), part, self.moved_to())
    }

    /// The group has another version: that which this has made, if it is a retry.
    fn repeat(&self, tx: &mut Tx<'_>, desk: &Desk<'_>) -> Result<SteerReceipt, Stop<Refusal>> {
        let version = desk.group.version;
        let key = (desk.of.0, desk.of.1, desk.group.steered);
        let last = tx.get(&STEERED, key)?;
        let by = text_of(self.by.as_ref().map(Name::as_str));
        let is_it = last.is_some_and(|last| {
            let is_last = last.version == self.version.get() && version == last.version + 1;
            is_last && last.asked == Some(self.moved_to()) && last.by == by
        });
        if is_it {
            until_known(tx, self.name.as_str())?;
            return Ok(receipt_of(tx, desk, true));
        }
        Err(Refusal::VersionChanged { version }.into())
    }
}
