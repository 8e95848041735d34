//! A partition: the one writer of its slots.

mod audit;
mod events;
mod idle;
mod mail;
mod outbox;
mod state;
mod timers;
mod waits;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

pub(crate) use audit::audit;
use idle::IdleWaits;
use mail::HeldMail;
use outbox::Outbox;
use state::{Done, State};
use waits::Waits;

use crate::base::BaseError;
use crate::checkpoint::Frozen;
use crate::contract::{Call, Class, EventDef, Fault, MailDef, Outcome, ScanContext, Status, Timer};
use crate::event::{EVENTS, FLOORS};
use crate::gate::{Answers, Gate, Others};
use crate::ids::Minter;
use crate::inbox::{Envelope, Errand};
use crate::key::{PartitionId, RowKey, Slot};
use crate::limits::{
    AHEAD_BATCHES_MAX, AHEAD_BYTES_MAX, BATCH_ANSWERS_BYTES_MAX, BATCH_BYTES_MAX,
    BATCH_COMMANDS_MAX, FETCHES_MAX, RECORD_BYTES_MAX,
};
use crate::log::{BUSY, Lsn, Record};
use crate::mail::{Letter, OUTBOX, Post};
use crate::reader::{Gather, ScanJob};
use crate::row::Row;
use crate::running::Running;
use crate::shared::Shared;
use crate::strikes::Identity;
use crate::table::{Missing, Table};
use crate::tables::{Snapshot, Tables};
#[cfg(feature = "testing")]
use crate::testing::Canary;
use crate::timer::{Agenda, Due, IDLE_TIMERS, TIMERS};

pub(crate) struct Partition {
    id: PartitionId,
    slots: Vec<Slot>,
    state: State,
    /// The last executed position.
    lsn: Lsn,
    gate: Gate,
    handlers: Arc<Handlers>,
    /// Commands taken from the inbox and not yet run.
    batch: VecDeque<Envelope>,
    waits: Waits,
    idle: IdleWaits,
    held_mail: HeldMail,
    effects: Vec<u8>,
    others: Others,
    outbox: Outbox,
    /// It waits for the log, which wakes it.
    is_held_up: bool,
    /// Rows were last set aside for this checkpoint; and let go after this one.
    frozen_for: u64,
    thawed_for: u64,
    /// What the rows changed were last said to take.
    changed_bytes: usize,
    #[cfg(feature = "testing")]
    timers_suspended: bool,
    #[cfg(feature = "testing")]
    broken: Option<Canary>,
}

/// What the domains do about timers and mail, by number, and the events that they emit.
pub(crate) struct Handlers {
    pub(crate) timers: HashMap<u16, Timer>,
    pub(crate) mails: HashMap<u16, MailDef>,
    pub(crate) events: Vec<EventDef>,
    /// Timers and letters that have stopped the process too often.
    pub(crate) set_aside: HashSet<Identity>,
}

/// Why something does not run now.
enum Later {
    /// Rows that it reads have to be fetched first.
    Fetched(Vec<Missing>),
    /// What it writes does not fit the record of this batch any more.
    NextRecord,
}

/// Whether a record that weighs so much has room for so many bytes. What is too large for any record
/// is a fault of its domain, and is told where the record is made.
fn fits(weight: usize, writes: usize) -> bool {
    weight == 0 || weight + writes <= RECORD_BYTES_MAX
}

impl Handlers {
    fn timer(&self, due: &Due) -> Timer {
        let timer = self.timers.get(&due.timer);
        *timer.expect("because a timer's domain is registered")
    }

    fn sets_aside(&self, identity: &Identity) -> bool {
        !self.set_aside.is_empty() && self.set_aside.contains(identity)
    }
}

