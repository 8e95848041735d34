//! The rows of a table at one moment.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};

use equivalent::Equivalent;
use imbl::shared_ptr::DefaultSharedPtr;

use crate::cell::Cell;
use crate::hash::Seeded;
use crate::table::Shape;

type Hashed = imbl::GenericHashSet<Cell, Seeded, DefaultSharedPtr>;
type Sorted = imbl::GenericOrdSet<Cell, DefaultSharedPtr>;

/// The rows at one moment; cheap to clone.
#[derive(Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there are two per table; its size costs nothing"
)]
pub(crate) enum Rows {
    Keyed(Hashed),
    Ordered(Sorted),
}

impl Rows {
    pub(super) fn empty(shape: Shape, seed: u64) -> Self {
        match shape {
            Shape::Keyed => Self::Keyed(Hashed::with_hasher(Seeded::new(seed))),
            Shape::Ordered => Self::Ordered(Sorted::new()),
        }
    }

    /// What is known of this key here.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Cell> {
        match self {
            Self::Keyed(rows) => {
                let probe = Probe {
                    key,
                    found: RefCell::new(None),
                };
                let is_there = rows.contains(&probe);
                probe.found.into_inner().filter(|_| is_there)
            }
            Self::Ordered(rows) => rows.get(key).cloned(),
        }
    }

    pub(super) fn insert(&mut self, cell: Cell) -> Option<Cell> {
        match self {
            Self::Keyed(rows) => rows.insert(cell),
            Self::Ordered(rows) => rows.insert(cell),
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Cell> {
        match self {
            Self::Keyed(rows) => rows.remove(key),
            Self::Ordered(rows) => rows.remove(key),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Keyed(rows) => rows.len(),
            Self::Ordered(rows) => rows.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Keyed(rows) => rows.is_empty(),
            Self::Ordered(rows) => rows.is_empty(),
        }
    }

    /// Every cell, by key.
    pub(crate) fn sorted(&self) -> Vec<&Cell> {
        match self {
            Self::Keyed(rows) => by_key(rows.iter().collect()),
            Self::Ordered(rows) => rows.iter().collect(),
        }
    }

    /// The same rows, in order.
    pub(crate) fn in_order(&self) -> Self {
        match self {
            Self::Keyed(rows) => Self::Ordered(rows.iter().cloned().collect()),
            Self::Ordered(rows) => Self::Ordered(rows.clone()),
        }
    }

    /// From `from` on, in order. Empty for a keyed table, which has no order.
    pub(crate) fn range(&self, from: &[u8]) -> impl Iterator<Item = &Cell> + use<'_> {
        use std::ops::Bound::{Included, Unbounded};
        let range = match self {
            Self::Keyed(_) => None,
            Self::Ordered(rows) => Some(rows.range::<_, [u8]>((Included(from), Unbounded))),
        };
        range.into_iter().flatten()
    }
}

/// Puts cells in order. Where two cells lie in memory is a matter of chance, and to compare them is to wait for both: so the
/// first bytes of each behind those that all keys have stand beside them, and mostly they decide.
fn by_key(cells: Vec<&Cell>) -> Vec<&Cell> {
    let Some(first) = cells.first().map(|first| first.key()) else {
        return cells;
    };
    let shared = cells.iter().fold(first.len(), |shared, cell| {
        let both = first[..shared].iter().zip(cell.key());
        both.take_while(|(a, b)| a == b).count()
    });
    let beside = |cell: &Cell| {
        let mut bytes = [0; size_of::<u128>()];
        let rest = cell.key()[shared..].iter();
        bytes
            .iter_mut()
            .zip(rest)
            .for_each(|(to, from)| *to = *from);
        u128::from_be_bytes(bytes)
    };
    let mut cells: Vec<_> = cells.into_iter().map(|cell| (beside(cell), cell)).collect();
    cells.sort_unstable(); // Keys that are alike so far are compared whole.
    cells.into_iter().map(|(_, cell)| cell).collect()
}

/// Asks a set for the cell of a key. The library's hashed set only says whether it has one, so the
/// probe keeps the cell that it was found equal to.
struct Probe<'k> {
    key: &'k [u8],
    found: RefCell<Option<Cell>>,
}

impl Hash for Probe<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.key.hash(hasher);
    }
}

impl Equivalent<Cell> for Probe<'_> {
    fn equivalent(&self, cell: &Cell) -> bool {
        let is_found = self.key == cell.key();
        if is_found {
            self.found.replace(Some(cell.clone()));
        }
        is_found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn cells_are_put_in_the_order_of_their_keys() {
        let mut random = Random::new(1);
        for shared in [0, 1, 9, 40] {
            // Some are alike for longer than what stands beside them, some end there, and zeros are bytes as others.
            let keys: Vec<Vec<u8>> = (0..400)
                .map(|_| {
                    let length = random.below(24) as usize;
                    let rest = (0..length).map(|_| random.below(2) as u8 * 255);
                    std::iter::repeat_n(7, shared).chain(rest).collect()
                })
                .collect();
            let cells: Vec<_> = keys.iter().map(|key| Cell::of_none(key)).collect();
            let sorted = by_key(cells.iter().collect());
            let mut expected = keys;
            expected.sort_unstable();
            let sorted: Vec<_> = sorted.into_iter().map(|cell| cell.key().to_vec()).collect();
            assert_eq!(sorted, expected);
        }
        assert!(by_key(Vec::new()).is_empty());
    }
}
