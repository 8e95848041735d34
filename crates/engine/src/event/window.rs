//! The windows of one partition: which events are kept, and which leaves next.
//!
//! A kind of event says how long it is kept, and a domain has a bound by count, so that one cannot
//! evict another's. What is kept is derived memory, built from the rows at a start: the number of an
//! event is also its time, so of each kind they leave in the order in which they came. Nothing is set
//! for an event to leave and nothing is searched. It leaves with the next batch after its time, and
//! where there is none, with one of its own some seconds later; its row goes, and the floor of its
//! kind rises to it, in the record of that batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use imbl::Vector;

use super::Floors;
use super::kept::{Kept, Line, Place};
use crate::contract::EventDef;
use crate::key::Slot;
use crate::limits::{EVENT_KEPT_MS_DEFAULT, EVENTS_KEPT, EVENTS_LATE_MS};

/// Which events of a partition are kept, and how long.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    kept: Arc<Kept>,
    /// How many are kept of each domain.
    counts: BTreeMap<CompactString, usize>,
    /// When the first one's time is over; 0 if a domain has too many.
    due_ms: Option<u64>,
    /// How many came since this was last asked.
    noted: usize,
}

/// An event that leaves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) domain: CompactString,
    pub(crate) name: CompactString,
    pub(crate) at: Place,
}

impl Windows {
    /// Windows for these kinds of events, with nothing in them yet.
    pub(crate) fn new(defs: &[EventDef], floors: Floors) -> Self {
        let lines = defs.iter();
        let lines = lines.map(|def| line(def.domain, def.name, def.keep_ms));
        let kept = Kept {
            lines: lines.collect(),
            floors,
        };
        Self {
            kept: Arc::new(kept),
            ..Self::default()
        }
    }

    /// Adds one that a start has found, in whatever order.
    pub(crate) fn found(&mut self, domain: &str, name: &str, number: u64, slot: Slot) {
        self.keep(domain, name, Place { number, slot });
    }

    /// All that a start has found was added.
    pub(crate) fn complete(&mut self) {
        for line in &mut Arc::make_mut(&mut self.kept).lines {
            line.places.sort();
        }
        self.look();
    }

    /// Adds one that was emitted just now.
    pub(crate) fn note(&mut self, def: &EventDef, number: u64, slot: Slot) {
        let due_ms = self.keep(def.domain, def.name, Place { number, slot });
        self.noted += 1;
        self.due_ms = match self.has_too_many(def.domain) {
            true => Some(0),
            false => [self.due_ms, due_ms].into_iter().flatten().min(),
        };
    }

    /// Adds one to its kind; says when the first of that is to leave. One of a kind that no domain
    /// declares any more is kept as others are that say nothing.
    fn keep(&mut self, domain: &str, name: &str, place: Place) -> Option<u64> {
        let lines = &mut Arc::make_mut(&mut self.kept).lines;
        let is_it = |line: &Line| line.domain == domain && line.name == name;
        let at = lines.iter().position(is_it).unwrap_or_else(|| {
            lines.push(line(domain, name, EVENT_KEPT_MS_DEFAULT));
            lines.len() - 1
        });
        lines[at].places.push_back(place);
        match self.counts.get_mut(domain) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(domain.into(), 1);
            }
        }
        lines[at].due_ms()
    }

    fn has_too_many(&self, domain: &str) -> bool {
        let count = self.counts.get(domain);
        count.is_some_and(|count| *count > EVENTS_KEPT)
    }

    /// Finds out when the next one is to leave.
    fn look(&mut self) {
        let has_too_many = self.counts.values().any(|count| *count > EVENTS_KEPT);
        self.due_ms = match has_too_many {
            true => Some(0),
            false => self.kept.lines.iter().filter_map(Line::due_ms).min(),
        };
    }

    /// When a batch is to run for this alone: a little late, so that one serves many.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let late_ms = |due_ms| {
            if due_ms == 0 {
                0
            } else {
                due_ms + EVENTS_LATE_MS
            }
        };
        self.due_ms.map(late_ms)
    }

    /// How many came since this was last asked.
    pub(crate) fn take_noted(&mut self) -> usize {
        std::mem::take(&mut self.noted)
    }

    /// What is kept, as it is now.
    pub(crate) fn kept(&self) -> &Arc<Kept> {
        &self.kept
    }

    /// Takes out the next one that is to leave by now.
    pub(crate) fn drop_next(&mut self, now_ms: u64) -> Option<Dropped> {
        self.due_ms.filter(|due_ms| *due_ms <= now_ms)?;
        let leaves = |line: &Line| {
            let is_over = line.due_ms().is_some_and(|due_ms| due_ms <= now_ms);
            is_over || self.has_too_many(&line.domain)
        };
        let lines = self.kept.lines.iter().enumerate();
        let leaving = lines.filter(|(_, line)| leaves(line));
        let firsts = leaving.filter_map(|(at, line)| Some((*line.places.front()?, at)));
        let (place, at) = firsts.min()?;
        let kept = Arc::make_mut(&mut self.kept);
        let line = &mut kept.lines[at];
        line.places.pop_front();
        let (domain, name) = (line.domain.clone(), line.name.clone());
        kept.floors.raise(&domain, &name, place.number);
        if let Some(count) = self.counts.get_mut(&domain) {
            *count -= 1;
        }
        self.look();
        Some(Dropped {
            domain,
            name,
            at: place,
        })
    }
}

