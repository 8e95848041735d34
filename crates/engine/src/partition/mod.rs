//! A partition: the one writer of its slots.

mod ahead;
mod audit;
mod calls;
mod dead;
mod events;
mod idle;
mod joined;
mod lanes;
mod ledger;
mod mail;
mod outbox;
mod run;
mod state;
mod timers;
mod waiters;
mod waits;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use compact_str::CompactString;

pub(crate) use audit::audit;
use idle::IdleWaits;
pub(crate) use lanes::{COMMAND_WORK, Lanes};
use ledger::Ledger;
use mail::{HeldMail, Received};
use outbox::Outbox;
use state::{Done, State};
use waiters::Waiters;
use waits::Waits;

use crate::base::BaseError;
use crate::changes::Changes;
use crate::checkpoint::Frozen;
use crate::contract::{Class, EventDef, MailDef, Timer};
use crate::courier::CALLS;
use crate::event::{EVENTS, FLOORS};
use crate::gate::{Answers, Gate, Others};
use crate::hot::Sampler;
use crate::ids::Minter;
use crate::inbox::{Bag, Envelope};
use crate::key::{PartitionId, RowKey, Slot};
use crate::limits::{BATCH_COMMANDS_MAX, FETCHES_MAX, RECORD_BYTES_MAX};
use crate::log::{Lsn, Record};
use crate::made::Made;
use crate::mail::{Letter, OUTBOX, Post, RECEIVED};
use crate::memtable::Left;
use crate::random::Entropy;
use crate::row::Row;
use crate::running::Running;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::splits::{SPLITS, Split, Splits};
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
    /// The last one of what has changed more than relaxed commands do.
    firm: Lsn,
    gate: Gate,
    /// For answers to relaxed commands: they rest on less.
    relaxed: Gate,
    /// Whose slots are watched.
    changes: Arc<Changes>,
    handlers: Arc<Handlers>,
    /// Commands taken from the inbox and not yet run.
    lanes: Lanes,
    ledger: Ledger,
    sampler: Sampler,
    /// Bytes that wait for the log, by domain, before a batch.
    ahead: Vec<usize>,
    waits: Waits,
    waiters: Waiters,
    idle: IdleWaits,
    held_mail: HeldMail,
    effects: Vec<u8>,
    others: Others,
    /// Answers of the batch that do not rest on it.
    early: Answers,
    /// What the batch has written that they may do without.
    relaxed_weight: usize,
    outbox: Outbox,
    received: Received,
    /// What goes to each partition.
    bags: Vec<Bag>,
    /// Calls that are under way.
    calls: usize,
    /// What the batch has counted: of which domain, and what.
    counted: Vec<(usize, &'static str)>,
    /// It waits for the log, which wakes it.
    is_held_up: bool,
    /// Rows were last set aside for this checkpoint; and let go after this one.
    frozen_for: u64,
    thawed_for: u64,
    /// What was set aside and is let go, a table at a time, and what it was said to take.
    leaving: Vec<Left>,
    frozen_bytes: usize,
    /// What the rows changed were last said to take.
    changed_bytes: usize,
    #[cfg(feature = "testing")]
    timers_suspended: bool,
    #[cfg(feature = "testing")]
    broken: Option<Canary>,
}

/// What the domains do about timers and mail, by number, and the events that they emit.
pub(crate) struct Handlers {
    /// The place of each domain, by its number in stored formats.
    pub(crate) domains: BTreeMap<u8, usize>,
    /// What the settings tell domains.
    pub(crate) settings: Settings,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) splits: Arc<Splits>,
    /// The weight of each domain, by place.
    pub(crate) weights: Vec<u32>,
    pub(crate) timers: BTreeMap<u16, Timer>,
    pub(crate) mails: BTreeMap<u16, MailDef>,
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

/// The place of the engine's own domain.
const OWN: usize = 0;

impl Handlers {
    fn timer(&self, due: &Due) -> Timer {
        let timer = self.timers.get(&due.timer);
        *timer.expect("because a timer's domain is registered")
    }

