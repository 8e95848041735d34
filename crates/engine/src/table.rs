//! Tables: typed maps from keys to rows, in memory, with undo and with snapshots.
//!
//! Both shapes are persistent maps: a snapshot is a clone of the root and costs nothing, and a
//! write after it copies only the path it changes. The undo log of a command is the list of what
//! its writes replaced; a committed undo log is the list of what the batch must put into the log.

use std::any::Any;
use std::marker::PhantomData;

use crate::hash::Seeded;
use imbl::shared_ptr::DefaultSharedPtr;

use crate::cell::{Cell, RowRef};
use crate::effect;
use crate::key::{KeyRef, RowKey};
use crate::row::Row;

/// How a table's rows can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// By their whole key only; the faster one.
    Keyed,
    /// By their whole key and in the order of their keys.
    Ordered,
}

/// A table as a domain declares it, in a constant.
pub struct Table<R> {
    id: u16,
    name: &'static str,
    shape: Shape,
    row: PhantomData<fn() -> R>,
}

impl<R: Row> Table<R> {
    /// A table whose rows are looked up by key. `number` is the table's number within its domain
    /// (0–15), stored and for ever.
    #[must_use]
    pub const fn keyed(domain: u8, number: u8, name: &'static str) -> Self {
        Self {
            id: table_id(domain, number),
            name,
            shape: Shape::Keyed,
            row: PhantomData,
        }
    }

    /// A table whose rows can also be read in the order of their keys.
    #[must_use]
    pub const fn ordered(domain: u8, number: u8, name: &'static str) -> Self {
        Self {
            id: table_id(domain, number),
            name,
            shape: Shape::Ordered,
            row: PhantomData,
        }
    }

    /// The table without its row type, for lists of tables.
    #[must_use]
    pub const fn def(&self) -> TableDef {
        TableDef {
            id: self.id,
            name: self.name,
            make: make::<R>,
            shape: self.shape,
        }
    }

    /// The number under which rows are stored.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.id
    }

    /// `domain.table`, for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// Domains are numbered 0–255 (0 is the engine), tables within them 0–15.
const fn table_id(domain: u8, number: u8) -> u16 {
    assert!(number < 16, "a domain has at most 16 tables");
    (domain as u16) << 4 | number as u16
}

/// A table without its row type.
#[derive(Clone, Copy)]
pub struct TableDef {
    pub(crate) id: u16,
    pub(crate) name: &'static str,
    shape: Shape,
    make: fn(Shape, u64, bool) -> Box<dyn AnyTable>,
}

fn make<R: Row>(shape: Shape, seed: u64, whole: bool) -> Box<dyn AnyTable> {
    Box::new(TypedTable::<R>::new(shape, seed, whole))
}

/// A row is not in memory: it is fetched from the base, and the command runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub(crate) table: u16,
    pub(crate) key: RowKey,
}

/// The rows on disk, beneath the ones in memory.
pub trait Base: Send {
    /// The stored bytes of a row.
    fn get(&self, table: u16, key: &[u8]) -> Option<Vec<u8>>;
}

/// A row could not be read from its stored bytes.
#[derive(Debug, thiserror::Error)]
#[error("row of table {table} cannot be decoded: {cause}")]
pub struct DecodeError {
    table: &'static str,
    cause: minicbor::decode::Error,
}

/// A table whose row type is not known here.
pub(crate) trait AnyTable: Any + Send {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    /// Takes back what was written since the last commit.
    fn undo(&mut self);
    /// Makes what was written part of the batch.
    fn commit(&mut self);
    /// Appends the rows changed by the batch, as they are now, and forgets that they changed.
    fn take_effects(&mut self, id: u16, out: &mut Vec<u8>);
    /// Whether memory knows of this key, present or absent.
    fn has(&self, key: &[u8]) -> bool;
    /// Puts (`Some`) or removes (`None`) a row as the log or the base says.
    fn load(&mut self, key: &[u8], row: Option<&[u8]>) -> Result<(), minicbor::decode::Error>;
    /// The rows as they are now, unchanged for ever.
    fn snapshot(&self) -> Box<dyn Any + Send>;
    fn len(&self) -> usize;
}

/// What a table keeps of a row beside the cell that is its key.
#[derive(Debug)]
struct Stored<R> {
    cell: Cell<R>,
    /// The last batch that changed it, and its place in that batch's list of changes.
    batch: u32,
    at: u32,
}

impl<R> Clone for Stored<R> {
    fn clone(&self) -> Self {
        Self {
            cell: self.cell.clone(),
            batch: self.batch,
            at: self.at,
        }
    }
}

