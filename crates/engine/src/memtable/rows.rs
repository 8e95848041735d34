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
            Self::Keyed(rows) => {
                let mut cells: Vec<_> = rows.iter().collect();
                cells.sort_unstable();
                cells
            }
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