fn line(domain: &str, name: &str, keep_ms: u64) -> Line {
    Line {
        domain: domain.into(),
        name: name.into(),
        keep_ms,
        places: Vector::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;

    use crate::event::EventFilter;
    use crate::ids::{self, EPOCH_MS};

    const LOW: EventDef = EventDef {
        keep_ms: 100,
        ..EventDef::new("stock", "stock_low", "")
    };
    const SOLD: EventDef = EventDef {
        keep_ms: 300,
        ..EventDef::new("stock", "sold", "")
    };
    const PAID: EventDef = EventDef {
        keep_ms: 300,
        ..EventDef::new("order", "paid", "")
    };

    fn windows() -> Windows {
        Windows::new(&[LOW, SOLD, PAID], Floors::default())
    }

    fn number(ms: u64, sequence: u64) -> u64 {
        ids::first_of(EPOCH_MS + ms) + sequence
    }

    fn dropped(windows: &mut Windows, ms: u64) -> Vec<(CompactString, u64)> {
        let next = || windows.drop_next(EPOCH_MS + ms);
        let all = std::iter::from_fn(next).inspect(|dropped| assert_eq!(dropped.at.slot, Slot(3)));
        all.map(|dropped| (dropped.name, dropped.at.number))
            .collect()
    }

    #[test]
    fn each_kind_is_kept_as_long_as_it_says() {
        let mut windows = windows();
        assert_eq!(windows.next_ms(), None);
        windows.note(&SOLD, number(0, 0), Slot(3));
        windows.note(&LOW, number(10, 0), Slot(3));
        windows.note(&LOW, number(20, 0), Slot(3));
        assert_eq!(windows.next_ms(), Some(EPOCH_MS + 110 + EVENTS_LATE_MS));
        assert_eq!(dropped(&mut windows, 109), []);
        assert_eq!(
            dropped(&mut windows, 110),
            [("stock_low".into(), number(10, 0))]
        );
        assert_eq!(
            dropped(&mut windows, 300),
            [
                ("sold".into(), number(0, 0)),
                ("stock_low".into(), number(20, 0))
            ]
        );
        assert_eq!(windows.next_ms(), None);
        assert_eq!(
            windows.kept().floors().get("stock", "sold"),
            Some(number(0, 0))
        );
        assert_eq!(windows.kept().floors().get("order", "paid"), None);
    }

    #[test]
    fn a_domain_with_too_many_loses_its_own_oldest_and_no_other_s() {
        let mut windows = windows();
        windows.note(&PAID, number(0, 0), Slot(3));
        windows.note(&SOLD, number(1, 0), Slot(3));
        let many = EVENTS_KEPT as u64;
        for sequence in 0..many {
            windows.note(&LOW, number(2, sequence), Slot(3));
        }
        assert_eq!(windows.next_ms(), Some(0), "at once");
        assert_eq!(dropped(&mut windows, 3), [("sold".into(), number(1, 0))]);
        windows.note(&LOW, number(2, many), Slot(3));
        assert_eq!(
            dropped(&mut windows, 3),
            [("stock_low".into(), number(2, 0))]
        );
    }

    #[test]
    fn a_start_finds_the_same_windows_whatever_the_order_of_rows() {
        let mut windows = windows();
        for ms in [40, 10, 30] {
            windows.found("stock", "stock_low", number(ms, 0), Slot(3));
        }
        windows.found("gone", "forgotten", number(20, 0), Slot(3));
        windows.complete();
        assert_eq!(windows.next_ms(), Some(EPOCH_MS + 110 + EVENTS_LATE_MS));
        assert_eq!(
            dropped(&mut windows, 130),
            [
                ("stock_low".into(), number(10, 0)),
                ("stock_low".into(), number(30, 0))
            ]
        );
        let by_default = EVENT_KEPT_MS_DEFAULT + 20;
        assert_eq!(dropped(&mut windows, by_default).len(), 2);
    }

    fn wanted(windows: &Windows, filter: &EventFilter, range: Range<u64>) -> Vec<u64> {
        let places = windows.kept().wanted(filter, range);
        places.map(|place| place.number).collect()
    }

    #[test]
    fn those_wanted_are_those_of_the_kinds_named_within_the_range_by_number() {
        let mut windows = windows();
        let [a, b, c, d] = [10, 20, 30, 40].map(|ms| number(ms, 0));
        windows.note(&LOW, a, Slot(3));
        windows.note(&SOLD, b, Slot(9));
        windows.note(&PAID, c, Slot(3));
        windows.note(&LOW, d, Slot(1));
        let all = EventFilter::default();
        assert_eq!(wanted(&windows, &all, 0..u64::MAX), [a, b, c, d]);
        assert_eq!(wanted(&windows, &all, b..d), [b, c]);
        assert_eq!(wanted(&windows, &all, a + 1..b), []);
        assert_eq!(wanted(&windows, &all, d..a), []);
        let of_stock = EventFilter {
            domain: Some("stock".into()),
            ..EventFilter::default()
        };
        assert_eq!(wanted(&windows, &of_stock, 0..u64::MAX), [a, b, d]);
        let named = EventFilter {
            name: Some("stock_low".into()),
            ..of_stock
        };
        assert_eq!(wanted(&windows, &named, 0..u64::MAX), [a, d]);
    }

    #[test]
    fn a_copy_is_not_changed_by_what_comes_and_goes_later() {
        let mut windows = windows();
        let (a, b) = (number(10, 0), number(20, 0));
        windows.note(&LOW, a, Slot(3));
        let copy = Arc::clone(windows.kept());
        windows.note(&LOW, b, Slot(3));
        assert_eq!(dropped(&mut windows, 115), [("stock_low".into(), a)]);
        let seen: Vec<_> = copy.wanted(&EventFilter::default(), 0..u64::MAX).collect();
        assert_eq!(
            seen,
            [Place {
                number: a,
                slot: Slot(3)
            }]
        );
        assert_eq!(copy.floors().get("stock", "stock_low"), None);
        assert_eq!(wanted(&windows, &EventFilter::default(), 0..u64::MAX), [b]);
    }
}
