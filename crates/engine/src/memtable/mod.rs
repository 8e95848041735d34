//! One table's rows in memory, with undo and with snapshots.
//!
//! Three layers, asked in this order: the rows changed since the last checkpoint began, those that
//! this checkpoint takes to the base, and a few that were read from the base. What none of them
//! knows only the base can tell, unless the base has no row of the table at all.
//!
//! The first two are persistent sets of cells: a snapshot is a clone of the root and costs next to
//! nothing (an ordered table puts what was written lately in order first, [`changed`]), and a write
//! after it copies only the path it changes. The list of what the batch has changed is also the undo
//! log of the running command, whose changes are its end.

mod cache;
mod changed;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use cache::Cache;
use changed::{Changed, Removed};
pub(crate) use rows::Rows;

use crate::cell::Cell;
use crate::effect;
use crate::filter::Filter;
use crate::hash::Seeded;
use crate::row::Found;
use crate::table::Shape;

/// A write of the batch, and what it replaced that had no order yet.
struct Change {
    now: Cell,
    before: Option<Cell>,
}

/// What is in memory no more. Dropping it takes a while: there are many cells.
pub(crate) type Left = (Option<Rows>, HashSet<Cell, Seeded>);

pub(crate) struct MemTable {
    changed: Changed,
    /// About how many bytes it takes, as it was last told.
    told_bytes: usize,
    /// On their way to the base.
    frozen: Option<Rows>,
    cache: Cache,
    /// What the batch has changed, oldest first.
    changes: Vec<Change>,
    /// How many of them are of commands that came to their end.
    committed: usize,
    /// The base has no row of this table: what is not in memory is nowhere.
    whole: bool,
    /// What the base has, if it is a keyed table; and memory, if the edge is to know.
    filter: Option<Arc<Filter>>,
}

impl MemTable {
    pub(crate) fn new(shape: Shape, seed: u64, whole: bool, filter: Option<Arc<Filter>>) -> Self {
        Self {
            filter,
            changed: Changed::new(shape, seed),
            told_bytes: 0,
            frozen: None,
            cache: Cache::new(seed),
            changes: Vec::new(),
            committed: 0,
            whole,
        }
    }

    /// The cell, if it has a row; `Err(())` if only the base can tell.
    pub(crate) fn get(&mut self, key: &[u8]) -> Result<Option<Cell>, ()> {
        let known = self.changed.get(key).or_else(|| {
            let frozen = self.frozen.as_ref()?.get(key)?;
            // It is asked for: it stays when the others leave.
            self.cache.insert(frozen.clone());
            Some(frozen)
        });
        let known = match known {
            None if self.whole => return Ok(None),
            None => self.cache.get(key),
            Some(cell) => Some(cell),
        };
        match known {
            Some(known) => Ok(known.row().is_some().then_some(known)),
            None if self
                .filter
                .as_ref()
                .is_some_and(|filter| !filter.may_have(key)) =>
            {
                Ok(None)
            }
            None => Err(()),
        }
    }

    /// Where the row lies that is under this key.
    pub(crate) fn where_is(&self, key: &[u8]) -> Found {
        let frozen = || self.frozen.as_ref()?.get(key);
        match self.changed.get(key).or_else(frozen) {
            Some(_) => Found::InMemory,
            None => Found::OnDisk,
        }
    }

    /// Has the filter know a key of memory.
    pub(crate) fn tell_filter(&self, key: &[u8]) {
        if let Some(filter) = &self.filter {
            filter.add(key);
        }
    }

    pub(crate) fn put(&mut self, cell: Cell) {
        let before = self.changed.put(cell.clone());
        self.note(cell, before);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        let gone = Cell::of_none(key);
        if !self.whole {
            self.put(gone);
        } else {
            match self.changed.remove_whole(&gone) {
                Removed::Row(before) => self.note(gone, Some(before)),
                Removed::Perhaps => self.note(gone, None),
                Removed::Nothing => {}
            }
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
            if let Some(before) = &before {
                before.set_replaced(false);
            }
            self.changed.undo(&now, before);
        }
    }

