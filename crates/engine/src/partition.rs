//! A partition: the one writer of its slots.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::contract::{Audit, Books, Class, Domain, Outcome, ScanContext, Status, Timer};
use crate::event::EVENTS;
use crate::gate::{Answers, Gate};
use crate::ids::Minter;
use crate::inbox::{Envelope, Errand};
use crate::key::{KeyRef, PartitionId, RowKey, Slot};
use crate::limits::{
    AHEAD_BATCHES_MAX, AHEAD_BYTES_MAX, BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, BATCH_TIMERS_MAX,
    EVENTS_KEPT, RECORD_BYTES_MAX,
};
use crate::log::{Lsn, Record, Room};
use crate::reader::ScanJob;
use crate::running::Running;
use crate::shared::Shared;
use crate::table::Missing;
use crate::tables::Tables;
#[cfg(feature = "testing")]
use crate::testing::Canary;
use crate::timer::{Agenda, Due, TIMERS};
use crate::tx::{Reads, Tx};

pub(crate) struct Partition {
    id: PartitionId,
    slots: Vec<Slot>,
    state: State,
    /// The last executed position.
    lsn: Lsn,
    gate: Gate,
    timers: Arc<HashMap<u16, Timer>>,
    /// Commands taken from the inbox and not yet run.
    batch: VecDeque<Envelope>,
    effects: Vec<u8>,
    scans: Vec<ScanJob>,
    wanted: Vec<Missing>,
    /// It waits for the log, which wakes it.
    is_held_up: bool,
    #[cfg(feature = "testing")]
    timers_suspended: bool,
    #[cfg(feature = "testing")]
    broken: Option<Canary>,
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

impl Partition {
    /// A partition over replayed tables; derived memory is built here, after the replay.
    pub(crate) fn new(
        id: PartitionId,
        slots: Vec<Slot>,
        tables: Tables,
        lsn: Lsn,
        timers: Arc<HashMap<u16, Timer>>,
    ) -> Self {
        let agenda = Agenda::rearm(&tables, slots.iter().copied());
        let mut events: Vec<_> = tables
            .keys_from(&EVENTS, &[])
            .map(|key| RowKey::from_bytes(key.as_bytes()))
            .collect();
        events.sort_by_key(event_number);
        let state = State {
            tables,
            minter: Minter::default(),
            agenda,
            scratch: Vec::new(),
            events: events.into(),
        };
        Self {
            id,
            slots,
            state,
            lsn,
            gate: Gate::default(),
            timers,
            batch: VecDeque::new(),
            effects: Vec::new(),
            scans: Vec::new(),
            wanted: Vec::new(),
            is_held_up: false,
            #[cfg(feature = "testing")]
            timers_suspended: false,
            #[cfg(feature = "testing")]
            broken: None,
        }
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
        self.gate.open(durable, &mut self.scans);
        shared.readers.push(&mut self.scans);

        self.is_held_up = false;
        let waiting = !self.batch.is_empty() || shared.inbox(self.id).waiting() > 0;
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

    fn run_batch(&mut self, now_ms: u64, shared: &Shared) -> bool {
        let mut weight = 0;
        let room = shared.room();
        let fired = match room.refuses(Class::Finishes) {
            None => self.fire_due(now_ms, &mut weight),
            // What a timer would change is judged from the rows, as long as it has to wait.
            Some(_) => 0,
        };
        shared.metrics.timers_fired.add(fired as u64);
        let overdue = fired > 0 && self.state.agenda.due(&self.state.tables, now_ms).is_some();
        shared.inbox(self.id).set_overdue(overdue);
        let mut answers = self.gate.buffers();
        if !overdue {
            let most = BATCH_COMMANDS_MAX - self.batch.len();
            shared.inbox(self.id).drain(&mut self.batch, most);
            self.prefetch();
            while weight < BATCH_BYTES_MAX
                && let Some(envelope) = self.batch.pop_front_if(|envelope| envelope.may_run(now_ms))
            {
                weight += self.run(envelope, now_ms, room, &mut answers);
            }
        }
        Running::end();
        self.drop_old_events();
        self.close(answers, shared);
        overdue || !self.batch.is_empty() || shared.inbox(self.id).waiting() > 0
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
        }
        if answers.len() > 0 {
            self.gate.hold(self.lsn, answers);
        }
        self.gate.open(self.durable(shared), &mut self.scans);
        shared.readers.push(&mut self.scans);
    }

    /// Fires timers due by now, oldest first, up to the bound of a batch.
    fn fire_due(&mut self, now_ms: u64, weight: &mut usize) -> usize {
        #[cfg(feature = "testing")]
        if self.timers_suspended {
            return 0;
        }
        let mut fired = 0;
        while fired < BATCH_TIMERS_MAX
            && *weight < BATCH_BYTES_MAX
            && let Some(due) = self.state.agenda.due(&self.state.tables, now_ms)
        {
            *weight += self.fire(&due, now_ms);
            fired += 1;
        }
        fired
    }

