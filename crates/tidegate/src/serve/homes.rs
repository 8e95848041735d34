//! Where connections live: on the thread of an executor. One whose requests all run at another one moves there, which
//! saves two wake-ups of a thread for each of them, as long as that thread has time to spare; once it has none, some leave.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::wakes::{Wakes, woken_through};

/// How long a thread is looked at before it is known how busy it is.
const LOOK: Duration = Duration::from_millis(20);

/// How much of that it has to be idle if it is to have more to do.
const IDLE_PERCENT: u128 = 40;

/// One that is idle for less has too much to do.
const BUSY_PERCENT: u128 = 5;

/// How many connections move to it, or leave it, then.
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
    comes: u32,
    /// How many are to leave it still.
    goes: u32,
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

    /// Looks at it, if the last look is long enough ago.
    fn look(&self) -> MutexGuard<'_, Look> {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ns = self.now_ns();
        let passed_ns = now_ns - look.at_ns;
        if u128::from(passed_ns) >= LOOK.as_nanos() {
            let since = self.sleeps_since_ns.load(Ordering::Relaxed);
            let sleeps = if since > 0 {
                now_ns.saturating_sub(since)
            } else {
                0
            };
            let slept_ns = self.slept_ns.load(Ordering::Relaxed) + sleeps;
            let idle = u128::from(slept_ns.saturating_sub(look.slept_ns)) * 100;
            let idle_percent = idle / u128::from(passed_ns);
            *look = Look {
                at_ns: now_ns,
                slept_ns,
                comes: if idle_percent >= IDLE_PERCENT {
                    MOVES_PER_LOOK
                } else {
                    0
                },
                goes: if idle_percent < BUSY_PERCENT {
                    MOVES_PER_LOOK
                } else {
                    0
                },
            };
        }
        look
    }
}

/// Takes one of so many.
fn take(left: &mut u32) -> bool {
    let has = *left > 0;
    *left -= u32::from(has);
    has
}

/// The thread of an executor.
pub(super) struct Home {
    pub(super) tokio: Handle,
    pub(super) load: Arc<Load>,
    pub(super) wakes: Arc<Wakes>,
}

/// The threads of the executors.
pub(crate) struct Homes(Vec<Home>);

impl Home {
    /// Has a connection live here.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = woken_through(Arc::clone(&self.wakes), task);
        self.tokio.spawn(task);
    }
}

impl Homes {
    pub(super) fn new(threads: Vec<Home>) -> Self {
        Self(threads)
    }

    /// One of them, in turns, with its number.
    pub(super) fn at(&self, turn: usize) -> (usize, &Home) {
        let at = turn % self.0.len();
        (at, &self.0[at])
    }
}

impl fmt::Debug for Homes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Homes({})", self.0.len())
    }
}

impl tidegate_resp::Homes for Homes {
    fn has_room(&self, executor: usize) -> bool {
        take(&mut self.0[executor].load.look().comes)
    }

    fn elsewhere(&self, executor: usize) -> Option<usize> {
        if self.0[executor].load.look().goes == 0 {
            return None;
        }
        let to = (0..self.0.len()).find(|to| *to != executor && self.has_room(*to))?;
        take(&mut self.0[executor].load.look().goes).then_some(to)
    }

    fn spawn(&self, executor: usize, task: tidegate_resp::Task) {
        self.0[executor].spawn(task);
    }
}
