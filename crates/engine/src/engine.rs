//! An engine: executors, log writer and readers over one log, and the door to them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::{Clock, ClockJump, EngineClock};
use crate::contract::{Audit, Class, Domain, Fault, Outcome, RequestDef, Timer, Work};
use crate::disk::Disk;
use crate::effect;
use crate::inbox::{Envelope, Errand};
use crate::key::{PartitionId, Slot, SlotMap};
use crate::limits::PARTITIONS_MAX;
use crate::log::{
    BUSY, Did, EmbeddedLog, Log, LogError, LogReport, LogWriter, Lsn, Record, Room, Space, Spawn,
    scan,
};
use crate::metrics::Metrics;
use crate::own::ENGINE;
use crate::partition::{self, Partition};
use crate::reader::Gather;
use crate::shared::{Shared, Waker};
use crate::sink::{Answer, ReplySink};
use crate::table::{ReplayError, TableDef};
use crate::tables::Tables;
#[cfg(feature = "testing")]
use crate::testing::Canary;

/// How an engine is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// Partitions of a new folder; an old one keeps its own.
    pub partitions: u16,
    /// Executor threads.
    pub executors: usize,
    /// Space of the log.
    pub space: Space,
    /// Where hash seeds and salts come from.
    pub seed: u64,
    /// Follow a wall clock that is more than a day ahead of the log.
    pub accept_clock_jump: bool,
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The clock.
    #[error(transparent)]
    Clock(#[from] ClockJump),
}

/// The parts of an engine, each to be driven by a thread of its own, or stepped by a test.
pub struct Engine {
    /// Where requests come in.
    pub door: Door,
    /// Run the partitions.
    pub executors: Vec<Executor>,
    /// Makes records durable.
    pub writer: Writer,
    /// What the log held.
    pub report: LogReport,
}

impl Engine {
    /// Opens the log on `disk`, replays it, and makes the engine ready.
    ///
    /// # Errors
    /// The log is corrupt or cannot be used, or the clock has jumped.
    pub fn open(
        config: &Config,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        domains: &[Domain],
        spawn: Spawn,
    ) -> Result<Self, OpenError> {
        let domains = &with_own(domains);
        let partitions = config.partitions.clamp(1, PARTITIONS_MAX);
        let mut replayed = Replayed::new(domains, config.seed);
        let (mut log, report) = EmbeddedLog::open(
            disk,
            partitions,
            config.space,
            config.seed,
            spawn,
            &mut |record| replayed.apply(record),
        )?;
        let room = log.room()?;
        let promised_ms = (report.clock_up_to_ms > 0).then_some(report.clock_up_to_ms);
        let clock = EngineClock::start(clock, promised_ms, config.accept_clock_jump)?;
        Ok(Self::assemble(
            config,
            domains,
            replayed,
            (Box::new(log), room),
            clock,
            report,
        ))
    }

    fn assemble(
        config: &Config,
        domains: &[Domain],
        mut replayed: Replayed,
        (log, room): (Box<dyn Log>, Room),
        clock: EngineClock,
        report: LogReport,
    ) -> Self {
        check_numbers(domains);
        let slots = SlotMap::even(report.partitions);
        let ids = || (0..report.partitions).map(PartitionId);
        let executors = config.executors.clamp(1, usize::from(report.partitions));
        let lsns: Vec<Lsn> = ids().map(|id| replayed.entry(id).1).collect();
        let clock = Arc::new(clock);
        let shared = Shared::new(slots, &lsns, Arc::clone(&clock), domains.len(), executors);
        let timers = domains.iter().flat_map(|domain| domain.timers);
        let timers: Arc<HashMap<_, _>> = Arc::new(timers.map(|timer| (timer.id, *timer)).collect());

        let mut groups: Vec<Vec<Partition>> = Vec::new();
        groups.resize_with(executors, Vec::new);
        for (id, lsn) in ids().zip(lsns) {
            let tables = replayed.take(id);
            let slots = shared.slots.slots(id).collect();
            let partition = Partition::new(id, slots, tables, lsn, Arc::clone(&timers));
            groups[shared.executor_of(id)].push(partition);
        }
        let queue = Arc::clone(&shared.log);
        shared.set_room(room);
        let inner = LogWriter::new(log, queue, clock);
        let shared = Arc::new(shared);
        let executors = groups
            .into_iter()
            .enumerate()
            .map(|(index, partitions)| Executor {
                index,
                partitions,
                shared: Arc::clone(&shared),
            });
        Self {
            executors: executors.collect(),
            writer: Writer {
                inner,
                shared: Arc::clone(&shared),
            },
            door: Door {
                shared,
                domains: domains.into(),
            },
            report,
        }
    }
}

