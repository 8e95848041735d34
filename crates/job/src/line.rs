//! Lines: who waits in which order. A line has places numbered without end, of which a run is in use. Who comes stands
//! behind the last, who is taken is the first, and who leaves from between leaves a gap.
//!
//! Gaps that touch are one, and have a mark at either end that names the other end (boundary tags: Knuth, The Art of
//! Computer Programming, volume 1, section 2.5). So a line is walked over however many have left it, and there is
//! never a gap at its ends.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::{Missing, Reads, Row, Tx};

use crate::table::{GROUP_LINES, LINES};

/// The line of the dead; those of priorities come before, the highest first.
pub(crate) const DEAD_LINE: u8 = 10;

/// The line of those that wait for their children, in no order that matters.
pub(crate) const PARENT_LINE: u8 = 11;

/// The line of groups whose jobs gather: keys, not jobs.
pub(crate) const GATHER_LINE: u8 = 12;

/// The line of a priority.
pub(crate) fn line_of(priority: u8) -> u8 {
    DEAD_LINE - 1 - priority.min(DEAD_LINE - 1)
}

/// Whose line it is, and so where its places are rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of<'a> {
    /// A queue.
    Queue(&'a str),
    /// A group of a queue, which has one line.
    Group(&'a str, &'a str),
}

impl Of<'_> {
    fn get(self, tx: &mut Tx<'_>, line: u8, place: u64) -> Result<Option<Entry>, Missing> {
        match self {
            Self::Queue(queue) => tx.get(&LINES, (queue, line, place)),
            Self::Group(queue, group) => tx.get(&GROUP_LINES, (queue, group, place)),
        }
    }

    fn put(self, tx: &mut Tx<'_>, (line, place): (u8, u64), entry: Entry) {
        match self {
            Self::Queue(queue) => tx.put(&LINES, (queue, line, place), entry),
            Self::Group(queue, group) => tx.put(&GROUP_LINES, (queue, group, place), entry),
        }
    }

    fn remove(self, tx: &mut Tx<'_>, (line, place): (u8, u64)) {
        match self {
            Self::Queue(queue) => tx.remove(&LINES, (queue, line, place)),
            Self::Group(queue, group) => tx.remove(&GROUP_LINES, (queue, group, place)),
        }
    }

    /// Names what is at a place, and gives it if memory has it.
    fn read(self, reads: &mut Reads<'_>, line: u8, place: u64) -> Option<Entry> {
        match self {
            Self::Queue(queue) => reads.get(&LINES, (queue, line, place)),
            Self::Group(queue, group) => reads.get(&GROUP_LINES, (queue, group, place)),
        }
    }
}

/// The places of a line that are in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Line {
    /// Which one.
    #[n(0)]
    pub(crate) number: u8,
    /// The first place in use, and the one behind the last.
    #[n(1)]
    pub(crate) head: u64,
    #[n(2)]
    pub(crate) tail: u64,
    /// How many stand in it.
    #[n(3)]
    pub(crate) live: u64,
}

/// What there is at a place of a line.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Entry {
    /// A job; or a group, in the line of those.
    #[n(1)]
    Job(#[cbor(n(0), with = "tidegate_engine::text")] CompactString),
    /// One end of a gap, which names the other.
    #[n(2)]
    Gap(#[n(0)] u64),
}

impl Row for Entry {}

impl Line {
    pub(crate) fn new(number: u8) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// A job stands behind the last; gives its place.
    pub(crate) fn push(&mut self, tx: &mut Tx<'_>, of: Of<'_>, id: &str) -> u64 {
        let place = self.tail;
        let entry = Entry::Job(CompactString::new(id));
        of.put(tx, (self.number, place), entry);
        self.tail += 1;
        self.live += 1;
        place
    }

    /// Who stands first in a line that has somebody in it.
    pub(crate) fn first(&self, tx: &mut Tx<'_>, of: Of<'_>) -> Result<CompactString, Missing> {
        match of.get(tx, self.number, self.head)? {
            Some(Entry::Job(id)) => Ok(id),
            Some(Entry::Gap(_)) | None => {
                unreachable!("because somebody stands at either end of a line")
            }
        }
    }

    /// Who stands at a place leaves.
    pub(crate) fn leave(&mut self, tx: &mut Tx<'_>, of: Of<'_>, place: u64) -> Result<(), Missing> {
        let first = self.gap_at(tx, of, place.checked_sub(1))?;
        let last = self.gap_at(tx, of, Some(place + 1))?;
        let (first, last) = (first.unwrap_or(place), last.unwrap_or(place));
        // Marks within the gap that this makes are marks no more.
        let before = place.saturating_sub(1).max(first);
        for inner in [before, place, (place + 1).min(last)] {
            of.remove(tx, (self.number, inner));
        }
        self.live -= 1;
        if first == self.head || last + 1 == self.tail {
            for end in [first, last] {
                of.remove(tx, (self.number, end));
            }
            if first == self.head {
                self.head = last + 1;
            } else {
                self.tail = first;
            }
        } else {
            of.put(tx, (self.number, first), Entry::Gap(last));
            of.put(tx, (self.number, last), Entry::Gap(first));
        }
        Ok(())
    }

    /// The other end of the gap that ends at a place, if there is one.
    fn gap_at(
        &self,
        tx: &mut Tx<'_>,
        of: Of<'_>,
        place: Option<u64>,
    ) -> Result<Option<u64>, Missing> {
        let Some(place) = place.filter(|place| (self.head..self.tail).contains(place)) else {
            return Ok(None);
        };
        Ok(match of.get(tx, self.number, place)? {
            Some(Entry::Gap(other)) => Some(other),
            Some(Entry::Job(_)) | None => None,
        })
    }

    /// Names the first places, so many and one that is the first then; gives who stands there, as far as memory knows.
    pub(crate) fn read_first(
        &self,
        reads: &mut Reads<'_>,
        of: Of<'_>,
        many: u64,
    ) -> Vec<CompactString> {
        let places = (self.head..self.tail).zip(0..=many);
        let entries = places.map(|(place, _)| of.read(reads, self.number, place));
        let ids = entries.filter_map(|entry| match entry? {
            Entry::Job(id) => Some(id),
            Entry::Gap(_) => None,
        });
        ids.collect()
    }

    /// Names what may change beside one that leaves this place.
    pub(crate) fn read_beside(&self, reads: &mut Reads<'_>, of: Of<'_>, place: u64) {
        for beside in [place.checked_sub(1), Some(place + 1)]
            .into_iter()
            .flatten()
        {
            if (self.head..self.tail).contains(&beside) {
                of.read(reads, self.number, beside);
            }
        }
    }
}
