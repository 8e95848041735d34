//! Running what waits: in turns, each command to its answer, or until it is known what it waits for.

use std::sync::Arc;

use super::lanes::COMMAND_WORK;
use super::state::Done;
use super::{Later, OWN, Partition, fits};
use crate::contract::{Call, Class, Fault, ScanContext, Status};
use crate::edge::Raised;
use crate::gate::Answers;
use crate::hot::AnsweredAt;
use crate::inbox::{Envelope, Errand, Turn};
use crate::key::Slot;
use crate::limits::{BATCH_ANSWERS_BYTES_MAX, BATCH_BYTES_MAX, BATCH_COMMANDS_MAX};
use crate::log::BUSY;
use crate::reader::{Gather, ScanJob};
use crate::running::Running;
use crate::shared::Shared;
use crate::table::Missing;
#[cfg(feature = "testing")]
use crate::testing::Canary;
use crate::tx::Reads;

/// What became of a command that was run, and how much it has written.
enum Called {
    Answered(usize),
    /// It is answered later.
    Waits(usize),
}

/// What became of a command that was to run.
enum Ran {
    /// It is over, and has written so much.
    Over(usize),
    /// It waits elsewhere.
    Waits,
    /// The record has no room for what it writes.
    NextRecord(Envelope),
}

impl Partition {
    /// Runs commands until the batch is full or nothing more may run.
    pub(super) fn run_lanes(
        &mut self,
        now_ms: u64,
        weight: &mut usize,
        shared: &Shared,
        answers: &mut Answers,
    ) {
        self.lanes.begin(now_ms, &self.ahead, shared);
        self.forget_letters(weight, shared);
        let mut ran = 0;
        // So many of a domain could not be done as one, and come next.
        let mut alone = (OWN, 0);
        while ran < BATCH_COMMANDS_MAX
            && *weight < BATCH_BYTES_MAX
            && self.rendered(answers) < BATCH_ANSWERS_BYTES_MAX
            && self.has_wait_room()
            && let Some(envelope) = self.lanes.next(now_ms)
        {
            let others = if alone.0 == envelope.domain && alone.1 > 0 {
                alone.1 -= 1;
                Vec::new()
            } else {
                self.joined_with(&envelope, ran)
            };
            if !others.is_empty() {
                self.work_for(envelope.domain);
                let these: Vec<_> = std::iter::once(envelope).chain(others).collect();
                let many = these.len();
                match self.run_joined(these, now_ms, weight, shared, answers) {
                    None => ran += many,
                    Some(these) => {
                        alone = (these[0].domain, many);
                        let last_first = these.into_iter().rev();
                        last_first.for_each(|one| self.lanes.put_back(one));
                    }
                }
                continue;
            }
            ran += 1;
            let (domain, is_mail) = (self.domain_of(&envelope), envelope.is_mail());
            let is_first = envelope.turn == Turn::First;
            self.work_for(domain);
            let held = envelope.bytes();
            let answered = self.rendered(answers);
            let mut work = COMMAND_WORK;
            let sampled = self.sampler.look(&envelope);
            match self.run(envelope, now_ms, *weight, shared, answers) {
                Ran::Over(more) => {
                    *weight += more;
                    self.ledger.wrote(domain, more);
                    work += more + self.rendered(answers) - answered;
                    if !is_mail && is_first {
                        self.ledger.ran(domain, held);
                    }
                    if let Some(key) = sampled {
                        self.sampler.begin_again();
                        let (at, of) = (AnsweredAt::Partition, (domain, key.as_str()));
                        shared.hot[self.id.index()].count(at, of, work, now_ms);
                    }
                }
                Ran::Waits => {}
                Ran::NextRecord(envelope) => {
                    self.lanes.put_back(envelope);
                    if is_mail {
                        return; // Its order is kept, and it comes first.
                    }
                    self.lanes.pass(domain);
                }
            }
            self.lanes.charge(domain, work);
        }
    }

    /// Bytes of the answers of the batch so far.
    pub(super) fn rendered(&self, answers: &Answers) -> usize {
        answers.bytes.len() + self.early.bytes.len()
    }

