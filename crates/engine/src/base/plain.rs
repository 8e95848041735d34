//! The plainest base there is: maps in memory, each written whole to a file at every ingestion.
//!
//! For the simulator: it writes through [`Disk`], so that crashes and faults fall into it as into
//! the log. A file `base-<table>-<number>` holds one table, `base-<table>-<slice>-<number>` a slice of
//! an archive; `base.list` says which files count, and takes the place of the list before by a rename.
//!
//! ```text
//! list     for each table or slice: table 2 │ slice 4 (0 for a table) │ number 8 │ length 8 │ crc32c 4
//!          at the end crc32c 4 over all
//! table    for each row, by key: key length 4 │ key │ row length 4 │ row
//! ```

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::keyspace::{Keyspace, by_slice, is_archive, within};
use super::merge::merged;
use super::{
    Base, BaseCause, BaseDamage, BaseError, BaseSnapshot, Change, StoredRows, Tend, name_of,
};
use crate::archive::Slice;
use crate::disk::Disk;
use crate::table::TableDef;

const LIST: &str = "base.list";
const NEW_LIST: &str = "base.list.tmp";

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Maps in memory and on a disk.
pub struct PlainBase {
    disk: Arc<dyn Disk>,
    defs: Vec<TableDef>,
    tables: Mutex<Tables>,
    /// Slices before these are dropped.
    dropped: Mutex<BTreeMap<u16, Slice>>,
}

type Tables = BTreeMap<Keyspace, Kept>;

#[derive(Clone)]
struct Kept {
    rows: Arc<Rows>,
    file: Listed,
}

/// A file that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listed {
    number: u64,
    length: u64,
    crc: u32,
}

impl Listed {
    fn name(self, keyspace: Keyspace) -> String {
        format!("base-{}-{:016x}", keyspace.name(), self.number)
    }
}

impl PlainBase {
    /// Reads the tables of a disk.
    ///
    /// # Errors
    /// A file cannot be read, or is not what was written.
    pub fn open(disk: Arc<dyn Disk>, defs: &[TableDef]) -> Result<Self, BaseError> {
        let base = Self {
            disk,
            defs: defs.to_vec(),
            tables: Mutex::default(),
            dropped: Mutex::default(),
        };
        let listed = base.listed()?;
        for (keyspace, file) in listed {
            let rows = Arc::new(base.read(keyspace, file)?);
            base.lock().insert(keyspace, Kept { rows, file });
        }
        Ok(base)
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }

    fn bytes_of(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.disk.open(name)?;
        let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    fn listed(&self) -> Result<Vec<(Keyspace, Listed)>, BaseError> {
        let bytes = match self.bytes_of(LIST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.io_error(None, LIST, error)),
        };
        let sound = bytes.split_last_chunk::<4>();
        let sound = sound.filter(|(all, crc)| crc32c::crc32c(all) == u32::from_le_bytes(**crc));
        let Some((mut rest, _)) = sound else {
            return Err(self.corrupt(None, LIST));
        };
        let mut listed = Vec::new();
        while let Some((table, slice, file)) = take_listed(&mut rest) {
            let slice = is_archive(&self.defs, table).then_some(slice);
            listed.push((Keyspace { table, slice }, file));
        }
        Ok(listed)
    }

    fn read(&self, keyspace: Keyspace, file: Listed) -> Result<Rows, BaseError> {
        let (name, table) = (file.name(keyspace), keyspace.table);
        let bytes = self.bytes_of(&name);
        let bytes = bytes.map_err(|error| self.io_error(Some(table), &name, error))?;
        if bytes.len() as u64 != file.length || crc32c::crc32c(&bytes) != file.crc {
            return Err(self.corrupt(Some(table), &name));
        }
        let mut rest = bytes.as_slice();
        let mut rows = Rows::new();
        while let (Some(key), Some(row)) = (take_bytes(&mut rest), take_bytes(&mut rest)) {
            rows.insert(key.to_vec(), row.to_vec());
        }
        Ok(rows)
    }

    fn io_error(&self, table: Option<u16>, name: &str, error: io::Error) -> BaseError {
        BaseError {
            table: table.and_then(|table| name_of(&self.defs, table)),
            key: Vec::new(),
            path: self.disk.path(name),
            cause: BaseCause::Io(error),
        }
    }

    fn corrupt(&self, table: Option<u16>, name: &str) -> BaseError {
        BaseError {
            table: table.and_then(|table| name_of(&self.defs, table)),
            key: Vec::new(),
            path: self.disk.path(name),
            cause: BaseCause::Corrupt("the file is not what was written".to_owned()),
        }
    }

    /// Writes the list that names the files that count.
    fn write_list(&self, tables: &Tables) -> io::Result<()> {
        let mut list = Vec::new();
        for (keyspace, Kept { file, .. }) in tables {
            let Slice(slice) = keyspace.slice.unwrap_or_default();
            list.extend_from_slice(&keyspace.table.to_le_bytes());
            list.extend_from_slice(&slice.to_le_bytes());
            list.extend_from_slice(&file.number.to_le_bytes());
            list.extend_from_slice(&file.length.to_le_bytes());
            list.extend_from_slice(&file.crc.to_le_bytes());
        }
        list.extend_from_slice(&crc32c::crc32c(&list).to_le_bytes());
        self.write_file(NEW_LIST, &list)?;
        self.disk.rename(NEW_LIST, LIST)?;
        self.disk.sync_folder()
    }

