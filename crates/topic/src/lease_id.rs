//! The id of a lease: its number, and which messages it was given, so that a retry of what has ended it is understood
//! though nothing is kept of it.
//!
//! `12.17-2.6` is lease 12 of the positions 17, 18, 19 and 25: the first position, and how many follow it at once;
//! then how far behind the last of these the next one is, and how many follow that. Of a topic of several parts
//! `p2.12.17-2.6` is one of the part 2, from 0 on, which numbers its messages itself.

use std::fmt::{self, Display, Write as _};

use compact_str::CompactString;
use tidegate_engine::contract::{
    FieldKind, FieldType, Hasher, InvalidKind, Name, Raw, ReplyType, ReplyValue, Writer,
};

use crate::BATCH_MESSAGES_MAX;

/// What stands before the part, if it is not the first.
const PART: char = 'p';

/// Bytes of that, at most.
const PART_BYTES: usize = "p15.".len();

const _: () = assert!(crate::PARTS_MAX == 16, "a part has two digits");

/// Bytes of a number, at most.
const NUMBER_BYTES: usize = 20;

/// Bytes that tell how many follow the first one of a run, at most.
const RUN_LENGTH_BYTES: usize = "-499".len();

const _: () = assert!(BATCH_MESSAGES_MAX == 500, "a run is as long as a lease");

/// Ascending positions, as runs: the first of each, and the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions(Vec<(u64, u64)>);

impl Positions {
    /// Adds one that is not among them.
    pub(crate) fn add(&mut self, position: u64) {
        let runs = &mut self.0;
        let at = runs.partition_point(|(first, _)| *first < position);
        let is_behind = at > 0 && runs[at - 1].1 + 1 == position;
        let is_before = runs
            .get(at)
            .is_some_and(|(first, _)| *first == position + 1);
        match (is_behind, is_before) {
            (true, true) => runs[at - 1].1 = runs.remove(at).1,
            (true, false) => runs[at - 1].1 = position,
            (false, true) => runs[at].0 = position,
            (false, false) => runs.insert(at, (position, position)),
        }
    }

    /// Whether it is among them.
    pub(crate) fn has(&self, position: u64) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= position);
        behind > 0 && position <= self.0[behind - 1].1
    }

    /// Whether it comes right behind one of them.
    pub(crate) fn is_next(&self, position: u64) -> bool {
        let at = self.0.partition_point(|(first, _)| *first < position);
        at > 0 && self.0[at - 1].1 + 1 == position
    }

    /// Bytes that the id of their lease has at most, also when its runs get as long as they may.
    pub(crate) fn id_bytes_max(&self) -> usize {
        let mut behind = 0;
        let runs = self.0.iter().map(|(first, last)| {
            let gap = first - behind;
            behind = *last;
            let digits = gap.checked_ilog10().unwrap_or(0) as usize + 1;
            1 + digits + RUN_LENGTH_BYTES
        });
        PART_BYTES + NUMBER_BYTES + runs.sum::<usize>()
    }

    /// All of them, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }
}

/// The id of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseId {
    /// The part of the topic that has given it, from 0 on.
    pub(crate) part: u16,
    pub(crate) number: u64,
    pub(crate) positions: Positions,
}

impl LeaseId {
    pub(crate) fn text(&self) -> CompactString {
        let mut text = CompactString::default();
        write!(text, "{self}").expect("because writing to memory does not fail");
        text
    }

    /// As it is written; in no other way.
    fn of(text: &str) -> Option<Self> {
        let (part, text_in_part) = match text.strip_prefix(PART) {
            Some(text) => text.split_once('.')?,
            None => ("0", text),
        };
        let (number, runs) = text_in_part.split_once('.')?;
        let (mut positions, mut last, mut count) = (Vec::new(), 0_u64, 0);
        for run in runs.split('.') {
            let (gap, more) = run.split_once('-').unwrap_or((run, "0"));
            let (gap, more): (u64, u64) = (gap.parse().ok()?, more.parse().ok()?);
            // A run that begins right behind the last one is part of it.
            let least = if positions.is_empty() { 1 } else { 2 };
            let first = last.checked_add(gap).filter(|_| gap >= least)?;
            last = first.checked_add(more)?;
            count += usize::try_from(more).ok()?.checked_add(1)?;
            positions.push((first, last));
            if count > BATCH_MESSAGES_MAX {
                return None;
            }
        }
        let id = Self {
            part: part.parse().ok()?,
            number: number.parse().ok()?,
            positions: Positions(positions),
        };
        (id.text() == text).then_some(id)
    }
}

