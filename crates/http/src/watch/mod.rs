//! Queries whose answers are told as they change, so that nobody has to ask again and again.
//!
//! A client waits for news with a long poll, or has them as a stream: Server-Sent Events, or WebSocket if it
//! asks for that. All of it is the same few steps:
//!
//! - `topic.rs`: a question, and its newest answer: asked once for all who want it, at the door, as any other.
//! - `follow.rs`: what is new of some topics: when it is worth to ask again, and whether that brought anything.
//! - `poll.rs`: a long poll, which ends with the first news. `seen.rs`: what a client has seen already.
//! - `stream.rs`: which queries a stream has and how it begins. `sse.rs`, `socket.rs`: how it goes on;
//!   `upgrade.rs`: how a connection becomes a WebSocket.
//!
//! Nobody queues answers: who reads slowly gets the answer that is there once it has read the last one. So a
//! watcher costs a task and no thread, and what waits for it is one answer.

pub(crate) mod follow;
pub(crate) mod poll;
pub(crate) mod seen;
mod socket;
mod sse;
pub(crate) mod stream;
mod topic;
mod upgrade;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{self, Problem};
use topic::{Question, Topic};

/// What is watched, and by how many.
pub(crate) struct Hub {
    topics: Mutex<HashMap<Arc<Question>, Weak<Topic>>>,
    places: Arc<Semaphore>,
}

impl Hub {
    /// For so many watchers at one time.
    pub(crate) fn new(watchers_max: usize) -> Self {
        let places = watchers_max.min(Semaphore::MAX_PERMITS);
        Self {
            topics: Mutex::default(),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// A place for one more watcher, until it is dropped. Nobody waits for one.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Problem::plain(problem::BUSY))
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Arc<Question>, Weak<Topic>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
