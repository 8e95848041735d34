//! A partition: the one writer of its slots.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::base::BaseError;
use crate::checkpoint::Frozen;
use crate::contract::{
    Audit, Books, Class, Domain, Fault, MailDef, Outcome, ScanContext, Status, Timer,
};
use crate::event::EVENTS;
use crate::gate::{Answers, Gate, Others};
use crate::ids::Minter;
use crate::inbox::{Envelope, Errand};
use crate::key::{PartitionId, RowKey, Slot};
use crate::limits::{
    AHEAD_BATCHES_MAX, AHEAD_BYTES_MAX, BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, BATCH_TIMERS_MAX,
    EVENTS_KEPT, FETCHES_MAX, OPEN_SHARE_PERCENT, OUTBOX_LETTERS_MAX, RECORD_BYTES_MAX,
    TIMERS_READ,
};
use crate::log::{BUSY, Lsn, Record};
use crate::mail::{Letter, OUTBOX, Post, RECEIVED, Received};
use crate::reader::{Fetch, Fetched, ScanJob};
use crate::row::Row;
use crate::running::Running;
use crate::shared::Shared;
use crate::strikes::{DeadRow, Identity};
use crate::table::{Missing, Table};
use crate::tables::{Snapshot, Tables};
#[cfg(feature = "testing")]
use crate::testing::Canary;
use crate::timer::{Agenda, Due, TIMERS, Turn};
use crate::tx::{Reads, Tx};

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
    held_mail: HeldMail,
    effects: Vec<u8>,
    others: Others,
    /// Letters in the outbox.
    outbox: usize,
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

/// What the domains do about timers and mail, by number.
pub(crate) struct Handlers {
    pub(crate) timers: HashMap<u16, Timer>,
    pub(crate) mails: HashMap<u16, MailDef>,
    /// Timers and letters that have stopped the process too often.
    pub(crate) set_aside: HashSet<Identity>,
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

/// What commands see and change.
struct State {
    tables: Tables,
    minter: Minter,
    agenda: Agenda,
    scratch: Vec<u8>,
    /// Keys of the events that are kept, oldest first.
    events: VecDeque<RowKey>,
}

/// Slots of which something has to be read from the base before anything else happens in them.
#[derive(Default)]
struct Waits {
    slots: HashMap<Slot, Wait>,
    /// What to ask the base for.
    rows: Vec<Missing>,
    timers: Vec<(Slot, RowKey)>,
    /// Commands that wait.
    parked: usize,
    /// Rows that were asked for and have not come.
    rows_asked: usize,
}

#[derive(Default)]
struct Wait {
    /// How many rows, or runs of timers, are on their way.
    missing: usize,
    /// Its first timer waits as well.
    for_timer: bool,
    /// In the order in which they came.
    commands: VecDeque<Envelope>,
}

/// Mail that waits until there is room for what it changes, in the order in which it came.
#[derive(Default)]
struct HeldMail {
    mail: VecDeque<Envelope>,
    /// Further mail to these waits behind it, whatever else it would wait for.
    slots: HashSet<Slot>,
}

impl HeldMail {
    fn hold(&mut self, envelope: Envelope) {
        self.slots.insert(envelope.slot);
        self.mail.push_back(envelope);
    }

    /// Puts it all before what is in `batch`.
    fn release(&mut self, batch: &mut VecDeque<Envelope>) {
        self.slots.clear();
        self.mail.append(batch);
        std::mem::swap(&mut self.mail, batch);
    }
}

impl Waits {
    /// A slot waits for these rows.
    fn ask(&mut self, slot: Slot, mut rows: Vec<Missing>) -> &mut Wait {
        rows.sort_unstable();
        rows.dedup();
        self.rows_asked += rows.len();
        let wait = self.slots.entry(slot).or_default();
        wait.missing += rows.len();
        self.rows.append(&mut rows);
        wait
    }

    fn park(&mut self, envelope: Envelope) {
        self.parked += 1;
        let wait = self.slots.entry(envelope.slot).or_default();
        wait.commands.push_back(envelope);
    }

    /// Something of a slot has come; gives what waited, if that was the last.
    fn come(&mut self, slot: Slot) -> Option<Wait> {
        let wait = self.slots.get_mut(&slot)?;
        wait.missing -= 1;
        if wait.missing > 0 {
            return None;
        }
        let wait = self.slots.remove(&slot)?;
        self.parked -= wait.commands.len();
        Some(wait)
    }