impl Partition {
    /// A partition over replayed tables; derived memory is built here, after the replay.
    pub(crate) fn new(
        id: PartitionId,
        slots: Vec<Slot>,
        tables: Tables,
        lsn: Lsn,
        handlers: Arc<Handlers>,
    ) -> Result<Self, BaseError> {
        let timers = [TIMERS.id(), IDLE_TIMERS.id()];
        let read = [&timers[..], &[EVENTS.id(), FLOORS.id(), OUTBOX.id()]].concat();
        let rows = tables.snapshot(&read, 0);
        let agenda = Agenda::rearm(&TIMERS, &rows, &slots);
        let idle = Agenda::rearm(&IDLE_TIMERS, &rows, &slots);
        let events = events::windows(&rows, &slots, &handlers.events)?;
        let mut letters = of_slots(&rows, &OUTBOX, &slots)?;
        letters.sort_by_key(|(key, _)| number_of(key));
        drop(rows);
        let mut outbox = Outbox::default();
        let mut others = Others::default();
        for (key, sent) in letters {
            let (number, from) = (number_of(&key), key.slot());
            let letter = Letter { number, from, sent };
            outbox.add(&letter);
            others.post.push(Post::Letter(letter));
        }
        let state = State {
            tables,
            minter: Minter::default(),
            agenda,
            idle,
            scratch: Vec::new(),
            events,
        };
        Ok(Self {
            id,
            slots,
            state,
            lsn,
            gate: Gate::default(),
            handlers,
            batch: VecDeque::new(),
            waits: Waits::default(),
            idle: IdleWaits::default(),
            held_mail: HeldMail::default(),
            effects: Vec::new(),
            others,
            outbox,
            is_held_up: false,
            frozen_for: 0,
            thawed_for: 0,
            changed_bytes: 0,
            #[cfg(feature = "testing")]
            timers_suspended: false,
            #[cfg(feature = "testing")]
            broken: None,
        })
    }

    #[cfg(feature = "testing")]
    pub(crate) fn suspend_timers(&mut self, suspended: bool) {
        self.timers_suspended = suspended;
    }

    #[cfg(feature = "testing")]
    pub(crate) fn break_rule(&mut self, canary: Canary) {
        self.broken = Some(canary);
    }

    /// What answers may rest on.
    fn durable(&self, shared: &Shared) -> Lsn {
        #[cfg(feature = "testing")]
        if self.broken == Some(Canary::AnswerBeforeSync) {
            return self.lsn;
        }
        shared.durable(self.id)
    }

    /// Lets answers out, and runs one batch if there is one to run and room for it to be ahead of
    /// the log. `true` if there is more to do at once.
    pub(crate) fn step(&mut self, shared: &Shared) -> bool {
        let durable = self.durable(shared);
        self.let_out(durable, shared);
        self.attend_checkpoint(shared);
        for fetched in shared.take_fetched(self.id) {
            if fetched.is_idle {
                self.take_in_idle(fetched);
            } else {
                self.take_in(fetched);
            }
        }
        let more = self.run_what_waits(durable, shared);
        self.send_for_missing(shared);
        self.send_for_idle(shared);
        more
    }

    fn run_what_waits(&mut self, durable: Lsn, shared: &Shared) -> bool {
        self.is_held_up = false;
        self.release_mail(shared);
        let waiting = !self.batch.is_empty() || self.may_drain(shared);
        let due = self.next_timer_ms(shared);
        if !waiting && due.is_none() {
            return false;
        }
        let ahead = self.lsn.0 - durable.0;
        let is_far_ahead = ahead >= AHEAD_BATCHES_MAX as u64
            || shared.log.bytes() >= AHEAD_BYTES_MAX
            || ahead > 0 && !shared.has_answer_room(Class::Finishes);
        if is_far_ahead {
            self.is_held_up = true;
            return false;
        }
        if !waiting && due.is_some_and(|due_ms| !shared.clock.may_be_past(due_ms)) {
            return false;
        }
        let Some(now_ms) = shared.clock.now_ms() else {
            shared.log.poke(); // The clock's promise comes with the next group.
            self.is_held_up = true;
            return false;
        };
        self.run_batch(now_ms, shared)
    }

