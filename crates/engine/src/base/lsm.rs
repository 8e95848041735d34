//! A base of sorted tables in a folder: one log-structured merge tree per table.
//!
//! The library is the core of fjall. fjall adds a journal and a write path through memory, both of
//! which the log already is, and worker threads that hide what they fail of.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use lsm_tree::compaction::Leveled;
use lsm_tree::{
    AbstractTree, AnyTree, Cache, Config, DescriptorTable, Guard, SeqNo, SequenceNumberCounter,
};

use xxhash_rust::xxh3::Xxh3;

use super::{
    Base, BaseCause, BaseError, BaseSnapshot, Change, StoredRows, file_name, name_of, table_of,
};
use crate::limits::{BASE_RUNS_MAX, BASE_RUNS_MERGED};
use crate::table::TableDef;

/// Sorted tables in a folder.
pub struct LsmBase {
    folder: PathBuf,
    defs: Arc<[TableDef]>,
    cache: Arc<Cache>,
    files: Arc<DescriptorTable>,
    /// The number of the next ingestion, over all tables.
    next: SequenceNumberCounter,
    /// What a snapshot taken now sees: everything below this number.
    visible: SequenceNumberCounter,
    /// Replaced when a table gets its tree, which is rare: snapshots share it.
    trees: RwLock<Arc<BTreeMap<u16, AnyTree>>>,
    snapshots: Arc<Mutex<Snapshots>>,
    writing: Mutex<BTreeMap<u16, Writing>>,
}

/// Those who write a tree, and what those who failed have left.
#[derive(Default)]
struct Writing {
    writers: usize,
    /// Numbers of files that a writer who failed may have made.
    left: Vec<Range<u64>>,
    /// Numbers of files that count, or have counted.
    kept: HashSet<u64>,
}

/// Live snapshots by their number.
type Snapshots = BTreeMap<SeqNo, usize>;

impl LsmBase {
    /// Opens the tables of a folder, which is made once there is something to keep, with so many
    /// bytes of memory for what was read of them, and so many files held open.
    ///
    /// # Errors
    /// A file cannot be read, or a table is not known.
    pub fn open(
        folder: &Path,
        defs: &[TableDef],
        (cache_bytes, files): (u64, usize),
    ) -> Result<Self, BaseError> {
        let base = Self {
            folder: folder.to_owned(),
            defs: defs.into(),
            cache: Arc::new(Cache::with_capacity_bytes(cache_bytes)),
            files: Arc::new(DescriptorTable::new(files)),
            next: SequenceNumberCounter::new(1),
            visible: SequenceNumberCounter::new(1),
            trees: RwLock::default(),
            snapshots: Arc::default(),
            writing: Mutex::default(),
        };
        for table in base.tables().map_err(|error| base.io_error(error))? {
            let tree = base.open_tree(table)?;
            let next = tree.get_highest_seqno().map_or(0, |highest| highest + 1);
            base.next.fetch_max(next);
            base.visible.fetch_max(next);
            base.add(table, tree);
        }
        Ok(base)
    }