/// The engine's own domain, and those that it is given.
fn with_own(domains: &[Domain]) -> Vec<Domain> {
    std::iter::once(ENGINE)
        .chain(domains.iter().copied())
        .collect()
}

/// Asserts what stored numbers rely on: no two domains, tables or timers have the same.
fn check_numbers(domains: &[Domain]) {
    let mut taken = HashSet::new();
    for Domain {
        number,
        tables,
        timers,
        name,
        ..
    } in domains
    {
        assert!(
            taken.insert((0, u16::from(*number))),
            "{name}: {number} is taken"
        );
        for TableDef { id, name, .. } in *tables {
            assert_eq!(id >> 4, u16::from(*number), "{name} is of another domain");
            assert!(taken.insert((1, *id)), "{name}: {id} is taken");
        }
        for Timer { id, .. } in *timers {
            assert_eq!(
                id >> 8,
                u16::from(*number),
                "timer {id} is of another domain"
            );
            assert!(taken.insert((2, *id)), "{name}: timer {id} is taken");
        }
    }
}

/// Tables as a log left them.
struct Replayed {
    defs: Vec<TableDef>,
    seed: u64,
    partitions: HashMap<PartitionId, (Tables, Lsn)>,
}

impl Replayed {
    fn new(domains: &[Domain], seed: u64) -> Self {
        let defs = domains.iter().flat_map(|domain| domain.tables).copied();
        Self {
            defs: defs.collect(),
            seed,
            partitions: HashMap::new(),
        }
    }

    fn entry(&mut self, id: PartitionId) -> &mut (Tables, Lsn) {
        let Self {
            defs,
            seed,
            partitions,
        } = self;
        partitions
            .entry(id)
            .or_insert_with(|| (Tables::new(defs, *seed, None), Lsn(0)))
    }

    fn apply(&mut self, record: Record<'_>) -> Result<(), ReplayError> {
        let (tables, lsn) = self.entry(record.partition);
        if record.lsn != lsn.next() {
            return Err(ReplayError::Gap {
                expected: lsn.next().0,
                found: record.lsn.0,
            });
        }
        *lsn = record.lsn;
        effect::replay(tables, record.effects)
    }

    fn take(&mut self, id: PartitionId) -> Tables {
        self.entry(id);
        self.partitions
            .remove(&id)
            .expect("because the entry was made just now")
            .0
    }
}

/// What the log of a stopped server says, without changing anything.
///
/// # Errors
/// The log is corrupt or cannot be read.
pub fn check(disk: &dyn Disk, domains: &[Domain]) -> Result<(LogReport, Audit), LogError> {
    let domains = &with_own(domains);
    let mut replayed = Replayed::new(domains, 0);
    let report = scan(disk, &mut |record| replayed.apply(record))?;
    if report.segments == 0 {
        let path = disk.path("").trim_end_matches('/').to_owned();
        return Err(LogError::Absent { path });
    }
    let mut sum = Audit::default();
    for (tables, _) in replayed.partitions.values() {
        sum.absorb(partition::audit(tables, domains));
    }
    Ok((report, sum))
}

/// Where a front submits requests.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
    domains: Arc<[Domain]>,
}