    fn fire(&mut self, due: &Due, now_ms: u64) -> usize {
        let timer = *self
            .timers
            .get(&due.timer)
            .expect("because a timer's domain is registered");
        Running::begin("a timer", due.owner().rest(), self.id, self.lsn);
        loop {
            let mut tx = self.state.begin(self.id, due.slot, now_ms);
            tx.tables.remove(&TIMERS, due.key.as_bytes());
            #[cfg(feature = "testing")]
            if self.broken == Some(Canary::LoseTimer) {
                let done = Done::of(tx);
                return self.state.commit(due.slot, done);
            }
            let fired = (timer.fire)(&mut tx, due.owner());
            let done = Done::of(tx);
            match fired {
                Ok(()) => return self.state.commit(due.slot, done),
                Err(missing) => self.state.fetch(&missing),
            }
        }
    }

    /// Brings the rows that the batch has named into memory.
    fn prefetch(&mut self) {
        if !self.state.tables.has_base() {
            return;
        }
        for envelope in &self.batch {
            if let Errand::Call { call, .. } = &envelope.work {
                call.reads(&mut Reads {
                    slot: envelope.slot,
                    rows: &mut self.wanted,
                });
            }
        }
        for missing in self.wanted.drain(..) {
            self.state.fetch(&missing);
        }
    }

    /// Runs one command; gives the weight of what it changed.
    fn run(&mut self, envelope: Envelope, now_ms: u64, room: Room, answers: &mut Answers) -> usize {
        let Envelope {
            work,
            slot,
            domain: _,
            class,
            name,
        } = envelope;
        let (call, sink, token) = match work {
            Errand::Call { call, sink, token } => (call, sink, token),
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
                    gather,
                });
                return 0;
            }
        };
        // It was let in when there was room; since then there is less.
        if let Some(fault) = room.refuses(class) {
            let outcome = Outcome::Fault(&fault);
            sink.renderer().render(&outcome, &mut answers.bytes);
            answers.push(sink, token, outcome.status());
            return 0;
        }
        Running::begin(name, call.key(), self.id, self.lsn);
        loop {
            let mut tx = self.state.begin(self.id, slot, now_ms);
            match call.run(&mut tx, sink.renderer(), &mut answers.bytes) {
                Ok(status) => {
                    let done = Done::of(tx);
                    answers.push(sink, token, status);
                    #[cfg(feature = "testing")]
                    let status = if self.broken == Some(Canary::SkipUndo) {
                        Status::Done
                    } else {
                        status
                    };
                    if status == Status::Done {
                        return self.state.commit(slot, done);
                    }
                    self.state.tables.undo();
                    return 0;
                }
                Err(missing) => self.state.fetch(&missing),
            }
        }
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
        due.filter(|_| !self.is_held_up && shared.room().refuses(Class::Finishes).is_none())
    }

    /// Whether nothing waits, neither to run nor at the gate.
    pub(crate) fn is_quiet(&self, shared: &Shared) -> bool {
        self.gate.is_empty() && self.batch.is_empty() && shared.inbox(self.id).waiting() == 0
    }

    /// Recomputes the laws of all domains from the rows.
    pub(crate) fn audit(&self, domains: &[Domain]) -> Audit {
        audit(&self.state.tables, domains)
    }
}

/// Recomputes the laws of all domains from the rows of one partition.
pub(crate) fn audit(tables: &Tables, domains: &[Domain]) -> Audit {
    let mut sum = Audit::default();
    for (name, rows) in tables.sizes() {
        sum.add(name, i64::try_from(rows).unwrap_or(i64::MAX));
    }
    for domain in domains {
        sum.absorb((domain.audit)(&Books::new(tables)));
    }
    sum
}

fn event_number(key: &RowKey) -> u64 {
    KeyRef(key.as_bytes())
        .parts()
        .number()
        .expect("because an event's key is its number")
}

/// What is left of a transaction once its hold on the tables is gone.
struct Done {
    weight: usize,
    wakes_at_ms: Option<u64>,
    emitted: Vec<u64>,
}

