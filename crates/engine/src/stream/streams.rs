//! Where executors tell events, and where subscribers get them from.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::subscriber::{End, Subscriber};
use super::told::ToldEvent;
use crate::key::PartitionId;
use crate::limits::{STREAM_BYTES_MAX, SUBSCRIBERS_MAX};

/// The events of a process on their way to its subscribers.
pub(crate) struct Streams {
    /// Subscribers that get new events; partitions copy none while there is nobody.
    watching: Arc<AtomicUsize>,
    /// Subscribers, those that still read stored events among them.
    admitted: Arc<AtomicUsize>,
    /// Of each partition: all its events before this number have come.
    told: Vec<AtomicU64>,
    /// An event of this number waits for partitions to say that nothing before it can come.
    wanted: AtomicU64,
    pending: Mutex<Pending>,
    arrived: Condvar,
    watchers: Mutex<Vec<Arc<Subscriber>>>,
}

/// Events that may have others before them.
#[derive(Default)]
struct Pending {
    events: BTreeMap<u64, Arc<ToldEvent>>,
    bytes: usize,
    /// All before this number were given to the subscribers.
    released: u64,
    /// Some were lost, because too many waited.
    has_lost: bool,
    /// Something has come since this was last looked at.
    has_news: bool,
    is_over: bool,
}

/// The place of a subscriber, given back when it goes.
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Streams {
    pub(crate) fn new(partitions: usize) -> Self {
        Self {
            watching: Arc::default(),
            admitted: Arc::default(),
            told: std::iter::repeat_with(AtomicU64::default)
                .take(partitions)
                .collect(),
            wanted: AtomicU64::new(0),
            pending: Mutex::default(),
            arrived: Condvar::new(),
            watchers: Mutex::default(),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Arc<Subscriber>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many subscribers get new events. A partition that has run anything which a subscriber asked
    /// for after it began to watch sees it counted.
    pub(crate) fn watching(&self) -> &Arc<AtomicUsize> {
        &self.watching
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watching.load(Ordering::Relaxed) > 0
    }

    /// A place for one more subscriber, unless there are too many.
    pub(super) fn admit(&self) -> Option<Place> {
        let before = self.admitted.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(&self.admitted));
        (before < SUBSCRIBERS_MAX).then_some(place)
    }

    /// From now on this one gets new events.
    pub(super) fn watch(&self, subscriber: &Arc<Subscriber>) {
        let mut watchers = self.watchers();
        let pending = self.pending();
        if pending.is_over {
            drop((pending, watchers));
            return subscriber.end(End::Stopped);
        }
        subscriber.waiting().begin(pending.released);
        watchers.push(Arc::clone(subscriber));
        self.watching.store(watchers.len(), Ordering::Release);
    }

    pub(super) fn leave(&self, subscriber: &Arc<Subscriber>) {
        let mut watchers = self.watchers();
        watchers.retain(|watcher| !Arc::ptr_eq(watcher, subscriber));
        self.watching.store(watchers.len(), Ordering::Release);
    }

    /// Whether a partition is to say how far it is.
    pub(crate) fn waits_for(&self, partition: PartitionId) -> bool {
        let wanted = self.wanted.load(Ordering::Acquire);
        self.told[partition.index()].load(Ordering::Acquire) <= wanted
    }

    /// Somebody waits for it to be certain that nothing before this event can come.
    pub(super) fn want(&self, number: u64) {
        self.wanted.fetch_max(number, Ordering::AcqRel);
    }

    /// Takes durable events of a partition, of which none before `up_to` can come any more. `true` if
    /// there were some: the other partitions are to say how far they are.
    pub(crate) fn tell(
        &self,
        partition: PartitionId,
        events: &mut Vec<Arc<ToldEvent>>,
        up_to: u64,
    ) -> bool {
        let last = events.last().map(|event| event.cursor());
        let mut pending = self.pending();
        for event in events.drain(..) {
            debug_assert!(event.cursor() >= pending.released, "it comes too late");
            pending.bytes += event.bytes();
            pending.events.insert(event.cursor(), event);
        }
        if pending.bytes > STREAM_BYTES_MAX {
            pending.events.clear();
            pending.bytes = 0;
            pending.has_lost = true;
        }
        // What it said while an event waited at its gate may be a little more exact than its clock.
        self.told[partition.index()].fetch_max(up_to, Ordering::AcqRel);
        pending.has_news = true;
        drop(pending);
        if let Some(last) = last {
            self.want(last);
        }
        self.arrived.notify_one();
        last.is_some()
    }

    /// Gives the subscribers what nothing can come before any more; with `wait`, waits for something
    /// to come first. `false` once it is over, or if there was nothing.
    pub(crate) fn step(&self, wait: bool) -> bool {
        let mut pending = self.pending();
        if wait {
            let idle = |pending: &mut Pending| !pending.has_news && !pending.is_over;
            let waited = self.arrived.wait_while(pending, idle);
            pending = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if pending.is_over || !pending.has_news {
            return false;
        }
        pending.has_news = false;
        let told = self.told.iter().map(|told| told.load(Ordering::Acquire));
        let up_to = told.min().unwrap_or(0).max(pending.released);
        let later = pending.events.split_off(&up_to);
        let events: Vec<_> = std::mem::replace(&mut pending.events, later)
            .into_values()
            .collect();
        pending.bytes -= events.iter().map(|event| event.bytes()).sum::<usize>();
        pending.released = up_to;
        let has_lost = std::mem::take(&mut pending.has_lost);
        drop(pending);
        self.give(&events, up_to, has_lost);
        true
    }

    fn give(&self, events: &[Arc<ToldEvent>], up_to: u64, has_lost: bool) {
        let mut watchers = self.watchers();
        watchers.retain(|watcher| {
            if has_lost {
                watcher.end(End::FellBehind);
            }
            !has_lost && watcher.tell(events, up_to)
        });
        self.watching.store(watchers.len(), Ordering::Release);
    }

    /// Nothing more comes, for anybody.
    pub(crate) fn end(&self) {
        let mut watchers = self.watchers();
        self.pending().is_over = true;
        self.arrived.notify_all();
        for watcher in watchers.drain(..) {
            watcher.end(End::Stopped);
        }
        self.watching.store(0, Ordering::Release);
    }
}
