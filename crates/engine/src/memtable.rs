//! One table's rows in memory, with undo and with snapshots.
//!
//! Both shapes are persistent sets of cells: a snapshot is a clone of the root and costs nothing,
//! and a write after it copies only the path it changes. The list of what the batch has changed is
//! also the undo log of the running command, whose changes are its end.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};

use equivalent::Equivalent;
use imbl::shared_ptr::DefaultSharedPtr;

use crate::cell::Cell;
use crate::effect;
use crate::hash::Seeded;
use crate::table::Shape;

type Hashed = imbl::GenericHashSet<Cell, Seeded, DefaultSharedPtr>;
type Sorted = imbl::GenericOrdSet<Cell, DefaultSharedPtr>;

/// The rows at one moment; cheap to clone.
#[derive(Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per table; its size costs nothing"
)]
pub(crate) enum Rows {
    Keyed(Hashed),
    Ordered(Sorted),
}

impl Rows {
    /// What memory knows of this key.
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

    fn insert(&mut self, cell: Cell) -> Option<Cell> {
        match self {
            Self::Keyed(rows) => rows.insert(cell),
            Self::Ordered(rows) => rows.insert(cell),
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Cell> {
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

    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = &Cell> + '_> {
        match self {
            Self::Keyed(rows) => Box::new(rows.iter()),
            Self::Ordered(rows) => Box::new(rows.iter()),
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

/// A write of the batch, and what it replaced.
struct Change {
    now: Cell,
    before: Option<Cell>,
}

pub(crate) struct MemTable {
    pub(crate) rows: Rows,
    /// What the batch has changed, oldest first.
    changes: Vec<Change>,
    /// How many of them are of commands that came to their end.
    committed: usize,
    /// Every row is in memory: what is not here is nowhere.
    whole: bool,
}

impl MemTable {
    pub(crate) fn new(shape: Shape, seed: u64, whole: bool) -> Self {
        let rows = match shape {
            Shape::Keyed => Rows::Keyed(Hashed::with_hasher(Seeded::new(seed))),
            Shape::Ordered => Rows::Ordered(Sorted::new()),
        };
        Self {
            rows,
            changes: Vec::new(),
            committed: 0,
            whole,
        }
    }

    /// The cell, if it has a row; `Err(())` if only the base can tell.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Cell>, ()> {
        match self.rows.get(key) {
            Some(cell) => Ok(cell.row().is_some().then_some(cell)),
            None if self.whole => Ok(None),
            None => Err(()),
        }
    }

    pub(crate) fn put(&mut self, cell: Cell) {
        let before = self.rows.insert(cell.clone());
        self.note(cell, before);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        let gone = Cell::of_none(key);
        if !self.whole {
            self.put(gone);
        } else if let Some(before) = self.rows.remove(key) {
            self.note(gone, Some(before));
        }
    }

    fn note(&mut self, now: Cell, before: Option<Cell>) {
        if let Some(before) = &before {
            before.set_replaced(true);
        }
        self.changes.push(Change { now, before });
    }

    /// Takes back what the running command has written.
    pub(crate) fn undo(&mut self) {
        for Change { now, before } in self.changes.drain(self.committed..).rev() {
            match before {
                Some(before) => {
                    before.set_replaced(false);
                    self.rows.insert(before);
                }
                None => drop(self.rows.remove(now.key())),
            }
        }
    }

    /// Makes what the running command has written part of the batch.
    pub(crate) fn commit(&mut self) {
        self.committed = self.changes.len();
    }

    /// Appends the rows changed by the batch, as they are now, and forgets that they changed.
    pub(crate) fn take_effects(&mut self, id: u16, out: &mut Vec<u8>) {
        debug_assert_eq!(
            self.committed,
            self.changes.len(),
            "effects are taken between commands"
        );
        self.committed = 0;
        for Change { now, .. } in self.changes.drain(..) {
            if !now.is_replaced() {
                effect::write(out, id, now.key(), now.row());
            }
        }
    }

    /// Puts or removes a row as the log or the base says.
    pub(crate) fn load(&mut self, cell: Cell) {
        if self.whole && cell.row().is_none() {
            self.rows.remove(cell.key());
        } else {
            self.rows.insert(cell);
        }
    }
}