    /// Tables that have a folder.
    fn tables(&self) -> io::Result<Vec<u16>> {
        let mut tables = Vec::new();
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(tables),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            let table = name.to_str().and_then(table_of);
            let known = table.filter(|table| name_of(&self.defs, *table).is_some());
            tables.push(known.ok_or_else(|| {
                let name = name.display();
                let what = format!("{name} is no table of this version; was it a newer one's?");
                io::Error::other(what)
            })?);
        }
        Ok(tables)
    }

    fn open_tree(&self, table: u16) -> Result<AnyTree, BaseError> {
        let folder = self.folder.join(file_name(table));
        let config = Config::new(folder, self.next.clone(), self.visible.clone())
            .use_cache(Arc::clone(&self.cache))
            .use_descriptor_table(Some(Arc::clone(&self.files)));
        config
            .open()
            .map_err(|error| self.error(Some(table), &[], error))
    }

    /// The tree of a table, made if it is not there.
    fn made(&self, table: u16) -> Result<AnyTree, BaseError> {
        if let Some(tree) = self.tree(table) {
            return Ok(tree);
        }
        let tree = self.open_tree(table)?;
        let folders = [Some(&*self.folder), self.folder.parent()];
        for folder in folders.into_iter().flatten() {
            let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| self.io_error(error))?;
        }
        self.add(table, tree.clone());
        Ok(tree)
    }

    fn add(&self, table: u16, tree: AnyTree) {
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut trees).insert(table, tree);
    }

    fn tree(&self, table: u16) -> Option<AnyTree> {
        self.trees().get(&table).cloned()
    }

    fn trees(&self) -> Arc<BTreeMap<u16, AnyTree>> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&trees)
    }

    /// Writes a tree. The library leaves the files of a writer who failed until the tree is opened
    /// again; on a full disk each further try would leave more of them. They are removed here, once
    /// nobody writes the tree.
    fn writes<T>(
        &self,
        (table, tree): (u16, &AnyTree),
        write: impl FnOnce() -> Result<T, BaseError>,
    ) -> Result<T, BaseError> {
        let first = tree.next_table_id();
        lock(&self.writing).entry(table).or_default().writers += 1;
        let written = write();
        let mut writing = lock(&self.writing);
        let writing = writing.entry(table).or_default();
        writing.writers -= 1;
        if written.is_err() {
            writing.left.push(first..tree.next_table_id());
        }
        let version = tree.current_version();
        writing
            .kept
            .extend(version.iter_tables().map(|file| file.id()));
        if writing.writers > 0 {
            return written;
        }
        let Writing { left, kept, .. } = std::mem::take(writing);
        let folder = self.folder.join(file_name(table));
        // A version that could not be made the current one for sure keeps its files.
        if !left.is_empty() && current(&folder).is_ok_and(|current| current == version.id()) {
            for number in left.into_iter().flatten().filter(|id| !kept.contains(id)) {
                // One that was not made is not there; one that stays takes room until the next start.
                fs::remove_file(folder.join("tables").join(number.to_string())).ok();
            }
        }
        written
    }

    /// Below this number no snapshot needs what newer rows have taken the place of.
    fn needed_from(&self) -> SeqNo {
        let snapshots = lock(&self.snapshots);
        let oldest = snapshots.first_key_value().map(|(number, _)| *number);
        oldest.unwrap_or_else(|| self.visible.get())
    }

    fn error(&self, table: Option<u16>, key: &[u8], error: lsm_tree::Error) -> BaseError {
        let folder = table.map_or_else(
            || self.folder.clone(),
            |table| self.folder.join(file_name(table)),
        );
        told(&self.defs, &folder, table, key, error)
    }

    fn io_error(&self, error: io::Error) -> BaseError {
        self.error(None, &[], error.into())
    }
}

fn told(
    defs: &[TableDef],
    folder: &Path,
    table: Option<u16>,
    key: &[u8],
    error: lsm_tree::Error,
) -> BaseError {
    let cause = if let lsm_tree::Error::Io(error) = error {
        BaseCause::Io(error)
    } else {
        BaseCause::Corrupt(format!("{error:?}"))
    };
    BaseError {
        table: table.and_then(|table| name_of(defs, table)),
        key: key.to_vec(),
        path: folder.display().to_string(),
        cause,
    }
}

/// The number of the version that a tree's folder says is the current one.
fn current(folder: &Path) -> io::Result<u64> {
    let mut number = [0; 8];
    fs::File::open(folder.join("current"))?.read_exact(&mut number)?;
    Ok(u64::from_le_bytes(number))
}

/// How files are merged.
fn merging() -> Arc<Leveled> {
    Arc::new(Leveled::default().with_l0_threshold(BASE_RUNS_MERGED))
}

