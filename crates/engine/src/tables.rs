//! All tables of one partition, and snapshots of some.

use std::cell::{Cell as Tallied, RefCell};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::archive::{Floors, Retention, Slice};
use crate::base::{Base, BaseError, BaseSnapshot};
use crate::cell::Cell;
use crate::filter::Filters;
use crate::hash::Seeded;
use crate::key::{RowKey, Slot};
use crate::limits::AWAITED_CACHE_TIMES;
use crate::memtable::{Left, MemTable, Rows};
use crate::row::{Found, Row, RowsRead};
use crate::table::{Missing, ReplayError, TABLE_IDS, Table, TableDef};

/// All tables of one partition.
pub(crate) struct Tables {
    tables: Vec<(TableDef, MemTable)>,
    /// Table id → index, `NONE` where there is no such table.
    index: Vec<u8>,
    /// Indexes of the tables that the running command has written.
    touched: Vec<u8>,
    /// Indexes of the tables that the batch has written.
    changed: Vec<u8>,
    base: Arc<dyn Base>,
    /// What was dropped of archives by the time of the start.
    floors: Floors,
    seed: Seeded,
    /// The base has no row of any table.
    are_whole: bool,
    /// About how many bytes the rows changed since the last checkpoint take, by the last commit.
    bytes: usize,
    /// So many bytes rows that were read from the base may take.
    cache_bytes_max: usize,
    /// Bytes of a row on its way in.
    scratch: Vec<u8>,
}

const NONE: u8 = u8::MAX;

impl Tables {
    pub(crate) fn new(
        defs: &[TableDef],
        seed: u64,
        (base, floors): (Arc<dyn Base>, &Floors),
        filters: &Filters,
        cache_bytes_max: usize,
    ) -> Self {
        let mut index = vec![NONE; TABLE_IDS];
        let mut tables = Vec::with_capacity(defs.len());
        for def in defs {
            let place = &mut index[usize::from(def.id)];
            assert_eq!(*place, NONE, "two tables are numbered {:#x}", def.id);
            *place = u8::try_from(tables.len()).expect("because there are fewer than 255 tables");
            let filter = filters.get(&def.id).cloned();
            let table = MemTable::new(def.shape, seed, !base.has(def.id), filter);
            tables.push((*def, table));
        }
        Self {
            tables,
            index,
            touched: Vec::new(),
            changed: Vec::new(),
            are_whole: defs.iter().all(|def| !base.has(def.id)),
            base,
            seed: Seeded::new(seed),
            bytes: 0,
            cache_bytes_max,
            floors: floors.clone(),
            scratch: Vec::new(),
        }
    }

    /// That of the hash of keyed tables.
    pub(crate) fn seed(&self) -> Seeded {
        self.seed
    }

    fn place(&self, id: u16) -> Result<usize, ReplayError> {
        match self.index.get(usize::from(id)) {
            Some(at) if *at != NONE => Ok(usize::from(*at)),
            Some(_) | None => Err(ReplayError::UnknownTable(id)),
        }
    }

    /// How an archive is kept.
    pub(crate) fn retention(&self, id: u16) -> Retention {
        let at = self.place(id).expect(REGISTERED);
        let retention = self.tables[at].0.retention;
        retention.expect("because only archives are asked about")
    }

    /// The first slice of an archive that is not dropped.
    fn first_kept(&self, id: u16, now_ms: u64) -> Slice {
        let floor = self.floors.get(&id).copied().unwrap_or_default();
        self.retention(id).first_kept(now_ms).max(floor)
    }

    /// Whether a row of an archive is dropped.
    pub(crate) fn is_dropped(&self, id: u16, key: &[u8], now_ms: u64) -> bool {
        let slice = Slice::of_key(key);
        slice.is_some_and(|slice| slice < self.first_kept(id, now_ms))
    }

