//! Readers: scans run here, beside the executors, on snapshots that are durable.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::contract::{ScanCall, ScanContext};
use crate::limits::SCANS_WAITING_MAX;
use crate::sink::{Answer, ReplySink};

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

/// Scans that wait for a reader.
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
    waiting: VecDeque<ScanJob>,
    stopping: bool,
}

impl ReaderQueue {
    /// A place for a scan, unless too many wait.
    pub(crate) fn admit(&self) -> Option<Place> {
        let before = self.admitted.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(&self.admitted));
        (before < SCANS_WAITING_MAX).then_some(place)
    }

    pub(crate) fn push(&self, jobs: &mut Vec<ScanJob>) {
        if jobs.is_empty() {
            return;
        }
        let mut state = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.extend(jobs.drain(..));
        drop(state);
        self.arrived.notify_all();
    }

    fn pop(&self, wait: bool) -> Option<ScanJob> {
        let mut state = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if wait {
            let idle = |jobs: &mut Jobs| jobs.waiting.is_empty() && !jobs.stopping;
            let waited = self.arrived.wait_while(state, idle);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.pop_front()
    }

    /// Runs one scan; `false` if there was none.
    pub(crate) fn step(&self, wait: bool) -> bool {
        let Some(job) = self.pop(wait) else {
            return false;
        };
        if !job.gather.is_called_off() {
            let page = job.gather.call.page(&job.context);
            if job.gather.add(page) {
                job.gather.answer();
            }
        }
        true
    }

    pub(crate) fn stop(&self) {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopping = true;
        self.arrived.notify_all();
    }
}
