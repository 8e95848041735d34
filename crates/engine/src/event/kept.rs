//! Which events of a partition are kept, by kind and number: an index in memory.
//!
//! The rows lie by slot, and a partition has thousands of slots: without this a page of events would
//! begin to read in each of them. A copy shares what it can, so that a scan takes one along.

use std::iter::Peekable;
use std::ops::Range;

use compact_str::CompactString;
use imbl::Vector;

use super::{EventFilter, Floors};
use crate::ids;
use crate::key::Slot;

/// The events of a partition that are kept, and how far they were dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(super) lines: Vec<Line>,
    pub(super) floors: Floors,
}

/// Those of one kind, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) domain: CompactString,
    pub(super) name: CompactString,
    pub(super) keep_ms: u64,
    pub(super) places: Vector<Place>,
}

/// Where an event lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) number: u64,
    pub(crate) slot: Slot,
}

impl Line {
    /// When the time of its first one is over.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let first = self.places.front()?;
        Some(ids::ms_of(first.number)? + self.keep_ms)
    }

    fn within(&self, range: Range<u64>) -> impl Iterator<Item = Place> {
        let from = self.index_of(range.start);
        let end = self.index_of(range.end).max(from);
        let places = self.places.focus().narrow(from..end);
        places.into_iter().copied()
    }

    /// The index of the first one from this number on.
    fn index_of(&self, number: u64) -> usize {
        let found = self.places.binary_search_by_key(&number, |at| at.number);
        found.unwrap_or_else(|next| next)
    }
}

impl Kept {
    /// How far events were dropped.
    pub(crate) fn floors(&self) -> &Floors {
        &self.floors
    }

    /// Those of wanted kinds, numbered within the range, by number. What they are about is not known here.
    pub(crate) fn wanted(
        &self,
        filter: &EventFilter,
        range: Range<u64>,
    ) -> impl Iterator<Item = Place> {
        let wanted = self.lines.iter();
        let wanted = wanted.filter(|line| filter.takes_kind(&line.domain, &line.name));
        let within = wanted.map(|line| line.within(range.clone()).peekable());
        let mut lines: Vec<_> = within.collect();
        std::iter::from_fn(move || first_of(&mut lines))
    }
}

fn first_of(lines: &mut [Peekable<impl Iterator<Item = Place>>]) -> Option<Place> {
    let firsts = lines.iter_mut().enumerate();
    let firsts = firsts.filter_map(|(at, line)| Some((*line.peek()?, at)));
    let (_, at) = firsts.min()?;
    lines[at].next()
}
