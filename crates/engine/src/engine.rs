//! An engine: executors, log writer and readers over one log, and the door to them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::backup::{Backup, BackupError, Unfinished, check_finished};
use crate::base::{Base, BaseError};
use crate::checkpoint::{Checkpointer, Mark, MarkError};
use crate::clock::{Clock, ClockJump, EngineClock};
use crate::contract::{Audit, Class, Domain, Fault, MailDef, Outcome, RequestDef, Timer, Work};
use crate::disk::Disk;
use crate::effect;
use crate::filter::{self, Completion, Filters};
use crate::inbox::{Envelope, Errand};
use crate::key::{PartitionId, Slot, SlotMap};
use crate::limits::PARTITIONS_MAX;
use crate::log::{
    BUSY, Did, EmbeddedLog, Log, LogError, LogReport, LogWriter, Reading, Record, Room, Space,
    Spawn, scan_to_end,
};
use crate::mail::check_addressees;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::own::ENGINE;
use crate::partition::{self, Handlers, Partition};
use crate::reader::Gather;
use crate::shared::{Shared, Waker};
use crate::sink::{Answer, ReplySink};
use crate::strikes::{self, Strikes};
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
    /// Memory to keep to.
    pub memory: Memory,
    /// A checkpoint begins after so long if anything has changed.
    pub checkpoint_every_ms: u64,
    /// Where hash seeds and salts come from.
    pub seed: u64,
    /// Told how far a start has read the log.
    pub reading: Arc<Reading>,
    /// Follow a wall clock that is more than a day ahead of the log.
    pub accept_clock_jump: bool,
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The base.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// The mark of the last checkpoint.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// A restore has not come to its end.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
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
    /// Takes rows to the base.
    pub checkpointer: Checkpointer,
    /// Keeps the base in order.
    pub tender: Tender,
    /// Where it is noted what stopped the process.
    pub strikes: Strikes,
    /// What the log held.
    pub report: LogReport,
}

/// All tables of some domains and of the engine itself.
#[must_use]
pub fn tables_of(domains: &[Domain]) -> Vec<TableDef> {
    all_tables(&with_own(domains))
}

fn all_tables(domains: &[Domain]) -> Vec<TableDef> {
    let tables = domains.iter().flat_map(|domain| domain.tables);
    tables.copied().collect()
}

impl Engine {
    /// Opens the log on `disk`, replays what of it is not in `base`, and makes the engine ready.
    ///
    /// # Errors
    /// The log or the base is corrupt or cannot be used, or the clock has jumped.
    pub fn open(
        config: &Config,
        (disk, base): (Arc<dyn Disk>, Arc<dyn Base>),
        clock: Arc<dyn Clock>,
        domains: &[Domain],
        spawn: Spawn,
    ) -> Result<Self, OpenError> {
        let domains = &with_own(domains);
        check_numbers(domains);
        check_finished(&*disk)?;
        let mark = Mark::read(&*disk)?.unwrap_or_default();
        let partitions = config.partitions.clamp(1, PARTITIONS_MAX);
        let defs = all_tables(domains);
        let filters = filter::filters(&defs, config.seed, config.memory);
        let known_partitions = mark.applied.len().max(usize::from(partitions));
        let cache_bytes = config.memory.cache_bytes(known_partitions);
        let mut replayed = Replayed::new(defs, config.seed, &base, &filters, &mark, cache_bytes);
        let (mut log, report, tips) = EmbeddedLog::open(
            Arc::clone(&disk),
            partitions,
            config.space,
            config.seed,
            spawn,
            (&mark.applied, &mark.frozen, &config.reading),
            &mut |record| replayed.apply(record),
        )?;
        let room = log.room()?;
        let promised_ms = (report.clock_up_to_ms > 0).then_some(report.clock_up_to_ms);
        let clock = EngineClock::start(clock, promised_ms, config.accept_clock_jump)?;
        let clock = Arc::new(clock);

        let slots = SlotMap::even(report.partitions);
        let executors = config.executors.clamp(1, usize::from(report.partitions));
        let shared = Shared::new(
            slots,
            &tips,
            Arc::clone(&clock),
            (Arc::clone(&base), filters.clone(), config.memory),
            domains.len(),
            executors,
        );
        let timers = domains.iter().flat_map(|domain| domain.timers);
        let mails = domains.iter().flat_map(|domain| domain.takes);
        let handlers = Arc::new(Handlers {
            timers: timers.map(|timer| (timer.id, *timer)).collect(),
            mails: mails.map(|mail| (mail.id, *mail)).collect(),
            set_aside: strikes::set_aside(&*disk).map_err(|error| LogError::Io {
                path: disk.path("strikes"),
                error,
            })?,
        });
        let mut groups: Vec<Vec<Partition>> = Vec::new();
        groups.resize_with(executors, Vec::new);
        for (id, lsn) in (0..report.partitions).map(PartitionId).zip(tips) {
            let slots = shared.slots.slots(id).collect();
            let tables = replayed.take(id);
            let handlers = Arc::clone(&handlers);
            let mut partition = Partition::new(id, slots, tables, lsn, handlers)?;
            partition.tell_bytes(&shared);
            groups[shared.executor_of(id)].push(partition);
        }
        let queue = Arc::clone(&shared.log);
        shared.set_room(room);
        shared.set_log_bytes(log.bytes());
        let inner = LogWriter::new(Box::new(log), queue, clock);
        let shared = Arc::new(shared);
        let executors = groups
            .into_iter()
            .enumerate()
            .map(|(index, partitions)| Executor {
                index,
                partitions,
                shared: Arc::clone(&shared),
            });
        Ok(Self {
            executors: executors.collect(),
            writer: Writer {
                inner,
                shared: Arc::clone(&shared),
            },
            strikes: Strikes {
                disk: Arc::clone(&disk),
            },
            checkpointer: Checkpointer::new(
                Arc::clone(&shared),
                Arc::clone(&disk),
                mark.clone(),
                config.checkpoint_every_ms,
            ),
            tender: Tender {
                completion: Completion::new(&filters, &*shared.base),
                _disk: Arc::clone(&disk),
                shared: Arc::clone(&shared),
            },
            door: Door {
                shared,
                domains: domains.as_slice().into(),
                tables: replayed.defs.into(),
            },
            report,
        })
    }
}

