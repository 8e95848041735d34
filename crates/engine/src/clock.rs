//! Engine time: follows the monotonic clock, leans towards the wall, and is promised durably.
//!
//! A moment is used only once the log holds a record "clock up to T" with T behind it. A restart
//! begins at T or at the wall, whichever is later, so engine time never runs back.
//!
//! What the wall says is followed unless it was set: a step is a change of more than
//! [`CLOCK_STEP_MS`] between two looks, beside the time that has passed. Then the course is that of the
//! monotonic clock, until the wall is back on it (or where engine time is). A lead over the wall that a
//! start has brought is no step, however many starts have added to it, and leans back.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{
    CLOCK_AHEAD_MS, CLOCK_AHEAD_MS_MIN, CLOCK_JUMP_MS_MAX, CLOCK_LEAD_MS_MAX, CLOCK_SLEW_PERMILLE,
    CLOCK_STEP_MS,
};

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
    /// Engine time at the start.
    began_ms: u64,
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
    /// Where engine time leans: what the wall says, or would say had nobody set it.
    course_us: u64,
    /// What is left over of the last lean, in thousandths of a microsecond.
    lean_left: u64,
}

impl State {
    /// Time passes on both, by the monotonic clock.
    fn pass(&mut self, monotonic_us: u64) -> u64 {
        let passed_us = monotonic_us.saturating_sub(self.monotonic_us);
        self.monotonic_us = self.monotonic_us.max(monotonic_us);
        self.engine_us += passed_us;
        self.course_us += passed_us;
        passed_us
    }

    /// Takes the wall's course, unless it was set; gives by how much it is off then, and 0 otherwise.
    fn look_at_wall(&mut self, wall_us: u64) -> u64 {
        let off_us = wall_us.abs_diff(self.course_us);
        let nearer_us = off_us.min(wall_us.abs_diff(self.engine_us));
        if nearer_us > CLOCK_STEP_MS * 1_000 {
            return off_us;
        }
        self.course_us = wall_us;
        0
    }

    /// Brings engine time nearer to the course, by no more than a share of what has passed.
    fn lean(&mut self, passed_us: u64) {
        let thousandths = passed_us * CLOCK_SLEW_PERMILLE + self.lean_left;
        let off_us = self.course_us.abs_diff(self.engine_us);
        let lean_us = (thousandths / 1_000).min(off_us);
        self.lean_left = thousandths % 1_000;
        if self.course_us > self.engine_us {
            self.engine_us += lean_us;
        } else {
            self.engine_us -= lean_us;
        }
    }
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
        let began_ms = wall_ms.max(promised_ms);
        let was_set_back = began_ms - wall_ms > CLOCK_LEAD_MS_MAX;
        let course_ms = if was_set_back { began_ms } else { wall_ms };
        let state = State {
            monotonic_us: source.monotonic_us(),
            engine_us: began_ms * 1_000,
            course_us: course_ms * 1_000,
            lean_left: 0,
        };
        Ok(Self {
            source,
            state: Mutex::new(state),
            began_ms,
            promised_ms: AtomicU64::new(promised_ms),
            promise_wanted: AtomicBool::new(true),
            stands_still: AtomicBool::new(false),
            stepped_ms: AtomicU64::new(0),
        })
    }

    /// A moment of this clock, for [`EngineClock::used`] or [`EngineClock::seen`].
    pub(crate) fn moment_ms(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed_us = state.pass(self.source.monotonic_us());
        let off_us = state.look_at_wall(self.source.wall_ms() * 1_000);
        self.stepped_ms.store(off_us / 1_000, Ordering::Relaxed);
        state.lean(passed_us);
        state.engine_us / 1_000
    }

    /// How far ahead of a moment the next promise reaches: no further than this run has lasted, so that
    /// starts in quick succession do not each put time ahead by all of it.
    fn ahead_ms(&self, now_ms: u64) -> u64 {
        let lasted_ms = now_ms.saturating_sub(self.began_ms);
        lasted_ms.clamp(CLOCK_AHEAD_MS_MIN, CLOCK_AHEAD_MS)
    }

    /// Engine time in milliseconds; `None` until the log has promised it durably.
    pub(crate) fn now_ms(&self) -> Option<u64> {
        self.used(self.moment_ms())
    }

    /// The same as of a moment.
    pub(crate) fn used(&self, now_ms: u64) -> Option<u64> {
        let promised_ms = self.promised_ms.load(Ordering::Acquire);
        if now_ms + self.ahead_ms(now_ms) / 2 > promised_ms {
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
        self.seen(self.moment_ms())
    }

    /// The same as of a moment.
    pub(crate) fn seen(&self, now_ms: u64) -> u64 {
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
        self.moment_ms() >= moment_ms
    }

    /// How long until a moment comes, in milliseconds.
    pub(crate) fn until_ms(&self, moment_ms: u64) -> u64 {
        moment_ms.saturating_sub(self.moment_ms())
    }

    /// Whether the log should write a new promise.
    pub(crate) fn wants_promise(&self) -> bool {
        self.promise_wanted.load(Ordering::Acquire)
    }

    /// The promise that the next group carries.
    pub(crate) fn next_promise_ms(&self) -> u64 {
        let promised_ms = self.promised_ms.load(Ordering::Acquire);
        if self.wants_promise() {
            let now_ms = self.moment_ms();
            promised_ms.max(now_ms + self.ahead_ms(now_ms))
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