    /// Makes what the running command has written part of the batch.
    pub(crate) fn commit(&mut self) {
        self.committed = self.changes.len();
        self.changed.bound(self.whole);
    }

    /// What a running command has written may be taken back.
    fn assert_between_commands(&self) {
        debug_assert_eq!(self.committed, self.changes.len(), "a command runs");
    }

    /// About how many bytes the younger half of the rows read from the base takes.
    pub(crate) fn young_bytes(&self) -> usize {
        self.cache.young_bytes()
    }

    /// Lets the older half go of the rows read from the base.
    pub(crate) fn turn_cache(&mut self) {
        drop(self.cache.turn());
    }

    /// Appends the rows changed by the batch, as they are now, and forgets that they changed. One that was
    /// put in order meanwhile may stand there as it was, too, before.
    pub(crate) fn take_effects(&mut self, id: u16, out: &mut Vec<u8>) {
        self.assert_between_commands();
        self.committed = 0;
        for Change { now, .. } in self.changes.drain(..) {
            if !now.is_replaced() {
                effect::write(out, id, now.key(), now.row());
            }
        }
    }

    /// Puts or removes a row as the log says.
    pub(crate) fn replay(&mut self, cell: Cell) {
        if self.whole && cell.row().is_none() {
            self.changed.remove_whole(&cell);
        } else {
            self.changed.put(cell);
        }
        self.changed.bound(self.whole);
    }

    /// Keeps what the base says, unless memory knows better.
    pub(crate) fn fetched(&mut self, cell: Cell) {
        if self.get(cell.key()).is_err() {
            self.cache.insert(cell);
        }
    }

    /// The rows changed are now on their way to the base; gives them.
    pub(crate) fn freeze(&mut self) -> Rows {
        debug_assert!(
            self.changes.is_empty(),
            "a checkpoint begins between batches"
        );
        let rows = self.changed.take(self.whole);
        self.told_bytes = 0;
        self.whole &= rows.is_empty();
        self.frozen = Some(rows.clone());
        drop(self.cache.turn());
        rows
    }

    /// They have arrived there; gives what memory need not keep any more.
    pub(crate) fn thaw(&mut self) -> Left {
        (self.frozen.take(), self.cache.take_old())
    }

    /// Whether memory knows every row.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many bytes more the rows changed since the last checkpoint take, about, than when this was last
    /// asked.
    pub(crate) fn more_bytes(&mut self) -> isize {
        let before = std::mem::replace(&mut self.told_bytes, self.changed.bytes());
        self.told_bytes.cast_signed() - before.cast_signed()
    }

    /// Puts what was written lately in order, for those who ask for rows in order.
    pub(crate) fn put_in_order(&mut self) {
        self.assert_between_commands();
        self.changed.put_in_order(self.whole);
    }

    /// All that is changed and not in the base yet, newest first.
    pub(crate) fn layers(&self) -> Vec<Rows> {
        let changed = self.changed.clone_in_order(self.whole);
        let frozen = self.frozen.iter().cloned();
        std::iter::once(changed).chain(frozen).collect()
    }

    /// The first cell with a row in memory from `from` on, though the base may have one before it.
    pub(crate) fn first_from(&mut self, from: &[u8]) -> Option<Cell> {
        self.assert_between_commands();
        let mut changed = self.changed.rows(self.whole).range(from).peekable();
        let frozen = self.frozen.as_ref().map(|rows| rows.range(from));
        let mut frozen = frozen.into_iter().flatten().peekable();
        loop {
            let next = match (changed.peek(), frozen.peek()) {
                (None, None) => return None,
                (Some(_), None) => changed.next(),
                (None, Some(_)) => frozen.next(),
                (Some(new), Some(old)) if new > old => frozen.next(),
                (Some(new), Some(old)) => {
                    if new == old {
                        frozen.next();
                    }
                    changed.next()
                }
            };
            match next {
                Some(cell) if cell.row().is_some() => return Some(cell.clone()),
                Some(_) | None => {}
            }
        }
    }
}