    /// Whether commands wait in the inbox, and there is room to take them out.
    fn may_drain(&self, shared: &Shared) -> bool {
        let has_room =
            self.waits.parked < BATCH_COMMANDS_MAX && self.waits.rows_asked < FETCHES_MAX;
        has_room && shared.inbox(self.id).waiting() > 0
    }

    fn run_batch(&mut self, now_ms: u64, shared: &Shared) -> bool {
        let mut weight = 0;
        let mut answers = self.gate.buffers();
        let fired = match shared.refuses(Class::Finishes) {
            None => self.fire_due(now_ms, &mut weight, &mut answers),
            // What a timer would change is judged from the rows, as long as it has to wait.
            Some(_) => 0,
        };
        shared.metrics.timers_fired.add(fired as u64);
        let overdue = fired > 0 && self.state.agenda.next_ms().is_some_and(|at| at <= now_ms);
        shared.inbox(self.id).set_overdue(overdue);
        let mut idle = false;
        if !overdue {
            if self.may_drain(shared) {
                let most = BATCH_COMMANDS_MAX.saturating_sub(self.batch.len());
                shared.inbox(self.id).drain(&mut self.batch, most);
            }
            // Only now is it known whether something that was drained comes from behind a checkpoint,
            // of a partition that has set its rows aside for it: those of this one go first, or they
            // would hold the effect without its cause.
            let has_set_aside = shared.checkpoints.begun() == self.frozen_for;
            while has_set_aside
                && weight < BATCH_BYTES_MAX
                && answers.bytes.len() < BATCH_ANSWERS_BYTES_MAX
                && let Some(envelope) = self.batch.pop_front_if(|envelope| envelope.may_run(now_ms))
            {
                match self.run(envelope, now_ms, weight, shared, &mut answers) {
                    Ok(more) => weight += more,
                    Err(envelope) => {
                        self.batch.push_front(envelope);
                        break;
                    }
                }
            }
            idle = self.fire_idle(now_ms, &mut weight, &mut answers, shared);
        }
        Running::end();
        self.drop_old_events(now_ms, weight);
        self.close(answers, shared);
        self.state.tables.bound_caches();
        overdue || idle || !self.batch.is_empty() || self.may_drain(shared)
    }

    /// Makes a record of what the batch changed, and holds its answers at the gate.
    fn close(&mut self, answers: Answers, shared: &Shared) {
        self.effects.clear();
        if self.state.tables.take_effects(&mut self.effects) {
            self.lsn = self.lsn.next();
            let effects = &self.effects;
            assert!(
                effects.len() <= RECORD_BYTES_MAX,
                "a record of {} bytes",
                effects.len()
            );
            let record = Record {
                partition: self.id,
                lsn: self.lsn,
                effects,
            };
            shared.log.push(record, answers.len());
            self.tell_bytes(shared);
        }
        if answers.len() > 0 {
            shared.add_answers(answers.weight());
            self.gate.hold(self.lsn, answers);
        }
        self.let_out(self.durable(shared), shared);
    }

    /// Lets out what rests on nothing beyond `durable`: answers, scans and mail.
    fn let_out(&mut self, durable: Lsn, shared: &Shared) {
        let bytes = self.gate.open(durable, &mut self.others);
        shared.let_answers_out(bytes);
        shared.readers.push(&mut self.others.scans);
        for post in self.others.post.drain(..) {
            let mail = Envelope::from(post);
            let to = shared.slots.owner(mail.slot);
            shared.inbox(to).push_mail(mail);
            shared.wake(to);
        }
    }

    /// Tells how many bytes the rows changed take, those that a start has read included.
    pub(crate) fn tell_bytes(&mut self, shared: &Shared) {
        let bytes = self.state.tables.bytes();
        let before = std::mem::replace(&mut self.changed_bytes, bytes);
        shared.checkpoints.set_changed_bytes(before, bytes);
    }