/// The engine's own domain, and those that it is given.
fn with_own(domains: &[Domain]) -> Vec<Domain> {
    std::iter::once(ENGINE)
        .chain(domains.iter().copied())
        .collect()
}

/// Asserts what stored numbers rely on: no two domains, tables, timers or kinds of mail have the
/// same, and all mail is taken in by somebody.
fn check_numbers(domains: &[Domain]) {
    let mut taken = HashSet::new();
    for Domain {
        number,
        tables,
        timers,
        takes,
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
        for MailDef { id, name, .. } in *takes {
            assert_eq!(id >> 8, u16::from(*number), "{name} is of another domain");
            assert!(taken.insert((3, *id)), "{name}: mail {id} is taken");
        }
    }
    let takes: Vec<_> = domains
        .iter()
        .flat_map(|domain| domain.takes)
        .copied()
        .collect();
    for domain in domains {
        check_addressees(domain.sends, &takes);
    }
}

/// Tables as base and log left them.
struct Replayed<'a> {
    defs: Vec<TableDef>,
    seed: u64,
    base: &'a Arc<dyn Base>,
    filters: &'a Filters,
    mark: &'a Mark,
    /// For rows of one partition that were read from the base.
    cache_bytes: usize,
    partitions: HashMap<PartitionId, Tables>,
}

impl<'a> Replayed<'a> {
    fn new(
        defs: Vec<TableDef>,
        seed: u64,
        base: &'a Arc<dyn Base>,
        filters: &'a Filters,
        mark: &'a Mark,
        cache_bytes: usize,
    ) -> Self {
        Self {
            defs,
            cache_bytes,
            seed,
            base,
            filters,
            mark,
            partitions: HashMap::new(),
        }
    }

    fn tables(&mut self, id: PartitionId) -> &mut Tables {
        let base = Arc::clone(self.base);
        let new = || Tables::new(&self.defs, self.seed, base, self.filters, self.cache_bytes);
        self.partitions.entry(id).or_insert_with(new)
    }

    fn apply(&mut self, record: Record<'_>) -> Result<(), ReplayError> {
        let applied = self.mark.applied.get(record.partition.index());
        if applied.is_some_and(|applied| record.lsn <= *applied) {
            return Ok(());
        }
        effect::replay(self.tables(record.partition), record.effects)
    }

    fn take(&mut self, id: PartitionId) -> Tables {
        self.tables(id);
        let tables = self.partitions.remove(&id);
        tables.expect("because it was made just now")
    }
}

