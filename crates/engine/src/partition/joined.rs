//! Commands that are done as one: of one kind, about one key in one slot, that stand behind each other.

use std::any::Any;
use std::sync::Arc;

use super::lanes::COMMAND_WORK;
use super::state::Done;
use super::{Partition, fits};
use crate::contract::Call;
use crate::gate::Answers;
use crate::hot::AnsweredAt;
use crate::inbox::{Envelope, Errand, Turn};
use crate::limits::{BATCH_COMMANDS_MAX, FETCHES_MAX, JOINED_BYTES_MAX, RECORD_BYTES_MAX};
use crate::running::Running;
use crate::shared::Shared;

/// The command of an envelope, if it may be done with others that come behind it.
fn joining(envelope: &Envelope) -> Option<(&dyn Call, &dyn Any)> {
    let is_first = envelope.turn == Turn::First && envelope.minted.is_none();
    match &envelope.work {
        Errand::Call { call, .. } if is_first && envelope.round.is_none() => {
            let itself = call.joins()?;
            debug_assert_eq!(
                call.letters() + call.calls(),
                0,
                "it sends and calls nothing"
            );
            debug_assert_eq!(call.waits_ms(), 0, "it is answered at once");
            Some((&**call, itself))
        }
        Errand::Call { .. } | Errand::Scan(_) | Errand::Letter(_) | Errand::Report(_) => None,
    }
}

impl Partition {
    /// Takes those that are done as one with a command, of those that stand behind it; so many have run in this batch.
    pub(super) fn joined_with(&mut self, first: &Envelope, ran: usize) -> Vec<Envelope> {
        let Some((call, itself)) = joining(first) else {
            return Vec::new();
        };
        let (kind, key) = (itself.type_id(), call.key());
        let mut room = JOINED_BYTES_MAX.saturating_sub(call.writes());
        let most = BATCH_COMMANDS_MAX - ran - 1;
        self.lanes.take_behind(first.domain, most, |next| {
            let Some((call, itself)) = joining(next).filter(|_| next.slot == first.slot) else {
                return false;
            };
            let is_alike =
                itself.type_id() == kind && call.key() == key && next.class == first.class;
            let fits = call.writes() <= room;
            room = room.saturating_sub(call.writes());
            is_alike && fits
        })
    }

    /// Does some commands as one, unless they have to wait; gives them back if each is to be done by itself.
    pub(super) fn run_joined(
        &mut self,
        these: Vec<Envelope>,
        now_ms: u64,
        weight: &mut usize,
        shared: &Shared,
        answers: &mut Answers,
    ) -> Option<Vec<Envelope>> {
        let first = &these[0];
        let (slot, domain) = (first.slot, first.domain);
        if self.waits.has(slot) {
            these.into_iter().for_each(|one| self.waits.park(one));
            return None;
        }
        let (calls, themselves): (Vec<_>, Vec<_>) = these.iter().filter_map(joining).unzip();
        let is_refused =
            |call: &&dyn Call| self.refuses(domain, first.class, *call, shared).is_some();
        if calls.iter().any(is_refused) {
            return Some(these);
        }
        Running::begin(first.name, calls[0].key(), self.id, self.lsn);
        let mut tx = self.state.begin(self.id, slot, now_ms);
        match calls[0].run_joined(&themselves, &mut tx) {
            Ok(Some(ends)) => {
                let done = Done::of(tx);
                if done.weight > RECORD_BYTES_MAX || !fits(*weight, done.weight) {
                    self.state.tables.undo();
                    return Some(self.charged(these)); // They have written more than they have said.
                }
                self.keep_joined((these, ends), done, (now_ms, weight), shared, answers);
                None
            }
            Ok(None) => {
                self.state.tables.undo();
                Some(self.charged(these))
            }
            Err(missing) => {
                self.state.tables.undo();
                let missing = self.all_missing((slot, now_ms), missing, |reads| {
                    for call in calls {
                        if reads.missing.len() < FETCHES_MAX {
                            call.reads(reads);
                        }
                    }
                });
                self.waits.ask(slot, missing);
                let these = self.charged(these).into_iter();
                these.for_each(|one| self.waits.park(one));
                None
            }
        }
    }

    /// Some that have been run in vain: that was work too.
    fn charged(&mut self, these: Vec<Envelope>) -> Vec<Envelope> {
        let work = these.len() * COMMAND_WORK;
        self.lanes.charge(these[0].domain, work);
        these
    }

    /// Keeps what they have done, and answers each.
    fn keep_joined(
        &mut self,
        (these, mut ends): (Vec<Envelope>, Box<dyn Any>),
        done: Done,
        (now_ms, weight): (u64, &mut usize),
        shared: &Shared,
        answers: &mut Answers,
    ) {
        let (slot, domain) = (these[0].slot, these[0].domain);
        let is_early = done.is_relaxed && *weight == self.relaxed_weight;
        let is_relaxed = done.is_relaxed;
        let more = self.commit(slot, done, answers);
        self.relaxed_weight += if is_relaxed { more } else { 0 };
        *weight += more;
        self.ledger.wrote(domain, more);
        let each = more / these.len();
        for (at, envelope) in these.into_iter().enumerate() {
            let before = self.rendered(answers);
            self.ledger.ran(domain, envelope.bytes());
            let sampled = self.sampler.look(&envelope);
            self.answer_joined(&envelope, (&mut *ends, at), is_early, shared, answers);
            self.mark(&envelope);
            let work = COMMAND_WORK + each + self.rendered(answers) - before;
            if let Some(key) = sampled {
                self.sampler.begin_again();
                let (at, of) = (AnsweredAt::Partition, (domain, key.as_str()));
                shared.hot[self.id.index()].count(at, of, work, now_ms);
            }
            self.lanes.charge(domain, work);
        }
    }

    fn answer_joined(
        &mut self,
        envelope: &Envelope,
        (ends, at): (&mut dyn Any, usize),
        is_early: bool,
        shared: &Shared,
        answers: &mut Answers,
    ) {
        let Errand::Call { call, sink, token } = &envelope.work else {
            unreachable!("because calls join only");
        };
        let before = answers.bytes.len();
        let (status, code) = call.tell_joined(ends, at, sink.renderer(), &mut answers.bytes);
        if let Some(code) = code {
            shared.usages()[envelope.domain].tally.refused(code);
        }
        // A refusal may rest on what those before it have written.
        if is_early && code.is_none() {
            self.early.move_from(answers, before);
            self.early.push(Arc::clone(sink), *token, status);
        } else {
            answers.push(Arc::clone(sink), *token, status);
        }
    }
}
