//! One table's rows in memory, with undo and with snapshots.
//!
//! Three layers, asked in this order: the rows changed since the last checkpoint began, those that
//! this checkpoint takes to the base, and a few that were read from the base. What none of them
//! knows only the base can tell, unless the base has no row of the table at all.
//!
//! The first two are persistent sets of cells: a snapshot is a clone of the root and costs nothing,
//! and a write after it copies only the path it changes. The list of what the batch has changed is
//! also the undo log of the running command, whose changes are its end.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use equivalent::Equivalent;
use imbl::shared_ptr::DefaultSharedPtr;

use crate::cell::Cell;
use crate::effect;
use crate::filter::Filter;
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
    fn empty(shape: Shape, seed: u64) -> Self {
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

/// What was read from the base, in two generations: what nobody asks for again leaves with the old
/// one.
///
/// A row that is written stays here as it was, out of sight behind the row written: it is in the old
/// generation when the checkpoint begins that takes the row written along, cannot be asked for
/// meanwhile, and is dropped when this checkpoint has ended.
struct Cache {
    young: HashSet<Cell, Seeded>,
    old: HashSet<Cell, Seeded>,
    young_bytes: usize,
    young_bytes_max: usize,
    seed: Seeded,
}

impl Cache {
    fn new(seed: u64, bytes_max: usize) -> Self {
        let seed = Seeded::new(seed);
        Self {
            young: HashSet::with_hasher(seed),
            old: HashSet::with_hasher(seed),
            young_bytes: 0,
            young_bytes_max: bytes_max / 2,
            seed,
        }
    }

    fn get(&mut self, key: &[u8]) -> Option<Cell> {
        if let Some(cell) = self.young.get(key) {
            return Some(cell.clone());
        }
        let cell = self.old.take(key)?;
        self.insert(cell.clone());
        Some(cell)
    }

    fn insert(&mut self, cell: Cell) {
        let weight = cell.weight();
        if self.young.insert(cell) {
            self.young_bytes += weight;
        }
    }

    /// The young become the old; gives those who were old.
    fn turn(&mut self) -> HashSet<Cell, Seeded> {
        self.young_bytes = 0;
        let young = std::mem::replace(&mut self.young, HashSet::with_hasher(self.seed));
        std::mem::replace(&mut self.old, young)
    }

    fn take_old(&mut self) -> HashSet<Cell, Seeded> {
        std::mem::replace(&mut self.old, HashSet::with_hasher(self.seed))
    }
}

/// A write of the batch, and what it replaced.
struct Change {
    now: Cell,
    before: Option<Cell>,
}

/// What is in memory no more. Dropping it takes a while: there are many cells.
pub(crate) type Left = (Option<Rows>, HashSet<Cell, Seeded>);

pub(crate) struct MemTable {
    /// Changed since the last checkpoint began.
    rows: Rows,
    /// On their way to the base.
    frozen: Option<Rows>,
    cache: Cache,
    /// What the batch has changed, oldest first.
    changes: Vec<Change>,
    /// How many of them are of commands that came to their end.
    committed: usize,
    /// About how many bytes `rows` takes.
    bytes: usize,
    /// The base has no row of this table: what is not in memory is nowhere.
    whole: bool,
    /// What the base has, if it is a keyed table.
    filter: Option<Arc<Filter>>,
    shape: Shape,
    seed: u64,
}

impl MemTable {
    pub(crate) fn new(
        shape: Shape,
        seed: u64,
        whole: bool,
        filter: Option<Arc<Filter>>,
        cache_bytes_max: usize,
    ) -> Self {
        Self {
            filter,
            rows: Rows::empty(shape, seed),
            frozen: None,
            cache: Cache::new(seed, cache_bytes_max),
            changes: Vec::new(),
            committed: 0,
            bytes: 0,
            whole,
            shape,
            seed,
        }
    }

    /// The cell, if it has a row; `Err(())` if only the base can tell.
    pub(crate) fn get(&mut self, key: &[u8]) -> Result<Option<Cell>, ()> {
        let known = self.rows.get(key).or_else(|| {
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

    pub(crate) fn put(&mut self, cell: Cell) {
        self.bytes += cell.weight();
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
            self.bytes -= before.weight();
            before.set_replaced(true);
        }
        self.changes.push(Change { now, before });
    }

    /// Takes back what the running command has written.
    pub(crate) fn undo(&mut self) {
        for Change { now, before } in self.changes.drain(self.committed..).rev() {
            let undone = match before {
                Some(before) => {
                    before.set_replaced(false);
                    self.bytes += before.weight();
                    self.rows.insert(before)
                }
                None => self.rows.remove(now.key()),
            };
            self.bytes -= undone.map_or(0, |undone| undone.weight());
        }
    }

    /// Makes what the running command has written part of the batch.
    pub(crate) fn commit(&mut self) {
        self.committed = self.changes.len();
    }

    /// Keeps the rows read from the base within their bound. Between two batches only: what was
    /// fetched for the next one stays until it has run.
    pub(crate) fn bound_cache(&mut self) {
        if self.cache.young_bytes > self.cache.young_bytes_max {
            drop(self.cache.turn());
        }
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

    /// Puts or removes a row as the log says.
    pub(crate) fn replay(&mut self, cell: Cell) {
        let before = if self.whole && cell.row().is_none() {
            self.rows.remove(cell.key())
        } else {
            self.bytes += cell.weight();
            self.rows.insert(cell)
        };
        self.bytes -= before.map_or(0, |before| before.weight());
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
        let rows = std::mem::replace(&mut self.rows, Rows::empty(self.shape, self.seed));
        self.bytes = 0;
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

    /// About how many bytes the rows changed since the last checkpoint take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All that is changed and not in the base yet, newest first.
    pub(crate) fn layers(&self) -> Vec<Rows> {
        let layers = std::iter::once(&self.rows).chain(&self.frozen);
        layers.cloned().collect()
    }

    /// The first cell with a row in memory from `from` on, though the base may have one before it.
    pub(crate) fn first_from(&self, from: &[u8]) -> Option<Cell> {
        let mut changed = self.rows.range(from).peekable();
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
