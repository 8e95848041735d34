//! Letters: taken in once, held back while there is no room, forgotten once acknowledged.

use std::collections::{HashMap, HashSet, VecDeque};

use super::lanes::COMMAND_WORK;
use super::state::Done;
use super::{Lanes, Later, Partition};
use crate::contract::Class;
use crate::dead::DeadRow;
use crate::gate::Answers;
use crate::hash::Seeded;
use crate::inbox::Envelope;
use crate::key::{PartitionId, RowKey, Slot};
use crate::limits::BATCH_COMMANDS_MAX;
use crate::mail::{Ack, Letter, OUTBOX, Post, RECEIVED, UpTo};
use crate::running::Running;
use crate::shared::Shared;
use crate::strikes::Identity;
use crate::table::Missing;
#[cfg(feature = "testing")]
use crate::testing::Canary;

/// Up to which number letters of a partition to a slot were taken in: what the rows say, in memory, as it is
/// asked of every letter.
#[derive(PartialEq)]
pub(super) struct Received(HashMap<(Slot, PartitionId), u64, Seeded>);

impl Received {
    pub(super) fn of(rows: Vec<(RowKey, UpTo)>, seed: Seeded) -> Self {
        let mut received = HashMap::with_hasher(seed);
        received.extend(rows.into_iter().filter_map(|(key, up_to)| {
            let sender = u16::try_from(key.parts().number()?).ok()?;
            Some(((key.slot(), PartitionId(sender)), up_to.number))
        }));
        Self(received)
    }

    fn has(&self, to: Slot, letter: &Letter) -> bool {
        let up_to = self.0.get(&(to, letter.sender()));
        up_to.is_some_and(|up_to| letter.number <= *up_to)
    }

    fn note(&mut self, to: Slot, letter: &Letter) {
        self.0.insert((to, letter.sender()), letter.number);
    }
}

/// Mail that waits until there is room for what it changes, in the order in which it came.
#[derive(Default)]
pub(super) struct HeldMail {
    pub(super) mail: VecDeque<Envelope>,
    acks: Vec<Ack>,
    /// Further mail to these waits behind it, whatever else it would wait for.
    pub(super) slots: HashSet<Slot>,
}

impl HeldMail {
    pub(super) fn hold(&mut self, envelope: Envelope) {
        self.slots.insert(envelope.slot);
        self.mail.push_back(envelope);
    }

    fn is_empty(&self) -> bool {
        self.mail.is_empty() && self.acks.is_empty()
    }

    /// Puts it all before what is in the lanes.
    fn release(&mut self, lanes: &mut Lanes) {
        self.slots.clear();
        self.mail.append(&mut lanes.mail);
        std::mem::swap(&mut self.mail, &mut lanes.mail);
        lanes.acks.append(&mut self.acks);
    }
}

impl Partition {
    /// Mail that was held is taken in before anything else, once there is room.
    pub(super) fn release_mail(&mut self, shared: &Shared) {
        if !self.held_mail.is_empty() && shared.refuses(Class::Finishes).is_none() {
            self.held_mail.release(&mut self.lanes);
        }
    }

    /// Takes a letter in, unless that was done before; either way it is acknowledged.
    pub(super) fn take_letter(
        &mut self,
        letter: &Letter,
        now_ms: u64,
        weight: usize,
        answers: &mut Answers,
    ) -> Result<usize, Later> {
        let Letter { number, from, sent } = letter;
        let to = letter.to();
        let mail = self.handlers.mails.get(&sent.mail).copied();
        let mail = mail.expect("because mail is sent only to domains that take it in");
        Running::begin(mail.name, sent.to.as_bytes(), self.id, self.lsn);
        let identity = Identity::of_letter(*number);
        let is_set_aside = self.handlers.sets_aside(&identity);
        Running::comes_again(identity);
        let is_repeated = self.received.has(to, letter);
        #[cfg(feature = "testing")]
        let is_repeated = is_repeated && self.broken != Some(Canary::RepeatMail);
        let mut more = 0;
        if !is_repeated {
            let mut tx = self.state.begin(self.id, to, now_ms);
            let sender = u64::from(letter.sender().0);
            tx.put(&RECEIVED, sender, UpTo { number: *number });
            let taken = if is_set_aside {
                let dead = DeadRow::letter(now_ms, sent.mail, &sent.to, &sent.body);
                tx.set_aside(dead);
                Ok(())
            } else {
                (mail.take_in)(&sent.body, &sent.to, &mut tx)
            };
            let done = Done::of(tx);
            debug_assert!(done.sent.len() <= mail.letters, "{} sends more", mail.name);
            more = match taken {
                Ok(()) => self.keep(to, (taken, done), weight, answers)?,
                Err(missing) => {
                    self.state.tables.undo();
                    return Err(self.missing_for(letter, missing, now_ms));
                }
            };
            self.received.note(to, letter);
        }
        answers.push_post(Post::Ack(Ack {
            from: *from,
            number: *number,
        }));
        Ok(more)
    }

    /// A row that a letter reads was found missing: it and those that it reads beside.
    fn missing_for(&mut self, letter: &Letter, found: Missing, now_ms: u64) -> Later {
        let Letter { sent, .. } = letter;
        let mail = self.handlers.mails.get(&sent.mail).copied();
        let missing = self.all_missing((letter.to(), now_ms), found, |reads| {
            if let Some(mail) = mail {
                (mail.reads)(&sent.body, &sent.to, reads);
            }
        });
        Later::Fetched(missing)
    }

    /// Letters that were taken in need not be sent again.
    pub(super) fn forget_letters(&mut self, weight: &mut usize, shared: &Shared) {
        if shared.refuses(Class::Finishes).is_some() {
            self.held_mail.acks.append(&mut self.lanes.acks);
        }
        let most = self.lanes.acks.len().min(BATCH_COMMANDS_MAX);
        let some: Vec<_> = self.lanes.acks.drain(..most).collect();
        for Ack { from, number } in some {
            let domain = self.outbox.forget(number);
            self.work_for(domain);
            let mut tx = self.state.begin(self.id, from, 0);
            tx.remove(&OUTBOX, number);
            let done = Done::of(tx);
            let more = self.state.commit(from, done);
            self.ledger.wrote(domain, more);
            self.lanes.charge(domain, COMMAND_WORK + more);
            *weight += more;
        }
    }
}
