//! Lines: who waits in which order. A line has places numbered without end, of which a run is in use. Who comes stands
//! behind the last, who is taken is the first, and who leaves from between leaves a gap.
//!
//! Gaps that touch are one, and have a mark at either end that names the other end (boundary tags: Knuth, The Art of
//! Computer Programming, volume 1, section 2.5). So a line is walked over however many have left it, and there is
//! never a gap at its ends.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::{Missing, Row, Tx};

use crate::table::LINES;

/// The line of the dead; those of priorities come before, the highest first.
pub(crate) const DEAD_LINE: u8 = 10;

/// The line of a priority.
pub(crate) fn line_of(priority: u8) -> u8 {
    DEAD_LINE - 1 - priority.min(DEAD_LINE - 1)
}

/// The places of a line that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
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
    /// A job.
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
            head: 0,
            tail: 0,
            live: 0,
        }
    }

    fn place<'a>(&self, queue: &'a str, place: u64) -> (&'a str, u8, u64) {
        (queue, self.number, place)
    }

    /// A job stands behind the last; gives its place.
    pub(crate) fn push(&mut self, tx: &mut Tx<'_>, queue: &str, id: &str) -> u64 {
        let place = self.tail;
        let entry = Entry::Job(CompactString::new(id));
        tx.put(&LINES, self.place(queue, place), entry);
        self.tail += 1;
        self.live += 1;
        place
    }

    /// Who stands first in a line that has somebody in it.
    pub(crate) fn first(&self, tx: &mut Tx<'_>, queue: &str) -> Result<CompactString, Missing> {
        match tx.get(&LINES, self.place(queue, self.head))? {
            Some(Entry::Job(id)) => Ok(id),
            Some(Entry::Gap(_)) | None => {
                unreachable!("because somebody stands at either end of a line")
            }
        }
    }

    /// Who stands at a place leaves.
    pub(crate) fn leave(
        &mut self,
        tx: &mut Tx<'_>,
        queue: &str,
        place: u64,
    ) -> Result<(), Missing> {
        let first = self.gap_at(tx, queue, place.checked_sub(1))?;
        let last = self.gap_at(tx, queue, Some(place + 1))?;
        let (first, last) = (first.unwrap_or(place), last.unwrap_or(place));
        // Marks within the gap that this makes are marks no more.
        for inner in [
            place.saturating_sub(1).max(first),
            place,
            (place + 1).min(last),
        ] {
            tx.remove(&LINES, self.place(queue, inner));
        }
        self.live -= 1;
        if first == self.head || last + 1 == self.tail {
            for end in [first, last] {
                tx.remove(&LINES, self.place(queue, end));
            }
            if first == self.head {
                self.head = last + 1;
            } else {
                self.tail = first;
            }
        } else {
            tx.put(&LINES, self.place(queue, first), Entry::Gap(last));
            tx.put(&LINES, self.place(queue, last), Entry::Gap(first));
        }
        Ok(())
    }

    /// The other end of the gap that ends at a place, if there is one.
    fn gap_at(
        &self,
        tx: &mut Tx<'_>,
        queue: &str,
        place: Option<u64>,
    ) -> Result<Option<u64>, Missing> {
        let Some(place) = place.filter(|place| (self.head..self.tail).contains(place)) else {
            return Ok(None);
        };
        match tx.get(&LINES, self.place(queue, place))? {
            Some(Entry::Gap(other)) => Ok(Some(other)),
            Some(Entry::Job(_)) | None => Ok(None),
        }
    }
}