    fn table(&mut self, id: u16) -> &mut MemTable {
        let at = self.place(id).expect(REGISTERED);
        &mut self.tables[at].1
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
    pub(crate) fn get<R: Row>(&mut self, table: &Table<R>, key: &[u8]) -> Result<Option<R>, ()> {
        let cell = self.table(table.id()).get(key)?;
        Ok(cell.and_then(|cell| cell.row().map(|row| table.decode(row))))
    }

    /// Where the row lies that is under this key.
    pub(crate) fn where_is(&self, table: u16, key: &[u8]) -> Found {
        let at = self.place(table).expect(REGISTERED);
        self.tables[at].1.where_is(key)
    }

    /// Whether memory knows if there is a row under this key.
    pub(crate) fn knows(&mut self, table: u16, key: &[u8]) -> bool {
        self.table(table).get(key).is_ok()
    }

    /// Puts a row under `key`, which gets the row's bytes behind it.
    pub(crate) fn put<R: Row>(&mut self, table: &Table<R>, key: &mut Vec<u8>, row: &R) {
        let key_length = key.len();
        minicbor::encode(row, &mut *key).expect("because writing to memory does not fail");
        let cell = Cell::of_row(key, key_length);
        let rows = self.table_mut(table);
        if table.is_known_at_edge() {
            // Before any answer can leave; what is undone or removed later leaves its key there.
            rows.tell_filter(cell.key());
        }
        rows.put(cell);
    }

    /// Removes a row, if it is there.
    pub(crate) fn remove<R: Row>(&mut self, table: &Table<R>, key: &[u8]) {
        self.table_mut(table).remove(key);
    }

    /// The key of the first row in memory from `from` on, though the base may have one before it.
    /// None for a keyed table.
    pub(crate) fn first_from<R: Row>(&mut self, table: &Table<R>, from: &[u8]) -> Option<RowKey> {
        let cell = self.table(table.id()).first_from(from)?;
        Some(RowKey::from_bytes(cell.key()))
    }

    pub(crate) fn undo(&mut self) {
        for at in self.touched.drain(..) {
            self.tables[usize::from(at)].1.undo();
        }
    }

    pub(crate) fn commit(&mut self) {
        for at in self.touched.drain(..) {
            let (_, table) = &mut self.tables[usize::from(at)];
            table.commit();
            self.bytes = self.bytes.strict_add_signed(table.more_bytes());
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
        if let Some(row) = row {
            def.verify(row)?;
            if def.is_known_at_edge {
                rows.tell_filter(key);
            }
        }
        rows.replay(cell_of(&mut self.scratch, key, row));
        self.bytes = self.bytes.strict_add_signed(rows.more_bytes());
        Ok(())
    }

    /// Keeps what the base says of a row, unless memory knows better by now.
    pub(crate) fn fetched(&mut self, missing: &Missing, row: Option<&[u8]>) {
        let cell = cell_of(&mut self.scratch, missing.key.as_bytes(), row);
        self.table(missing.table).fetched(cell);
    }

    /// The rows changed are now on their way to the base; gives them by table.
    pub(crate) fn freeze(&mut self) -> Vec<(u16, Rows)> {
        let tables = self.tables.iter_mut();
        let frozen = tables
            .map(|(def, table)| (def.id, table.freeze()))
            .collect();
        self.bytes = 0;
        self.are_whole = self.tables.iter().all(|(_, table)| table.is_whole());
        frozen
    }

    /// They have arrived there; gives what memory need not keep any more.
    pub(crate) fn thaw(&mut self) -> Vec<Left> {
        self.tables
            .iter_mut()
            .map(|(_, table)| table.thaw())
            .collect()
    }

    /// Keeps the rows read from the base, of all tables together, within their bound: between two batches only, what was
    /// fetched for the next one stays until it has run. Commands that wait for further ones run again with those that they
    /// have: as long as some do, there may be more.
    pub(crate) fn bound_caches(&mut self, some_wait: bool) {
        if self.are_whole {
            return;
        }
        let young: usize = self
            .tables
            .iter()
            .map(|(_, table)| table.young_bytes())
            .sum();
        let times = if some_wait { AWAITED_CACHE_TIMES } else { 1 };
        if young > self.cache_bytes_max / 2 * times {
            self.tables
                .iter_mut()
                .for_each(|(_, table)| table.turn_cache());
        }
    }

    /// About how many bytes the rows changed since the last checkpoint take, as of the last commit.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The named tables as they are now.
    pub(crate) fn snapshot(&mut self, tables: &[u16], now_ms: u64) -> Snapshot {
        for table in tables {
            self.table(*table).put_in_order(); // Not again for the next one.
        }
        let seen = |id: &u16| {
            let at = self.place(*id).expect(REGISTERED);
            let (def, table) = &self.tables[at];
            self.see(def, table.layers(), now_ms)
        };
        self.seen(tables.iter().map(seen).collect())
    }

    /// All tables as they are now, keyed ones too in the order of their keys.
    pub(crate) fn books(&self, now_ms: u64) -> Snapshot {
        let tables = self.tables.iter();
        self.seen(
            tables
                .map(|table| self.see_in_order(table, now_ms))
                .collect(),
        )
    }

    /// Some tables as they are now, keyed ones too in the order of their keys.
    pub(crate) fn books_of(&self, tables: &[u16]) -> Snapshot {
        let seen = |id: &u16| {
            let at = self.place(*id).expect(REGISTERED);
            self.see_in_order(&self.tables[at], 0)
        };
        self.seen(tables.iter().map(seen).collect())
    }

    fn see_in_order(&self, (def, table): &(TableDef, MemTable), now_ms: u64) -> Seen {
        let layers = table.layers();
        self.see(def, layers.iter().map(Rows::in_order).collect(), now_ms)
    }

    fn see(&self, def: &TableDef, layers: Vec<Rows>, now_ms: u64) -> Seen {
        let slices = def.retention.map(|retention| {
            let first = self.first_kept(def.id, now_ms);
            first..=retention.slice_at(now_ms)
        });
        Seen {
            def: *def,
            layers,
            slices,
        }
    }

    fn seen(&self, tables: Vec<Seen>) -> Snapshot {
        Snapshot {
            tables,
            base: self.base.snapshot(),
            failure: RefCell::new(None),
            read: Tallied::default(),
        }
    }
}

const REGISTERED: &str = "because a domain's tables are registered with it";

/// What is known of a key, as a cell; `scratch` is overwritten.
fn cell_of(scratch: &mut Vec<u8>, key: &[u8], row: Option<&[u8]>) -> Cell {
    let Some(row) = row else {
        return Cell::of_none(key);
    };
    scratch.clear();
    scratch.extend_from_slice(key);
    scratch.extend_from_slice(row);
    Cell::of_row(scratch, key.len())
}

/// Some tables of one partition as they were at one `Lsn`.
///
/// What lies in the base is read when it is asked for. Where that fails, it seems not to be there:
/// whoever has read looks at [`Snapshot::failure`] before anything is made of it.
pub struct Snapshot {
    tables: Vec<Seen>,
    base: Box<dyn BaseSnapshot>,
    failure: RefCell<Option<BaseError>>,
    read: Tallied<RowsRead>,
}

/// One table of a snapshot.
struct Seen {
    def: TableDef,
    /// What is not in the base yet, newest first.
    layers: Vec<Rows>,
    /// The slices that an archive has.
    slices: Option<RangeInclusive<Slice>>,
}

impl Seen {
    /// Whether a row under this key is dropped.
    fn is_dropped(&self, key: &[u8]) -> bool {
        let slices = self.slices.as_ref();
        let kept = slices.zip(Slice::of_key(key));
        kept.is_some_and(|(slices, slice)| slice < *slices.start())
    }
}

impl Snapshot {
    fn table(&self, table: u16) -> &Seen {
        let found = self.tables.iter().find(|seen| seen.def.id == table);
        found.expect("because a scan names the tables that it reads")
    }

    /// The slices that an archive has, those that are dropped left out.
    pub(crate) fn slices<R: Row>(&self, archive: &Table<R>) -> RangeInclusive<Slice> {
        let slices = self.table(archive.id()).slices.clone();
        slices.expect("because only archives are asked about")
    }

    /// What could not be read of the base, if anything.
    pub(crate) fn failure(&self) -> Option<BaseError> {
        self.failure.take()
    }

    fn fail(&self, error: BaseError) {
        self.failure.borrow_mut().get_or_insert(error);
    }

    /// A row of the base, checked.
    fn checked(&self, def: &TableDef, key: &[u8], row: &[u8]) -> bool {
        let verified = def.verify_stored(key, row);
        let verified = verified.map_err(|what| self.fail(BaseError::no_row(def, key, what)));
        verified.is_ok()
    }

    /// The row under an encoded key.
    #[must_use]
    pub fn get<R: Row>(&self, table: &Table<R>, key: &[u8]) -> Option<R> {
        let seen = self.table(table.id());
        if seen.is_dropped(key) {
            return None;
        }
        if let Some(cell) = seen.layers.iter().find_map(|rows| rows.get(key)) {
            let row = cell.row().map(|row| table.decode(row))?;
            self.note(Found::InMemory);
            return Some(row);
        }
        let row = self.base.get(table.id(), key);
        let row = row.unwrap_or_else(|error| {
            self.fail(error);
            None
        });
        let row = row.filter(|row| self.checked(&seen.def, key, row))?;
        self.note(Found::OnDisk);
        Some(table.decode(&row))
    }

    /// Which rows it has given so far.
    pub(crate) fn rows_read(&self) -> RowsRead {
        self.read.get()
    }

    fn note(&self, found: Found) {
        let mut read = self.read.get();
        read.note(found);
        self.read.set(read);
    }

    /// Rows whose encoded keys start with `prefix`, from `from` on. A keyed table has no order: only
    /// what the base has of it is found.
    pub fn range<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R> {
        let cells = self.found(table.id(), prefix, from);
        cells.filter_map(|(cell, found)| {
            let row = table.decode(cell.row()?);
            self.note(found);
            Some((RowKey::from_bytes(cell.key()), row))
        })
    }

    /// The first encoded key from `from` on of which something is known; its row may be removed.
    pub(crate) fn first_key<R: Row>(&self, table: &Table<R>, from: &[u8]) -> Option<Vec<u8>> {
        let cell = self.cells(table.id(), &[], from).next()?;
        Some(cell.key().to_vec())
    }

    /// What is known of keys that start with `prefix`, from `from` on, one cell a key.
    fn cells<'a>(
        &'a self,
        table: u16,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Cell> + use<'a> {
        self.found(table, prefix, from).map(|(cell, _)| cell)
    }

    /// The same, with where each was found.
    fn found<'a>(
        &'a self,
        table: u16,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = (Cell, Found)> + use<'a> {
        let seen = self.table(table);
        let from = from.max(prefix);
        let mut sources: Vec<Peekable<Cells<'a>>> = Vec::new();
        for rows in &seen.layers {
            let prefix = prefix.to_vec();
            let within = rows
                .range(from)
                .take_while(move |cell| cell.key().starts_with(&prefix));
            sources.push((Box::new(within.cloned()) as Cells<'a>).peekable());
        }
        let mut scratch = Vec::new();
        let stored = self.base.range(table, prefix, from);
        let stored = stored.map_while(move |stored| match stored {
            Ok((key, row)) => self
                .checked(&seen.def, &key, &row)
                .then(|| cell_of(&mut scratch, &key, Some(&row))),
            Err(error) => {
                self.fail(error);
                None
            }
        });
        sources.push((Box::new(stored) as Cells<'a>).peekable());
        let all = std::iter::from_fn(move || newest_of_first(&mut sources));
        all.filter(|(cell, _)| !seen.is_dropped(cell.key()))
    }

    /// The first key from `from` on under which there is a row, or was before it was removed.
    pub(crate) fn key_from<R: Row>(&self, table: &Table<R>, from: &RowKey) -> Option<RowKey> {
        let first = self.cells(table.id(), &[], from.as_bytes()).next()?;
        Some(RowKey::from_bytes(first.key()))
    }

    /// All tables of which this knows.
    pub(crate) fn defs(&self) -> impl Iterator<Item = &TableDef> {
        self.tables.iter().map(|seen| &seen.def)
    }

    /// How many rows each table has of each of these slots, which are in order: of those of which it has some.
    pub(crate) fn sizes(&self, slots: &[Slot]) -> BTreeMap<Slot, Vec<(&TableDef, usize)>> {
        let mut sizes = BTreeMap::<Slot, Vec<(&TableDef, usize)>>::new();
        for Seen { def, .. } in &self.tables {
            for slot in self.slots_of(def.id, slots) {
                let of_slot = sizes.entry(slot).or_default();
                match of_slot.last_mut().filter(|(last, _)| last.id == def.id) {
                    Some((_, count)) => *count += 1,
                    None => of_slot.push((def, 1)),
                }
            }
        }
        sizes
    }

    /// The slot of each row that a table has of these.
    fn slots_of<'a>(
        &'a self,
        table: u16,
        slots: &'a [Slot],
    ) -> impl Iterator<Item = Slot> + use<'a> {
        let from = slots.first().map_or([0; 2], |slot| slot.0.to_be_bytes());
        let cells = self.cells(table, &[], &from);
        let rows = cells.filter(|cell| cell.row().is_some());
        let of_rows = rows.map(|cell| RowKey::from_bytes(cell.key()).slot());
        let within = of_rows.take_while(|slot| slots.last().is_some_and(|last| slot <= last));
        within.filter(|slot| slots.binary_search(slot).is_ok())
    }
}

type Cells<'a> = Box<dyn Iterator<Item = Cell> + 'a>;

/// The cell of the lowest key; of several, the one of the first source. The last one is the base.
fn newest_of_first(sources: &mut [Peekable<Cells<'_>>]) -> Option<(Cell, Found)> {
    let firsts = sources.iter_mut().filter_map(|source| source.peek());
    let first = firsts.min().cloned()?;
    let mut newest = None;
    let layers = sources.len() - 1;
    for (at, source) in sources.iter_mut().enumerate() {
        if source.peek() == Some(&first) {
            let found = if at < layers {
                Found::InMemory
            } else {
                Found::OnDisk
            };
            let cell = source.next().map(|cell| (cell, found));
            newest = newest.or(cell); // That of an older source is out of sight.
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_is_found_in_the_newest_layer_that_knows_it_and_the_last_source_is_the_base() {
        let source = |keys: &'static str| {
            let cells = keys
                .as_bytes()
                .iter()
                .map(|key| Cell::of_row(&[*key, 1], 1));
            (Box::new(cells) as Cells<'_>).peekable()
        };
        let mut sources = ["ac", "bc", "abde"].map(source);
        let found = std::iter::from_fn(|| newest_of_first(&mut sources));
        let found: Vec<_> = found.map(|(cell, found)| (cell.key()[0], found)).collect();
        let (memory, disk) = (Found::InMemory, Found::OnDisk);
        let expected = [
            (b'a', memory),
            (b'b', memory),
            (b'c', memory),
            (b'd', disk),
            (b'e', disk),
        ];
        assert_eq!(found, expected);
    }
}
