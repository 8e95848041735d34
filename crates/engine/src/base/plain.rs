//! The plainest base there is: maps in memory, each written whole to a file at every ingestion.
//!
//! For the simulator: it writes through [`Disk`], so that crashes and faults fall into it as into
//! the log. A file `base-<table>-<number>` holds one table; `base.list` says which files count, and
//! takes the place of the list before by a rename.
//!
//! ```text
//! list     for each table: table 2 │ number 8 │ length 8 │ crc32c 4; at the end crc32c 4 over all
//! table    for each row, by key: key length 4 │ key │ row length 4 │ row
//! ```

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Base, BaseCause, BaseError, BaseSnapshot, Change, StoredRows, file_name, name_of};
use crate::disk::Disk;
use crate::table::TableDef;

const LIST: &str = "base.list";
const NEW_LIST: &str = "base.list.tmp";

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Maps in memory and on a disk.
pub struct PlainBase {
    disk: Arc<dyn Disk>,
    defs: Vec<TableDef>,
    tables: Mutex<BTreeMap<u16, Kept>>,
}

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
    fn name(self, table: u16) -> String {
        format!("base-{}-{:016x}", file_name(table), self.number)
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
        };
        let listed = base.listed()?;
        for (table, file) in listed {
            let rows = Arc::new(base.read(table, file)?);
            base.lock().insert(table, Kept { rows, file });
        }
        Ok(base)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, Kept>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes_of(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.disk.open(name)?;
        let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    fn listed(&self) -> Result<Vec<(u16, Listed)>, BaseError> {
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
        while let Some(entry) = take_listed(&mut rest) {
            listed.push(entry);
        }
        Ok(listed)
    }

    fn read(&self, table: u16, file: Listed) -> Result<Rows, BaseError> {
        let name = file.name(table);
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

    /// Writes a table and the list that names it; then the file before counts no more.
    fn write(&self, tables: &BTreeMap<u16, Kept>, table: u16, bytes: &[u8]) -> io::Result<()> {
        let name = tables[&table].file.name(table);
        self.write_file(&name, bytes)?;
        let mut list = Vec::new();
        for (table, Kept { file, .. }) in tables {
            list.extend_from_slice(&table.to_le_bytes());
            list.extend_from_slice(&file.number.to_le_bytes());
            list.extend_from_slice(&file.length.to_le_bytes());
            list.extend_from_slice(&file.crc.to_le_bytes());
        }
        list.extend_from_slice(&crc32c::crc32c(&list).to_le_bytes());
        self.write_file(NEW_LIST, &list)?;
        self.disk.rename(NEW_LIST, LIST)?;
        self.disk.sync_folder()
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.disk.create(name, bytes.len() as u64)?;
        file.write_at(0, bytes)?;
        file.sync()
    }
}

fn take_listed(bytes: &mut &[u8]) -> Option<(u16, Listed)> {
    let (table, rest) = bytes.split_first_chunk::<2>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    *bytes = rest;
    let file = Listed {
        number: u64::from_le_bytes(*number),
        length: u64::from_le_bytes(*length),
        crc: u32::from_le_bytes(*crc),
    };
    Some((u16::from_le_bytes(*table), file))
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
        self.lock().contains_key(&table)
    }

    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        self.snapshot().get(table, key)
    }

    fn snapshot(&self) -> Box<dyn BaseSnapshot> {
        let tables = self.lock();
        let rows = tables
            .iter()
            .map(|(table, kept)| (*table, Arc::clone(&kept.rows)));
        Box::new(PlainSnapshot(rows.collect()))
    }

    fn ingest(
        &self,
        table: u16,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), BaseError> {
        let mut tables = self.lock().clone();
        let before = tables.get(&table);
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
        let old = before.map(|kept| kept.file.name(table));
        let rows = Arc::new(rows);
        tables.insert(table, Kept { rows, file });
        let written = self.write(&tables, table, &bytes);
        written.map_err(|error| self.io_error(Some(table), &file.name(table), error))?;
        *self.lock() = tables;
        // A start that finds it does not read it.
        old.map_or(Ok(()), |old| self.disk.remove(&old))
            .map_err(|error| self.io_error(Some(table), &file.name(table), error))
    }

    fn tend(&self) -> Result<bool, BaseError> {
        Ok(false)
    }

    fn is_behind(&self) -> bool {
        false
    }

    fn damages(&self) -> Result<Vec<BaseError>, BaseError> {
        let mut damages = Vec::new();
        for (table, file) in self.listed()? {
            match self.read(table, file) {
                Err(
                    error @ BaseError {
                        cause: BaseCause::Corrupt(_),
                        ..
                    },
                ) => damages.push(error),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(damages)
    }
}

struct PlainSnapshot(BTreeMap<u16, Arc<Rows>>);

impl BaseSnapshot for PlainSnapshot {
    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        Ok(self.0.get(&table).and_then(|rows| rows.get(key).cloned()))
    }

    fn range(&self, table: u16, prefix: &[u8], from: &[u8]) -> StoredRows<'_> {
        let Some(rows) = self.0.get(&table) else {
            return Box::new(std::iter::empty());
        };
        let prefix = prefix.to_vec();
        let rows = rows.range(from.max(&prefix).to_vec()..);
        let within = rows.take_while(move |(key, _)| key.starts_with(&prefix));
        Box::new(within.map(|(key, row)| Ok((key.clone(), row.clone()))))
    }
}
