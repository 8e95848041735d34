//! `TOPIC.READ`: leases messages to a member of a group.
//!
//! What is in line comes first: messages that were given back and have rested, and those that waited for another one
//! of their key. Then come messages that no member has seen. In a group in the order of keys, one whose key has an
//! open message before it waits for that, unless both are given in this lease.

use std::borrow::Cow;

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::limits::NAME_BYTES_MAX;
use tidegate_engine::{Missing, Place, Reads, Shard, Slot, Splits, Stop, Tx};

use super::desk::Desk;
use super::word_of_readers;
use crate::command::Read;
use crate::lease_id::{LeaseId, Positions};
use crate::parts::{InWhole as _, check_sent, from_any, key_at, place_at, several, shard_of};
use crate::refusal::UNKNOWN_GROUP;
use crate::reply::{Delivered, Delivery};
use crate::table::{
    GROUPS, Lease, Leased, MESSAGES, Message, OPEN, Order, PARTS, Part, READY, Waiting,
};
use crate::{OPEN_MAX, PASSED_OVER_MAX, READ_BYTES_MAX, Refusal, open};

impl Apply for Read {
    type Reply = Delivery;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn round(&self, splits: &Splits, nth: u64) -> Option<Vec<Place>> {
        let of = several(splits, &self.name)?;
        let place = |shard: Shard| {
            let key = shard.key_of(self.name.as_str());
            Place {
                slot: Slot::of(key.as_bytes()),
                number: place_at(shard),
                awaits: word_of_readers((&key, self.group.as_str())),
            }
        };
        Some(from_any(of, self.member.as_str(), nth).map(place).collect())
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = key_at(&self.name, reads.place(), reads.splits());
        let (name, group) = (&*name, self.group.as_str());
        let part = reads.get(&PARTS, name);
        let row = reads.get(&GROUPS, (name, group));
        let (Some(part), Some(row)) = (part, row) else {
            return;
        };
        let work = &*row.work(group);
        let most = part.at_once(self.count.get());
        let in_line = row.ready_from..row.ready_to.min(row.ready_from + most);
        for place in in_line.clone() {
            if let Some(waiting) = reads.get(&READY, (name, work, place)) {
                reads.row(&MESSAGES, (name, waiting.position));
            }
        }
        let new = most - (in_line.end - in_line.start);
        let next = row.next.max(part.first);
        for position in next..(part.last + 1).min(next + new) {
            reads.row(&MESSAGES, (name, position));
        }
        reads.row(&OPEN, (name, work, open::chunk_of(next)));
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn awaits(&self) -> Cow<'_, str> {
        String::from(word_of_readers((self.name.as_str(), self.group.as_str()))).into()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Delivery, Stop<Refusal>> {
        check_sent(tx, &self.name)?;
        let name = key_at(&self.name, tx.place(), tx.splits());
        let of = (&*name, self.group.as_str());
        let mut desk = Desk::of(tx, of)?.ok_or(Refusal::UnknownGroup)?;
        let before = desk.group;
        let mut basket = Basket::new(self.count.get());
        let part = tx.get(&PARTS, of.0)?.unwrap_or_else(Part::fresh);
        if !desk.group.is_paused {
            take_in_line(tx, &mut desk, &mut basket)?;
            pass_dropped(&mut desk, &part);
            take_new(tx, &mut desk, &mut basket, part.last)?;
        }
        let has_looked = desk.group != before;
        if !basket.is_done() {
            tx.tell_some(&word_of_readers(of), 1); // There may be more: somebody else looks.
        }
        let may_wait = tx.may_wait() && basket.is_done();
        let delivery = self.deliver(tx, &mut desk, basket);
        tx.relax(); // A lease that nobody knows of any more is one that has ended.
        if has_looked {
            desk.put(tx);
        }
        if delivery.messages.is_empty() && may_wait {
            return Err(Stop::Wait);
        }
        Ok(match tx.place() {
            0 => delivery,
            _ => delivery.in_whole(&self.name, shard_of(tx.splits(), of.0)),
        })
    }
}

impl Read {
    fn deliver(&self, tx: &mut Tx<'_>, desk: &mut Desk<'_>, basket: Basket) -> Delivery {
        if basket.items.is_empty() {
            return Delivery {
                lease: None,
                until_ms: None,
                messages: Vec::new(),
            };
        }
        let until_ms = tx.now_ms() + desk.group.lease_ms;
        let lease = Lease {
            member: self.member.compact(),
            until_ms,
            items: basket.items,
            is_torn: false,
        };
        let number = desk.lease(tx, &lease);
        let lease = LeaseId {
            part: tx.place().saturating_sub(1),
            number,
            positions: basket.positions,
        };
        Delivery {
            lease: Some(lease),
            until_ms: Some(until_ms),
            messages: basket.messages,
        }
    }
}

/// What a lease is going to have.
struct Basket {
    positions: Positions,
    most: usize,
    items: Vec<Leased>,
    messages: Vec<Delivered>,
    bytes: usize,
    passed_over: usize,
}

/// Whether a message went into the basket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Took {
    Message,
    /// It has no room for it.
    Nothing,
}

