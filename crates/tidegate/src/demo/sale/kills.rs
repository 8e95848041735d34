//! Killing the server while people come, on a thread beside the crowd.
//!
//! The thread stays as long as the server is to live: a process hears of the end of the thread that has started it
//! as of the end of its owner.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::shop::{Error, ShopServer};
use crate::interrupt::Interrupt;

/// A server that is killed now and then.
pub(super) struct Kills {
    thread: JoinHandle<Result<(), Error>>,
    end: Sender<Infallible>,
    count: Arc<AtomicU32>,
}

impl Kills {
    /// Kills the server so long after a start that is so far away, and starts it again each time.
    pub(super) fn begin(
        mut server: ShopServer,
        after_ms: impl Iterator<Item = u64>,
        starts_in_ms: u64,
        interrupt: &Interrupt,
    ) -> Self {
        let began = Instant::now();
        let moments: Vec<_> = after_ms
            .map(|after_ms| began + Duration::from_millis(starts_in_ms + after_ms))
            .collect();
        let (end, ended) = mpsc::channel::<Infallible>();
        let interrupt = interrupt.clone();
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let kill = move || {
            for moment in moments {
                let left = moment.saturating_duration_since(Instant::now());
                let is_over = ended.recv_timeout(left) != Err(RecvTimeoutError::Timeout);
                if is_over || interrupt.check().is_err() {
                    break;
                }
                server.kill_and_start()?;
                counted.fetch_add(1, Ordering::Relaxed);
            }
            // Nothing is sent: it ends with the sender.
            ended.recv().ok();
            Ok(())
        };
        Self {
            thread: thread::spawn(kill),
            end,
            count,
        }
    }

    /// How often the server was killed, and started again.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Ends the server; says whether it could be started again each time.
    pub(super) fn end(self) -> Result<(), Error> {
        drop(self.end);
        self.thread
            .join()
            .expect("because a panic ends the process")
    }
}
