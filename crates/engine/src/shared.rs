//! What the threads of an engine share.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::backup::Desk;
use crate::base::Base;
use crate::changes::Changes;
use crate::checkpoint::Checkpoints;
use crate::clock::EngineClock;
use crate::contract::{Class, Domain, Fault};
use crate::courier::ToCourier;
use crate::edge::Flags;
use crate::filter::Filters;
use crate::hot::HotKeys;
use crate::inbox::Inbox;
use crate::key::{PartitionId, SlotMap};
use crate::limits::{ANSWERS_BYTES_MAX, OPEN_SHARE_PERCENT};
use crate::log::{BUSY, LogQueue, Lsn, Room};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::reader::{Fetched, ReaderQueue};
use crate::share::Part;
use crate::shed::{Load, Shedding};
use crate::splits::Splits;
use crate::stream::Streams;
use crate::tally::Tally;
use crate::usage::Usage;

/// Wakes an executor's thread.
pub type Waker = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Shared {
    pub(crate) slots: SlotMap,
    pub(crate) log: Arc<LogQueue>,
    pub(crate) clock: Arc<EngineClock>,
    pub(crate) readers: ReaderQueue,
    pub(crate) base: Arc<dyn Base>,
    /// What the base has of keyed tables.
    pub(crate) filters: Filters,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) backups: Desk,
    pub(crate) memory: Memory,
    pub(crate) metrics: Metrics,
    pub(crate) streams: Streams,
    pub(crate) flags: Flags,
    pub(crate) splits: Arc<Splits>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) shedding: Shedding,
    /// Of each partition.
    pub(crate) hot: Vec<HotKeys>,
    pub(crate) to_courier: ToCourier,
    pub(crate) stopping: AtomicBool,
    inboxes: Vec<Inbox>,
    /// What each domain uses.
    usages: Vec<Usage>,
    /// Bytes of answers at all gates.
    answer_bytes: AtomicUsize,
    /// What each partition has asked the base for, and has come.
    fetched: Vec<Mutex<Vec<Fetched>>>,
    durable: Vec<AtomicU64>,
    room: AtomicU8,
    log_bytes: AtomicU64,
    /// The log has no room for what was executed.
    is_stuck: AtomicBool,
    executors: Vec<Bell>,
}

/// Rings at most once until the sleeper has looked.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    waker: OnceLock<Waker>,
}

impl Shared {
    pub(crate) fn new(
        slots: SlotMap,
        durable: &[Lsn],
        clock: Arc<EngineClock>,
        (base, filters, memory): (Arc<dyn Base>, Filters, Memory),
        (parts, domains): (&[Part], &[Domain]),
        (executors, seed): (usize, u64),
    ) -> Self {
        Self {
            base,
            filters,
            memory,
            checkpoints: Checkpoints::default(),
            backups: Desk::default(),
            fetched: durable.iter().map(|_| Mutex::default()).collect(),
            log_bytes: AtomicU64::new(0),
            answer_bytes: AtomicUsize::new(0),
            inboxes: durable
                .iter()
                .map(|_| Inbox::new(parts.iter().map(|part| part.inbox_percent)))
                .collect(),
            usages: parts
                .iter()
                .zip(domains)
                .map(|(part, domain)| Usage::new(*part, Tally::of(domain)))
                .collect(),
            durable: durable.iter().map(|lsn| AtomicU64::new(lsn.0)).collect(),
            flags: Flags::new(slots.clone(), seed),
            splits: Arc::new(Splits::new(seed)),
            changes: Arc::new(Changes::new()),
            shedding: Shedding::new(clock.look_ms()),
            hot: durable
                .iter()
                .map(|_| HotKeys::new(clock.look_ms()))
                .collect(),
            slots,
            log: Arc::new(LogQueue::new(executors)),
            clock,
            readers: ReaderQueue::default(),
            metrics: Metrics::default(),
            streams: Streams::new(durable.len()),
            to_courier: ToCourier::default(),
            stopping: AtomicBool::new(false),
            room: AtomicU8::new(0),
            is_stuck: AtomicBool::new(false),
            executors: std::iter::repeat_with(Bell::default)
                .take(executors)
                .collect(),
        }
    }

    pub(crate) fn inbox(&self, partition: PartitionId) -> &Inbox {
        &self.inboxes[partition.index()]
    }

    pub(crate) fn inboxes(&self) -> &[Inbox] {
        &self.inboxes
    }

    pub(crate) fn durable(&self, partition: PartitionId) -> Lsn {
        Lsn(self.durable[partition.index()].load(Ordering::Acquire))
    }

    pub(crate) fn set_durable(&self, partition: PartitionId, lsn: Lsn) {
        self.durable[partition.index()].store(lsn.0, Ordering::Release);
    }

    /// What the log has room for.
    pub(crate) fn room(&self) -> Room {
        Room::from_bits(self.room.load(Ordering::Relaxed))
    }

