//! All tables of one partition, and snapshots of some.

use crate::cell::Cell;
use crate::key::KeyRef;
use crate::memtable::{MemTable, Rows};
use crate::row::Row;
use crate::table::{Base, Missing, ReplayError, Table, TableDef};

/// All tables of one partition.
pub(crate) struct Tables {
    tables: Vec<(TableDef, MemTable)>,
    /// Table id → index, `NONE` where there is no such table.
    index: Vec<u8>,
    /// Indexes of the tables that the running command has written.
    touched: Vec<u8>,
    /// Indexes of the tables that the batch has written.
    changed: Vec<u8>,
    base: Option<Box<dyn Base>>,
    /// Bytes of a row on its way in.
    scratch: Vec<u8>,
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
            tables.push((*def, MemTable::new(def.shape, seed, base.is_none())));
        }
        Self {
            tables,
            index,
            touched: Vec::new(),
            changed: Vec::new(),
            base,
            scratch: Vec::new(),
        }
    }

    fn place(&self, id: u16) -> Result<usize, ReplayError> {
        match self.index.get(usize::from(id)) {
            Some(at) if *at != NONE => Ok(usize::from(*at)),
            Some(_) | None => Err(ReplayError::UnknownTable(id)),
        }
    }

    fn table<R: Row>(&self, table: &Table<R>) -> &MemTable {
        let at = self.place(table.id());
        &self.tables[at.expect(REGISTERED)].1
    }

    /// The table, marked as written by the running command.
    fn table_mut<R: Row>(&mut self, table: &Table<R>) -> &mut MemTable {
        let at = self.place(table.id()).expect(REGISTERED);
        let small = self.index[usize::from(table.id())];
        if !self.touched.contains(&small) {
            self.touched.push(small);
        }
        &mut self.tables[at].1
    }

    /// The row, if it is there; `Err(())` if only the base can tell.
    pub(crate) fn get<R: Row>(&self, table: &Table<R>, key: &[u8]) -> Result<Option<R>, ()> {
        let cell = self.table(table).get(key)?;
        Ok(cell.and_then(|cell| cell.row().map(|row| table.decode(row))))
    }

    /// Puts a row under `key`, which gets the row's bytes behind it.
    pub(crate) fn put<R: Row>(&mut self, table: &Table<R>, key: &mut Vec<u8>, row: &R) {
        let key_length = key.len();
        minicbor::encode(row, &mut *key).expect("because writing to memory does not fail");
        self.table_mut(table).put(Cell::of_row(key, key_length));
    }

    /// Removes a row, if it is there.
    pub(crate) fn remove<R: Row>(&mut self, table: &Table<R>, key: &[u8]) {
        self.table_mut(table).remove(key);
    }

    /// Keys of rows in memory from `from` on, in order. Empty for a keyed table.
    pub(crate) fn keys_from<R: Row>(
        &self,
        table: &Table<R>,
        from: &[u8],
    ) -> impl Iterator<Item = KeyRef<'_>> + use<'_, R> {
        let cells = self.table(table).rows.range(from);
        cells.filter_map(|cell| cell.row().map(|_| KeyRef(cell.key())))
    }

    /// Every row in memory, in no particular order.
    pub(crate) fn rows<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
    ) -> impl Iterator<Item = (KeyRef<'a>, R)> + use<'a, R> {
        let cells = self.table(table).rows.iter();
        cells.filter_map(|cell| decoded(table, cell))
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
        let at = self.place(table)?;
        let (def, rows) = &mut self.tables[at];
        let Some(row) = row else {
            rows.load(Cell::of_none(key));
            return Ok(());
        };
        def.verify(row)?;
        self.scratch.clear();
        self.scratch.extend_from_slice(key);
        self.scratch.extend_from_slice(row);
        rows.load(Cell::of_row(&self.scratch, key.len()));
        Ok(())
    }

    /// Brings a row from the base into memory, if memory does not know of it yet.
    pub(crate) fn fetch(&mut self, missing: &Missing) -> Result<(), ReplayError> {
        let key = missing.key.as_bytes();
        let at = self.place(missing.table)?;
        let known = self.tables[at].1.get(key).is_ok();
        let (Some(base), false) = (&self.base, known) else {
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
            let at = self.place(*id).expect(REGISTERED);
            (*id, self.tables[at].1.rows.clone())
        });
        Snapshot {
            tables: taken.collect(),
        }
    }

    /// Name and number of rows of every table.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.tables
            .iter()
            .map(|(def, table)| (def.name, table.rows.len()))
    }
}

const REGISTERED: &str = "because a domain's tables are registered with it";

fn decoded<'a, R: Row>(table: &Table<R>, cell: &'a Cell) -> Option<(KeyRef<'a>, R)> {
    Some((KeyRef(cell.key()), table.decode(cell.row()?)))
}

/// Some tables of one partition as they were at one `Lsn`.
pub struct Snapshot {
    tables: Vec<(u16, Rows)>,
}

impl Snapshot {
    fn table<R: Row>(&self, table: &Table<R>) -> &Rows {
        let found = self.tables.iter().find(|(id, _)| *id == table.id());
        let (_, rows) = found.expect("because a scan names the tables that it reads");
        rows
    }

    /// The row under an encoded key.
    #[must_use]
    pub fn get<R: Row>(&self, table: &Table<R>, key: &[u8]) -> Option<R> {
        let cell = self.table(table).get(key)?;
        cell.row().map(|row| table.decode(row))
    }

    /// Rows of an ordered table whose encoded keys start with `prefix`, from `from` on.
    pub fn range<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        prefix: Vec<u8>,
        from: &[u8],
    ) -> impl Iterator<Item = (KeyRef<'a>, R)> + use<'a, R> {
        let cells = self.table(table).range(from.max(&prefix));
        let cells = cells.take_while(move |cell| cell.key().starts_with(&prefix));
        cells.filter_map(|cell| decoded(table, cell))
    }
}