/// What a write replaced, to be put back if its command is refused.
struct Undo<R> {
    written: Cell<R>,
    before: Option<Stored<R>>,
}

type Hashed<R> = imbl::GenericHashMap<Cell<R>, Stored<R>, Seeded, DefaultSharedPtr>;
type Sorted<R> = imbl::GenericOrdMap<Cell<R>, Stored<R>, DefaultSharedPtr>;

#[derive(Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per table; its size costs nothing"
)]
enum Rows<R> {
    Keyed(Hashed<R>),
    Ordered(Sorted<R>),
}

impl<R: Row> Rows<R> {
    fn get(&self, key: &[u8]) -> Option<&Cell<R>> {
        match self {
            Self::Keyed(rows) => rows.get(key).map(|stored| &stored.cell),
            Self::Ordered(rows) => rows.get(key).map(|stored| &stored.cell),
        }
    }

    fn insert(&mut self, stored: Stored<R>) -> Option<Stored<R>> {
        match self {
            Self::Keyed(rows) => rows.insert(stored.cell.clone(), stored),
            Self::Ordered(rows) => rows.insert(stored.cell.clone(), stored),
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Stored<R>> {
        match self {
            Self::Keyed(rows) => rows.remove(key),
            Self::Ordered(rows) => rows.remove(key),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Keyed(rows) => rows.len(),
            Self::Ordered(rows) => rows.len(),
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = &Cell<R>> + '_> {
        match self {
            Self::Keyed(rows) => Box::new(rows.keys()),
            Self::Ordered(rows) => Box::new(rows.keys()),
        }
    }
}

pub(crate) struct TypedTable<R: Row> {
    rows: Rows<R>,
    /// What the running command replaced, oldest first.
    undo: Vec<Undo<R>>,
    /// What the batch changed, in order; `None` where a later entry took the place of one.
    changed: Vec<Option<Cell<R>>>,
    batch: u32,
    /// Every row is in memory: what is not here is nowhere.
    whole: bool,
}

impl<R: Row> TypedTable<R> {
    fn new(shape: Shape, seed: u64, whole: bool) -> Self {
        let rows = match shape {
            Shape::Keyed => Rows::Keyed(Hashed::with_hasher(Seeded::new(seed))),
            Shape::Ordered => Rows::Ordered(Sorted::new()),
        };
        Self {
            rows,
            undo: Vec::new(),
            changed: Vec::new(),
            batch: 1,
            whole,
        }
    }

    /// The row, if it is there; `Err(())` if only the base can tell.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<RowRef<R>>, ()> {
        match self.rows.get(key) {
            Some(cell) => Ok(RowRef::of(cell)),
            None if self.whole => Ok(None),
            None => Err(()),
        }
    }

    pub(crate) fn put(&mut self, key: &[u8], row: R) {
        self.set(Cell::new(key, Some(row)));
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        let gone = Cell::new(key, None);
        if !self.whole {
            return self.set(gone);
        }
        let Some(before) = self.rows.remove(key) else {
            return;
        };
        self.note(Some(&before), gone.clone());
        self.undo.push(Undo {
            written: gone,
            before: Some(before),
        });
    }

    fn set(&mut self, cell: Cell<R>) {
        let at = u32::try_from(self.changed.len());
        let at = at.expect("because a batch changes far fewer rows");
        let batch = self.batch;
        let stored = Stored {
            cell: cell.clone(),
            batch,
            at,
        };
        let before = self.rows.insert(stored);
        self.note(before.as_ref(), cell.clone());
        self.undo.push(Undo {
            written: cell,
            before,
        });
    }

    /// The entry of this batch that a write of the same row replaces, if there is one.
    fn listed(&mut self, before: Option<&Stored<R>>) -> Option<&mut Option<Cell<R>>> {
        let before = before.filter(|before| before.batch == self.batch)?;
        let at = usize::try_from(before.at).expect("because 32 bits fit an index");
        Some(&mut self.changed[at])
    }

    /// Lists a change; only the last one of a row stays.
    fn note(&mut self, before: Option<&Stored<R>>, cell: Cell<R>) {
        if let Some(listed) = self.listed(before) {
            *listed = None;
        }
        self.changed.push(Some(cell));
    }

    /// Takes back what `note` did for a write that replaced `before`.
    fn unnote(&mut self, before: Option<&Stored<R>>) {
        self.changed.pop();
        if let Some(listed) = self.listed(before) {
            *listed = before.map(|before| before.cell.clone());
        }
    }

    /// Rows in memory from `from` on, in order. Empty for a keyed table, which has no order.
    pub(crate) fn range(&self, from: &[u8]) -> impl Iterator<Item = (KeyRef<'_>, &R)> {
        range(&self.rows, from)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (KeyRef<'_>, &R)> {
        self.rows.iter().filter_map(key_and_row)
    }
}

fn key_and_row<R>(cell: &Cell<R>) -> Option<(KeyRef<'_>, &R)> {
    Some((KeyRef(cell.key()), cell.row()?))
}

fn range<'a, R: Row>(
    rows: &'a Rows<R>,
    from: &[u8],
) -> impl Iterator<Item = (KeyRef<'a>, &'a R)> + use<'a, R> {
    use std::ops::Bound::{Included, Unbounded};
    let range = match rows {
        Rows::Keyed(_) => None,
        Rows::Ordered(rows) => Some(rows.range::<_, [u8]>((Included(from), Unbounded))),
    };
    // The cell beside the key: a key within the map may be of an older cell of the same row.
    range
        .into_iter()
        .flatten()
        .filter_map(|(_, stored)| key_and_row(&stored.cell))
}

impl<R: Row> AnyTable for TypedTable<R> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn undo(&mut self) {
        while let Some(Undo { written, before }) = self.undo.pop() {
            self.unnote(before.as_ref());
            match before {
                Some(stored) => drop(self.rows.insert(stored)),
                None => drop(self.rows.remove(written.key())),
            }
        }
    }

