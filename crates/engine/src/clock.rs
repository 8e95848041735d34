//! Engine time: follows the monotonic clock, leans towards the wall, and is promised durably.
//!
//! A moment is used only once the log holds a record "clock up to T" with T behind it. A restart
//! begins at T or at the wall, whichever is later, so engine time never runs back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{CLOCK_AHEAD_MS, CLOCK_JUMP_MS_MAX, CLOCK_SLEW_PERMILLE, CLOCK_STEP_MS};

/// The two clocks of a machine.
pub trait Clock: Send + Sync {
    /// Microseconds since some fixed moment; never runs back.
    fn monotonic_us(&self) -> u64;
    /// Milliseconds since 1970, as the machine believes.
    fn wall_ms(&self) -> u64;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct MachineClock {
    start: std::time::Instant,
}

impl Default for MachineClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one door to the machine's clock"
    )]
    fn default() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

impl Clock for MachineClock {
    fn monotonic_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one door to the machine's clock"
    )]
    fn wall_ms(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }
}

/// The wall clock is further ahead of the log than a start follows unasked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the wall clock is {ahead_ms} ms ahead of the log's clock, more than a day; \
     every hold would expire at once. Set the clock right, or start with --accept-clock"
)]
pub struct ClockJump {
    ahead_ms: u64,
}

/// The time that commands see.
pub(crate) struct EngineClock {
    source: Arc<dyn Clock>,
    state: Mutex<State>,
    promised_ms: AtomicU64,
    promise_wanted: AtomicBool,
    /// The log has no room for a promise: time stands where the last one ends.
    stands_still: AtomicBool,
    /// By how much the wall is off while it is not followed; 0 while it is.
    stepped_ms: AtomicU64,
}

struct State {
    monotonic_us: u64,
    engine_us: u64,
}

impl EngineClock {
    /// A clock that begins at the wall or at the promise of an earlier run, whichever is later.
    pub(crate) fn start(
        source: Arc<dyn Clock>,
        promised_ms: Option<u64>,
        accept_jump: bool,
    ) -> Result<Self, ClockJump> {
        let wall_ms = source.wall_ms();
        let ahead_ms = promised_ms.map_or(0, |promised_ms| wall_ms.saturating_sub(promised_ms));
        if ahead_ms > CLOCK_JUMP_MS_MAX && !accept_jump {
            return Err(ClockJump { ahead_ms });
        }
        let promised_ms = promised_ms.unwrap_or(0);
        let engine_us = wall_ms.max(promised_ms) * 1_000;
        let state = State {
            monotonic_us: source.monotonic_us(),
            engine_us,
        };
        Ok(Self {
            source,
            state: Mutex::new(state),
            promised_ms: AtomicU64::new(promised_ms),
            promise_wanted: AtomicBool::new(true),
            stands_still: AtomicBool::new(false),
            stepped_ms: AtomicU64::new(0),
        })
    }

    fn advance(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let monotonic_us = self.source.monotonic_us();
        let passed = monotonic_us.saturating_sub(state.monotonic_us);
        let straight = state.engine_us + passed;
        let wall_us = self.source.wall_ms() * 1_000;
        let off = wall_us.abs_diff(straight);
        let lean = (passed * CLOCK_SLEW_PERMILLE / 1_000).min(off);
        state.monotonic_us = monotonic_us;
        state.engine_us = if off > CLOCK_STEP_MS * 1_000 {
            self.stepped_ms.store(off / 1_000, Ordering::Relaxed);
            straight
        } else {
            self.stepped_ms.store(0, Ordering::Relaxed);
            if wall_us > straight {
                straight + lean
            } else {
                straight - lean
            }
        };
        state.engine_us / 1_000
    }

    /// Engine time in milliseconds; `None` until the log has promised it durably.
    pub(crate) fn now_ms(&self) -> Option<u64> {
        let now_ms = self.advance();
        let promised_ms = self.promised_ms.load(Ordering::Acquire);
        if now_ms + CLOCK_AHEAD_MS / 2 > promised_ms {
            self.promise_wanted.store(true, Ordering::Release);
        }
        if self.stands_still.load(Ordering::Acquire) {
            return Some(now_ms.min(promised_ms));
        }
        (now_ms <= promised_ms).then_some(now_ms)
    }

    /// From now on (or no more) time does not pass beyond what is promised.
    pub(crate) fn stand_still(&self, still: bool) {
        self.stands_still.store(still, Ordering::Release);
    }

    /// Engine time, for a look that uses none of it: no batch has a later one. One that begins from here
    /// on may have an earlier one if time stands still meanwhile.
    pub(crate) fn look_ms(&self) -> u64 {
        let now_ms = self.advance();
        if self.stands_still.load(Ordering::Acquire) {
            now_ms.min(self.promised_ms.load(Ordering::Acquire))
        } else {
            now_ms
        }
    }

    /// A moment before which nothing happens any more, whatever becomes of time: also if it is to
    /// stand still.
    pub(crate) fn passed_ms(&self) -> u64 {
        self.look_ms().min(self.promised_ms())
    }

    /// Whether a moment has come, for a look that uses no time.
    pub(crate) fn may_be_past(&self, moment_ms: u64) -> bool {
        self.advance() >= moment_ms
    }

    /// How long until a moment comes, in milliseconds.
    pub(crate) fn until_ms(&self, moment_ms: u64) -> u64 {
        moment_ms.saturating_sub(self.advance())
    }

    /// Whether the log should write a new promise.
    pub(crate) fn wants_promise(&self) -> bool {
        self.promise_wanted.load(Ordering::Acquire)
    }

    /// The promise that the next group carries.
    pub(crate) fn next_promise_ms(&self) -> u64 {
        let promised_ms = self.promised_ms.load(Ordering::Acquire);
        if self.wants_promise() {
            promised_ms.max(self.advance() + CLOCK_AHEAD_MS)
        } else {
            promised_ms
        }
    }

    /// No moment that was used is later than this.
    pub(crate) fn promised_ms(&self) -> u64 {
        self.promised_ms.load(Ordering::Acquire)
    }

    /// The log holds the promise durably.
    pub(crate) fn promised(&self, until_ms: u64) {
        self.promised_ms.fetch_max(until_ms, Ordering::AcqRel);
        self.promise_wanted.store(false, Ordering::Release);
    }

    /// By how much the wall is off while it is not followed; 0 while it is.
    pub(crate) fn stepped_ms(&self) -> u64 {
        self.stepped_ms.load(Ordering::Relaxed)
    }
}
