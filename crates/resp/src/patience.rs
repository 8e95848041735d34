//! How long a connection is waited for. The clock is looked at from time to time; a request does
//! not set a timer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::limits::WRITE_TIMEOUT;

/// The clock of a connection.
pub(crate) struct Patience {
    check: Pin<Box<Sleep>>,
    every: Duration,
    idle_timeout: Duration,
    /// When the peer last gave a request.
    requested_at: Instant,
    /// When the peer last took bytes, or was last given some after it had taken all.
    took_at: Instant,
}

impl Patience {
    pub(crate) fn new(idle_timeout: Duration) -> Self {
        let every = idle_timeout.min(WRITE_TIMEOUT) / 2;
        let now = Instant::now();
        Self {
            check: Box::pin(sleep(every)),
            every,
            idle_timeout,
            requested_at: now,
            took_at: now,
        }
    }

    /// The peer gave a request.
    pub(crate) fn requested(&mut self) {
        self.requested_at = Instant::now();
    }

    /// The peer took bytes, or was given the first.
    pub(crate) fn took(&mut self) {
        self.took_at = Instant::now();
    }

    /// Whether it is time to look, once per interval. Has the task woken when it is.
    pub(crate) fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        match self.check.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.check.as_mut().reset(Instant::now() + self.every);
                true
            }
            Poll::Pending => false,
        }
    }

    /// Whether the peer has let its time pass: with bytes to take, or with nothing asked. While
    /// the engine owes it an answer, it may wait.
    pub(crate) fn is_over(&self, has_bytes_to_take: bool, is_answered: bool) -> bool {
        if has_bytes_to_take {
            self.took_at.elapsed() >= WRITE_TIMEOUT
        } else {
            is_answered && self.requested_at.elapsed() >= self.idle_timeout
        }
    }
}
