//! Where connections live: on the thread of an executor. One whose requests all run at another one moves there, which
//! saves two wake-ups of a thread for each of them, as long as that thread has time to spare.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// How long a thread is looked at before it is known how busy it is.
const LOOK: Duration = Duration::from_millis(20);

/// How much of that it has to be idle if it is to have more to do.
const IDLE_PERCENT_MIN: u128 = 40;

/// How many connections move to it then.
const MOVES_PER_LOOK: u32 = 2;

/// How busy a thread is: it tells when it sleeps.
#[derive(Debug)]
pub(super) struct Load {
    began: Instant,
    slept_ns: AtomicU64,
    /// Since when it sleeps; 0 while it does not.
    sleeps_since_ns: AtomicU64,
    look: Mutex<Look>,
}

/// What was seen when it was last looked at.
#[derive(Debug, Default)]
struct Look {
    at_ns: u64,
    slept_ns: u64,
    /// How many may move to it still.
    room: u32,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            slept_ns: AtomicU64::new(0),
            sleeps_since_ns: AtomicU64::new(0),
            look: Mutex::default(),
        }
    }
}

impl Load {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn park(&self) {
        self.sleeps_since_ns.store(self.now_ns(), Ordering::Relaxed);
    }

    pub(super) fn unpark(&self) {
        let since = self.sleeps_since_ns.swap(0, Ordering::Relaxed);
        if since > 0 {
            let slept = self.now_ns().saturating_sub(since);
            self.slept_ns.fetch_add(slept, Ordering::Relaxed);
        }
    }

    /// Whether it has time for one more connection, which is taken to come then.
    fn has_room(&self) -> bool {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ns = self.now_ns();
        if now_ns - look.at_ns >= LOOK.as_nanos() as u64 {
            let since = self.sleeps_since_ns.load(Ordering::Relaxed);
            let sleeps = if since > 0 {
                now_ns.saturating_sub(since)
            } else {
                0
            };
            let slept_ns = self.slept_ns.load(Ordering::Relaxed) + sleeps;
            let idle = u128::from(slept_ns.saturating_sub(look.slept_ns)) * 100;
            let is_idle = idle >= IDLE_PERCENT_MIN * u128::from(now_ns - look.at_ns);
            *look = Look {
                at_ns: now_ns,
                slept_ns,
                room: if is_idle { MOVES_PER_LOOK } else { 0 },
            };
        }
        let has_room = look.room > 0;
        look.room -= u32::from(has_room);
        has_room
    }
}

/// The threads of the executors.
pub(crate) struct Homes(Vec<(Handle, Arc<Load>)>);

impl Homes {
    pub(super) fn new(threads: Vec<(Handle, Arc<Load>)>) -> Self {
        Self(threads)
    }

    /// One of them, in turns, with its number.
    pub(super) fn at(&self, turn: usize) -> (usize, &Handle) {
        let at = turn % self.0.len();
        (at, &self.0[at].0)
    }
}

impl fmt::Debug for Homes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Homes({})", self.0.len())
    }
}

impl tidegate_resp::Homes for Homes {
    fn has_room(&self, executor: usize) -> bool {
        self.0[executor].1.has_room()
    }

    fn spawn(&self, executor: usize, task: tidegate_resp::Task) {
        self.0[executor].0.spawn(task);
    }
}