    fn has(&self, slot: Slot) -> bool {
        !self.slots.is_empty() && self.slots.contains_key(&slot)
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
        let rows = tables.snapshot(&[TIMERS.id(), EVENTS.id(), OUTBOX.id()]);
        let agenda = Agenda::rearm(&rows, &slots);
        let mut events: Vec<_> = of_slots(&rows, &EVENTS, &slots)?
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        events.sort_by_key(number_of);
        let mut letters = of_slots(&rows, &OUTBOX, &slots)?;
        letters.sort_by_key(|(key, _)| number_of(key));
        drop(rows);
        let outbox = letters.len();
        let mut others = Others::default();
        others.post.extend(letters.into_iter().map(|(key, sent)| {
            let (number, from) = (number_of(&key), key.slot());
            Post::Letter(Letter { number, from, sent })
        }));
        let state = State {
            tables,
            minter: Minter::default(),
            agenda,
            scratch: Vec::new(),
            events: events.into(),
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
            self.take_in(fetched);
        }
        let more = self.run_what_waits(durable, shared);
        self.send_for_missing(shared);
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
        if ahead >= AHEAD_BATCHES_MAX as u64 || shared.log.bytes() >= AHEAD_BYTES_MAX {
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

    /// Mail that was held is taken in before anything else, once there is room.
    fn release_mail(&mut self, shared: &Shared) {
        if !self.held_mail.mail.is_empty() && shared.refuses(Class::Finishes).is_none() {
            self.held_mail.release(&mut self.batch);
        }
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
        let fired = match self.refuses(Class::Finishes, 0, shared) {
            None => self.fire_due(now_ms, &mut weight, &mut answers),
            // What a timer would change is judged from the rows, as long as it has to wait.
            Some(_) => 0,
        };
        shared.metrics.timers_fired.add(fired as u64);
        let overdue = fired > 0 && self.state.agenda.next_ms().is_some_and(|at| at <= now_ms);
        shared.inbox(self.id).set_overdue(overdue);
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
                && let Some(envelope) = self.batch.pop_front_if(|envelope| envelope.may_run(now_ms))
            {
                weight += self.run(envelope, now_ms, shared, &mut answers);
            }
        }
        Running::end();
        self.drop_old_events();
        self.close(answers, shared);
        self.state.tables.bound_caches();
        overdue || !self.batch.is_empty() || self.may_drain(shared)
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
            self.gate.hold(self.lsn, answers);
        }
        self.let_out(self.durable(shared), shared);
    }

