//! An engine: executors, log writer and readers over one log, and the door to them.

mod asked;
mod check;
mod door;
mod executor;
mod kinds;
mod replayed;
mod tender;
mod writer;

use std::collections::HashSet;
use std::sync::Arc;

pub use check::{Checked, Damage, check, check_without_base};
pub use door::Door;
pub use executor::{Executor, ExecutorHandle, Next};
use kinds::Kinds;
pub(crate) use kinds::refuse_newer;
pub use kinds::{NewerProgram, UnknownKind};
pub(crate) use replayed::Replayed;
pub use tender::Tender;
pub use writer::Writer;

use crate::archive;
use crate::archive_times::{AllArchiveTimes, ArchiveTimesError, tables_told};
use crate::backup::{Unfinished, check_finished};
use crate::base::{Base, BaseDamage, BaseError, Tend};
use crate::checkpoint::{Archives, Checkpointer, Mark, MarkError};
use crate::clock::{Clock, ClockJump, EngineClock};
use crate::contract::{Domain, MailDef, Timer};
use crate::courier::Courier;
use crate::damage::{Alarm, Damaged, check_whole};
use crate::disk::Disk;
use crate::filter::{self, Completion};
use crate::key::{PartitionId, SlotMap};
use crate::limits::{EVENT_KEPT_MS_MAX, PARTITIONS_MAX};
use crate::log::{EmbeddedLog, Log, LogError, LogReport, LogWriter, Lsn, Reading, Space, Spawn};
use crate::mail::check_addressees;
use crate::memory::Memory;
use crate::own::ENGINE;
use crate::partition::{Handlers, Partition};
use crate::random::Entropy;
use crate::repair::is_without_tables;
use crate::settings::Settings;
use crate::share::{ShareError, Shares, parts};
use crate::shared::Shared;
use crate::strikes::{self, Strikes};
use crate::table::{TableDef, domain_of};

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
    /// What domains are to have of what all share.
    pub shares: Shares,
    /// When what is finished leaves for the archives of domains, and for how long it is kept there.
    pub archives: AllArchiveTimes,
    /// What else the settings tell domains.
    pub settings: Settings,
    /// A checkpoint begins after so long if anything has changed.
    pub checkpoint_every_ms: u64,
    /// Where hash seeds and salts come from.
    pub seed: u64,
    /// Where the secrets of domains come from.
    pub entropy: Arc<dyn Entropy>,
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
    /// The folder was found damaged, and was not repaired.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The clock.
    #[error(transparent)]
    Clock(#[from] ClockJump),
    /// A newer program has been at work here.
    #[error(transparent)]
    NewerProgram(#[from] NewerProgram),
    /// A timer or a letter that no structure knows.
    #[error(transparent)]
    UnknownKind(#[from] UnknownKind),
    /// The shares of domains.
    #[error(transparent)]
    Shares(#[from] ShareError),
    /// The archives of domains.
    #[error(transparent)]
    Archives(#[from] ArchiveTimesError),
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
    /// Keep the base in order, each a part of it.
    pub tenders: [Tender; 3],
    /// Calls to the outside.
    pub courier: Courier,
    /// Where it is noted what stopped the process.
    pub strikes: Strikes,
    /// Where it is noted that the base is damaged.
    pub alarm: Alarm,
    /// What the log held.
    pub report: LogReport,
}

/// All tables of some domains and of the engine itself.
#[must_use]
pub fn tables_of(domains: &[Domain]) -> Vec<TableDef> {
    all_tables(&with_own(domains))
}

pub(crate) fn all_tables(domains: &[Domain]) -> Vec<TableDef> {
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
        let parts = parts(domains, &config.shares)?;
        let defs = tables_told(domains, &config.archives)?;
        let left = Kinds::left_on(&*disk)?;
        left.as_ref()
            .map_or(Ok(()), |left| left.refuse_newer(&*disk))?;
        check_finished(&*disk)?;
        check_whole(&*disk)?;
        let mark = Mark::read(&*disk)?.unwrap_or_default();
        let partitions = config.partitions.clamp(1, PARTITIONS_MAX);
        check_base(&*disk, &*base, &defs, &mark)?;
        let filters = filter::filters(&defs, config.seed, config.memory);
        let known_partitions = mark.applied.len().max(usize::from(partitions));
        let cache_bytes = config.memory.cache_bytes(known_partitions);
        let floors = archive::floors(&*base, &defs)?;
        let of_base = (&base, &floors);
        let mut replayed = Replayed::new(defs, config.seed, of_base, &filters, &mark, cache_bytes);
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
            (&parts, domains),
            (executors, config.seed),
        );
        let kinds = Kinds::of(domains);
        let are_known = left.as_ref().is_some_and(|left| kinds.know(left));
        let timers = domains.iter().flat_map(|domain| domain.timers);
        let mails = domains.iter().flat_map(|domain| domain.takes);
        let numbers = domains.iter().enumerate();
        let handlers = Arc::new(Handlers {
            domains: numbers.map(|(at, domain)| (domain.number, at)).collect(),
            settings: config.settings.clone(),
            entropy: Arc::clone(&config.entropy),
            splits: Arc::clone(&shared.splits),
            weights: parts.iter().map(|part| part.weight).collect(),
            timers: timers.map(|timer| (timer.id, *timer)).collect(),
            mails: mails.map(|mail| (mail.id, *mail)).collect(),
            events: domains
                .iter()
                .flat_map(|domain| domain.events)
                .copied()
                .collect(),
            set_aside: strikes::set_aside(&*disk).map_err(|error| LogError::Io {
                path: disk.path("strikes"),
                error,
            })?,
        });
        let mut groups: Vec<Vec<Partition>> = Vec::new();
        groups.resize_with(executors, Vec::new);
        for (id, lsn) in (0..report.partitions).map(PartitionId).zip(tips) {
            let slots: Vec<_> = shared.slots.slots(id).collect();
            let tables = replayed.take(id);
            if !are_known {
                kinds.look((&tables, &slots), &*disk, left.as_ref())?;
            }
            let handlers = Arc::clone(&handlers);
            let watched = (
                Arc::clone(shared.streams.watching()),
                Arc::clone(&shared.changes),
            );
            let mut partition = Partition::new(id, slots, tables, lsn, handlers, watched)?;
            partition.tell_bytes(&shared);
            groups[shared.executor_of(id)].push(partition);
        }
        kinds.leave_on(&*disk, left.as_ref())?;
        let queue = Arc::clone(&shared.log);
        shared.set_room(room);
        shared.set_log_bytes(log.bytes());
        let inner = LogWriter::new(Box::new(log), queue, clock);
        let shared = Arc::new(shared);
        let executors = groups
            .into_iter()
            .enumerate()
            .map(|(index, partitions)| Executor {
                steps: 0,
                index,
                partitions,
                shared: Arc::clone(&shared),
            });
        let completion = Completion::new(&filters, &*shared.base);
        Ok(Self {
            executors: executors.collect(),
            writer: Writer::over(inner, Arc::clone(&shared)),
            courier: Courier {
                shared: Arc::clone(&shared),
            },
            strikes: Strikes {
                disk: Arc::clone(&disk),
            },
            alarm: Alarm {
                disk: Arc::clone(&disk),
            },
            checkpointer: Checkpointer::new(
                Arc::clone(&shared),
                Arc::clone(&disk),
                mark.clone(),
                Archives::new(&replayed.defs, floors.clone()),
                config.checkpoint_every_ms,
            ),
            tenders: [
                Tender::new(Tend::Fresh, None, &disk, &shared),
                Tender::new(Tend::Old, None, &disk, &shared),
                Tender::new(Tend::Oldest, Some(completion), &disk, &shared),
            ],
            door: Door {
                shared,
                domains: domains.as_slice().into(),
                tables: replayed.defs.into(),
            },
            report,
        })
    }
}

/// An error if there is no base, though checkpoints have put rows there.
fn check_base(
    disk: &dyn Disk,
    base: &dyn Base,
    defs: &[TableDef],
    mark: &Mark,
) -> Result<(), BaseError> {
    if mark.applied.iter().all(|lsn| *lsn == Lsn(0)) || !is_without_tables(base, defs) {
        return Ok(());
    }
    Err(BaseError::of_file(BaseDamage {
        table: None,
        path: disk.folder(),
        keys: None,
        rows: None,
        what: "the base is missing, though checkpoints have put rows there".to_owned(),
    }))
}

/// The engine's own domain, and those that it is given.
pub(crate) fn with_own(domains: &[Domain]) -> Vec<Domain> {
    std::iter::once(ENGINE)
        .chain(domains.iter().copied())
        .collect()
}

/// Asserts what stored numbers rely on: no two domains, tables, timers or kinds of mail have the
/// same, and all mail is taken in by somebody; and that events say whose they are.
fn check_numbers(domains: &[Domain]) {
    let mut taken = HashSet::new();
    for Domain {
        number,
        tables,
        timers,
        takes,
        events,
        name,
        ..
    } in domains
    {
        for event in *events {
            assert_eq!(event.domain, *name, "{} is of another domain", event.name);
            let is_bounded = (1..=EVENT_KEPT_MS_MAX).contains(&event.keep_ms);
            assert!(is_bounded, "{}: kept for {} ms", event.name, event.keep_ms);
        }
        assert!(
            taken.insert((0, u16::from(*number))),
            "{name}: {number} is taken"
        );
        for TableDef { id, name, .. } in *tables {
            assert_eq!(
                domain_of(*id),
                u16::from(*number),
                "{name} is of another domain"
            );
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
