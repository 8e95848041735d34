//! The front: what all connections share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidegate_engine::Door;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::budget::Budget;
use crate::connection::Connection;
use crate::options::{Options, Task};
use crate::order::Replies;
use crate::table::CommandTable;

/// The RESP front of an engine.
pub struct Front {
    pub(crate) door: Door,
    pub(crate) options: Options,
    pub(crate) commands: CommandTable,
    pub(crate) stats: Stats,
    pub(crate) budget: Arc<Budget>,
    is_stopping: AtomicBool,
    open: Mutex<BTreeMap<u64, Arc<Replies>>>,
}

/// What the front counts.
pub(crate) struct Stats {
    started: Instant,
    connections: AtomicU64,
    turned_away: AtomicU64,
    requests: AtomicU64,
    moves: AtomicU64,
}

impl Stats {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            connections: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            moves: AtomicU64::new(0),
        }
    }

    pub(crate) fn requests(&self, more: u64) {
        self.requests.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn requests_total(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn connections_total(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn turned_away_total(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    pub(crate) fn moves_total(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Front {
    /// The front of the engine behind `door`, for every request of its domains.
    ///
    /// # Panics
    /// A domain declares a request that RESP cannot take, or two have the same name.
    #[must_use]
    pub fn new(door: Door, options: Options) -> Arc<Self> {
        let commands = CommandTable::new(door.domains());
        Arc::new(Self {
            door,
            budget: Budget::new(options.buffer_bytes_max),
            options,
            commands,
            stats: Stats::new(),
            is_stopping: AtomicBool::new(false),
            open: Mutex::default(),
        })
    }

    /// Serves a connection to its end. For the thread whose reactor `stream` is registered with, which is that of this
    /// executor.
    pub async fn serve(self: Arc<Self>, mut stream: TcpStream, executor: usize) {
        let Some(place) = Place::take(&self) else {
            self.stats.turned_away.fetch_add(1, Ordering::Relaxed);
            // It fits the empty buffer of a fresh connection; a peer that is gone misses nothing.
            drop(
                stream
                    .write_all(b"-ERR max number of clients reached\r\n")
                    .await,
            );
            return;
        };
        // Without it an answer would wait for the peer to acknowledge the one before. It fails
        // only if the peer is gone, which the first reading tells.
        drop(stream.set_nodelay(true));
        let connection = Connection::new(stream, &self, executor, (place.id, &place.replies));
        self.keep(connection, place).await;
    }

    /// Serves it here, and wherever it moves.
    fn keep(self: Arc<Self>, connection: Connection, place: Place) -> Task {
        Box::pin(async move {
            let Some((to, moving)) = connection.run().await else {
                return drop(place);
            };
            self.stats.moves.fetch_add(1, Ordering::Relaxed);
            let front = Arc::clone(&self);
            let goes_on = Box::pin(async move {
                if let Ok(connection) = moving.arrive() {
                    front.keep(connection, place).await;
                }
            });
            if let Some(homes) = &self.options.homes {
                homes.spawn(to, goes_on);
            }
        })
    }

    /// Open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.open().len()
    }

    /// Bytes that the buffers of all connections take.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.budget.taken()
    }

    /// Reads no further request. Each connection ends once its requests are answered.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        let open: Vec<_> = self.open().values().cloned().collect();
        open.iter().for_each(|replies| replies.wake());
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Replies>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an open connection, given back when it ends.
struct Place {
    front: Arc<Front>,
    id: u64,
    replies: Arc<Replies>,
}

impl Place {
    fn take(front: &Arc<Front>) -> Option<Self> {
        let mut open = front.open();
        if open.len() >= front.options.connections_max {
            return None;
        }
        let id = front.stats.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let replies = Arc::<Replies>::default();
        open.insert(id, Arc::clone(&replies));
        Some(Self {
            front: Arc::clone(front),
            id,
            replies,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.replies.close();
        self.front.open().remove(&self.id);
    }
}