    /// Lets out what rests on nothing beyond `durable`: answers, scans and mail.
    fn let_out(&mut self, durable: Lsn, shared: &Shared) {
        self.gate.open(durable, &mut self.others);
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

    /// Takes in what the base has said, and goes on with what waited for it.
    fn take_in(&mut self, fetched: Fetched) {
        let is_stale = fetched.ended != self.thawed_for;
        for (missing, row) in fetched.rows {
            if is_stale
                && !self
                    .state
                    .tables
                    .knows(missing.table, missing.key.as_bytes())
            {
                // A checkpoint has ended meanwhile: the base may say otherwise now.
                self.waits.rows.push(missing);
                continue;
            }
            self.state.tables.fetched(&missing, row.as_deref());
            self.waits.rows_asked -= 1;
            self.go_on(missing.key.slot());
        }
        for timers in fetched.timers {
            let slot = timers.slot;
            if !is_stale {
                self.state.agenda.read(timers);
            }
            self.go_on(slot);
        }
    }

    /// Something that a slot waited for has come.
    fn go_on(&mut self, slot: Slot) {
        let Some(wait) = self.waits.come(slot) else {
            return;
        };
        if wait.for_timer {
            self.state.agenda.look(&mut self.state.tables, slot);
        }
        for envelope in wait.commands.into_iter().rev() {
            self.batch.push_front(envelope);
        }
    }

    /// Asks the base for what commands and timers wait for.
    fn send_for_missing(&mut self, shared: &Shared) {
        let Waits { rows, timers, .. } = &mut self.waits;
        if rows.is_empty() && timers.is_empty() {
            return;
        }
        shared.readers.fetch(Fetch {
            partition: self.id,
            ended: self.thawed_for,
            rows: std::mem::take(rows),
            timers: std::mem::take(timers),
        });
    }

    /// Fires timers due by now, oldest first, up to the bound of a batch.
    fn fire_due(&mut self, now_ms: u64, weight: &mut usize, answers: &mut Answers) -> usize {
        #[cfg(feature = "testing")]
        if self.timers_suspended {
            return 0;
        }
        let mut fired = 0;
        while fired < BATCH_TIMERS_MAX && *weight < BATCH_BYTES_MAX {
            match self.state.agenda.turn(&mut self.state.tables, now_ms) {
                Turn::Fire(due) => match self.fire(&due, now_ms, answers) {
                    Ok(more) => {
                        *weight += more;
                        fired += 1;
                    }
                    Err(missing) => self.wait_for_timer(&due, missing, now_ms),
                },
                Turn::Read(slot, from) => {
                    self.waits.timers.push((slot, from));
                    let wait = self.waits.slots.entry(slot).or_default();
                    wait.missing += 1;
                    wait.for_timer = true;
                }
                Turn::None => break,
            }
        }
        fired
    }

    fn fire(&mut self, due: &Due, now_ms: u64, answers: &mut Answers) -> Result<usize, Missing> {
        let timer = self.handlers.timer(due);
        Running::begin("a timer", due.owner().rest(), self.id, self.lsn);
        let identity = Identity::of_timer(due.key.as_bytes());
        let is_set_aside = self.handlers.sets_aside(&identity);
        Running::comes_again(identity);
        let mut tx = self.state.begin(self.id, due.slot, now_ms);
        tx.tables.remove(&TIMERS, due.key.as_bytes());
        #[cfg(feature = "testing")]
        if self.broken == Some(Canary::LoseTimer) {
            let done = Done::of(tx);
            return Ok(self.commit(due.slot, done, answers));
        }
        let fired = if is_set_aside {
            let (kind, key) = (due.timer, due.owner().rest().to_vec().into());
            tx.set_aside(DeadRow {
                at_ms: now_ms,
                kind,
                is_letter: false,
                key,
                body: Vec::new().into(),
            });
            Ok(())
        } else {
            (timer.fire)(&mut tx, due.owner())
        };
        let done = Done::of(tx);
        match fired {
            Ok(()) => Ok(self.commit(due.slot, done, answers)),
            Err(missing) => {
                self.state.tables.undo();
                Err(missing)
            }
        }
    }

    /// Takes a letter in, unless that was done before; either way it is acknowledged.
    fn take_letter(
        &mut self,
        letter: &Letter,
        now_ms: u64,
        answers: &mut Answers,
    ) -> Result<usize, Vec<Missing>> {
        let Letter { number, from, sent } = letter;
        let (to, sender) = (letter.to(), u64::from(letter.sender().0));
        let mail = self.handlers.mails.get(&sent.mail).copied();
        let mail = mail.expect("because mail is sent only to domains that take it in");
        Running::begin(mail.name, sent.to.as_bytes(), self.id, self.lsn);
        let identity = Identity::of_letter(*number);
        let is_set_aside = self.handlers.sets_aside(&identity);
        Running::comes_again(identity);
        let mut missing = Vec::new();
        let mut reads = self.state.reads(to, &mut missing);
        reads.row(&RECEIVED, sender);
        if !is_set_aside {
            (mail.reads)(&sent.body, &sent.to, &mut reads);
        }
        if !missing.is_empty() {
            return Err(missing);
        }
        let mut tx = self.state.begin(self.id, to, now_ms);
        let received = tx.get(&RECEIVED, sender).map_err(|missing| vec![missing])?;
        let is_repeated = received.is_some_and(|received| *number <= received.up_to);
        #[cfg(feature = "testing")]
        let is_repeated = is_repeated && self.broken != Some(Canary::RepeatMail);
        let mut weight = 0;
        if !is_repeated {
            tx.put(&RECEIVED, sender, Received { up_to: *number });
            let taken = if is_set_aside {
                let (kind, key) = (sent.mail, sent.to.as_bytes().to_vec().into());
                let body = sent.body.clone();
                tx.set_aside(DeadRow {
                    at_ms: now_ms,
                    kind,
                    is_letter: true,
                    key,
                    body,
                });
                Ok(())
            } else {
                (mail.take_in)(&sent.body, &sent.to, &mut tx)
            };
            let done = Done::of(tx);
            if let Err(missing) = taken {
                self.state.tables.undo();
                return Err(vec![missing]);
            }
            debug_assert!(done.sent.len() <= mail.letters, "{} sends more", mail.name);
            weight = self.commit(to, done, answers);
        }
        answers.push_post(Post::Ack {
            of: *from,
            number: *number,
        });
        Ok(weight)
    }

    /// A letter was taken in: it need not be sent again.
    fn forget_letter(&mut self, from: Slot, number: u64) -> usize {
        let mut tx = self.state.begin(self.id, from, 0);
        tx.remove(&OUTBOX, number);
        let done = Done::of(tx);
        self.outbox -= 1;
        self.state.commit(from, done)
    }

    /// Makes what a transaction has done part of the batch; gives its weight.
    fn commit(&mut self, slot: Slot, mut done: Done, answers: &mut Answers) -> usize {
        self.outbox += done.sent.len();
        for letter in done.sent.drain(..) {
            answers.push_post(Post::Letter(letter));
        }
        self.state.commit(slot, done)
    }

    /// Why a command of this class that sends so many letters is turned away, if it is.
    fn refuses(&self, class: Class, letters: usize, shared: &Shared) -> Option<Fault> {
        let percent = match class {
            Class::Opens => OPEN_SHARE_PERCENT,
            Class::Finishes | Class::Reads => 100,
        };
        let is_full = self.outbox + letters > OUTBOX_LETTERS_MAX * percent / 100;
        let of_outbox = (letters > 0 && is_full).then_some(BUSY);
        of_outbox.or_else(|| shared.refuses(class))
    }

    /// A slot waits for what its first timer needs; what its next ones need is fetched along.
    fn wait_for_timer(&mut self, due: &Due, missing: Missing, now_ms: u64) {
        let State {
            tables,
            agenda,
            scratch,
            ..
        } = &mut self.state;
        agenda.wait(due.slot);
        let mut rows = vec![missing];
        for due in agenda.known(tables, due.slot, now_ms, TIMERS_READ) {
            let reads = self.handlers.timer(&due).reads;
            let slot = due.slot;
            let missing = &mut rows;
            reads(
                &mut Reads {
                    slot,
                    tables,
                    scratch,
                    missing,
                },
                due.owner(),
            );
        }
        self.waits.ask(due.slot, rows).for_timer = true;
    }

    /// Runs one command, unless it has to wait; gives the weight of what it changed.
    fn run(
        &mut self,
        envelope: Envelope,
        now_ms: u64,
        shared: &Shared,
        answers: &mut Answers,
    ) -> usize {
        let slot = envelope.slot;
        if envelope.is_mail() && self.held_mail.slots.contains(&slot) {
            // Also if the slot waits: what is held came before, and a letter overtaken is lost.
            self.held_mail.hold(envelope);
            return 0;
        }
        if self.waits.has(slot) {
            self.waits.park(envelope);
            return 0;
        }
        let Envelope {
            work, class, name, ..
        } = &envelope;
        let (call, sink, token) = match work {
            Errand::Call { call, sink, token } => (call, sink, *token),
            Errand::Scan(gather) => {
                if gather.is_called_off() {
                    return 0;
                }
                let call = gather.call();
                let slots = if call.key().is_some() {
                    vec![slot]
                } else {
                    self.slots.clone()
                };
                let snapshot = self.state.tables.snapshot(call.tables());
                answers.push_scan(ScanJob {
                    context: ScanContext {
                        snapshot,
                        asked_ms: gather.asked_ms(),
                        slots,
                    },
                    gather: Arc::clone(gather),
                });
                return 0;
            }
            Errand::Letter(_) | Errand::Ack(_) if shared.refuses(Class::Finishes).is_some() => {
                self.held_mail.hold(envelope);
                return 0;
            }
            Errand::Letter(letter) => match self.take_letter(letter, now_ms, answers) {
                Ok(weight) => return weight,
                Err(missing) => {
                    self.waits.ask(slot, missing);
                    self.waits.park(envelope);
                    return 0;
                }
            },
            Errand::Ack(number) => return self.forget_letter(slot, *number),
        };
        // It was let in when there was room; since then there is less.
        if let Some(fault) = self.refuses(*class, call.letters(), shared) {
            let outcome = Outcome::Fault(&fault);
            sink.renderer().render(&outcome, &mut answers.bytes);
            answers.push(Arc::clone(sink), token, outcome.status());
            return 0;
        }
        Running::begin(name, call.key(), self.id, self.lsn);
        let mut missing = Vec::new();
        if !self.state.tables.are_whole() {
            call.reads(&mut self.state.reads(slot, &mut missing));
        }
        if missing.is_empty() {
            let mut tx = self.state.begin(self.id, slot, now_ms);
            match call.run(&mut tx, sink.renderer(), &mut answers.bytes) {
                Ok(status) => {
                    let done = Done::of(tx);
                    answers.push(Arc::clone(sink), token, status);
                    return self.finish(slot, status, done, answers);
                }
                Err(one) => {
                    self.state.tables.undo();
                    missing.push(one);
                }
            }
        }
        self.waits.ask(slot, missing);
        self.waits.park(envelope);
        0
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

    fn drop_old_events(&mut self) {
        while self.state.events.len() > EVENTS_KEPT
            && let Some(oldest) = self.state.events.pop_front()
        {
            self.state.tables.remove(&EVENTS, oldest.as_bytes());
            self.state.tables.commit();
        }
    }

    /// When a timer may fire next; none does while there is no room for what it changes.
    pub(crate) fn next_timer_ms(&self, shared: &Shared) -> Option<u64> {
        let due = self.state.agenda.next_ms();
        due.filter(|_| !self.is_held_up && self.refuses(Class::Finishes, 0, shared).is_none())
    }

    /// Whether nothing waits, neither to run nor at the gate. Mail that there is no room for does not
    /// count: its senders keep it, and a start sends it again.
    pub(crate) fn is_quiet(&self, shared: &Shared) -> bool {
        let runs = self.batch.is_empty() && self.waits.parked == 0;
        runs && self.gate.is_empty() && shared.inbox(self.id).waiting() == 0
    }

    /// Recomputes the laws of all domains from the rows.
    pub(crate) fn audit(&self, domains: &[Domain]) -> Result<Audit, BaseError> {
        audit(&self.state.tables, &self.slots, domains)
    }
}

/// Recomputes the laws of all domains from the rows of one partition.
pub(crate) fn audit(
    tables: &Tables,
    slots: &[Slot],
    domains: &[Domain],
) -> Result<Audit, BaseError> {
    let mut sum = Audit::default();
    let rows = tables.books();
    let mut from = Slot(0);
    while let Some(found) = rows.slot_from(from)
        && let Some(slot) = slots.iter().copied().find(|slot| *slot >= found)
    {
        from = slot;
        if slot == found {
            for (name, count) in rows.sizes(slot) {
                sum.add(name, i64::try_from(count).unwrap_or(i64::MAX));
            }
            for domain in domains {
                sum.absorb((domain.audit)(&Books { rows: &rows, slot }));
            }
            from = Slot(slot.0 + 1);
        }
    }
    rows.failure().map_or(Ok(sum), Err)
}

/// All rows of a table of some slots.
fn of_slots<R: Row>(
    rows: &Snapshot,
    table: &Table<R>,
    slots: &[Slot],
) -> Result<Vec<(RowKey, R)>, BaseError> {
    let mut found = Vec::new();
    if let (Some(first), Some(last)) = (slots.first(), slots.last()) {
        let all = rows.range(table, &[], &first.0.to_be_bytes());
        let up_to_last = all.take_while(|(key, _)| key.slot() <= *last);
        found.extend(up_to_last.filter(|(key, _)| slots.contains(&key.slot())));
    }
    rows.failure().map_or(Ok(found), Err)
}

fn number_of(key: &RowKey) -> u64 {
    let number = key.parts().number();
    number.expect("because the key of an event or a letter is its number")
}

/// What is left of a transaction once its hold on the tables is gone.
struct Done {
    weight: usize,
    wakes_at_ms: Option<u64>,
    emitted: Vec<u64>,
    sent: Vec<Letter>,
}

impl Done {
    fn of(tx: Tx<'_>) -> Self {
        Self {
            weight: tx.weight,
            wakes_at_ms: tx.wakes_at_ms,
            emitted: tx.emitted,
            sent: tx.sent,
        }
    }
}

impl State {
    fn begin(&mut self, partition: PartitionId, slot: Slot, now_ms: u64) -> Tx<'_> {
        Tx {
            tables: &mut self.tables,
            scratch: &mut self.scratch,
            minter: &mut self.minter,
            partition,
            slot,
            now_ms,
            weight: 0,
            wakes_at_ms: None,
            emitted: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn reads<'a>(&'a mut self, slot: Slot, missing: &'a mut Vec<Missing>) -> Reads<'a> {
        Reads {
            slot,
            tables: &mut self.tables,
            scratch: &mut self.scratch,
            missing,
        }
    }

    fn commit(&mut self, slot: Slot, done: Done) -> usize {
        self.tables.commit();
        if let Some(due_ms) = done.wakes_at_ms {
            self.agenda.note(slot, due_ms);
        }
        for number in done.emitted {
            let mut key = Vec::new();
            crate::key::write_key(&mut key, slot, &number);
            self.events.push_back(RowKey::from_bytes(&key));
        }
        done.weight
    }
}
