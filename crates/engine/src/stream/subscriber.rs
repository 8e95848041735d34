//! What waits for one subscriber.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::replay::Replayed;
use super::told::ToldEvent;
use crate::event::EventFilter;
use crate::limits::SUBSCRIBER_BYTES_MAX;

/// Told that something waits for a subscriber. It is called on threads that others wait for.
pub type Bell = Box<dyn Fn() + Send + Sync>;

/// What waits for one subscriber, and how it is told.
pub(crate) struct Subscriber {
    pub(crate) filter: EventFilter,
    bell: Bell,
    waiting: Mutex<Waiting>,
}

/// What waits for one subscriber.
#[derive(Default)]
pub(super) struct Waiting {
    /// New events, in order.
    events: VecDeque<Arc<ToldEvent>>,
    bytes: usize,
    /// Stored events that are newer than what all partitions have told so far, in order.
    seam: VecDeque<Arc<ToldEvent>>,
    /// Nothing before this number can come any more.
    up_to: u64,
    /// A page of stored events that was asked for.
    pub(super) page: Option<Replayed>,
    pub(super) end: Option<End>,
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was too slow, or events that it was to get are kept no more.
    FellBehind,
    /// The engine has stopped.
    Stopped,
}

impl Subscriber {
    pub(super) fn new(filter: EventFilter, bell: Bell) -> Self {
        Self {
            filter,
            bell,
            waiting: Mutex::default(),
        }
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wants(&self, event: &ToldEvent) -> bool {
        let info = event.info();
        self.filter.takes(&info.domain, &info.name, &info.key)
    }

    /// Adds those of some events that it wants; nothing before `up_to` can come any more. `false` if
    /// too much waits: then it has fallen behind.
    pub(super) fn tell(&self, events: &[Arc<ToldEvent>], up_to: u64) -> bool {
        let mut waiting = self.waiting();
        waiting.up_to = up_to;
        let mut has_come = waiting
            .seam
            .front()
            .is_some_and(|event| event.cursor() < up_to);
        for event in events.iter().filter(|event| self.wants(event)) {
            waiting.bytes += event.bytes();
            waiting.events.push_back(Arc::clone(event));
            has_come = true;
        }
        let is_too_much = waiting.bytes > SUBSCRIBER_BYTES_MAX;
        drop(waiting);
        if is_too_much {
            self.end(End::FellBehind);
        } else if has_come {
            (self.bell)();
        }
        !is_too_much
    }

    /// Nothing more comes, and what waits is let go.
    pub(super) fn end(&self, end: End) {
        let mut waiting = self.waiting();
        let end = waiting.end.unwrap_or(end);
        *waiting = Waiting::default();
        waiting.end = Some(end);
        drop(waiting);
        (self.bell)();
    }

    /// A page of stored events has come.
    pub(super) fn replayed(&self, page: Replayed) {
        self.waiting().page = Some(page);
        (self.bell)();
    }
}

impl Waiting {
    /// Begins where the streams are.
    pub(super) fn begin(&mut self, up_to: u64) {
        self.up_to = up_to;
    }

    pub(super) fn up_to(&self) -> u64 {
        self.up_to
    }

    /// Keeps stored events until it is certain that nothing comes before them.
    pub(super) fn sew(&mut self, seam: impl Iterator<Item = Arc<ToldEvent>>) {
        self.seam.extend(seam);
    }

    /// Takes what has come, in order, without what is not wanted.
    pub(super) fn take(&mut self, wanted: impl Fn(&ToldEvent) -> bool) -> Vec<Arc<ToldEvent>> {
        self.bytes = 0;
        let mut events: Vec<_> = self
            .events
            .drain(..)
            .filter(|event| wanted(event))
            .collect();
        let up_to = self.up_to;
        while let Some(event) = self.seam.pop_front_if(|event| event.cursor() < up_to) {
            events.push(event);
        }
        events.sort_by_key(|event| event.cursor());
        events
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::event::{EventInfo, EventRow};

    fn event(number: u64, key: &str) -> Arc<ToldEvent> {
        let row = EventRow {
            at_ms: 0,
            name: "low".into(),
            key: key.into(),
            facts: Vec::new(),
            domain: "stock".into(),
        };
        Arc::new(ToldEvent::new(EventInfo::of(number, row)))
    }

    fn subscriber(key: Option<&str>) -> (Subscriber, Arc<AtomicUsize>) {
        let rung = Arc::new(AtomicUsize::new(0));
        let filter = EventFilter {
            key: key.map(Into::into),
            ..EventFilter::default()
        };
        let ringing = Arc::clone(&rung);
        let bell = Box::new(move || {
            ringing.fetch_add(1, Ordering::Relaxed);
        });
        (Subscriber::new(filter, bell), rung)
    }

    fn taken(subscriber: &Subscriber) -> Vec<u64> {
        let events = subscriber.waiting().take(|_| true);
        events.iter().map(|event| event.cursor()).collect()
    }

    #[test]
    fn stored_events_at_the_seam_come_in_their_place() {
        let (subscriber, rung) = subscriber(None);
        let stored = [event(5, "a"), event(9, "a")];
        subscriber.waiting().sew(stored.into_iter());
        assert_eq!(taken(&subscriber), [0; 0]);
        subscriber.tell(&[event(4, "a"), event(6, "a")], 7);
        assert_eq!(taken(&subscriber), [4, 5, 6]);
        subscriber.tell(&[], 9);
        assert_eq!(
            (taken(&subscriber), rung.load(Ordering::Relaxed)),
            (vec![], 1)
        );
        subscriber.tell(&[], 10);
        assert_eq!(
            (taken(&subscriber), rung.load(Ordering::Relaxed)),
            (vec![9], 2)
        );
    }

    #[test]
    fn who_does_not_read_is_cut_off_at_the_bound_and_keeps_nothing() {
        let (subscriber, rung) = subscriber(Some("a"));
        let others: Vec<_> = (0..10_000).map(|number| event(number, "b")).collect();
        assert!(
            subscriber.tell(&others, 1),
            "what it does not want is no burden"
        );
        assert_eq!(rung.load(Ordering::Relaxed), 0);
        let bytes = event(0, "a").bytes();
        let most = SUBSCRIBER_BYTES_MAX / bytes;
        let events: Vec<_> = (0..=most as u64).map(|number| event(number, "a")).collect();
        assert!(subscriber.tell(&events[1..], 2));
        assert!(!subscriber.tell(&events[..1], 3));
        let waiting = subscriber.waiting();
        assert_eq!(waiting.end, Some(End::FellBehind));
        assert!(waiting.events.is_empty() && waiting.events.capacity() == 0);
    }
}
