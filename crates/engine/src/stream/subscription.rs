//! The subscriber's end of a stream of events.

use std::sync::Arc;

use super::marks::Marks;
use super::replay::{Nowhere, Replay, Replayed};
use super::streams::Place;
use super::subscriber::{Bell, End, Subscriber};
use super::told::ToldEvent;
use crate::contract::{Class, Fault, Page, RequestDef, Work};
use crate::engine::Door;
use crate::event::{EventFilter, EventInfo, FellBehind};
use crate::ids;
use crate::limits::BUSY_RETRY_MS;
use crate::log::BUSY;
use crate::sink::ReplySink;

/// Where a subscription begins.
pub enum Begin<'a> {
    /// With what happens from now on.
    Now,
    /// Behind this cursor.
    After(u64),
    /// With the answer to a request that changes nothing, and then with what happens after it in each
    /// partition that it reads. In others, with what happens from now on.
    Snapshot {
        /// The domain's place among those of the door.
        domain: usize,
        /// The request.
        def: &'a RequestDef,
        /// The request, read.
        work: Work,
        /// Where its answer goes.
        sink: &'a Arc<dyn ReplySink>,
        /// What the answer is given with.
        token: u64,
    },
}

/// What there is for a subscriber.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// These, in the order of their cursors, which is their order in each partition.
    Events(Vec<Arc<ToldEvent>>),
    /// Nothing yet; the bell says when to look again.
    Nothing,
    /// Too much work is waiting: look again after so many milliseconds.
    Busy(u64),
    /// Events are missing: too much was waiting, or they are kept no more. There is nothing more to
    /// come; look at the things themselves, and subscribe again.
    FellBehind(FellBehind),
    /// The engine has stopped. There is nothing more to come.
    Stopped,
}

/// A subscription to events. It ends when it is dropped.
pub struct Subscription {
    door: Door,
    me: Arc<Subscriber>,
    _place: Place,
    phase: Phase,
    /// All wanted events up to here were taken.
    cursor: Option<u64>,
}

/// What a subscription waits for.
enum Phase {
    /// Stored events, page by page.
    Replays(Replays),
    /// New events, behind these marks.
    Follows(Arc<Marks>),
}

struct Replays {
    /// Where the next page begins.
    after: u64,
    /// It is on its way.
    is_asked: bool,
    /// New events come meanwhile: the page that is the last one joins them.
    joins: bool,
    /// Up to where the partitions were when they gave the page that was asked for last.
    marks: Option<Arc<Marks>>,
}

impl Door {
    /// Subscribes to events. `bell` is rung when there is something to take.
    ///
    /// # Errors
    /// There are too many subscribers, or the request for the snapshot is turned away.
    pub fn subscribe(
        &self,
        filter: EventFilter,
        begin: Begin<'_>,
        bell: Bell,
    ) -> Result<Subscription, Fault> {
        if self.is_stopping() {
            return Err(Fault::Stopping);
        }
        let place = self.shared.streams.admit().ok_or(BUSY)?;
        let now = ids::first_of(self.shared.clock.look_ms()).saturating_sub(1);
        let after = match begin {
            Begin::Now => Some(now),
            Begin::After(after) => Some(after),
            Begin::Snapshot { .. } => None,
        };
        let mut subscription = Subscription {
            door: self.clone(),
            me: Arc::new(Subscriber::new(filter, bell)),
            _place: place,
            phase: Phase::Replays(Replays {
                after: after.unwrap_or(now),
                is_asked: false,
                joins: false,
                marks: None,
            }),
            cursor: after,
        };
        match begin {
            Begin::Now => subscription.join(),
            Begin::After(_) => {}
            Begin::Snapshot {
                domain,
                def,
                work,
                sink,
                token,
            } => {
                assert_eq!(def.class, Class::Reads, "{} is no snapshot", def.resp);
                self.shared.streams.watch(&subscription.me);
                let marks = self.submit_marked(domain, def, work, sink, token)?;
                subscription.phase = Phase::Follows(marks);
            }
        }
        Ok(subscription)
    }
}

impl Subscription {
    /// All wanted events up to here were taken: to go on behind it misses none and gets none twice.
    /// None yet for one that began with a snapshot and has seen no event since.
    #[must_use]
    pub fn cursor(&self) -> Option<u64> {
        self.cursor
    }

    /// Whether it has come to new events, and no stored ones are left to be read.
    #[must_use]
    pub fn follows(&self) -> bool {
        matches!(self.phase, Phase::Follows(_))
    }

