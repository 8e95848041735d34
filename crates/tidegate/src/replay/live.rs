//! What a running replay shows: counts shared by its connections, and who looks at them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::tally::{Counts, Tally};

/// Looks at a replay while it runs, on the thread that called it.
pub(crate) trait Observer<T = Tally> {
    /// Called when the file is read, about ten times a second while it is replayed, and once at
    /// the end of it.
    fn progress(&mut self, now: &Progress<T>);
}

/// A moment of a replay.
#[derive(Clone, Debug)]
pub(crate) struct Progress<T = Tally> {
    /// Lines of the file, or orders, that can be replayed.
    pub(crate) in_all: u64,
    /// What had come of them before this run sent anything: a journal had the answers, or there was
    /// nothing to send.
    pub(crate) before: T,
    /// What came of them so far, those before this run included.
    pub(crate) tally: T,
    /// Since this run began to send.
    pub(crate) elapsed: Duration,
    /// Why a connection waits for the server, while one does.
    pub(crate) waiting: Option<String>,
}

/// Less time than this says nothing about a rate.
const RATE_AFTER: Duration = Duration::from_secs(1);

impl<T: Counts> Progress<T> {
    /// Done by this run, per second, once there is something to tell.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.elapsed >= RATE_AFTER).then(|| self.per_s())
    }

    /// Done by this run by asking the server, per second.
    pub(crate) fn per_s(&self) -> f64 {
        self.answered() as f64 / self.elapsed.as_secs_f64().max(1e-6)
    }

    /// Done by this run by asking the server.
    pub(crate) fn answered(&self) -> u64 {
        self.tally.answered() - self.before.answered()
    }
}

/// The state that connections share.
pub(super) struct Live<T> {
    lanes: Vec<Mutex<LaneState<T>>>,
    stop: AtomicBool,
    pub(super) began: Instant,
    in_all: u64,
    before: T,
}

#[derive(Clone, Default)]
struct LaneState<T> {
    tally: T,
    waiting: Option<String>,
}

impl<T: Counts> Live<T> {
    /// Of so much in all, where each connection begins with its tally.
    pub(super) fn new(in_all: u64, tallies: &[T]) -> Self {
        let lane = |tally: &T| {
            Mutex::new(LaneState {
                tally: *tally,
                waiting: None,
            })
        };
        Self {
            lanes: tallies.iter().map(lane).collect(),
            stop: AtomicBool::new(false),
            began: Instant::now(),
            in_all,
            before: tallies.iter().fold(T::default(), |sum, one| sum + *one),
        }
    }

    /// A connection's tally is now this.
    pub(super) fn publish(&self, lane: usize, tally: T) {
        self.lane(lane).tally = tally;
    }

    /// A connection waits for the server, or does no more.
    pub(super) fn waits(&self, lane: usize, why: Option<String>) {
        self.lane(lane).waiting = why;
    }

    /// Tells every connection to end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn progress(&self) -> Progress<T> {
        let mut progress = Progress {
            in_all: self.in_all,
            before: self.before,
            tally: T::default(),
            elapsed: self.began.elapsed(),
            waiting: None,
        };
        for index in 0..self.lanes.len() {
            let lane = self.lane(index).clone();
            progress.tally = progress.tally + lane.tally;
            progress.waiting = progress.waiting.or(lane.waiting);
        }
        progress
    }

    fn lane(&self, index: usize) -> MutexGuard<'_, LaneState<T>> {
        self.lanes[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
