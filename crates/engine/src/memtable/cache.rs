//! Rows that were read from the base.

use std::collections::HashSet;

use crate::cell::Cell;
use crate::hash::Seeded;

/// What was read from the base, in two generations: what nobody asks for again leaves with the old
/// one.
///
/// A row that is written stays here as it was, out of sight behind the row written: it is in the old
/// generation when the checkpoint begins that takes the row written along, cannot be asked for
/// meanwhile, and is dropped when this checkpoint has ended.
pub(super) struct Cache {
    young: HashSet<Cell, Seeded>,
    old: HashSet<Cell, Seeded>,
    young_bytes: usize,
    seed: Seeded,
}

impl Cache {
    pub(super) fn new(seed: u64) -> Self {
        let seed = Seeded::new(seed);
        Self {
            young: HashSet::with_hasher(seed),
            old: HashSet::with_hasher(seed),
            young_bytes: 0,
            seed,
        }
    }

    pub(super) fn get(&mut self, key: &[u8]) -> Option<Cell> {
        if let Some(cell) = self.young.get(key) {
            return Some(cell.clone());
        }
        let cell = self.old.take(key)?;
        self.insert(cell.clone());
        Some(cell)
    }

    pub(super) fn insert(&mut self, cell: Cell) {
        let weight = cell.weight();
        if self.young.insert(cell) {
            self.young_bytes += weight;
        }
    }

    /// The young become the old; gives those who were old.
    pub(super) fn turn(&mut self) -> HashSet<Cell, Seeded> {
        self.young_bytes = 0;
        let young = std::mem::replace(&mut self.young, HashSet::with_hasher(self.seed));
        std::mem::replace(&mut self.old, young)
    }

    pub(super) fn take_old(&mut self) -> HashSet<Cell, Seeded> {
        std::mem::replace(&mut self.old, HashSet::with_hasher(self.seed))
    }

    /// About how many bytes the young take.
    pub(super) fn young_bytes(&self) -> usize {
        self.young_bytes
    }
}