    /// Why a request of this class is turned away for want of room, if it is.
    pub(crate) fn refuses(&self, class: Class) -> Option<Fault> {
        let of_log = self.room().refuses(class);
        of_log.or_else(|| {
            let is_short = self.memory.is_short(self.checkpoints.bytes(), class);
            is_short.then(|| self.short_of_memory())
        })
    }

    /// What a request is told for which memory has no room: to ask again, unless rows cannot leave it
    /// before somebody frees space.
    fn short_of_memory(&self) -> Fault {
        if self.checkpoints.is_full() {
            Fault::DiskFull
        } else {
            BUSY
        }
    }

    /// What each domain uses.
    pub(crate) fn usages(&self) -> &[Usage] {
        &self.usages
    }

    /// Why a request of this class of a domain is turned away for want of room, if it is.
    pub(crate) fn refuses_of(&self, domain: usize, class: Class) -> Option<Fault> {
        let of_all = self.refuses(class);
        of_all.or_else(|| {
            let usage = &self.usages[domain];
            let (all, own) = (self.checkpoints.bytes(), usage.row_bytes());
            let percent = usage.part.memory_percent;
            let is_beyond = self.memory.is_beyond_share(all, own, percent);
            (class == Class::Opens && is_beyond).then(|| self.short_of_memory())
        })
    }

    /// More answers wait at a gate.
    pub(crate) fn add_answers(&self, bytes: usize) {
        self.answer_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes of answers have left a gate.
    pub(crate) fn let_answers_out(&self, bytes: usize) {
        if bytes > 0 {
            self.answer_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Bytes of answers at all gates.
    pub(crate) fn answer_bytes(&self) -> usize {
        self.answer_bytes.load(Ordering::Relaxed)
    }

    /// Looks at the load, if it is time for that, and sheds what is to be.
    pub(crate) fn look_at_load(&self) {
        let now_ms = self.clock.look_ms();
        if self.shedding.is_due(now_ms) {
            self.shedding.look(Load::of(self), now_ms);
        }
    }

    /// Whether a command of this class finds room for its answer.
    pub(crate) fn has_answer_room(&self, class: Class) -> bool {
        let percent = match class {
            Class::Opens | Class::Reads => OPEN_SHARE_PERCENT,
            Class::Finishes => 100,
        };
        self.answer_bytes() < ANSWERS_BYTES_MAX / 100 * percent
    }

    /// Bytes of log that a start may have to read.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_log_bytes(&self, bytes: u64) {
        self.log_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Something that a partition has asked the base for has come.
    pub(crate) fn bring(&self, partition: PartitionId, fetched: Fetched) {
        let mut all = self.fetched[partition.index()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.push(fetched);
        drop(all);
        self.wake(partition);
    }

    /// What has come for a partition.
    pub(crate) fn take_fetched(&self, partition: PartitionId) -> Vec<Fetched> {
        let fetched = &self.fetched[partition.index()];
        std::mem::take(&mut *fetched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_room(&self, room: Room) {
        if self.room.swap(room.to_bits(), Ordering::Relaxed) != room.to_bits() {
            self.wake_all(); // Timers that were held back may fire.
        }
    }

    /// Whether the log has no room for what was executed, nor for a promise of more time.
    pub(crate) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Acquire)
    }

    pub(crate) fn set_stuck(&self, stuck: bool) {
        self.clock.stand_still(stuck);
        if self.is_stuck.swap(stuck, Ordering::AcqRel) != stuck {
            self.wake_all(); // Reads can be answered; or a stop need not wait any more.
        }
    }

    /// The executor that runs a partition.
    pub(crate) fn executor_of(&self, partition: PartitionId) -> usize {
        self.slots.executor_of(partition, self.executors.len())
    }

    pub(crate) fn set_waker(&self, executor: usize, waker: Waker) {
        let set = self.executors[executor].waker.set(waker);
        assert!(set.is_ok(), "an executor has one thread");
    }

    /// Wakes the executor of a partition, unless it is awake.
    pub(crate) fn wake(&self, partition: PartitionId) {
        self.wake_executor(self.executor_of(partition));
    }

    pub(crate) fn wake_executor(&self, executor: usize) {
        let bell = &self.executors[executor];
        if !bell.rung.swap(true, Ordering::AcqRel)
            && let Some(waker) = bell.waker.get()
        {
            waker();
        }
    }

    /// Whether the engine is stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn wake_all(&self) {
        for executor in 0..self.executors.len() {
            self.wake_executor(executor);
        }
    }

    /// The executor says that it looks at its work from here on.
    pub(crate) fn looks(&self, executor: usize) {
        // A swap, not a store: it reads what the ringer wrote, and so sees what was pushed before.
        self.executors[executor].rung.swap(false, Ordering::AcqRel);
    }
}