    /// Takes what there is. To be called until there is nothing, and again when the bell was rung.
    pub fn take(&mut self) -> Taken {
        let mut waiting = self.me.waiting();
        match waiting.end {
            Some(End::FellBehind) => return Taken::FellBehind(FellBehind { oldest: None }),
            Some(End::Stopped) => return Taken::Stopped,
            None => {}
        }
        let page = waiting.page.take();
        drop(waiting);
        match page {
            Some(Replayed {
                page: Ok(page),
                up_to,
            }) => self.take_page(page, up_to),
            Some(Replayed {
                page: Err(fell), ..
            }) => {
                self.me.end(End::FellBehind);
                Taken::FellBehind(fell)
            }
            None => self.take_new(),
        }
    }

    fn take_new(&mut self) -> Taken {
        match &self.phase {
            Phase::Replays(replays) if replays.is_asked => Taken::Nothing,
            Phase::Replays(_) => self.ask(),
            Phase::Follows(marks) if !marks.are_complete() => Taken::Nothing,
            Phase::Follows(marks) => {
                let taken = self.cursor;
                let mut waiting = self.me.waiting();
                let events = waiting.take(|event| {
                    let number = event.cursor();
                    taken.is_none_or(|taken| number > taken)
                        && marks.is_behind(ids::partition_of(number), number)
                });
                let up_to = waiting.up_to().saturating_sub(1);
                drop(waiting);
                let last = events.last().map(|event| event.cursor());
                self.cursor = taken.map_or(last, |taken| Some(taken.max(up_to)));
                if events.is_empty() {
                    return Taken::Nothing;
                }
                Taken::Events(events)
            }
        }
    }

    /// Asks for the next page of stored events.
    fn ask(&mut self) -> Taken {
        let Phase::Replays(replays) = &mut self.phase else {
            return Taken::Nothing;
        };
        let replay = Replay {
            to: Arc::clone(&self.me),
            after: replays.after,
            is_last: replays.joins,
        };
        match self.door.replay(replay) {
            Ok(marks) => {
                replays.marks = Some(marks);
                replays.is_asked = true;
                Taken::Nothing
            }
            Err(Fault::Busy { retry_after_ms } | Fault::Shed { retry_after_ms, .. }) => {
                Taken::Busy(retry_after_ms)
            }
            Err(Fault::DiskFull) => Taken::Busy(BUSY_RETRY_MS),
            Err(Fault::Stopping) => Taken::Stopped,
        }
    }

    /// Takes a page of stored events, of which all before `up_to` are certain to have none before
    /// them.
    fn take_page(&mut self, page: Page<EventInfo>, up_to: u64) -> Taken {
        let Phase::Replays(replays) = &mut self.phase else {
            return Taken::Nothing;
        };
        let events = page
            .items
            .into_iter()
            .map(|info| Arc::new(ToldEvent::new(info)));
        let mut events: Vec<_> = events.collect();
        replays.is_asked = false;
        let certain = replays.after.max(up_to.saturating_sub(1));
        replays.after = page.next.map_or(certain, |next| next.min(certain));
        let is_whole = page.next.is_none();
        let (joins, after) = (replays.joins, replays.after);
        let later = events.split_off(events.partition_point(|event| event.cursor() <= after));
        self.cursor = Some(after);
        if let Some(marks) = replays.marks.take().filter(|_| is_whole && joins) {
            self.follow(later, marks);
        } else if is_whole && !joins {
            self.join();
        }
        if events.is_empty() {
            return self.take_new();
        }
        Taken::Events(events)
    }

    /// From now on new events come, and the next whole page of stored ones joins them.
    fn join(&mut self) {
        if let Phase::Replays(replays) = &mut self.phase {
            replays.joins = true;
            self.door.shared.streams.watch(&self.me);
        }
    }

    /// Goes on with new events behind these marks, and with stored ones that may have some of them
    /// before them.
    fn follow(&mut self, seam: Vec<Arc<ToldEvent>>, marks: Arc<Marks>) {
        let shared = &self.door.shared;
        if let Some(last) = seam.last() {
            shared.streams.want(last.cursor());
            shared.wake_all();
        }
        self.me.waiting().sew(seam.into_iter());
        self.phase = Phase::Follows(marks);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.door.shared.streams.leave(&self.me);
    }
}

impl Door {
    fn replay(&self, replay: Replay) -> Result<Arc<Marks>, Fault> {
        let nowhere: Arc<dyn ReplySink> = Arc::new(Nowhere);
        self.scan_marked(Box::new(replay), &nowhere)
    }
}
