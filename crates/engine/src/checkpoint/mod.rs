//! Checkpoints: the rows changed go to the base, then the log is trimmed.
//!
//! One checkpoint serves all partitions. Each partition sets the rows it has changed aside between
//! two batches (*frozen* at a position F); once all positions F are durable in the log, the mark
//! says *begun*; the rows are ingested, one table after another; the mark says *done*; the log drops
//! what it held of them; and the partitions let them go. A start after a crash on the way applies
//! the log from the last *done* on: effects are absolute, so rows that the base has already taken
//! in end the same.

mod archives;
mod mark;
mod pace;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use archives::Archives;
pub(crate) use mark::Mark;
pub use mark::MarkError;
use pace::{Pace, rest_ms};

use crate::backup::Ready;
use crate::base::{BaseCause, BaseError};
use crate::cell::Cell;
use crate::disk::Disk;
use crate::key::PartitionId;
use crate::limits::CHECKPOINT_LOG_BYTES;
use crate::log::{Lsn, Room, is_full};
use crate::memtable::Rows;
use crate::shared::Shared;

/// What the partitions and the checkpointer tell each other.
#[derive(Default)]
pub(crate) struct Checkpoints {
    /// The checkpoint that partitions are to set their rows aside for.
    begun: AtomicU64,
    /// The last one whose rows are in the base.
    ended: AtomicU64,
    /// One is asked for, whatever the bounds say.
    is_asked: AtomicBool,
    /// The last one there will be has ended.
    is_over: AtomicBool,
    /// One found no room on the disk, and none has ended since.
    is_full: AtomicBool,
    /// About how many bytes of memory rows take that are not set aside, and those that are.
    changed_bytes: AtomicUsize,
    frozen_bytes: AtomicUsize,
    handed: Mutex<Handed>,
    arrived: Condvar,
}

#[derive(Default)]
struct Handed {
    frozen: Vec<Frozen>,
    /// How many partitions have let go what they had set aside.
    let_go: usize,
    is_rung: bool,
}

/// What a partition has set aside.
pub(crate) struct Frozen {
    pub(crate) partition: PartitionId,
    pub(crate) lsn: Lsn,
    pub(crate) tables: Vec<(u16, Rows)>,
}

impl Checkpoints {
    fn lock(&self) -> MutexGuard<'_, Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last checkpoint that has begun.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// The last checkpoint that has ended.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// A partition has set its rows aside.
    pub(crate) fn hand_frozen(&self, frozen: Frozen) {
        self.lock().frozen.push(frozen);
        self.ring();
    }

    /// A partition has let the rows go that it had set aside, so many bytes.
    pub(crate) fn told_let_go(&self, bytes: usize) {
        self.frozen_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.lock().let_go += 1;
        self.ring();
    }

    /// Asks for a checkpoint now.
    pub(crate) fn ask(&self) {
        self.is_asked.store(true, Ordering::Release);
        self.ring();
    }

    /// Whether no further checkpoint comes.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Whether there is no room on the disk for what memory is to be rid of.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Records are durable, for which a checkpoint that has begun may wait.
    pub(crate) fn told_durable(&self) {
        if self.begun() > self.ended() {
            self.ring();
        }
    }

    /// Something has changed that the checkpointer may wait for.
    pub(crate) fn ring(&self) {
        self.lock().is_rung = true;
        self.arrived.notify_all();
    }

    fn wait(&self, at_most: Duration) {
        let quiet = |handed: &mut Handed| !handed.is_rung;
        let waited = self.arrived.wait_timeout_while(self.lock(), at_most, quiet);
        let (mut handed, _) = waited.unwrap_or_else(PoisonError::into_inner);
        handed.is_rung = false;
    }

    /// A partition's rows changed took `before` bytes and now take `after`.
    pub(crate) fn set_changed_bytes(&self, before: usize, after: usize) {
        if after >= before {
            self.changed_bytes
                .fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.changed_bytes
                .fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// A partition has set so many bytes aside.
    pub(crate) fn add_frozen_bytes(&self, bytes: usize) {
        self.frozen_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// About how many bytes of memory rows take that are not known to be in the base.
    pub(crate) fn bytes(&self) -> usize {
        self.changed_bytes.load(Ordering::Relaxed) + self.frozen_bytes.load(Ordering::Relaxed)
    }
}

/// Why a checkpoint cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The base.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// The mark.
    #[error("the mark of a checkpoint: {0}")]
    Mark(io::Error),
}

impl CheckpointError {
    /// Whether it may go on once there is room.
    fn is_full(&self) -> bool {
        let error = match self {
            Self::Base(BaseError {
                cause: BaseCause::Io(error),
                ..
            })
            | Self::Mark(error) => error,
            Self::Base(_) => return false,
        };
        is_full(error)
    }
}

/// What one step of the checkpointer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something; there may be more to do at once.
    Made,
    /// Nothing: it waits for others.
    None,
    /// Nothing: the disk is full. It is to be tried again.
    Full,
}

/// Takes the rows changed to the base. One thread steps it.
pub struct Checkpointer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    mark: Mark,
    archives: Archives,
    phase: Phase,
    pace: Pace,
    every_ms: u64,
    /// Engine time at the end of the last one.
    ended_ms: u64,
    /// What found no room on the disk since then.
    full: Option<CheckpointError>,
}

