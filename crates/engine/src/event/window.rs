//! The windows of one partition: which events are kept, and which leaves next.
//!
//! A kind of event says how long it is kept, and a domain has a bound by count, so that one cannot
//! evict another's. What is kept is derived memory, built from the rows at a start: the number of an
//! event is also its time, so of each kind they leave in the order in which they came. Nothing is set
//! for an event to leave and nothing is searched. It leaves with the next batch after its time, and
//! where there is none, with one of its own some seconds later; its row goes, and the floor of its
//! kind rises to it, in the record of that batch.

use std::collections::VecDeque;
use std::sync::Arc;

use compact_str::CompactString;

use super::Floors;
use crate::contract::EventDef;
use crate::ids;
use crate::key::Slot;
use crate::limits::{EVENT_KEPT_MS_DEFAULT, EVENTS_KEPT, EVENTS_LATE_MS};

/// The events of a partition that are kept, and how far they were dropped.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    lines: Vec<Line>,
    floors: Arc<Floors>,
    /// When the first one's time is over; 0 if a domain has too many.
    due_ms: Option<u64>,
    /// How many came since this was last asked.
    noted: usize,
}

/// Those of one kind, oldest first.
#[derive(Debug)]
struct Line {
    domain: CompactString,
    name: CompactString,
    keep_ms: u64,
    kept: VecDeque<Kept>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    number: u64,
    slot: Slot,
}

/// An event that leaves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) domain: CompactString,
    pub(crate) name: CompactString,
    pub(crate) number: u64,
    pub(crate) slot: Slot,
}

impl Line {
    fn due_ms(&self) -> Option<u64> {
        let first = self.kept.front()?;
        Some(ids::ms_of(first.number)? + self.keep_ms)
    }
}

impl Windows {
    /// Windows for these kinds of events, with nothing in them yet.
    pub(crate) fn new(defs: &[EventDef], floors: Floors) -> Self {
        let line = |def: &EventDef| Line {
            domain: def.domain.into(),
            name: def.name.into(),
            keep_ms: def.keep_ms,
            kept: VecDeque::new(),
        };
        Self {
            lines: defs.iter().map(line).collect(),
            floors: Arc::new(floors),
            due_ms: None,
            noted: 0,
        }
    }

    /// Adds one that a start has found, in whatever order.
    pub(crate) fn found(&mut self, domain: &str, name: &str, number: u64, slot: Slot) {
        self.line(domain, name)
            .kept
            .push_back(Kept { number, slot });
    }

    /// All that a start has found was added.
    pub(crate) fn complete(&mut self) {
        for line in &mut self.lines {
            line.kept.make_contiguous().sort_unstable();
        }
        self.look();
    }

    /// Adds one that was emitted just now.
    pub(crate) fn note(&mut self, def: &EventDef, number: u64, slot: Slot) {
        let line = self.line(def.domain, def.name);
        line.kept.push_back(Kept { number, slot });
        let due_ms = line.due_ms();
        self.noted += 1;
        self.due_ms = match self.count(def.domain) > EVENTS_KEPT {
            true => Some(0),
            false => [self.due_ms, due_ms].into_iter().flatten().min(),
        };
    }

    /// One of a kind that no domain declares any more is kept as others are that say nothing.
    fn line(&mut self, domain: &str, name: &str) -> &mut Line {
        let is_it = |line: &Line| line.domain == domain && line.name == name;
        let at = self.lines.iter().position(is_it).unwrap_or_else(|| {
            self.lines.push(Line {
                domain: domain.into(),
                name: name.into(),
                keep_ms: EVENT_KEPT_MS_DEFAULT,
                kept: VecDeque::new(),
            });
            self.lines.len() - 1
        });
        &mut self.lines[at]
    }

    fn count(&self, domain: &str) -> usize {
        let of_domain = self.lines.iter().filter(|line| line.domain == domain);
        of_domain.map(|line| line.kept.len()).sum()
    }

    /// Finds out when the next one is to leave.
    fn look(&mut self) {
        let has_too_many = self
            .lines
            .iter()
            .any(|line| self.count(&line.domain) > EVENTS_KEPT);
        self.due_ms = match has_too_many {
            true => Some(0),
            false => self.lines.iter().filter_map(Line::due_ms).min(),
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

    /// How far events were dropped.
    pub(crate) fn floors(&self) -> &Arc<Floors> {
        &self.floors
    }

    /// Takes out the next one that is to leave by now.
    pub(crate) fn drop_next(&mut self, now_ms: u64) -> Option<Dropped> {
        self.due_ms.filter(|due_ms| *due_ms <= now_ms)?;
        let has_too_many = |line: &&Line| self.count(&line.domain) > EVENTS_KEPT;
        let is_over = |line: &&Line| line.due_ms().is_some_and(|due_ms| due_ms <= now_ms);
        let leaves = |line: &&Line| has_too_many(line) || is_over(line);
        let first = |(_, line): &(usize, &Line)| line.kept.front().copied();
        let leaving = self.lines.iter().enumerate();
        let leaving = leaving.filter(|(_, line)| !line.kept.is_empty() && leaves(line));
        let (at, _) = leaving.min_by_key(first)?;
        let line = &mut self.lines[at];
        let Kept { number, slot } = line.kept.pop_front()?;
        let (domain, name) = (line.domain.clone(), line.name.clone());
        Arc::make_mut(&mut self.floors).raise(&domain, &name, number);
        self.look();
        Some(Dropped {
            domain,
            name,
            number,
            slot,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EPOCH_MS;

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
        let all = std::iter::from_fn(next).inspect(|dropped| assert_eq!(dropped.slot, Slot(3)));
        all.map(|dropped| (dropped.name, dropped.number)).collect()
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
        assert_eq!(windows.floors().get("stock", "sold"), Some(number(0, 0)));
        assert_eq!(windows.floors().get("order", "paid"), None);
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
}