    fn commit(&mut self) {
        self.undo.clear();
    }

    fn take_effects(&mut self, id: u16, out: &mut Vec<u8>) {
        debug_assert!(self.undo.is_empty(), "effects are taken between commands");
        for cell in self.changed.drain(..).flatten() {
            match cell.row() {
                Some(row) => effect::put(out, id, cell.key(), row),
                None => effect::remove(out, id, cell.key()),
            }
        }
        // Batch 0 is of rows that were replayed.
        self.batch = self.batch.wrapping_add(1).max(1);
    }

    fn load(&mut self, key: &[u8], row: Option<&[u8]>) -> Result<(), minicbor::decode::Error> {
        let row = row.map(minicbor::decode::<R>).transpose()?;
        if row.is_none() && self.whole {
            self.rows.remove(key);
        } else {
            self.rows.insert(Stored {
                cell: Cell::new(key, row),
                batch: 0,
                at: 0,
            });
        }
        Ok(())
    }

    fn has(&self, key: &[u8]) -> bool {
        self.get(key).is_ok()
    }

    fn snapshot(&self) -> Box<dyn Any + Send> {
        Box::new(self.rows.clone())
    }

    fn len(&self) -> usize {
        self.rows.len()
    }
}

/// All tables of one partition.
pub(crate) struct Tables {
    tables: Vec<(TableDef, Box<dyn AnyTable>)>,
    /// Table id → index, `NONE` where there is no such table.
    index: Vec<u8>,
    /// Indexes of the tables that the running command has written.
    touched: Vec<u8>,
    /// Indexes of the tables that the batch has written.
    changed: Vec<u8>,
    base: Option<Box<dyn Base>>,
}

const NONE: u8 = u8::MAX;

impl Tables {
    pub(crate) fn new(defs: &[TableDef], seed: u64, base: Option<Box<dyn Base>>) -> Self {
        let mut index = vec![NONE; 1 << 12];
        let mut tables = Vec::with_capacity(defs.len());
        for def in defs {
            let place = &mut index[usize::from(def.id)];
            assert_eq!(*place, NONE, "two tables are numbered {:#x}", def.id);
            *place = u8::try_from(tables.len()).expect("because there are fewer than 255 tables");
            tables.push((*def, (def.make)(def.shape, seed, base.is_none())));
        }
        Self {
            tables,
            index,
            touched: Vec::new(),
            changed: Vec::new(),
            base,
        }
    }

    fn place(&self, id: u16) -> Option<usize> {
        self.index
            .get(usize::from(id))
            .filter(|at| **at != NONE)
            .map(|at| usize::from(*at))
    }

    pub(crate) fn table<R: Row>(&self, table: &Table<R>) -> &TypedTable<R> {
        let at = self
            .place(table.id)
            .expect("because a domain's tables are registered with it");
        let any = self.tables[at].1.as_any();
        any.downcast_ref()
            .expect("because a table's id and its row type stand in one constant")
    }