impl Door {
    /// The domains, in the order in which they were registered.
    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// Submits a request of the domain at index `domain`. The answer goes to `sink` with `token`,
    /// at once if the door turns the request away.
    pub fn submit(
        &self,
        domain: usize,
        def: &RequestDef,
        work: Work,
        sink: &Arc<dyn ReplySink>,
        token: u64,
    ) {
        let admitted = self.admit(domain, def, work, sink, token);
        let metrics = &self.shared.metrics;
        let Err(fault) = admitted else {
            return metrics.requests_admitted.add(1);
        };
        metrics.requests_busy.add(1);
        let mut bytes = Vec::new();
        sink.renderer().render(&Outcome::Fault(&fault), &mut bytes);
        let answer = Answer {
            token,
            status: fault.status(),
            end: bytes.len(),
        };
        sink.deliver(&[answer], 0, &bytes);
    }

    fn admit(
        &self,
        domain: usize,
        def: &RequestDef,
        work: Work,
        sink: &Arc<dyn ReplySink>,
        token: u64,
    ) -> Result<(), Fault> {
        let shared = &*self.shared;
        if shared.stopping.load(Ordering::Acquire) {
            return Err(Fault::Stopping);
        }
        if let Some(fault) = shared.room().refuses(def.class) {
            return Err(fault);
        }
        match work {
            Work::Call(call) => {
                let slot = Slot::of(call.key());
                let work = Errand::Call {
                    call,
                    sink: Arc::clone(sink),
                    token,
                };
                let envelope = Envelope {
                    work,
                    slot,
                    domain,
                    class: def.class,
                    name: def.resp,
                };
                self.push(shared.slots.owner(slot), envelope)
            }
            Work::Scan(call) => self.admit_scan(domain, def, call, sink, token),
        }
    }

    fn admit_scan(
        &self,
        domain: usize,
        def: &RequestDef,
        call: Box<dyn crate::contract::ScanCall>,
        sink: &Arc<dyn ReplySink>,
        token: u64,
    ) -> Result<(), Fault> {
        let shared = &*self.shared;
        let place = shared.readers.admit().ok_or(BUSY)?;
        let slot = call.key().map(Slot::of);
        let all = 0..shared.slots.partitions();
        let asked: Vec<_> = match slot {
            Some(slot) => vec![shared.slots.owner(slot)],
            None => all.map(PartitionId).collect(),
        };
        let gather = Gather::new(
            call,
            asked.len(),
            Arc::clone(sink),
            token,
            shared.clock.look_ms(),
            place,
        );
        let gather = Arc::new(gather);
        let slot = slot.unwrap_or(Slot(0));
        for partition in asked {
            let work = Errand::Scan(Arc::clone(&gather));
            let envelope = Envelope {
                work,
                slot,
                domain,
                class: Class::Reads,
                name: def.resp,
            };
            let pushed = self.push(partition, envelope);
            if let Err(fault) = pushed {
                gather.call_off(); // Parts that are on their way already.
                return Err(fault);
            }
        }
        Ok(())
    }

    fn push(&self, to: PartitionId, envelope: Envelope) -> Result<(), Fault> {
        self.shared.inbox(to).push(envelope).map_err(|_| BUSY)?;
        self.shared.wake(to);
        Ok(())
    }

    /// What the engine counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Requests that wait in inboxes.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared
            .inboxes()
            .iter()
            .map(crate::inbox::Inbox::waiting)
            .sum()
    }

    /// By how many milliseconds the wall clock is off while it is not followed.
    #[must_use]
    pub fn clock_stepped_ms(&self) -> u64 {
        self.shared.clock.stepped_ms()
    }

    /// Engine time.
    #[cfg(feature = "testing")]
    pub(crate) fn now_ms(&self) -> u64 {
        self.shared.clock.look_ms()
    }

    /// Whether requests are turned away because the disk is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        self.shared.room().refuses(Class::Opens) == Some(Fault::DiskFull)
    }

    /// Turns further requests away and lets the threads of the engine come to their end.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.wake_all();
    }

    /// Ends the log writer and the readers, once the executors are quiet.
    pub fn finish(&self) {
        self.shared.log.stop();
        self.shared.readers.stop();
    }

    /// Runs one waiting scan; with `wait`, waits for one. `false` if there was none.
    #[must_use]
    pub fn read_step(&self, wait: bool) -> bool {
        self.shared.readers.step(wait)
    }
}

/// When an executor wants to be stepped again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: there is more to do.
    Now,
    /// After so many milliseconds, or when woken.
    After(u64),
    /// When woken.
    Woken,
}