    /// The place of the domain for which a command is run.
    fn domain_of(&self, envelope: &Envelope) -> usize {
        match &envelope.work {
            Errand::Call { .. } | Errand::Scan(_) => envelope.domain,
            Errand::Letter(letter) => self.handlers.domain_of(letter.sent.mail),
            Errand::Report(_) => OWN,
        }
    }

    /// Why a command of a domain is turned away, if it is.
    pub(super) fn refuses(
        &self,
        domain: usize,
        class: Class,
        call: &dyn Call,
        shared: &Shared,
    ) -> Option<Fault> {
        let has_room = self.outbox.has_room_for(class, call);
        let has_room = has_room && self.has_room_for_calls(class, call);
        let can_wait = call.waits_ms() == 0 || call.pends() || self.waiters.has_room(class);
        let has_room = has_room && can_wait;
        let of_outbox = (!has_room).then_some(BUSY);
        of_outbox.or_else(|| shared.refuses_of(domain, class))
    }

    /// Runs one command, unless it has to wait; the record weighs so much already.
    fn run(
        &mut self,
        mut envelope: Envelope,
        now_ms: u64,
        weight: usize,
        shared: &Shared,
        answers: &mut Answers,
    ) -> Ran {
        let slot = envelope.slot;
        if envelope.is_mail() && self.held_mail.slots.contains(&slot) {
            // Also if the slot waits: what is held came before, and a letter overtaken is lost.
            self.held_mail.hold(envelope);
            return Ran::Waits;
        }
        if self.waits.has(slot) {
            self.waits.park(envelope);
            return Ran::Waits;
        }
        let ran = match &envelope.work {
            Errand::Call { .. } => {
                match self.run_call(&mut envelope, now_ms, weight, shared, answers) {
                    Ok(Called::Answered(more)) => {
                        envelope.leave();
                        Ok(more)
                    }
                    Ok(Called::Waits(more)) => {
                        envelope.has_acted |= more > 0;
                        self.answer_later(envelope, now_ms, shared, answers);
                        return Ran::Over(more);
                    }
                    Err(later) => Err(later),
                }
            }
            Errand::Scan(gather) => {
                self.hand_scan(gather, (slot, now_ms), answers);
                self.mark(&envelope);
                return Ran::Over(0);
            }
            Errand::Letter(_) | Errand::Report(_) if shared.refuses(Class::Finishes).is_some() => {
                self.held_mail.hold(envelope);
                return Ran::Waits;
            }
            Errand::Letter(letter) => self.take_letter(letter, now_ms, weight, answers),
            Errand::Report(reported) => self.take_report(slot, reported, now_ms, weight, answers),
        };
        match ran {
            Ok(more) => {
                self.mark(&envelope);
                Ran::Over(more)
            }
            Err(Later::Fetched(missing)) => {
                self.waits.ask(slot, missing);
                self.waits.park(envelope);
                Ran::Waits
            }
            Err(Later::NextRecord) => Ran::NextRecord(envelope),
        }
    }

    /// Hands a scan its snapshot, for a reader.
    fn hand_scan(
        &mut self,
        gather: &Arc<Gather>,
        (slot, now_ms): (Slot, u64),
        answers: &mut Answers,
    ) {
        if gather.is_called_off() {
            return;
        }
        let call = gather.call();
        let slots = if call.key().is_some() {
            vec![slot]
        } else {
            self.slots.clone()
        };
        let snapshot = self.state.tables.snapshot(call.tables(), now_ms);
        answers.push_scan(ScanJob {
            context: ScanContext {
                snapshot,
                asked_ms: gather.asked_ms(),
                slots,
                events: Arc::clone(self.state.events.kept()),
                splits: Arc::clone(&self.handlers.splits),
            },
            gather: Arc::clone(gather),
        });
    }

