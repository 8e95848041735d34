//! The ids of lines: by them a line that is sent again is counted once, and equal lines are counted each.
//!
//! The id of a line is the hash of its bytes, and of equal lines of one file the second is one more, and so on.
//! So it does not matter in which order the lines stand, nor in which pieces the file is read. It is remembered
//! of the last [`LINES_REMEMBERED`] lines at least: equal lines that stand further apart are counted once.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

/// Lines by which equal ones are told apart. Lines of a log have the second in them, so equal ones stand close;
/// both maps are about 70 MiB.
pub(super) const LINES_REMEMBERED: usize = 1 << 19;

/// How often each line of one file was seen.
#[derive(Debug, Default)]
pub(super) struct Occurrences {
    newer: HashMap<u128, u32>,
    older: HashMap<u128, u32>,
}

impl Occurrences {
    /// The id of the next line.
    pub(super) fn id(&mut self, line: &[u8]) -> u128 {
        let hash = xxh3_128(line);
        if self.newer.len() >= LINES_REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
        }
        let older = &mut self.older;
        let seen = self
            .newer
            .entry(hash)
            .or_insert_with(|| older.remove(&hash).unwrap_or(0));
        let id = hash.wrapping_add(u128::from(*seen));
        *seen = seen.saturating_add(1);
        id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ids<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeSet<u128> {
        let mut occurrences = Occurrences::default();
        lines
            .into_iter()
            .map(|line| occurrences.id(line.as_bytes()))
            .collect()
    }

    #[test]
    fn equal_lines_have_ids_of_their_own_whatever_the_order() {
        let lines = ["a", "b", "a", "c", "a", "b"];
        let all = ids(lines);
        assert_eq!(all.len(), 6);
        assert_eq!(ids(lines.into_iter().rev()), all);
        assert!(ids(["a", "a"]).is_subset(&all));
    }

    #[test]
    fn the_id_of_a_line_is_for_ever() {
        let mut occurrences = Occurrences::default();
        assert_eq!(
            occurrences.id(b"a"),
            0xa96f_af70_5af1_6834_e6c6_32b6_1e96_4e1f
        );
        assert_eq!(
            occurrences.id(b"a"),
            0xa96f_af70_5af1_6834_e6c6_32b6_1e96_4e20
        );
    }

    #[test]
    fn what_is_remembered_is_bounded_and_reaches_back_far_enough() {
        let mut occurrences = Occurrences::default();
        let first = occurrences.id(b"first");
        for number in 0..2 * LINES_REMEMBERED as u64 {
            occurrences.id(&number.to_le_bytes());
            if number as usize == LINES_REMEMBERED {
                assert_eq!(occurrences.id(b"first"), first + 1);
            }
        }
        assert!(occurrences.newer.len() + occurrences.older.len() <= 2 * LINES_REMEMBERED);
    }
}