/// Runs some of the partitions. One thread steps it.
pub struct Executor {
    index: usize,
    partitions: Vec<Partition>,
    shared: Arc<Shared>,
}

impl Executor {
    /// Sets what wakes the thread that steps this executor. Once only.
    pub fn set_waker(&self, waker: Waker) {
        self.shared.set_waker(self.index, waker);
    }

    /// Lets answers out and runs at most one batch of each partition.
    pub fn step(&mut self) -> Next {
        self.shared.looks(self.index);
        let mut more = false;
        for partition in &mut self.partitions {
            more |= partition.step(&self.shared);
        }
        if more {
            return Next::Now;
        }
        match self
            .partitions
            .iter()
            .filter_map(|partition| partition.next_timer_ms(&self.shared))
            .min()
        {
            Some(due_ms) => Next::After(self.shared.clock.until_ms(due_ms)),
            None => Next::Woken,
        }
    }

    /// Whether nothing waits, neither to run nor to be answered; or nothing that could be.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.shared.is_stuck() || self.partitions.iter().all(|p| p.is_quiet(&self.shared))
    }

    /// Whether the engine is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    /// Breaks a rule from now on.
    #[cfg(feature = "testing")]
    pub(crate) fn break_rule(&mut self, canary: Canary) {
        for partition in &mut self.partitions {
            partition.break_rule(canary);
        }
    }

    /// From now on (or no more) timers do not fire, as if a backlog kept them waiting.
    #[cfg(feature = "testing")]
    pub(crate) fn suspend_timers(&mut self, suspended: bool) {
        for partition in &mut self.partitions {
            partition.suspend_timers(suspended);
        }
    }

    /// Recomputes the laws of all domains from the rows of these partitions.
    #[must_use]
    pub fn audit(&self, domains: &[Domain]) -> Audit {
        let mut sum = Audit::default();
        for partition in &self.partitions {
            sum.absorb(partition.audit(domains));
        }
        sum
    }
}

/// Makes records durable. One thread steps it.
pub struct Writer {
    inner: LogWriter,
    shared: Arc<Shared>,
}

impl Writer {
    /// Writes what waits as one group, and wakes the executors whose answers rested on it.
    ///
    /// # Errors
    /// The log failed: whether the group is durable is unknown, and the process must stop.
    pub fn step(&mut self) -> Result<Did, LogError> {
        let Self { inner, shared } = self;
        let mut records = 0;
        let did = inner.step(&mut |partition, lsn| {
            shared.set_durable(partition, lsn);
            records += 1;
        })?;
        let has = inner.room()?; // Also when it is full: this is what tries to make more.
        let room = match did {
            Did::Full => Room::Short {
                finishes: false,
                is_full: true,
            },
            Did::Wrote | Did::Nothing => has,
        };
        shared.set_room(room);
        let is_full = matches!(has, Room::Short { is_full: true, .. });
        shared.set_stuck(did == Did::Full && is_full);
        if did == Did::Wrote {
            shared.metrics.groups_durable.add(1);
            shared.metrics.records_durable.add(records);
            // Also for a group without records: it may carry the promise that a batch waits for.
            shared.wake_all();
        }
        Ok(did)
    }

    /// Whether the engine is stopping, and a full disk keeps what waits from being written.
    #[must_use]
    pub fn may_give_up(&self) -> bool {
        self.shared.is_stuck() && self.shared.stopping.load(Ordering::Acquire)
    }

    /// Covers the last group with a mark, if it is not covered.
    ///
    /// # Errors
    /// As for [`Writer::step`].
    pub fn seal(&mut self) -> Result<(), LogError> {
        if !self.inner.is_sealed() {
            let sealed = self.inner.seal()?;
            self.shared.metrics.seals.add(u64::from(sealed));
        }
        Ok(())
    }

    /// Whether the last group is covered by a mark.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.inner.is_sealed()
    }

    /// Waits for something to write; `false` once the engine has finished.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        self.inner.wait(at_most)
    }

    /// Gives those who were just answered a moment to send more, so that one sync serves all.
    pub fn linger(&self, at_most: Duration) {
        self.inner.linger(at_most);
    }
}
