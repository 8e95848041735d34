//! The rows changed since the last checkpoint began.
//!
//! To put one row into an ordered set is to search a tree whose keys lie all over memory. So what is written
//! to an ordered table stands in a small set without order first, and goes into its place with many others,
//! neighbours one after the other: when somebody asks for the order, or when there is enough.

use std::collections::HashSet;

use super::rows::Rows;
use crate::cell::Cell;
use crate::hash::Seeded;
use crate::table::Shape;

/// So many cells are put in order at once at most: enough that many are neighbours, and few enough that
/// nobody waits for it (a few hundred microseconds).
const UNORDERED_MAX: usize = if cfg!(test) { 4 } else { 1_024 };

/// What was removed.
pub(super) enum Removed {
    Row(Cell),
    /// Perhaps a row that is in order already.
    Perhaps,
    Nothing,
}

pub(super) struct Changed {
    rows: Rows,
    /// Of an ordered table, those written last: what `rows` has under their keys is outdated.
    unordered: HashSet<Cell, Seeded>,
    /// Their place while they are put in order.
    sorting: Vec<Cell>,
    /// About how many bytes all of them take.
    bytes: usize,
    shape: Shape,
    seed: u64,
}

impl Changed {
    pub(super) fn new(shape: Shape, seed: u64) -> Self {
        Self {
            rows: Rows::empty(shape, seed),
            unordered: HashSet::with_hasher(Seeded::new(seed)),
            sorting: Vec::new(),
            bytes: 0,
            shape,
            seed,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Cell> {
        let unordered = match self.shape {
            Shape::Keyed => None,
            Shape::Ordered => self.unordered.get(key).cloned(),
        };
        unordered.or_else(|| self.rows.get(key))
    }

    /// Puts a cell, and gives the one whose place it takes; not one that is in order already.
    pub(super) fn put(&mut self, cell: Cell) -> Option<Cell> {
        self.bytes += cell.weight();
        let before = match self.shape {
            Shape::Keyed => self.rows.insert(cell),
            Shape::Ordered => self.unordered.replace(cell),
        };
        self.without(before)
    }

    /// Forgets the cell of a key, and gives it; `None` if there is none, or if that is not known.
    fn forget(&mut self, key: &[u8]) -> Option<Cell> {
        let before = match self.shape {
            Shape::Keyed => self.rows.remove(key),
            Shape::Ordered => self.unordered.take(key),
        };
        self.without(before)
    }

    /// There is no row under this key any more, in a table of which the base has none.
    pub(super) fn remove_whole(&mut self, gone: &Cell) -> Removed {
        match self.shape {
            Shape::Keyed => match self.forget(gone.key()) {
                Some(before) => Removed::Row(before),
                None => Removed::Nothing,
            },
            Shape::Ordered => match self.put(gone.clone()) {
                Some(before) => Removed::Row(before),
                None => Removed::Perhaps,
            },
        }
    }

    /// Takes a write back that has put `now` in the place of `before`, before anything was put in order.
    pub(super) fn undo(&mut self, now: &Cell, before: Option<Cell>) {
        match before {
            Some(before) => drop(self.put(before)),
            None => drop(self.forget(now.key())),
        }
    }

    fn without(&mut self, cell: Option<Cell>) -> Option<Cell> {
        self.bytes -= cell.as_ref().map_or(0, Cell::weight);
        cell
    }

    /// Puts what has no order yet in order if that is much. Not in the midst of a command, whose writes
    /// may be taken back.
    pub(super) fn bound(&mut self, is_whole: bool) {
        if self.unordered.len() >= UNORDERED_MAX {
            self.put_in_order(is_whole);
        }
    }

    /// Puts what has no order yet in order; of a table of which the base has no row (`is_whole`) nothing is
    /// kept of what is gone.
    pub(super) fn put_in_order(&mut self, is_whole: bool) {
        if self.unordered.is_empty() {
            return;
        }
        let mut sorting = std::mem::take(&mut self.sorting);
        sorting.extend(self.unordered.drain());
        sorting.sort_unstable();
        for cell in sorting.drain(..) {
            let gone = put(&mut self.rows, cell, is_whole);
            self.bytes -= gone;
        }
        self.sorting = sorting;
    }

    /// All of them, now in order.
    pub(super) fn rows(&mut self, is_whole: bool) -> &Rows {
        self.put_in_order(is_whole);
        &self.rows
    }

    /// What all of them weigh.
    #[cfg(test)]
    pub(super) fn weigh(&self) -> usize {
        let unordered = self.unordered.iter().map(Cell::weight);
        let rows = self.rows.sorted().into_iter().map(Cell::weight);
        unordered.chain(rows).sum()
    }

    /// A copy of all of them, in order.
    pub(super) fn clone_in_order(&self, is_whole: bool) -> Rows {
        let mut rows = self.rows.clone();
        for cell in &self.unordered {
            put(&mut rows, cell.clone(), is_whole);
        }
        rows
    }

    /// Takes all of them, in order.
    pub(super) fn take(&mut self, is_whole: bool) -> Rows {
        self.put_in_order(is_whole);
        self.bytes = 0;
        std::mem::replace(&mut self.rows, Rows::empty(self.shape, self.seed))
    }
}

/// Puts a cell in its place; gives the bytes of what is not kept.
fn put(rows: &mut Rows, cell: Cell, is_whole: bool) -> usize {
    let (none, before) = if is_whole && cell.row().is_none() {
        (cell.weight(), rows.remove(cell.key()))
    } else {
        (0, rows.insert(cell))
    };
    none + before.map_or(0, |before| before.weight())
}
