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

    /// The same, woken by the clock of this thread.
    pub(crate) fn here(self) -> Self {
        let check = Box::pin(sleep(self.every));
        Self { check, ..self }
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::time::advance;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn peer_that_takes_nothing_is_given_up_and_one_that_takes_a_byte_is_not() {
        let mut patience = Patience::new(10 * MINUTE);
        advance(WRITE_TIMEOUT - Duration::from_secs(1)).await;
        assert!(!patience.is_over(true, false));
        patience.took();
        advance(Duration::from_secs(2)).await;
        assert!(!patience.is_over(true, true));
        advance(WRITE_TIMEOUT).await;
        assert!(patience.is_over(true, true));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_is_who_has_asked_nothing_and_is_owed_nothing() {
        let mut patience = Patience::new(MINUTE);
        advance(2 * MINUTE).await;
        assert!(patience.is_over(false, true));
        assert!(
            !patience.is_over(false, false),
            "the engine owes it an answer"
        );
        patience.requested();
        assert!(!patience.is_over(false, true));
    }

    #[tokio::test(start_paused = true)]
    async fn clock_is_due_once_per_interval() {
        let mut patience = Patience::new(MINUTE);
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(!patience.is_due(cx));
        advance(MINUTE).await;
        assert!(patience.is_due(cx));
        assert!(!patience.is_due(cx));
    }
}