impl Display for LeaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part > 0 {
            write!(out, "{PART}{}.", self.part)?;
        }
        write!(out, "{}", self.number)?;
        let mut behind = 0;
        for (first, last) in &self.positions.0 {
            write!(out, ".{}", first - behind)?;
            if last > first {
                write!(out, "-{}", last - first)?;
            }
            behind = *last;
        }
        Ok(())
    }
}

impl FieldType for LeaseId {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let name = Name::read(raw)?;
        let message = || "must be the id of a lease, as a read has told it".to_owned();
        Self::of(name.as_str()).ok_or_else(|| (InvalidKind::Unreadable, message()))
    }

    fn hash(&self, hasher: &mut Hasher) {
        let text = self.text();
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }

    fn heap_bytes(&self) -> usize {
        size_of_val(self.positions.0.as_slice())
    }
}

impl ReplyValue for LeaseId {
    const TYPE: ReplyType = ReplyType::Text;

    fn write(&self, out: &mut dyn Writer) {
        out.text(&self.text());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64, positions: &[u64]) -> LeaseId {
        let mut all = Positions::default();
        positions.iter().for_each(|one| all.add(*one));
        LeaseId {
            part: 0,
            number,
            positions: all,
        }
    }

    #[test]
    fn ids_are_read_as_they_are_written_in_whatever_order_messages_were_given() {
        for (positions, text) in [
            (&[17, 18, 19, 25][..], "12.17-2.6"),
            (&[25, 18, 17, 19], "12.17-2.6"),
            (&[1], "12.1"),
            (&[3, 1, 2], "12.1-2"),
            (&[1, 3, 5], "12.1.2.2"),
        ] {
            let lease = id(12, positions);
            assert_eq!(lease.text(), text);
            assert_eq!(LeaseId::of(text), Some(lease.clone()));
            let mut sorted = positions.to_vec();
            sorted.sort_unstable();
            assert_eq!(lease.positions.iter().collect::<Vec<_>>(), sorted);
        }
    }

    #[test]
    fn id_of_a_lease_of_another_part_than_the_first_names_it() {
        let lease = LeaseId {
            part: 15,
            ..id(12, &[17])
        };
        assert_eq!(lease.text(), "p15.12.17");
        assert_eq!(LeaseId::of("p15.12.17"), Some(lease));
        for text in ["p0.12.17", "p.12.17", "p12.17", "p01.12.17"] {
            assert_eq!(LeaseId::of(text), None, "{text}");
        }
    }

    #[test]
    fn no_id_is_longer_than_its_positions_say() {
        for positions in [&[1][..], &[9, 10, 11, 1_000], &[u64::MAX - 1, 5, 7, 9]] {
            let most = id(u64::MAX, positions);
            assert!(most.text().len() <= most.positions.id_bytes_max(), "{most}");
        }
        let positions = id(1, &[5, 6, 9]).positions;
        assert!([5, 6, 9].iter().all(|at| positions.has(*at)));
        assert!(![4, 7, 8, 10].iter().any(|at| positions.has(*at)));
        assert!(positions.is_next(7) && positions.is_next(10));
        assert!(!positions.is_next(4) && !positions.is_next(8));
    }

    #[test]
    fn nothing_else_is_an_id() {
        for text in [
            "",
            "12",
            "12.",
            ".1",
            "12.01",
            "12.1-0",
            "12.1.1",
            "12.0.0",
            "12.1-500",
            "x.1",
            "12.1-",
            "12.18446744073709551615.1",
            "12.1 ",
            "+1.1",
            "12.1.0",
        ] {
            assert_eq!(LeaseId::of(text), None, "{text:?}");
        }
        assert!(LeaseId::of("12.1-499").is_some());
    }
}