    /// Sets rows aside for a checkpoint that has begun, and lets them go when it has ended.
    fn attend_checkpoint(&mut self, shared: &Shared) {
        let checkpoints = &shared.checkpoints;
        if self.frozen_for > self.thawed_for && checkpoints.ended() >= self.frozen_for {
            self.thawed_for = self.frozen_for;
            checkpoints.hand_left(self.state.tables.thaw());
            self.state.agenda.thaw();
            self.state.idle.thaw();
        }
        if self.frozen_for == self.thawed_for && checkpoints.begun() > self.frozen_for {
            self.frozen_for = checkpoints.begun();
            self.tell_bytes(shared);
            checkpoints.add_frozen_bytes(self.changed_bytes);
            let tables = self.state.tables.freeze();
            self.tell_bytes(shared);
            checkpoints.hand_frozen(Frozen {
                partition: self.id,
                lsn: self.lsn,
                tables,
            });
        }
    }

    /// Makes what a transaction has done part of the batch; gives its weight.
    fn commit(&mut self, slot: Slot, mut done: Done, answers: &mut Answers) -> usize {
        for letter in done.sent.drain(..) {
            self.outbox.add(&letter);
            answers.push_post(Post::Letter(letter));
        }
        self.state.commit(slot, done)
    }

    /// Why a command is turned away, if it is.
    fn refuses(&self, class: Class, call: &dyn Call, shared: &Shared) -> Option<Fault> {
        let has_room = self.outbox.has_room_for(class, call);
        let of_outbox = (!has_room).then_some(BUSY);
        of_outbox.or_else(|| shared.refuses(class))
    }

    /// Runs one command, unless it has to wait; gives the weight of what it changed. Gives the command
    /// back if the record, which weighs so much already, has no room for what it writes.
    fn run(
        &mut self,
        envelope: Envelope,
        now_ms: u64,
        weight: usize,
        shared: &Shared,
        answers: &mut Answers,
    ) -> Result<usize, Envelope> {
        let slot = envelope.slot;
        if envelope.is_mail() && self.held_mail.slots.contains(&slot) {
            // Also if the slot waits: what is held came before, and a letter overtaken is lost.
            self.held_mail.hold(envelope);
            return Ok(0);
        }
        if self.waits.has(slot) {
            self.waits.park(envelope);
            return Ok(0);
        }
        let ran = match &envelope.work {
            Errand::Call { .. } => self.run_call(&envelope, now_ms, weight, shared, answers),
            Errand::Scan(gather) => {
                self.hand_scan(gather, (slot, now_ms), answers);
                return Ok(0);
            }
            Errand::Letter(_) | Errand::Ack(_) if shared.refuses(Class::Finishes).is_some() => {
                self.held_mail.hold(envelope);
                return Ok(0);
            }
            Errand::Letter(letter) => self.take_letter(letter, now_ms, weight, answers),
            Errand::Ack(number) => return Ok(self.forget_letter(slot, *number)),
        };
        match ran {
            Ok(more) => Ok(more),
            Err(Later::Fetched(missing)) => {
                self.waits.ask(slot, missing);
                self.waits.park(envelope);
                Ok(0)
            }
            Err(Later::NextRecord) => Err(envelope),
        }
    }