impl Done {
    fn of(tx: Tx<'_>) -> Self {
        Self {
            weight: tx.weight,
            wakes_at_ms: tx.wakes_at_ms,
            emitted: tx.emitted,
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

    fn fetch(&mut self, missing: &Missing) {
        self.tables.undo();
        let fetched = self.tables.fetch(missing);
        fetched.expect("because a row of the base decodes, or the base is corrupt");
    }
}

#[cfg(all(test, feature = "testing"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::clock::EngineClock;
    use crate::contract::{Raw, Values, Work};
    use crate::key::SlotMap;
    use crate::own::ENGINE;
    use crate::sink::ReplySink;
    use crate::table::Base;
    use crate::testing::{ManualClock, Recorder, TOY};
    use crate::{effect, limits};

    /// The plainest base there is, counting how often it is asked.
    #[derive(Default)]
    struct MapBase {
        rows: BTreeMap<(u16, Vec<u8>), Vec<u8>>,
        asked: Arc<AtomicUsize>,
    }

    impl Base for MapBase {
        fn get(&self, table: u16, key: &[u8]) -> Option<Vec<u8>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            self.rows.get(&(table, key.to_vec())).cloned()
        }
    }

    fn partition(base: Option<Box<dyn Base>>) -> (Partition, Shared) {
        let id = PartitionId(0);
        let clock = Arc::new(ManualClock::default());
        let promised_ms = Some(ManualClock::START_MS + limits::CLOCK_AHEAD_MS);
        let clock = EngineClock::start(clock, promised_ms, true).unwrap();
        let slots = SlotMap::even(1);
        let defs: Vec<_> = [ENGINE, TOY]
            .iter()
            .flat_map(|d| d.tables)
            .copied()
            .collect();
        let timers = TOY.timers.iter().map(|timer| (timer.id, *timer)).collect();
        let tables = Tables::new(&defs, 0, base);
        let partition = Partition::new(
            id,
            slots.slots(id).collect(),
            tables,
            Lsn(0),
            Arc::new(timers),
        );
        (
            partition,
            Shared::new(slots, &[Lsn(0)], Arc::new(clock), 1, 1),
        )
    }

    fn run(partition: &mut Partition, shared: &Shared, name: &str, words: &[&str]) -> String {
        let def = TOY.requests.iter().find(|def| def.resp == name).unwrap();
        let mut values: Vec<_> = words
            .iter()
            .map(|w| Some(Raw::Text(w.as_bytes())))
            .collect();
        values.resize(def.fields.len(), None);
        let Ok(Work::Call(call)) = def.read(&Values(&values)) else {
            panic!("no call")
        };
        let recorder = Arc::new(Recorder::default());
        let sink = Arc::clone(&recorder) as Arc<dyn ReplySink>;
        let slot = Slot::of(call.key());
        let work = Errand::Call {
            call,
            sink,
            token: 1,
        };
        let pushed = shared.inbox(partition.id).push(Envelope {
            work,
            slot,
            domain: 0,
            class: def.class,
            name: def.resp,
        });
        assert!(pushed.is_ok());
        partition.step(shared);
        shared.set_durable(partition.id, partition.lsn);
        partition.step(shared);
        recorder.answer(1).unwrap().1
    }

    /// A base that holds what writing a note three times leaves behind.
    fn base() -> MapBase {
        let (mut writer, shared) = partition(None);
        let mut base = MapBase::default();
        for id in ["1", "2", "3"] {
            run(&mut writer, &shared, "NOTE.PUT", &["k", id, "text"]);
            let mut effects = writer.effects.as_slice();
            while let Some((table, key, row)) = effect::read(&mut effects) {
                match row {
                    Some(row) => base.rows.insert((table, key.to_vec()), row.to_vec()),
                    None => base.rows.remove(&(table, key.to_vec())),
                };
            }
        }
        base
    }

    #[test]
    fn row_that_a_command_names_is_fetched_before_it_runs() {
        let base = base();
        let asked = Arc::clone(&base.asked);
        let (mut partition, shared) = partition(Some(Box::new(base)));
        let refused = run(&mut partition, &shared, "NOTE.PUT", &["k", "4", "text"]);
        assert_eq!(refused, "note_full times=3");
        assert_eq!(
            asked.load(Ordering::Relaxed),
            1,
            "once, for the row that it names"
        );
    }

    #[test]
    fn row_found_missing_on_the_way_is_fetched_and_the_command_runs_again() {
        let base = base();
        let asked = Arc::clone(&base.asked);
        let (mut partition, shared) = partition(Some(Box::new(base)));
        for _ in 0..2 {
            // NOTE.GET names no rows.
            let read = run(&mut partition, &shared, "NOTE.GET", &["k"]);
            assert_eq!(read, "key=k text=text times=3");
        }
        assert_eq!(
            asked.load(Ordering::Relaxed),
            1,
            "the second time it is in memory"
        );
        assert_eq!(
            run(&mut partition, &shared, "NOTE.GET", &["other"]),
            "unknown_note"
        );
        assert_eq!(
            run(&mut partition, &shared, "NOTE.GET", &["other"]),
            "unknown_note"
        );
        assert_eq!(
            asked.load(Ordering::Relaxed),
            2,
            "that there is none is remembered as well"
        );
    }
}