/// The checksum over a file, as its tree remembers it.
fn sum_of(path: &Path) -> io::Result<u128> {
    let mut file = fs::File::open(path)?;
    let mut sum = Xxh3::new();
    let mut some = vec![0; 1 << 20];
    loop {
        match file.read(&mut some)? {
            0 => return Ok(sum.digest128()),
            read => sum.update(&some[..read]),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Base for LsmBase {
    fn has(&self, table: u16) -> bool {
        self.tree(table).is_some()
    }

    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        let Some(tree) = self.tree(table) else {
            return Ok(None);
        };
        let row = tree.get(key, SeqNo::MAX);
        let row = row.map_err(|error| self.error(Some(table), key, error))?;
        Ok(row.map(|row| row.to_vec()))
    }

    fn snapshot(&self) -> Box<dyn BaseSnapshot> {
        let mut snapshots = lock(&self.snapshots);
        let number = self.visible.get();
        *snapshots.entry(number).or_default() += 1;
        Box::new(LsmSnapshot {
            folder: self.folder.clone(),
            defs: Arc::clone(&self.defs),
            trees: self.trees(),
            number,
            snapshots: Arc::clone(&self.snapshots),
        })
    }

    fn ingest(
        &self,
        table: u16,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), BaseError> {
        let tree = self.made(table)?;
        let fail = |key: &[u8], error| self.error(Some(table), key, error);
        self.writes((table, &tree), || {
            let mut ingestion = tree.ingestion().map_err(|error| fail(&[], error))?;
            for (key, row) in changes {
                let written = match row {
                    Some(row) => ingestion.write(key, row),
                    None => ingestion.write_tombstone(key),
                };
                written.map_err(|error| fail(key, error))?;
            }
            ingestion.finish().map_err(|error| fail(&[], error))
        })
    }

    fn tend(&self) -> Result<bool, BaseError> {
        let mut more = false;
        for (&table, tree) in &*self.trees() {
            let before = tree.current_version().id();
            self.writes((table, tree), || {
                let tended = tree.compact(merging(), self.needed_from());
                tended.map_err(|error| self.error(Some(table), &[], error))
            })?;
            more |= tree.current_version().id() != before;
            let kept = tree
                .get_version_history_lock()
                .maintenance(&self.folder.join(file_name(table)), self.needed_from());
            kept.map_err(|error| self.error(Some(table), &[], error))?;
        }
        Ok(more)
    }

    fn is_behind(&self) -> bool {
        let behind = |tree: &AnyTree| tree.l0_run_count() > BASE_RUNS_MAX;
        self.trees().values().any(behind)
    }

    fn damages(&self) -> Result<Vec<BaseError>, BaseError> {
        let mut damages = Vec::new();
        for (&table, tree) in &*self.trees() {
            for file in tree.current_version().iter_tables() {
                let sum = sum_of(&file.path).map_err(|error| self.io_error(error))?;
                if sum != file.checksum().into_u128() {
                    let range = &file.metadata.key_range;
                    let to = range.max().escape_ascii();
                    damages.push(BaseError {
                        table: name_of(&self.defs, table),
                        key: range.min().to_vec(),
                        path: file.path.display().to_string(),
                        cause: BaseCause::Corrupt(format!(
                            "the file, whose rows go up to key {to}, is not what was written"
                        )),
                    });
                }
            }
        }
        Ok(damages)
    }
}

struct LsmSnapshot {
    folder: PathBuf,
    defs: Arc<[TableDef]>,
    trees: Arc<BTreeMap<u16, AnyTree>>,
    number: SeqNo,
    snapshots: Arc<Mutex<Snapshots>>,
}

impl LsmSnapshot {
    fn error(&self, table: u16, key: &[u8], error: lsm_tree::Error) -> BaseError {
        let folder = self.folder.join(file_name(table));
        told(&self.defs, &folder, Some(table), key, error)
    }
}

impl BaseSnapshot for LsmSnapshot {
    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        let Some(tree) = self.trees.get(&table) else {
            return Ok(None);
        };
        let row = tree.get(key, self.number);
        let row = row.map_err(|error| self.error(table, key, error))?;
        Ok(row.map(|row| row.to_vec()))
    }

    fn range(&self, table: u16, prefix: &[u8], from: &[u8]) -> StoredRows<'_> {
        let Some(tree) = self.trees.get(&table) else {
            return Box::new(std::iter::empty());
        };
        let (prefix, from) = (prefix.to_vec(), from.max(prefix).to_vec());
        let rows = tree.range(from.clone().., self.number, None);
        let mut last = from;
        let mut is_over = false;
        Box::new(rows.map_while(move |row| {
            if is_over {
                return None;
            }
            match row.into_inner() {
                Ok((key, row)) if key.starts_with(&prefix) => {
                    last.clear();
                    last.extend_from_slice(&key);
                    Some(Ok((key.to_vec(), row.to_vec())))
                }
                Ok(_) => None,
                Err(error) => {
                    is_over = true;
                    Some(Err(self.error(table, &last, error)))
                }
            }
        }))
    }
}

impl Drop for LsmSnapshot {
    fn drop(&mut self) {
        let mut snapshots = lock(&self.snapshots);
        if let Some(count) = snapshots.get_mut(&self.number) {
            *count -= 1;
            if *count == 0 {
                snapshots.remove(&self.number);
            }
        }
    }
}