enum Phase {
    Idle,
    /// Partitions set their rows aside.
    Freezing,
    /// The positions are durable, and the mark says so.
    Ingesting {
        parts: Vec<Frozen>,
        tables: Vec<u16>,
    },
    /// Partitions let their rows go.
    Thawing,
}

impl Checkpointer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        disk: Arc<dyn Disk>,
        mark: Mark,
        archives: Archives,
        every_ms: u64,
    ) -> Self {
        let ended_ms = shared.clock.look_ms();
        Self {
            shared,
            disk,
            mark,
            archives,
            phase: Phase::Idle,
            pace: Pace::default(),
            every_ms,
            ended_ms,
            full: None,
        }
    }

    /// What it does, for about a millisecond, where it is ahead of those who change rows.
    pub fn set_pause(&mut self, pause: Box<dyn FnMut() + Send>) {
        self.pace.set_pause(pause);
    }

    /// Goes on with the checkpoint under way, or begins one if it is time to.
    ///
    /// # Errors
    /// The base or the mark failed: the process must stop.
    pub fn step(&mut self) -> Result<Progress, CheckpointError> {
        match self.go_on() {
            Err(error) if error.is_full() => {
                self.shared.metrics.checkpoints_failed.add(1);
                self.set_full(Some(error));
                Ok(Progress::Full)
            }
            other => other,
        }
    }

    fn set_full(&mut self, full: Option<CheckpointError>) {
        let is_full = &self.shared.checkpoints.is_full;
        is_full.store(full.is_some(), Ordering::Relaxed);
        self.full = full;
    }

    /// What found no room on the disk, until a checkpoint ends. Memory fills meanwhile, and opening
    /// commands are told why.
    #[must_use]
    pub fn full(&self) -> Option<&CheckpointError> {
        self.full.as_ref()
    }

    fn go_on(&mut self) -> Result<Progress, CheckpointError> {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        let (phase, done) = match phase {
            Phase::Idle => (self.begin(), Ok(Progress::Made)),
            Phase::Freezing => self.collect(),
            Phase::Ingesting { parts, mut tables } => {
                let done = match tables.last() {
                    Some(table) => self.ingest(*table, &parts),
                    None => self.tell_dropped().and_then(|()| self.end()),
                };
                match (&done, tables.pop()) {
                    (Ok(_), None) => (Phase::Thawing, done),
                    (Ok(_), Some(_)) => (Phase::Ingesting { parts, tables }, done),
                    (Err(_), last) => {
                        tables.extend(last);
                        (Phase::Ingesting { parts, tables }, done)
                    }
                }
            }
            Phase::Thawing => self.let_go(),
        };
        let is_waiting = matches!(phase, Phase::Idle);
        self.phase = phase;
        done.map(|done| if is_waiting { Progress::None } else { done })
    }

    /// Whether it is time for a checkpoint.
    fn is_due(&self) -> bool {
        let Shared {
            checkpoints,
            base,
            clock,
            memory,
            ..
        } = &*self.shared;
        let changed = checkpoints.changed_bytes.load(Ordering::Relaxed);
        let is_old = clock.look_ms() >= self.ended_ms + self.every_ms;
        let is_full = matches!(self.shared.room(), Room::Short { is_full: true, .. });
        let is_much = changed >= memory.checkpoint_bytes()
            || self.shared.log_bytes() >= CHECKPOINT_LOG_BYTES
            || is_full;
        let is_asked = checkpoints.is_asked.load(Ordering::Acquire);
        if !is_asked && (changed == 0 || !is_old && !is_much) {
            return false;
        }
        match rest_ms(base.backlog()) {
            Some(_) if is_asked => checkpoints.is_asked.swap(false, Ordering::AcqRel),
            Some(rest_ms) => clock.look_ms() >= self.ended_ms + rest_ms,
            None => false,
        }
    }

    fn begin(&mut self) -> Phase {
        if !self.is_due() {
            return Phase::Idle;
        }
        let now_ms = self.shared.clock.passed_ms();
        self.archives.pass(&*self.shared.base, now_ms);
        self.shared.backups.begin();
        self.shared.checkpoints.begun.fetch_add(1, Ordering::AcqRel);
        self.shared.wake_all();
        Phase::Freezing
    }

    /// Waits until all rows are set aside and all they rest on is durable; marks that then.
    fn collect(&mut self) -> (Phase, Result<Progress, CheckpointError>) {
        let Shared {
            checkpoints, slots, ..
        } = &*self.shared;
        let is_durable = |part: &Frozen| self.shared.durable(part.partition) >= part.lsn;
        let partitions = usize::from(slots.partitions());
        let handed = checkpoints.lock();
        if handed.frozen.len() < partitions || !handed.frozen.iter().all(is_durable) {
            return (Phase::Freezing, Ok(Progress::None));
        }
        let mut mark = self.mark.clone();
        mark.number += 1;
        mark.applied.resize(partitions, Lsn(0));
        mark.frozen.resize(partitions, Lsn(0));
        for part in &handed.frozen {
            mark.frozen[part.partition.index()] = part.lsn;
        }
        drop(handed); // Nobody is to wait for the disk.
        if let Err(error) = mark.write(&*self.disk) {
            return (Phase::Freezing, Err(CheckpointError::Mark(error)));
        }
        let mut parts = std::mem::take(&mut checkpoints.lock().frozen);
        self.mark = mark;
        parts.sort_by_key(|part| part.partition);
        let tables = parts
            .first()
            .map(|part| part.tables.iter().map(|(id, _)| *id));
        let tables = tables.into_iter().flatten().collect();
        let frozen = parts.iter().flat_map(|part| &part.tables);
        self.pace.begin(frozen.map(|(_, rows)| rows.len()).sum());
        (Phase::Ingesting { parts, tables }, Ok(Progress::Made))
    }

    /// Takes one table to the base.
    fn ingest(&mut self, table: u16, parts: &[Frozen]) -> Result<Progress, CheckpointError> {
        let tables = parts.iter().flat_map(|part| &part.tables);
        let rows = tables.filter(|(id, _)| *id == table).map(|(_, rows)| rows);
        let mut cells: Vec<&Cell> = rows.flat_map(Rows::sorted).collect();
        if !cells.is_sorted() {
            cells.sort_unstable(); // The slots of a partition need not follow each other.
        }
        if let Some(filter) = self.shared.filters.get(&table) {
            let rows = cells.iter().filter(|cell| cell.row().is_some());
            rows.for_each(|cell| filter.add(cell.key()));
        }
        if !cells.is_empty() {
            let Self { shared, pace, .. } = self;
            let changes = &mut cells.iter().map(|cell| {
                pace.took(shared);
                (cell.key(), cell.row())
            });
            shared.base.ingest(table, changes)?;
        }
        Ok(Progress::Made)
    }

    fn tell_dropped(&mut self) -> Result<(), CheckpointError> {
        Ok(self.archives.tell(&*self.shared.base)?)
    }

    /// All rows are in the base: what the log holds of them is not needed any more.
    fn end(&mut self) -> Result<Progress, CheckpointError> {
        let mark = Mark {
            applied: self.mark.frozen.clone(),
            ..self.mark.clone()
        };
        mark.write(&*self.disk).map_err(CheckpointError::Mark)?;
        self.mark = mark;
        self.shared.backups.end(|| Ready {
            checkpoint: self.mark.number,
            positions: self.mark.applied.clone(),
            clock_up_to_ms: self.shared.clock.promised_ms(),
            taken_at_ms: self.shared.clock.look_ms(),
            snapshot: self.shared.base.snapshot(),
        });
        self.shared.log.trim(self.mark.applied.clone());
        let checkpoints = &self.shared.checkpoints;
        checkpoints
            .ended
            .store(checkpoints.begun(), Ordering::Release);
        self.shared.wake_all();
        Ok(Progress::Made)
    }

    /// Waits until all partitions have let their rows go.
    fn let_go(&mut self) -> (Phase, Result<Progress, CheckpointError>) {
        // Whatever reads an archive from now on knows by its time that these are dropped.
        if let Err(error) = self.archives.drop_slices(&*self.shared.base) {
            return (Phase::Thawing, Err(error.into()));
        }
        let checkpoints = &self.shared.checkpoints;
        let mut handed = checkpoints.lock();
        if handed.let_go < usize::from(self.shared.slots.partitions()) {
            return (Phase::Thawing, Ok(Progress::None));
        }
        handed.let_go = 0;
        drop(handed);
        self.shared.wake_all(); // There may be room again for timers and mail that were held back.
        self.ended_ms = self.shared.clock.look_ms();
        self.shared.metrics.checkpoints.add(1);
        self.set_full(None);
        (Phase::Idle, Ok(Progress::Made))
    }

    /// Whether a checkpoint is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !matches!(self.phase, Phase::Idle)
    }

    /// Whether rows have changed that no checkpoint has taken up.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.shared
            .checkpoints
            .changed_bytes
            .load(Ordering::Relaxed)
            > 0
    }

    /// Asks for a checkpoint though none is due.
    pub fn ask(&self) {
        self.shared.checkpoints.ask();
    }

    /// Whether the engine is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    /// Whether the engine is stopping, and a full disk keeps what a checkpoint waits for from being
    /// written: the log writer gives up as well.
    #[must_use]
    pub fn may_give_up(&self) -> bool {
        self.shared.is_stuck() && self.is_stopping()
    }

    /// Says that no further checkpoint comes: executors that are stopping need not wait for one.
    pub fn finish(&self) {
        self.shared
            .checkpoints
            .is_over
            .store(true, Ordering::Release);
        self.shared.backups.close();
        self.shared.wake_all();
    }

    /// Waits until others have done something that it may wait for.
    pub fn wait(&self, at_most: Duration) {
        self.shared.checkpoints.wait(at_most);
    }
}