    /// The place of the domain of a timer or a kind of mail.
    fn domain_of(&self, id: u16) -> usize {
        let [number, _] = id.to_be_bytes();
        let place = self.domains.get(&number);
        *place.expect("because timers and mail are of domains that are registered")
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
        (watching, changes): (Arc<AtomicUsize>, Arc<Changes>),
    ) -> Result<Self, BaseError> {
        let timers = [TIMERS.id(), IDLE_TIMERS.id()];
        let read = [
            &timers[..],
            &[
                EVENTS.id(),
                FLOORS.id(),
                OUTBOX.id(),
                RECEIVED.id(),
                CALLS.id(),
                SPLITS.id(),
            ],
        ]
        .concat();
        let rows = tables.books_of(&read);
        let agenda = Agenda::rearm(&TIMERS, &rows, &slots);
        let idle = Agenda::rearm(&IDLE_TIMERS, &rows, &slots);
        let events = events::windows(&rows, &slots, &handlers.events)?;
        let mut letters = of_slots(&rows, &OUTBOX, &slots)?;
        letters.sort_by_key(|(key, _)| number_of(key));
        let received = of_slots(&rows, &RECEIVED, &slots)?;
        let under_way = calls::under_way(&rows, &slots)?;
        for (key, Split { of }) in of_slots(&rows, &SPLITS, &slots)? {
            let mut parts = key.parts();
            if let Some((domain, key)) = parts.byte().zip(parts.text()) {
                handlers.splits.add(domain, CompactString::new(key), of);
            }
        }
        drop(rows);
        let seed = tables.seed();
        let mut outbox = Outbox::new(seed);
        let mut others = Others::default();
        for (key, sent) in letters {
            let (number, from) = (number_of(&key), key.slot());
            let letter = Letter { number, from, sent };
            outbox.add(&letter, OWN);
            others.post.push(Post::Letter(letter));
        }
        let received = Received::of(received, seed);
        let calls = under_way.len();
        others
            .post
            .extend(under_way.into_iter().filter_map(calls::again));
        let state = State {
            tables,
            minter: Minter::default(),
            agenda,
            idle,
            scratch: Vec::new(),
            sent: Vec::new(),
            told: Vec::new(),
            events,
            watching,
            is_awaited: false,
            settings: handlers.settings.clone(),
            made: Made::default(),
            entropy: Arc::clone(&handlers.entropy),
            splits: Arc::clone(&handlers.splits),
        };
        let domains = handlers.weights.len();
        let lanes = Lanes::new(handlers.weights.iter().copied());
        Ok(Self {
            id,
            slots,
            state,
            lsn,
            firm: lsn,
            gate: Gate::default(),
            relaxed: Gate::default(),
            changes,
            handlers,
            lanes,
            ledger: Ledger::new(domains),
            sampler: Sampler::default(),
            ahead: vec![0; domains],
            waits: Waits::default(),
            waiters: Waiters::new(seed),
            idle: IdleWaits::default(),
            held_mail: HeldMail::default(),
            effects: Vec::new(),
            others,
            early: Answers::default(),
            relaxed_weight: 0,
            outbox,
            received,
            bags: Vec::new(),
            calls,
            counted: Vec::new(),
            is_held_up: false,
            frozen_for: 0,
            thawed_for: 0,
            leaving: Vec::new(),
            frozen_bytes: 0,
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

    /// Lets out what rests on nothing beyond what is durable by now.
    pub(crate) fn open(&mut self, shared: &Shared) {
        self.let_out(self.durable(shared), shared);
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
        self.tell_events(shared);
        more
    }

    fn run_what_waits(&mut self, durable: Lsn, shared: &Shared) -> bool {
        self.is_held_up = false;
        self.release_mail(shared);
        if shared.is_stopping() {
            self.end_waits(u64::MAX);
        }
        let waiting = !self.lanes.is_empty() || shared.inbox(self.id).waiting() > 0;
        let waiting = waiting && self.has_wait_room();
        let due = self.next_timer_ms(shared);
        if !waiting && due.is_none() {
            return false;
        }
        let ahead = self.lsn.0 - durable.0;
        if ahead::is_too_far(shared, ahead, &mut self.ahead) {
            self.is_held_up = ahead::is_woken(shared, ahead);
            return !self.is_held_up;
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

    /// Whether something waits that may run, in the inbox or taken from it.
    fn has_more(&self, shared: &Shared) -> bool {
        let waits = self.lanes.has_more() || shared.inbox(self.id).waiting() > 0;
        waits && self.has_wait_room()
    }

    /// Whether a further command may turn out to wait for the base.
    fn has_wait_room(&self) -> bool {
        self.waits.parked < BATCH_COMMANDS_MAX && self.waits.rows_asked < FETCHES_MAX
    }

    fn run_batch(&mut self, now_ms: u64, shared: &Shared) -> bool {
        let mut weight = 0;
        self.relaxed_weight = 0;
        let mut answers = self.gate.buffers();
        self.early = self.relaxed.buffers();
        self.end_waits(now_ms);
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
            if shared.inbox(self.id).waiting() > 0 {
                shared.inbox(self.id).drain(&mut self.lanes);
            }
            // Only now is it known whether something that was drained comes from behind a checkpoint,
            // of a partition that has set its rows aside for it: those of this one go first, or they
            // would hold the effect without its cause.
            let has_set_aside = shared.checkpoints.begun() == self.frozen_for;
            if has_set_aside {
                self.run_lanes(now_ms, &mut weight, shared, &mut answers);
            }
            idle = self.fire_idle(now_ms, &mut weight, &mut answers, shared);
        }
        Running::end();
        self.work_for(OWN);
        if shared.refuses(Class::Finishes).is_none() {
            self.drop_old_events(now_ms, weight);
        }
        let is_firm = weight > self.relaxed_weight;
        self.close(answers, is_firm, shared);
        let some_wait = !self.waits.slots.is_empty();
        self.state.tables.bound_caches(some_wait);
        overdue || idle || self.has_more(shared)
    }

    /// What happens to rows from here on is this domain's.
    fn work_for(&mut self, domain: usize) {
        let tables = &self.state.tables;
        self.ledger.turn_to(domain, || tables.bytes());
    }

    /// Makes a record of what the batch changed, and holds its answers at the gate.
    fn close(&mut self, answers: Answers, is_firm: bool, shared: &Shared) {
        self.effects.clear();
        let early = std::mem::take(&mut self.early);
        let asked = answers.len() + early.len();
        hold(&mut self.relaxed, self.firm, early, shared);
        if self.state.tables.take_effects(&mut self.effects) {
            self.lsn = self.lsn.next();
            if is_firm {
                self.firm = self.lsn;
            }
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
            let by_domain = self.ledger.take_written();
            let by_domain = by_domain.zip(shared.usages()).map(|(bytes, usage)| {
                usage.metrics.log_bytes.add(bytes as u64);
                bytes
            });
            let is_urgent = is_firm || !answers.is_empty();
            let rests = (answers.len(), is_urgent, asked);
            shared.log.push(record, rests, by_domain);
            self.tell_bytes(shared);
        } else {
            self.ledger.take_written().for_each(drop);
            if !answers.is_empty() && self.lsn > self.durable(shared) {
                shared.log.hurry(); // What they rest on may be such that nobody has waited for it.
            }
        }
        for (domain, commands, bytes) in self.ledger.take_ran() {
            shared.inbox(self.id).ran(domain, commands, bytes);
            let usage = &shared.usages()[domain];
            usage.metrics.commands.add(commands as u64);
        }
        for (domain, name) in self.counted.drain(..) {
            shared.usages()[domain].tally.counted(name);
        }
        let outbox = self.outbox.percent();
        shared.inbox(self.id).set_outbox_percent(outbox);
        hold(&mut self.gate, self.lsn, answers, shared);
        self.let_out(self.durable(shared), shared);
    }

    /// Lets out what rests on nothing beyond `durable`: answers, scans and mail.
    fn let_out(&mut self, durable: Lsn, shared: &Shared) {
        let mut tell = |raised: &mut _, changed: &mut _| {
            shared.flags.put_up(self.id, raised, shared.clock.look_ms());
            shared.changes.count(changed);
        };
        let gates = [&mut self.gate, &mut self.relaxed].into_iter();
        let bytes = gates.map(|gate| gate.open(durable, &mut self.others, &mut tell));
        shared.let_answers_out(bytes.sum());
        shared.readers.push(&mut self.others.scans);
        if self.others.post.is_empty() {
            return;
        }
        self.bags
            .resize_with(usize::from(shared.slots.partitions()), Bag::default);
        for post in self.others.post.drain(..) {
            match post {
                Post::Letter(letter) => {
                    let mail = Envelope::letter(letter);
                    let to = shared.slots.owner(mail.slot);
                    self.bags[to.index()].mail.push(mail);
                }
                Post::Call(call) => {
                    let to = shared.slots.owner(call.slot);
                    self.bags[to.index()].calls.push(*call);
                }
                Post::Ack(ack) => {
                    let to = shared.slots.owner(ack.from);
                    self.bags[to.index()].acks.push(ack);
                }
                Post::Try(one) => shared.to_courier.push(one),
                Post::Withdrawn(number) => shared.to_courier.withdraw(number),
            }
        }
        for (to, bag) in (0..).map(PartitionId).zip(&mut self.bags) {
            if !bag.is_empty() {
                shared.inbox(to).push_mail(bag);
                shared.wake(to);
            }
        }
    }

    /// Tells how many bytes the rows changed take, those that a start has read included.
    pub(crate) fn tell_bytes(&mut self, shared: &Shared) {
        let bytes = self.state.tables.bytes();
        let before = std::mem::replace(&mut self.changed_bytes, bytes);
        shared.checkpoints.set_changed_bytes(before, bytes);
        self.ledger.tell(bytes, shared);
    }

    /// Lets go of one table that a checkpoint has taken to the base; `false` if there was none. Here, on
    /// the thread that has made the rows: freed by another one they cost this one more, and at once.
    pub(crate) fn let_go(&mut self, shared: &Shared) -> bool {
        if self.leaving.is_empty() {
            return false;
        }
        while let Some((rows, cached)) = self.leaving.pop() {
            let takes_a_while = rows.is_some_and(|rows| !rows.is_empty()) || !cached.is_empty();
            if takes_a_while {
                break;
            }
        }
        if self.leaving.is_empty() {
            shared.checkpoints.told_let_go(self.frozen_bytes);
        }
        true
    }

    /// Sets rows aside for a checkpoint that has begun, and lets them go when it has ended.
    fn attend_checkpoint(&mut self, shared: &Shared) {
        let checkpoints = &shared.checkpoints;
        if self.frozen_for > self.thawed_for && checkpoints.ended() >= self.frozen_for {
            self.thawed_for = self.frozen_for;
            self.leaving = self.state.tables.thaw();
            self.state.agenda.thaw();
            self.state.idle.thaw();
            self.ledger.thaw();
            self.tell_bytes(shared);
        }
        if self.frozen_for == self.thawed_for && checkpoints.begun() > self.frozen_for {
            self.frozen_for = checkpoints.begun();
            self.tell_bytes(shared);
            self.frozen_bytes = self.changed_bytes;
            checkpoints.add_frozen_bytes(self.frozen_bytes);
            let tables = self.state.tables.freeze();
            self.ledger.freeze();
            self.tell_bytes(shared);
            checkpoints.hand_frozen(Frozen {
                partition: self.id,
                lsn: self.lsn,
                tables,
            });
            shared.log.hurry(); // A checkpoint waits for what was set aside to be durable.
        }
    }

    /// Keeps what a timer or a letter has done, if the rows that it read were there and the record of the
    /// batch has room for what it wrote.
    fn keep(
        &mut self,
        slot: Slot,
        (ran, done): (Result<(), Missing>, Done),
        weight: usize,
        answers: &mut Answers,
    ) -> Result<usize, Later> {
        let later = match ran {
            Ok(()) if fits(weight, done.weight) => return Ok(self.commit(slot, done, answers)),
            Ok(()) => Later::NextRecord,
            Err(missing) => Later::Fetched(vec![missing]),
        };
        self.state.tables.undo();
        Err(later)
    }

    /// Makes what a transaction has done part of the batch; gives its weight.
    fn commit(&mut self, slot: Slot, mut done: Done, answers: &mut Answers) -> usize {
        // Told here, where it is known who has written it.
        assert!(
            done.weight <= RECORD_BYTES_MAX,
            "it writes {} bytes, and a record has room for {RECORD_BYTES_MAX}",
            done.weight
        );
        for letter in done.sent.drain(..) {
            self.outbox.add(&letter, self.ledger.at());
            answers.push_post(Post::Letter(letter));
        }
        for name in done.counted.drain(..) {
            self.counted.push((self.ledger.at(), name));
        }
        self.calls = (self.calls + done.calls.begun) - done.calls.ended;
        for one in done.calls.tries.drain(..) {
            answers.push_post(Post::Try(one));
        }
        for number in done.calls.withdrawn.drain(..) {
            answers.push_post(Post::Withdrawn(number));
        }
        for raised in done.raised.drain(..) {
            answers.push_flag(raised);
        }
        self.tell(slot, &mut done.told);
        for told in done.emitted.iter_mut().filter_map(|one| one.told.take()) {
            answers.push_event(told);
        }
        if done.weight > 0 && self.changes.are_watched(slot) {
            answers.push_changed(slot);
        }
        self.state.commit(slot, done)
    }

    /// When a timer may fire next, or events are to be dropped; neither happens while there is no room
    /// for what it changes.
    pub(crate) fn next_timer_ms(&self, shared: &Shared) -> Option<u64> {
        let State { agenda, events, .. } = &self.state;
        let due = agenda.next_ms().into_iter().chain(events.next_ms()).min();
        let due = due.filter(|_| shared.refuses(Class::Finishes).is_none());
        let due = due.into_iter().chain(self.waiters.next_ms());
        let first = due.chain(self.next_idle_ms(shared)).min();
        first.filter(|_| !self.is_held_up)
    }

    /// Whether nothing waits, neither to run nor at the gate. Mail that there is no room for does not
    /// count: its senders keep it, and a start sends it again.
    pub(crate) fn is_quiet(&self, shared: &Shared) -> bool {
        let runs = self.lanes.is_empty() && self.waits.parked == 0;
        let runs = runs && self.waiters.is_empty();
        let answered = self.gate.is_empty() && self.relaxed.is_empty();
        runs && answered && shared.inbox(self.id).waiting() == 0
    }
}

/// Holds answers at a gate.
fn hold(gate: &mut Gate, rests_on: Lsn, answers: Answers, shared: &Shared) {
    if answers.is_empty() {
        return gate.take_back(answers);
    }
    shared.add_answers(answers.weight());
    gate.hold(rests_on, answers);
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