/// What a folder whose server is stopped holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the log holds.
    pub log: LogReport,
    /// How many checkpoints there have been.
    pub checkpoints: u64,
    /// What the rows add up to, and each law that is broken.
    pub audit: Audit,
}

/// Reads everything that a log and a base hold, without changing anything.
///
/// # Errors
/// Something is corrupt or cannot be read.
pub fn check(
    disk: &dyn Disk,
    base: &Arc<dyn Base>,
    domains: &[Domain],
) -> Result<Checked, OpenError> {
    check_finished(disk)?;
    let domains = &with_own(domains);
    let mark = Mark::read(disk)?.unwrap_or_default();
    let no_filters = Filters::new();
    let mut replayed = Replayed::new(all_tables(domains), 0, base, &no_filters, &mark, 0);
    let kept = (&*mark.applied, &*mark.frozen, &Reading::default());
    let end = scan_to_end(disk, kept, &mut |record| replayed.apply(record))?;
    if end.report.segments == 0 {
        let path = disk.path("").trim_end_matches('/').to_owned();
        return Err(LogError::Absent { path }.into());
    }
    if let Some(damage) = base.damages()?.into_iter().next() {
        return Err(damage.into());
    }
    let slots = SlotMap::even(end.report.partitions);
    let mut audit = Audit::default();
    for def in &replayed.defs {
        audit.add(def.name, 0);
    }
    for id in (0..end.report.partitions).map(PartitionId) {
        let own: Vec<Slot> = slots.slots(id).collect();
        audit.absorb(partition::audit(&replayed.take(id), &own, domains)?);
    }
    Ok(Checked {
        log: end.report,
        checkpoints: mark.number,
        audit,
    })
}

/// Where a front submits requests.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
    domains: Arc<[Domain]>,
    tables: Arc<[TableDef]>,
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
        if let Some(fault) = shared.refuses(def.class) {
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

    /// Asks for a backup.
    ///
    /// # Errors
    /// One is being made, or the engine is stopping.
    pub fn backup(&self) -> Result<Backup, BackupError> {
        Backup::ask(Arc::clone(&self.shared), Arc::clone(&self.tables))
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
        self.shared.checkpoints.ring();
    }

    /// Ends the log writer and the readers, once the executors are quiet.
    pub fn finish(&self) {
        self.shared.log.stop();
        self.shared.readers.stop();
    }

    /// Reads what a scan or a partition waits for; with `wait`, waits for one to come. `false` if
    /// there was none.
    ///
    /// # Errors
    /// The base cannot be read: the process must stop.
    pub fn read_step(&self, wait: bool) -> Result<bool, BaseError> {
        self.shared.readers.step(&self.shared, &self.tables, wait)
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

    /// Whether the engine is stopping, and nothing keeps this executor.
    #[must_use]
    pub fn may_end(&self) -> bool {
        self.is_stopping() && self.is_quiet() && self.shared.checkpoints.is_over()
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
    ///
    /// # Errors
    /// The base cannot be read.
    pub fn audit(&self, domains: &[Domain]) -> Result<Audit, BaseError> {
        let mut sum = Audit::default();
        for partition in &self.partitions {
            sum.absorb(partition.audit(domains)?);
        }
        Ok(sum)
    }
}

/// Keeps the base in order, beside everything else. One thread steps it.
pub struct Tender {
    shared: Arc<Shared>,
    /// The folder is its own until it ends.
    _disk: Arc<dyn Disk>,
    completion: Completion,
}

impl Tender {
    /// Learns some more of the keys that the base has, and puts some of its files in order; `true` if
    /// there is more to do.
    ///
    /// # Errors
    /// The base failed: the process must stop.
    pub fn step(&mut self) -> Result<bool, BaseError> {
        let Shared { base, filters, .. } = &*self.shared;
        let has_learnt = self.completion.step(filters, &**base)?;
        match base.tend() {
            // What is out of order can still be read: it is put in order once there is room.
            Err(error) if error.is_full() => Ok(has_learnt),
            tended => Ok(tended? || has_learnt),
        }
    }

    /// Whether the engine is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
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
        shared.set_log_bytes(inner.bytes());
        let is_full = matches!(has, Room::Short { is_full: true, .. });
        shared.set_stuck(did == Did::Full && is_full);
        if did == Did::Wrote {
            shared.metrics.groups_durable.add(1);
            shared.metrics.records_durable.add(records);
            // Also for a group without records: it may carry the promise that a batch waits for.
            shared.wake_all();
            if records > 0 {
                shared.checkpoints.told_durable();
            }
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
