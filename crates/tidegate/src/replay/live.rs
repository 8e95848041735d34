//! What a running replay shows: counts shared by its connections, and who looks at them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::tally::Tally;

/// Looks at a replay while it runs, on the thread that called it.
pub(crate) trait Observer {
    /// Called when the file is read, about ten times a second while it is replayed, and once at
    /// the end of it.
    fn progress(&mut self, now: &Progress);
}

/// A moment of a replay.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// Lines of the file that can be replayed.
    pub(crate) lines: u64,
    /// What had come of them before this run sent anything: a journal had the answers, or there was
    /// nothing to send.
    pub(crate) before: Tally,
    /// What came of the lines so far, those before this run included.
    pub(crate) tally: Tally,
    /// Since this run began to send.
    pub(crate) elapsed: Duration,
    /// Why a connection waits for the server, while one does.
    pub(crate) waiting: Option<String>,
}

/// Less time than this says nothing about a rate.
const RATE_AFTER: Duration = Duration::from_secs(1);

impl Progress {
    /// Lines done by this run, per second, once there is something to tell.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.elapsed >= RATE_AFTER).then(|| self.lines_per_s())
    }

    /// Lines done by this run by asking the server, per second.
    pub(crate) fn lines_per_s(&self) -> f64 {
        self.answered() as f64 / self.elapsed.as_secs_f64().max(1e-6)
    }

    /// Lines done by this run by asking the server.
    pub(crate) fn answered(&self) -> u64 {
        self.tally.answered() - self.before.answered()
    }
}

/// The state that connections share.
pub(super) struct Live {
    lanes: Vec<Mutex<LaneState>>,
    stop: AtomicBool,
    pub(super) began: Instant,
    lines: u64,
    before: Tally,
}

#[derive(Clone, Default)]
struct LaneState {
    tally: Tally,
    waiting: Option<String>,
}

impl Live {
    /// Of `lines` in all, where each connection begins with its tally.
    pub(super) fn new(lines: u64, tallies: &[Tally]) -> Self {
        let lane = |tally: &Tally| {
            Mutex::new(LaneState {
                tally: *tally,
                waiting: None,
            })
        };
        Self {
            lanes: tallies.iter().map(lane).collect(),
            stop: AtomicBool::new(false),
            began: Instant::now(),
            lines,
            before: tallies.iter().fold(Tally::default(), |sum, one| sum + *one),
        }
    }

    /// A connection's tally is now this.
    pub(super) fn publish(&self, lane: usize, tally: Tally) {
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

    pub(super) fn progress(&self) -> Progress {
        let mut progress = Progress {
            lines: self.lines,
            before: self.before,
            tally: Tally::default(),
            elapsed: self.began.elapsed(),
            waiting: None,
        };
        for index in 0..self.lanes.len() {
            let lane = self.lane(index).clone();
            progress.tally += lane.tally;
            progress.waiting = progress.waiting.or(lane.waiting);
        }
        progress
    }

    fn lane(&self, index: usize) -> MutexGuard<'_, LaneState> {
        self.lanes[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