    /// Takes changes of one table or slice in.
    fn ingest_into(
        &self,
        keyspace: Keyspace,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), BaseError> {
        let mut tables = self.lock().clone();
        let before = tables.get(&keyspace);
        let mut rows = before.map_or_else(Rows::new, |kept| (*kept.rows).clone());
        for (key, row) in changes {
            match row {
                Some(row) => rows.insert(key.to_vec(), row.to_vec()),
                None => rows.remove(key),
            };
        }
        let mut bytes = Vec::new();
        for (key, row) in &rows {
            put_bytes(&mut bytes, key);
            put_bytes(&mut bytes, row);
        }
        let file = Listed {
            number: before.map_or(1, |kept| kept.file.number + 1),
            length: bytes.len() as u64,
            crc: crc32c::crc32c(&bytes),
        };
        let old = before.map(|kept| kept.file.name(keyspace));
        let rows = Arc::new(rows);
        tables.insert(keyspace, Kept { rows, file });
        let name = file.name(keyspace);
        let written = self.write_file(&name, &bytes);
        let written = written.and_then(|()| self.write_list(&tables));
        written.map_err(|error| self.io_error(Some(keyspace.table), &name, error))?;
        *self.lock() = tables;
        // A start that finds it does not read it.
        old.map_or(Ok(()), |old| self.disk.remove(&old))
            .map_err(|error| self.io_error(Some(keyspace.table), &name, error))
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.disk.create(name, bytes.len() as u64)?;
        file.write_at(0, bytes)?;
        file.sync()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_listed(bytes: &mut &[u8]) -> Option<(u16, Slice, Listed)> {
    let (table, rest) = bytes.split_first_chunk::<2>()?;
    let (slice, rest) = rest.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    *bytes = rest;
    let file = Listed {
        number: u64::from_le_bytes(*number),
        length: u64::from_le_bytes(*length),
        crc: u32::from_le_bytes(*crc),
    };
    let slice = Slice(u32::from_le_bytes(*slice));
    Some((u16::from_le_bytes(*table), slice, file))
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (taken, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("because rows are far smaller than 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

impl Base for PlainBase {
    fn has(&self, table: u16) -> bool {
        within(&self.lock(), table, &[]).next().is_some()
    }

    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        self.snapshot().get(table, key)
    }

    fn snapshot(&self) -> Box<dyn BaseSnapshot> {
        let tables = self.lock();
        let rows = tables
            .iter()
            .map(|(keyspace, kept)| (*keyspace, Arc::clone(&kept.rows)));
        Box::new(PlainSnapshot {
            rows: rows.collect(),
            defs: self.defs.clone(),
        })
    }

    fn ingest(
        &self,
        table: u16,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), BaseError> {
        if !is_archive(&self.defs, table) {
            return self.ingest_into(Keyspace::whole(table), changes);
        }
        let floor = lock(&self.dropped).get(&table).copied();
        for (slice, changes) in by_slice(changes, floor.unwrap_or_default()) {
            let slice = Some(slice);
            self.ingest_into(Keyspace { table, slice }, &mut changes.into_iter())?;
        }
        Ok(())
    }

    fn drop_slices(&self, table: u16, below: Slice) -> Result<(), BaseError> {
        let mut kept = self.lock().clone();
        let gone = kept.extract_if(Keyspace::before(table, below), |_, _| true);
        let gone: Vec<_> = gone
            .map(|(keyspace, kept)| kept.file.name(keyspace))
            .collect();
        let drop = || {
            if !gone.is_empty() {
                self.write_list(&kept)?;
            }
            // Files that a crash leaves are not read by a start.
            gone.iter().try_for_each(|name| self.disk.remove(name))
        };
        drop().map_err(|error| self.io_error(Some(table), LIST, error))?;
        *self.lock() = kept;
        let mut dropped = lock(&self.dropped);
        let floor = dropped.entry(table).or_default();
        *floor = below.max(*floor);
        Ok(())
    }

    fn tend(&self, _what: Tend) -> Result<bool, BaseError> {
        Ok(false)
    }

    fn backlog(&self) -> usize {
        0
    }

    fn damages(&self) -> Result<Vec<BaseDamage>, BaseError> {
        let mut damages = Vec::new();
        for (keyspace, file) in self.listed()? {
            match self.read(keyspace, file) {
                Err(BaseError {
                    table,
                    path,
                    cause: BaseCause::Corrupt(what),
                    ..
                }) => damages.push(BaseDamage {
                    table,
                    path,
                    keys: None,
                    rows: None,
                    what,
                }),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(damages)
    }
}

struct PlainSnapshot {
    rows: BTreeMap<Keyspace, Arc<Rows>>,
    defs: Vec<TableDef>,
}

impl BaseSnapshot for PlainSnapshot {
    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        let keyspace = Keyspace::of(&self.defs, table, key);
        Ok(self
            .rows
            .get(&keyspace)
            .and_then(|rows| rows.get(key).cloned()))
    }

    fn range(&self, table: u16, prefix: &[u8], from: &[u8]) -> StoredRows<'_> {
        let all = within(&self.rows, table, prefix).map(|(_, rows)| {
            let prefix = prefix.to_vec();
            let rows = rows.range(from.max(&prefix).to_vec()..);
            let within = rows.take_while(move |(key, _)| key.starts_with(&prefix));
            Box::new(within.map(|(key, row)| Ok((key.clone(), row.clone())))) as StoredRows<'_>
        });
        merged(all.collect())
    }
}
