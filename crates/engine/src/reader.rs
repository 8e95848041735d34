//! Readers: what waits for a disk waits here, beside the executors: rows that commands need and the
//! base has, and scans, on snapshots that are durable.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::base::{Base, BaseError};
use crate::contract::{ScanCall, ScanContext};
use crate::key::{PartitionId, RowKey, Slot};
use crate::limits::{SCANS_WAITING_MAX, TIMERS_READ};
use crate::neighbours;
use crate::shared::Shared;
use crate::sink::{Answer, ReplySink};
use crate::table::{Missing, TableDef};
use crate::timer::{IDLE_TIMERS, TIMERS};

/// A scan and the pages that its partitions have given so far.
pub(crate) struct Gather {
    call: Box<dyn ScanCall>,
    sink: Arc<dyn ReplySink>,
    token: u64,
    asked_ms: u64,
    missing: AtomicUsize,
    is_called_off: AtomicBool,
    _place: Place,
    pages: Mutex<Vec<Box<dyn Any + Send>>>,
}

impl Gather {
    pub(crate) fn new(
        call: Box<dyn ScanCall>,
        partitions: usize,
        sink: Arc<dyn ReplySink>,
        token: u64,
        asked_ms: u64,
        place: Place,
    ) -> Self {
        let missing = AtomicUsize::new(partitions);
        Self {
            call,
            sink,
            token,
            asked_ms,
            missing,
            is_called_off: AtomicBool::new(false),
            _place: place,
            pages: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn call(&self) -> &dyn ScanCall {
        &*self.call
    }

    /// It is answered otherwise: parts that are on their way need not be read.
    pub(crate) fn call_off(&self) {
        self.is_called_off.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_called_off(&self) -> bool {
        self.is_called_off.load(Ordering::Relaxed)
    }

    /// Engine time when it was asked.
    pub(crate) fn asked_ms(&self) -> u64 {
        self.asked_ms
    }

    fn add(&self, page: Box<dyn Any + Send>) -> bool {
        self.pages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(page);
        self.missing.fetch_sub(1, Ordering::AcqRel) == 1
    }

    fn answer(&self) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = std::mem::take(&mut *pages);
        let mut bytes = Vec::new();
        let status = self.call.render(pages, self.sink.renderer(), &mut bytes);
        let answer = Answer {
            token: self.token,
            status,
            end: bytes.len(),
        };
        self.sink.deliver(&[answer], 0, &bytes);
    }
}

/// One partition's part of a scan, on a durable snapshot.
pub(crate) struct ScanJob {
    pub(crate) gather: Arc<Gather>,
    pub(crate) context: ScanContext,
}

/// What a partition wants from the base.
pub(crate) struct Fetch {
    pub(crate) partition: PartitionId,
    /// The last checkpoint after which the partition had let its rows go when it asked. If it has let
    /// more go by the time of the answer, what the base said may not be so any more.
    pub(crate) ended: u64,
    pub(crate) rows: Vec<Missing>,
    /// The first timers of a slot from a key on.
    pub(crate) timers: Vec<(Slot, RowKey)>,
    /// For idle timers, which lie elsewhere; nobody waits for it.
    pub(crate) is_idle: bool,
}

/// What the base has said.
pub(crate) struct Fetched {
    pub(crate) ended: u64,
    pub(crate) rows: Vec<(Missing, Option<Vec<u8>>)>,
    pub(crate) timers: Vec<FetchedTimers>,
    pub(crate) is_idle: bool,
}

/// The first timers of a slot, and where the next may be, if there may be more.
pub(crate) struct FetchedTimers {
    pub(crate) slot: Slot,
    pub(crate) keys: VecDeque<RowKey>,
    pub(crate) more_from: Option<RowKey>,
}

impl Fetch {
    fn read(self, base: &dyn Base, defs: &[TableDef]) -> Result<Fetched, BaseError> {
        let mut fetched = Fetched {
            ended: self.ended,
            rows: Vec::with_capacity(self.rows.len()),
            timers: Vec::new(),
            is_idle: self.is_idle,
        };
        let table = if self.is_idle { &IDLE_TIMERS } else { &TIMERS };
        neighbours::read(base, self.rows, |missing, row| {
            if let Some(row) = &row {
                verify(defs, &missing, row)?;
            }
            fetched.rows.push((missing, row));
            Ok(())
        })?;
        for (slot, from) in self.timers {
            fetched.timers.push(timers(base, table.id(), slot, &from)?);
        }
        Ok(fetched)
    }
}

fn verify(defs: &[TableDef], missing: &Missing, row: &[u8]) -> Result<(), BaseError> {
    let def = defs.iter().find(|def| def.id == missing.table);
    let def = def.expect("because only registered tables are asked for");
    let key = missing.key.as_bytes();
    def.verify_stored(key, row)
        .map_err(|what| BaseError::no_row(def, key, what))
}

fn timers(
    base: &dyn Base,
    table: u16,
    slot: Slot,
    from: &RowKey,
) -> Result<FetchedTimers, BaseError> {
    let snapshot = base.snapshot();
    let mut rows = snapshot.range(table, &slot.0.to_be_bytes(), from.as_bytes());
    let mut keys = VecDeque::new();
    while keys.len() < TIMERS_READ
        && let Some(row) = rows.next()
    {
        keys.push_back(RowKey::from_bytes(&row?.0));
    }
    let is_all = keys.len() < TIMERS_READ;
    let more_from = keys.back().filter(|_| !is_all);
    let more_from = more_from.map(|last| RowKey::from_bytes(&[last.as_bytes(), &[0]].concat()));
    Ok(FetchedTimers {
        slot,
        keys,
        more_from,
    })
}

/// Work that waits for a reader.
#[derive(Default)]
pub(crate) struct ReaderQueue {
    jobs: Mutex<Jobs>,
    arrived: Condvar,
    /// Scans of which parts are still on their way.
    admitted: Arc<AtomicUsize>,
}

/// The place of an admitted scan, given back with the last of its parts.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Default)]
struct Jobs {
    fetches: VecDeque<Fetch>,
    scans: VecDeque<ScanJob>,
    /// Fetches that nobody waits for.
    idle: VecDeque<Fetch>,
    stopping: bool,
}

enum Job {
    Fetch(Fetch),
    Scan(ScanJob),
}

/// What a reader has read, to be brought to who asked.
pub(crate) enum Read {
    Rows(PartitionId, Fetched),
    Page(Arc<Gather>, Box<dyn Any + Send>),
    /// It is not wanted any more.
    Nothing,
}

impl Job {
    fn read(self, shared: &Shared, defs: &[TableDef]) -> Result<Read, BaseError> {
        match self {
            Self::Fetch(fetch) => {
                let partition = fetch.partition;
                let fetched = fetch.read(&*shared.base, defs)?;
                shared.metrics.rows_fetched.add(fetched.rows.len() as u64);
                Ok(Read::Rows(partition, fetched))
            }
            Self::Scan(job) if job.gather.is_called_off() => Ok(Read::Nothing),
            Self::Scan(job) => {
                let page = job.gather.call.page(&job.context);
                let read = Read::Page(job.gather, page);
                job.context.snapshot.failure().map_or(Ok(read), Err)
            }
        }
    }
}

impl Read {
    pub(crate) fn bring(self, shared: &Shared) {
        match self {
            Self::Rows(partition, fetched) => shared.bring(partition, fetched),
            Self::Page(gather, page) => {
                if gather.add(page) {
                    gather.answer();
                }
            }
            Self::Nothing => {}
        }
    }
}

impl Jobs {
    fn is_empty(&self) -> bool {
        self.fetches.is_empty() && self.scans.is_empty() && self.idle.is_empty()
    }

    /// Commands wait for what is fetched: it comes first.
    fn pop(&mut self) -> Option<Job> {
        let fetch = self.fetches.pop_front().map(Job::Fetch);
        let job = fetch.or_else(|| self.scans.pop_front().map(Job::Scan));
        job.or_else(|| self.idle.pop_front().map(Job::Fetch))
    }
}

impl ReaderQueue {
    /// A place for a scan, unless too many wait.
    pub(crate) fn admit(&self) -> Option<Place> {
        let before = self.admitted.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(&self.admitted));
        (before < SCANS_WAITING_MAX).then_some(place)
    }

    pub(crate) fn push(&self, scans: &mut Vec<ScanJob>) {
        if scans.is_empty() {
            return;
        }
        let mut state = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        state.scans.extend(scans.drain(..));
        drop(state);
        self.arrived.notify_all();
    }

    pub(crate) fn fetch(&self, fetch: Fetch) {
        let mut state = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = if fetch.is_idle {
            &mut state.idle
        } else {
            &mut state.fetches
        };
        queue.push_back(fetch);
        drop(state);
        self.arrived.notify_one();
    }

    fn pop(&self, wait: bool) -> Option<Job> {
        let mut state = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if wait {
            let idle = |jobs: &mut Jobs| jobs.is_empty() && !jobs.stopping;
            let waited = self.arrived.wait_while(state, idle);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.pop()
    }

    /// Reads what one piece of work asks for, if there is one.
    pub(crate) fn read(
        &self,
        shared: &Shared,
        defs: &[TableDef],
        wait: bool,
    ) -> Result<Option<Read>, BaseError> {
        let job = self.pop(wait);
        job.map(|job| job.read(shared, defs)).transpose()
    }

    pub(crate) fn stop(&self) {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopping = true;
        self.arrived.notify_all();
    }
}