    /// Runs a command or point query to its answer.
    fn run_call(
        &mut self,
        envelope: &mut Envelope,
        now_ms: u64,
        weight: usize,
        shared: &Shared,
        answers: &mut Answers,
    ) -> Result<Called, Later> {
        let Envelope {
            slot, class, turn, ..
        } = *envelope;
        let Errand::Call { call, sink, token } = &envelope.work else {
            unreachable!("because this is asked of calls only");
        };
        // It was let in when there was room; since then there is less.
        let fault = match turn {
            Turn::First => self.refuses(envelope.domain, class, &**call, shared),
            Turn::Told { .. } | Turn::Last => envelope.is_left().then_some(BUSY),
        };
        if let Some(fault) = fault {
            shared.usages()[envelope.domain].metrics.busy.add(1);
            let status = call.turn_away(fault, sink.renderer(), &mut answers.bytes);
            answers.push(Arc::clone(sink), *token, status);
            return Ok(Called::Answered(0));
        }
        Running::begin(envelope.name, call.key(), self.id, self.lsn);
        if class != Class::Reads && !fits(weight, call.writes()) {
            return Err(Later::NextRecord);
        }
        let answered = answers.bytes.len();
        let room_for_calls = self.room_for_calls(class);
        let room_for_letters = self.outbox.room(class);
        let has_seat = turn != Turn::First || !call.pends() || self.waiters.has_room(class);
        let mut tx = self.state.begin(self.id, slot, now_ms);
        tx.room_for_calls = room_for_calls;
        tx.room_for_letters = room_for_letters;
        (tx.turn, tx.has_acted) = (turn, envelope.has_acted);
        tx.minted_before = envelope.minted;
        tx.remembered = envelope.remembered;
        let round = envelope.round.as_ref();
        let goes_on = call.waits_ms() > 0 || round.is_some_and(|round| round.goes_on());
        // One that may be pending runs though nobody else may wait: most of those find that they need not.
        tx.may_wait = goes_on && turn != Turn::Last && has_seat;
        tx.place = round.map_or(0, |round| round.place().number);
        match call.run(&mut tx, sink.renderer(), &mut answers.bytes) {
            Ok(status) => {
                let remembered = tx.remembered;
                let done = Done::of(tx);
                if !fits(weight, done.weight) {
                    self.state.tables.undo();
                    answers.bytes.truncate(answered);
                    return Err(Later::NextRecord);
                }
                envelope.minted = None; // It was used, if it was minted again.
                let Some(status) = status else {
                    envelope.remembered = remembered;
                    return Ok(Called::Waits(self.commit(slot, done, answers)));
                };
                if let Some(code) = done.refused {
                    shared.usages()[envelope.domain].tally.refused(code);
                }
                let is_relaxed = done.is_relaxed;
                if is_relaxed && weight == self.relaxed_weight {
                    self.early.move_from(answers, answered);
                    self.early.push(Arc::clone(sink), *token, status);
                } else {
                    answers.push(Arc::clone(sink), *token, status);
                }
                let more = self.finish(slot, status, done, answers);
                self.relaxed_weight += if is_relaxed { more } else { 0 };
                Ok(Called::Answered(more))
            }
            Err(missing) => {
                envelope.minted = tx.minted;
                let place = tx.place;
                self.state.tables.undo();
                let found = self.all_missing((slot, now_ms), missing, |reads| {
                    reads.place = place;
                    call.reads(reads);
                });
                Err(Later::Fetched(found))
            }
        }
    }

    /// A row was found missing on the way: all that are going to be, so that they are fetched at once.
    /// Most commands find what they read in memory, so it is looked for only now.
    pub(super) fn all_missing(
        &mut self,
        at: (Slot, u64),
        found: Missing,
        name: impl FnOnce(&mut Reads<'_>),
    ) -> Vec<Missing> {
        let mut missing = vec![found];
        name(&mut self.state.reads(at, &mut missing));
        missing
    }

    /// Keeps what a command has done, or takes it back.
    fn finish(&mut self, slot: Slot, status: Status, done: Done, answers: &mut Answers) -> usize {
        #[cfg(feature = "testing")]
        let status = if self.broken == Some(Canary::SkipUndo) {
            Status::Done
        } else {
            status
        };
        if matches!(status, Status::Done | Status::Pending) {
            return self.commit(slot, done, answers);
        }
        self.state.tables.undo();
        let sure = done.raised.into_iter().filter(Raised::is_sure);
        sure.for_each(|raised| answers.push_flag(raised));
        0
    }
}