    /// Hands a scan its snapshot, for a reader.
    fn hand_scan(&self, gather: &Arc<Gather>, (slot, now_ms): (Slot, u64), answers: &mut Answers) {
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
                event_floors: Arc::clone(self.state.events.floors()),
            },
            gather: Arc::clone(gather),
        });
    }

    /// Runs a command or point query to its answer.
    fn run_call(
        &mut self,
        envelope: &Envelope,
        now_ms: u64,
        weight: usize,
        shared: &Shared,
        answers: &mut Answers,
    ) -> Result<usize, Later> {
        let Envelope { slot, class, .. } = *envelope;
        let Errand::Call { call, sink, token } = &envelope.work else {
            unreachable!("because this is asked of calls only");
        };
        // It was let in when there was room; since then there is less.
        if let Some(fault) = self.refuses(class, &**call, shared) {
            let outcome = Outcome::Fault(&fault);
            sink.renderer().render(&outcome, &mut answers.bytes);
            answers.push(Arc::clone(sink), *token, outcome.status());
            return Ok(0);
        }
        Running::begin(envelope.name, call.key(), self.id, self.lsn);
        if !self.state.tables.are_whole() {
            let mut missing = Vec::new();
            call.reads(&mut self.state.reads(slot, &mut missing));
            if !missing.is_empty() {
                return Err(Later::Fetched(missing));
            }
        }
        if class != Class::Reads && !fits(weight, call.writes()) {
            return Err(Later::NextRecord);
        }
        let answered = answers.bytes.len();
        let mut tx = self.state.begin(self.id, slot, now_ms);
        match call.run(&mut tx, sink.renderer(), &mut answers.bytes) {
            Ok(status) => {
                let done = Done::of(tx);
                if !fits(weight, done.weight) {
                    self.state.tables.undo();
                    answers.bytes.truncate(answered);
                    return Err(Later::NextRecord);
                }
                answers.push(Arc::clone(sink), *token, status);
                Ok(self.finish(slot, status, done, answers))
            }
            Err(missing) => {
                self.state.tables.undo();
                Err(Later::Fetched(vec![missing]))
            }
        }
    }

    /// Keeps what a command has done, or takes it back.
    fn finish(&mut self, slot: Slot, status: Status, done: Done, answers: &mut Answers) -> usize {
        #[cfg(feature = "testing")]
        let status = if self.broken == Some(Canary::SkipUndo) {
            Status::Done
        } else {
            status
        };
        if status == Status::Done {
            return self.commit(slot, done, answers);
        }
        self.state.tables.undo();
        0
    }

    /// When a timer may fire next, or events are to be dropped; neither happens while there is no room
    /// for what it changes.
    pub(crate) fn next_timer_ms(&self, shared: &Shared) -> Option<u64> {
        let State { agenda, events, .. } = &self.state;
        let due = agenda.next_ms().into_iter().chain(events.next_ms()).min();
        let due = due.filter(|_| shared.refuses(Class::Finishes).is_none());
        let first = due.into_iter().chain(self.next_idle_ms(shared)).min();
        first.filter(|_| !self.is_held_up)
    }

    /// Whether nothing waits, neither to run nor at the gate. Mail that there is no room for does not
    /// count: its senders keep it, and a start sends it again.
    pub(crate) fn is_quiet(&self, shared: &Shared) -> bool {
        let runs = self.batch.is_empty() && self.waits.parked == 0;
        runs && self.gate.is_empty() && shared.inbox(self.id).waiting() == 0
    }
}

/// All rows of a table of some slots.
fn of_slots<R: Row>(
    rows: &Snapshot,
    table: &Table<R>,
    slots: &[Slot],
) -> Result<Vec<(RowKey, R)>, BaseError> {
    let found = in_slots(rows, table, slots).collect();
    rows.failure().map_or(Ok(found), Err)
}

/// The same, one after the other. What could not be read is missing: see [`Snapshot::failure`].
pub(crate) fn in_slots<'a, R: Row>(
    rows: &'a Snapshot,
    table: &'a Table<R>,
    slots: &'a [Slot],
) -> impl Iterator<Item = (RowKey, R)> + use<'a, R> {
    let ends = slots.first().zip(slots.last());
    let between = ends.into_iter().flat_map(|(first, last)| {
        let all = rows.range(table, &[], &first.0.to_be_bytes());
        all.take_while(|(key, _)| key.slot() <= *last)
    });
    between.filter(|(key, _)| slots.contains(&key.slot()))
}

fn number_of(key: &RowKey) -> u64 {
    let number = key.parts().number();
    number.expect("because the key of an event or a letter is its number")
}