    /// The table, marked as written by the running command.
    pub(crate) fn table_mut<R: Row>(&mut self, table: &Table<R>) -> &mut TypedTable<R> {
        let at = self
            .place(table.id)
            .expect("because a domain's tables are registered with it");
        let small = self.index[usize::from(table.id)];
        if !self.touched.contains(&small) {
            self.touched.push(small);
        }
        let any = self.tables[at].1.as_any_mut();
        any.downcast_mut()
            .expect("because a table's id and its row type stand in one constant")
    }

    pub(crate) fn undo(&mut self) {
        for at in self.touched.drain(..) {
            self.tables[usize::from(at)].1.undo();
        }
    }

    pub(crate) fn commit(&mut self) {
        for at in self.touched.drain(..) {
            self.tables[usize::from(at)].1.commit();
            if !self.changed.contains(&at) {
                self.changed.push(at);
            }
        }
    }

    /// Appends the effects of the batch; `false` if it changed nothing.
    pub(crate) fn take_effects(&mut self, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        for at in self.changed.drain(..) {
            let (def, table) = &mut self.tables[usize::from(at)];
            table.take_effects(def.id, out);
        }
        out.len() > before
    }

    pub(crate) fn replay(
        &mut self,
        table: u16,
        key: &[u8],
        row: Option<&[u8]>,
    ) -> Result<(), ReplayError> {
        let at = self.place(table).ok_or(ReplayError::UnknownTable(table))?;
        let (def, rows) = &mut self.tables[at];
        rows.load(key, row).map_err(|cause| {
            ReplayError::Row(DecodeError {
                table: def.name,
                cause,
            })
        })
    }

    /// Brings a row from the base into memory, if memory does not know of it yet.
    pub(crate) fn fetch(&mut self, missing: &Missing) -> Result<(), ReplayError> {
        let key = missing.key.as_bytes();
        let at = self
            .place(missing.table)
            .ok_or(ReplayError::UnknownTable(missing.table))?;
        let (Some(base), false) = (&self.base, self.tables[at].1.has(key)) else {
            return Ok(());
        };
        let row = base.get(missing.table, key);
        self.replay(missing.table, key, row.as_deref())
    }

    /// Whether rows may be missing from memory at all.
    pub(crate) fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// The named tables as they are now.
    pub(crate) fn snapshot(&self, tables: &[u16]) -> Snapshot {
        let taken = tables.iter().map(|id| {
            let at = self
                .place(*id)
                .expect("because a domain's tables are registered with it");
            (*id, self.tables[at].1.snapshot())
        });
        Snapshot {
            tables: taken.collect(),
        }
    }

    /// Name and number of rows of every table.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.tables
            .iter()
            .map(|(def, table)| (def.name, table.len()))
    }
}

/// The log names a row that this program cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The table's number is not known: the log was written by a newer version.
    #[error("table {0:#x} is not known to this version; was the log written by a newer one?")]
    UnknownTable(u16),
    /// The row's bytes do not decode.
    #[error(transparent)]
    Row(#[from] DecodeError),
    /// A record of the partition's sequence is missing.
    #[error("record {expected} comes next, but {found} was found")]
    Gap {
        /// The position that comes next.
        expected: u64,
        /// The position that was found.
        found: u64,
    },
    /// The effect's frame does not decode.
    #[error("effects of a record are cut short")]
    Cut,
}

/// Some tables of one partition as they were at one `Lsn`.
pub struct Snapshot {
    tables: Vec<(u16, Box<dyn Any + Send>)>,
}

impl Snapshot {
    fn rows<R: Row>(&self, table: &Table<R>) -> &Rows<R> {
        let found = self.tables.iter().find(|(id, _)| *id == table.id);
        let (_, rows) = found.expect("because a scan names the tables that it reads");
        rows.downcast_ref()
            .expect("because a table's id and its row type stand in one constant")
    }

    /// The row under an encoded key.
    #[must_use]
    pub fn get<R: Row>(&self, table: &Table<R>, key: &[u8]) -> Option<&R> {
        self.rows(table).get(key).and_then(Cell::row)
    }

    /// Rows of an ordered table whose encoded keys start with `prefix`, from `from` on.
    pub fn range<'a, R: Row>(
        &'a self,
        table: &Table<R>,
        prefix: Vec<u8>,
        from: &[u8],
    ) -> impl Iterator<Item = (KeyRef<'a>, &'a R)> + use<'a, R> {
        let rows = range(self.rows(table), from.max(&prefix));
        rows.take_while(move |(key, _)| key.as_bytes().starts_with(&prefix))
    }
}