impl Basket {
    fn new(most: u64) -> Self {
        Self {
            positions: Positions::default(),
            most: usize::try_from(most).unwrap_or(usize::MAX),
            items: Vec::new(),
            messages: Vec::new(),
            bytes: 0,
            passed_over: 0,
        }
    }

    /// Whether there may be room for one message more.
    fn has_room(&self) -> bool {
        self.items.len() < self.most && self.is_done()
    }

    /// Whether it has looked at all that may be given.
    fn is_done(&self) -> bool {
        self.passed_over < PASSED_OVER_MAX
    }

    fn take(&mut self, of: Waiting, behind: u64, message: Message) -> Took {
        let bytes = self.bytes + message.bytes();
        if !self.items.is_empty() && bytes > READ_BYTES_MAX || !self.names(of.position) {
            return Took::Nothing;
        }
        self.bytes = bytes;
        self.items.push(Leased { of, behind });
        let delivered = Delivered::of(of.position, of.tries + 1, message);
        self.messages.push(delivered);
        Took::Message
    }

    /// Has the id of the lease say that it has a message, if there is room for it.
    fn names(&mut self, position: u64) -> bool {
        let positions = &mut self.positions;
        if positions.is_next(position) {
            positions.add(position);
            return true;
        }
        let mut more = positions.clone();
        more.add(position);
        let is_short = more.id_bytes_max() <= NAME_BYTES_MAX;
        if is_short {
            *positions = more;
        }
        is_short
    }
}

/// A message that was looked at before; none if it was dropped since.
fn message_at(tx: &mut Tx<'_>, desk: &Desk<'_>, position: u64) -> Result<Option<Message>, Missing> {
    tx.get(&MESSAGES, (desk.of.0, position))
}

/// Goes on with what is kept.
fn pass_dropped(desk: &mut Desk<'_>, part: &Part) {
    let passed = part.first.saturating_sub(desk.group.next);
    desk.group.next += passed;
    desk.group.dropped += passed;
}

/// Takes what is in line, each with what waits for it in its key.
fn take_in_line(tx: &mut Tx<'_>, desk: &mut Desk<'_>, basket: &mut Basket) -> Result<(), Missing> {
    while basket.has_room()
        && let Some(of) = desk.first_in_line(tx)?
    {
        let message = message_at(tx, desk, of.position)?;
        let is_dropped = message.is_none();
        let Some(message) = message.filter(|message| !message.is_expired(tx.now_ms())) else {
            desk.leave_line(tx);
            basket.passed_over += 1;
            desk.group.dropped += u64::from(is_dropped);
            desk.group.expired += u64::from(!is_dropped);
            desk.settle(tx, of)?;
            continue;
        };
        if basket.take(of, 0, message) == Took::Nothing {
            return Ok(());
        }
        desk.leave_line(tx);
        take_followers(tx, desk, basket, of.position)?;
    }
    Ok(())
}

/// Takes what is blocked by a message that was taken, and by that, as far as there is room.
fn take_followers(
    tx: &mut Tx<'_>,
    desk: &mut Desk<'_>,
    basket: &mut Basket,
    head: u64,
) -> Result<(), Missing> {
    let mut behind = head;
    while basket.has_room()
        && let Some(position) = desk.unblock(tx, behind)?
    {
        let message = message_at(tx, desk, position)?;
        let message = message.filter(|message| !message.is_expired(tx.now_ms()));
        let of = Waiting::untried(position);
        let took = message.map(|message| basket.take(of, behind, message));
        if took != Some(Took::Message) {
            desk.block(tx, position, behind); // In line it will be passed over, if it is to be.
            return Ok(());
        }
        behind = position;
    }
    Ok(())
}

/// Takes messages that no member has seen.
fn take_new(
    tx: &mut Tx<'_>,
    desk: &mut Desk<'_>,
    basket: &mut Basket,
    last: u64,
) -> Result<(), Missing> {
    while basket.has_room() && desk.group.open < OPEN_MAX && desk.group.next <= last {
        let position = desk.group.next;
        let message = message_at(tx, desk, position)?;
        let message = message.expect("because messages are kept from the first one on");
        let before = match desk.group.order {
            Order::Key => message.before,
            Order::None => 0,
        };
        let is_behind = before > 0 && desk.is_open(tx, before)?;
        let is_expired = message.is_expired(tx.now_ms());
        if is_behind && (is_expired || !basket.positions.has(before)) {
            // Also if it has expired: what follows it is behind what it is behind.
            basket.passed_over += 1;
            desk.block(tx, position, before);
            desk.open(tx, position)?;
        } else if is_expired {
            basket.passed_over += 1;
            desk.group.expired += 1;
        } else {
            let behind = if is_behind { before } else { 0 };
            let of = Waiting::untried(position);
            if basket.take(of, behind, message) == Took::Nothing {
                return Ok(());
            }
            desk.open(tx, position)?;
        }
        desk.group.next += 1;
    }
    Ok(())
}
