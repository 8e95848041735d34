//! Answers in the order of their requests, from whichever thread and in whichever order they come.
//!
//! Every request of a connection has a number, and so has every reply that the front gives itself.
//! What comes in turn is appended to the bytes that leave next, a run of answers at once; what
//! comes early waits in one shared buffer, so that no answer costs an allocation.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tidegate_engine::contract::Renderer;
use tidegate_engine::{Answer, ReplySink};

use crate::limits::{IN_FLIGHT_MAX, KEPT_BYTES_MAX};
use crate::render::RespRenderer;
use crate::wire::Protocol;

/// The answers of one connection.
#[derive(Debug, Default)]
pub(crate) struct Replies(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of the first request that is not answered in turn.
    next: u64,
    /// Answers up to that one, which the connection has not taken.
    ready: Vec<u8>,
    early: Early,
    /// The connection's task, while it wants to be told of more.
    waker: Option<Waker>,
    /// Nobody takes answers any more.
    is_closed: bool,
    /// The peer has said all that it will: mostly it is gone.
    is_left: bool,
}

/// How far a connection's requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The number of the first request that is not answered in turn.
    pub(crate) next: u64,
    /// Bytes of answers that the connection has not taken.
    pub(crate) bytes_waiting: usize,
    /// Bytes of memory that answers take here, or may take again.
    pub(crate) bytes_held: usize,
}

impl Replies {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a reply that the connection's own task gives; it needs no waking.
    pub(crate) fn answer(&self, token: u64, bytes: &[u8]) -> Progress {
        let mut state = self.lock();
        state.take(std::iter::once((token, bytes.len())), 0, bytes);
        state.progress()
    }

    /// Moves what can leave to `out`, if that is empty, and has the task woken when there is more.
    pub(crate) fn collect(&self, cx: &Context<'_>, out: &mut Vec<u8>) -> Progress {
        let mut state = self.lock();
        if out.is_empty() {
            std::mem::swap(out, &mut state.ready);
        }
        // Under the lock under which answers arrive: none can slip in between.
        match &mut state.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            waker => *waker = Some(cx.waker().clone()),
        }
        state.progress()
    }

    /// Gives memory back that a quiet connection does not need.
    pub(crate) fn relax(&self) -> Progress {
        let mut state = self.lock();
        state.ready.shrink_to_fit();
        state.early.bytes.shrink_to_fit();
        state.progress()
    }

    /// Has the task look again.
    pub(crate) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The peer says nothing more.
    pub(crate) fn leave(&self) {
        self.lock().is_left = true;
    }

    /// From now on answers are thrown away.
    pub(crate) fn close(&self) {
        *self.lock() = State {
            is_closed: true,
            ..State::default()
        };
    }

    fn deliver(&self, answers: &[Answer], start: usize, bytes: &[u8]) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        let before = state.next;
        state.take(
            answers.iter().map(|answer| (answer.token, answer.end)),
            start,
            bytes,
        );
        let waker = if state.next > before {
            state.waker.take()
        } else {
            None
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    fn progress(&self) -> Progress {
        let bytes_waiting = self.ready.len() + self.early.bytes_live;
        Progress {
            next: self.next,
            bytes_waiting,
            bytes_held: self.ready.capacity() + self.early.bytes.capacity(),
        }
    }

    /// Takes a run of answers, each with the number of its request and where its bytes end.
    fn take(&mut self, answers: impl Iterator<Item = (u64, usize)>, start: usize, bytes: &[u8]) {
        // Answers in turn which are not appended yet: `from..at` of `bytes`.
        let (mut from, mut at) = (start, start);
        for (token, end) in answers {
            if token == self.next {
                self.next += 1;
                at = end;
                if self.early.turn() {
                    self.ready.extend_from_slice(&bytes[from..at]);
                    from = at;
                    self.next += self.early.drain(&mut self.ready);
                }
            } else {
                self.ready.extend_from_slice(&bytes[from..at]);
                self.early.put(token - self.next, &bytes[at..end]);
                (from, at) = (end, end);
            }
        }
        self.ready.extend_from_slice(&bytes[from..at]);
    }
}

/// Answers whose turn has not come.
#[derive(Debug, Default)]
struct Early {
    /// Where the answers from the next one on lie in `bytes`, as far as they have come.
    places: VecDeque<Option<(usize, usize)>>,
    bytes: Vec<u8>,
    /// Bytes of answers that still wait.
    bytes_live: usize,
}

impl Early {
    /// The next request was answered: the turn is on the one behind it. Whether that has come.
    fn turn(&mut self) -> bool {
        self.places.pop_front();
        matches!(self.places.front(), Some(Some(_)))
    }

    /// Keeps the answer that is so many behind the next.
    fn put(&mut self, distance: u64, bytes: &[u8]) {
        assert!(
            distance <= IN_FLIGHT_MAX,
            "a connection bounds its requests in flight"
        );
        let at = usize::try_from(distance).expect("because it is bounded");
        if self.places.len() <= at {
            self.places.resize(at + 1, None);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.bytes_live += bytes.len();
        let twice = self.places[at].replace((start, self.bytes.len()));
        debug_assert_eq!(twice, None, "a request is answered once");
    }

    /// Moves the answers whose turn it is to `out`, and counts them.
    fn drain(&mut self, out: &mut Vec<u8>) -> u64 {
        let mut count = 0;
        while let Some(Some((start, end))) = self.places.front() {
            out.extend_from_slice(&self.bytes[*start..*end]);
            self.bytes_live -= end - start;
            self.places.pop_front();
            count += 1;
        }
        self.compact();
        count
    }

    /// Drops bytes that have left, once they outweigh those that wait.
    fn compact(&mut self) {
        if self.bytes_live == 0 {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES_MAX);
        } else if self.bytes.len() > KEPT_BYTES_MAX && self.bytes.len() > 4 * self.bytes_live {
            let mut kept = Vec::with_capacity(2 * self.bytes_live);
            for (start, end) in self.places.iter_mut().flatten() {
                let moved = kept.len();
                kept.extend_from_slice(&self.bytes[*start..*end]);
                (*start, *end) = (moved, kept.len());
            }
            self.bytes = kept;
        }
    }
}

/// The engine's end of a connection, for requests made under one protocol. A change of protocol
/// makes another one over the same [`Replies`]; what was asked before is still answered as before.
#[derive(Debug)]
pub(crate) struct Sink {
    renderer: &'static RespRenderer,
    replies: Arc<Replies>,
}

impl Sink {
    pub(crate) fn shared(protocol: Protocol, replies: &Arc<Replies>) -> Arc<dyn ReplySink> {
        let renderer = RespRenderer::of(protocol);
        Arc::new(Self {
            renderer,
            replies: Arc::clone(replies),
        })
    }
}

impl ReplySink for Sink {
    fn renderer(&self) -> &dyn Renderer {
        self.renderer
    }

    fn is_next(&self, token: u64) -> bool {
        self.replies.lock().next == token
    }

    fn is_gone(&self, _token: u64) -> bool {
        let state = self.replies.lock();
        state.is_closed || state.is_left
    }

    fn deliver(&self, answers: &[Answer], start: usize, bytes: &[u8]) {
        self.replies.deliver(answers, start, bytes);
    }
}

#[cfg(test)]
mod tests;
