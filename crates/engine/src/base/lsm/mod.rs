//! A base of sorted tables in a folder: one log-structured merge tree per table, and per slice of an
//! archive.
//!
//! The library is the core of fjall. fjall adds a journal and a write path through memory, both of
//! which the log already is, and worker threads that hide what they fail of.

mod going;
mod merging;
mod writing;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use lsm_tree::compaction::{CompactionStrategy, MoveDown, PullDown};
use lsm_tree::config::CompressionPolicy;
use lsm_tree::{
    AbstractTree, AnyTree, Cache, CompressionType, Config, DescriptorTable, Guard, SeqNo,
    SequenceNumberCounter,
};

use self::going::{Inputs, remove_folder};
use self::merging::{Level, Levels, Step};
use self::writing::{Merges, Progress, Writing};
use super::damage::{BaseDamage, Depth, is_of_bytes, of_tree};
use super::keyspace::{Keyspace, by_slice, is_archive, within};
use super::merge::merged;
use super::repair::damages_in;
use super::{Base, BaseCause, BaseError, BaseSnapshot, Change, StoredRows, Tend, name_of};
use crate::archive::Slice;
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
    /// Replaced when a table or slice gets its tree or is dropped, which is rare: snapshots share it.
    trees: RwLock<Arc<Trees>>,
    dropped: Mutex<Dropped>,
    snapshots: Arc<Mutex<Snapshots>>,
    writing: Mutex<BTreeMap<Keyspace, Arc<Writing>>>,
}

type Trees = BTreeMap<Keyspace, Arc<AnyTree>>;

/// Slices of archives that are dropped.
#[derive(Default)]
struct Dropped {
    /// By table: those before this one are.
    below: BTreeMap<u16, Slice>,
    /// Those whose files are still there, for who reads them still.
    trees: Vec<(Keyspace, Arc<AnyTree>)>,
    /// Those whose files are being removed.
    folders: Vec<PathBuf>,
}

/// The name of a folder begins so once it is being removed: a start does not look into it.
const GONE: &str = "gone-";

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
            dropped: Mutex::default(),
            snapshots: Arc::default(),
            writing: Mutex::default(),
        };
        let folders = folders_in(folder, defs).map_err(|error| base.io_error(error))?;
        lock(&base.dropped).folders = folders.gone;
        for keyspace in folders.keyspaces {
            let tree = base.open_sound(keyspace)?;
            let next = tree.get_highest_seqno().map_or(0, |highest| highest + 1);
            base.next.fetch_max(next);
            base.visible.fetch_max(next);
            base.add(keyspace, tree);
        }
        Ok(base)
    }

    /// Opens a tree, unless one of its files is seen to be damaged: the library takes a list of files
    /// as it is, and says of a file only that it is bad.
    fn open_sound(&self, keyspace: Keyspace) -> Result<Arc<AnyTree>, BaseError> {
        let ends = || of_tree(&self.defs, &self.folder, keyspace, Depth::Ends);
        let mut found = ends().map_err(|error| self.io_error(error))?;
        match found.pop() {
            Some(found) => Err(BaseError::of_file(found.damage)),
            None => self.open_tree(keyspace),
        }
    }

    fn open_tree(&self, keyspace: Keyspace) -> Result<Arc<AnyTree>, BaseError> {
        let folder = self.folder.join(keyspace.name());
        let writing = Writing::new(folder.clone());
        let config = Config::new(folder, self.next.clone(), self.visible.clone())
            .use_cache(Arc::clone(&self.cache))
            .use_descriptor_table(Some(Arc::clone(&self.files)))
            .data_block_compression_policy(CompressionPolicy::new(COMPRESSION))
            .with_compaction_filter_factory(Some(Arc::new(Merges(Arc::clone(&writing)))));
        let tree = config.open();
        let tree = tree.map_err(|error| self.error(Some(keyspace), &[], error))?;
        let tree = Arc::new(tree);
        writing.set_tree(&tree);
        lock(&self.writing).insert(keyspace, writing);
        Ok(tree)
    }

    /// Those who write a tree that is open.
    fn writing(&self, keyspace: Keyspace) -> Arc<Writing> {
        let writing = lock(&self.writing).get(&keyspace).cloned();
        writing.expect("because it is there as long as the tree")
    }

    /// The tree of a table or slice, made if it is not there.
    fn made(&self, keyspace: Keyspace) -> Result<Arc<AnyTree>, BaseError> {
        if let Some(tree) = self.tree(keyspace) {
            return Ok(tree);
        }
        let tree = self.open_tree(keyspace)?;
        let folders = [Some(&*self.folder), self.folder.parent()];
        for folder in folders.into_iter().flatten() {
            let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| self.io_error(error))?;
        }
        self.add(keyspace, Arc::clone(&tree));
        Ok(tree)
    }

    fn add(&self, keyspace: Keyspace, tree: Arc<AnyTree>) {
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut trees).insert(keyspace, tree);
    }

    fn tree(&self, keyspace: Keyspace) -> Option<Arc<AnyTree>> {
        self.trees().get(&keyspace).cloned()
    }

    fn trees(&self) -> Arc<Trees> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&trees)
    }

    /// Removes the files of dropped slices that nobody reads any more, those of one slice; `true` if
    /// there may be more.
    fn remove_dropped(&self) -> io::Result<bool> {
        let mut dropped = lock(&self.dropped);
        let is_free = |(_, tree): &(Keyspace, Arc<AnyTree>)| Arc::strong_count(tree) == 1;
        if let Some(at) = dropped.trees.iter().position(is_free) {
            let (keyspace, _) = &dropped.trees[at];
            let gone = self.folder.join(format!("{GONE}{}", keyspace.name()));
            fs::rename(self.folder.join(keyspace.name()), &gone)?;
            let (keyspace, tree) = dropped.trees.swap_remove(at);
            for file in tree.current_version().iter_tables() {
                // One that is held open takes its room on disk as long.
                self.files.remove_for_table(&(tree.id(), file.id()).into());
            }
            lock(&self.writing).remove(&keyspace);
            dropped.folders.push(gone);
        }
        let Some(folder) = dropped.folders.pop() else {
            return Ok(false);
        };
        drop(dropped);
        // The new name is durable before anything of it goes.
        fs::File::open(&self.folder)?.sync_all()?;
        remove_folder(&folder)?;
        Ok(true)
    }

    /// Below this number no snapshot needs what newer rows have taken the place of.
    fn needed_from(&self) -> SeqNo {
        let snapshots = lock(&self.snapshots);
        let oldest = snapshots.first_key_value().map(|(number, _)| *number);
        oldest.unwrap_or_else(|| self.visible.get())
    }

    fn error(&self, keyspace: Option<Keyspace>, key: &[u8], error: lsm_tree::Error) -> BaseError {
        let folder = keyspace.map_or_else(
            || self.folder.clone(),
            |keyspace| self.folder.join(keyspace.name()),
        );
        let table = keyspace.map(|keyspace| keyspace.table);
        told(&self.defs, &folder, table, key, error)
    }

    /// Takes changes of one table or slice in.
    fn ingest_into(
        &self,
        keyspace: Keyspace,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), BaseError> {
        let tree = self.made(keyspace)?;
        let fail = |key: &[u8], error| self.error(Some(keyspace), key, error);
        let writing = self.writing(keyspace);
        writing.write(&tree, || {
            let mut ingestion = tree.ingestion().map_err(|error| fail(&[], error))?;
            let mut progress = Progress::of(&writing);
            for (key, row) in changes {
                let written = match row {
                    Some(row) => ingestion.write(key, row),
                    None => ingestion.write_tombstone(key),
                };
                written.map_err(|error| fail(key, error))?;
                progress.wrote(key.len() + row.map_or(0, <[u8]>::len));
            }
            ingestion.finish().map_err(|error| fail(&[], error))
        })
    }

    /// Takes a step of merging.
    fn take(&self, step: Step, keyspace: Keyspace, tree: &AnyTree) -> Result<(), BaseError> {
        let folder = self.folder.join(keyspace.name());
        let inputs = match step {
            Step::Merge(from, to) => Some(Inputs::of(&folder, tree, [from, to])),
            Step::Move(..) => None,
        };
        self.writing(keyspace).write(tree, || {
            let tended = tree.compact(strategy_of(step), self.needed_from());
            tended.map_err(|error| self.error(Some(keyspace), &[], error))
        })?;
        let kept = tree
            .get_version_history_lock()
            .maintenance(&folder, self.needed_from());
        kept.map_err(|error| self.error(Some(keyspace), &[], error))?;
        inputs.into_iter().for_each(Inputs::let_go);
        Ok(())
    }

    fn io_error(&self, error: io::Error) -> BaseError {
        io_error(&self.folder, error)
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
        if is_of_bytes(&error) {
            BaseCause::Corrupt(error.to_string())
        } else {
            BaseCause::Io(error)
        }
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

/// What a tree's levels hold.
fn levels_of(tree: &AnyTree) -> Levels {
    let mut levels = Levels::default();
    for (level, holds) in tree.current_version().iter_levels().zip(&mut levels) {
        *holds = Level {
            runs: level.run_count(),
            bytes: level.size(),
        };
    }
    levels
}

/// The library's name for a step. It says which levels, whatever they hold by then.
fn strategy_of(step: Step) -> Arc<dyn CompactionStrategy + Send + Sync> {
    let level = |at| u8::try_from(at).expect("because there are seven levels");
    match step {
        Step::Merge(from, to) => Arc::new(PullDown(level(from), level(to))),
        Step::Move(from, to) => Arc::new(MoveDown(level(from), level(to))),
    }
}

/// The folders in that of a base.
pub(super) struct Folders {
    /// Tables and slices.
    pub(super) keyspaces: Vec<Keyspace>,
    /// Those that are being removed.
    gone: Vec<PathBuf>,
}

/// Looks what folders there are in that of a base.
pub(super) fn folders_in(base: &Path, defs: &[TableDef]) -> io::Result<Folders> {
    let mut folders = Folders {
        keyspaces: Vec::new(),
        gone: Vec::new(),
    };
    let entries = match fs::read_dir(base) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folders),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        if let Some(name) = name.to_str()
            && name.starts_with(GONE)
        {
            folders.gone.push(base.join(name));
            continue;
        }
        let known = name.to_str().and_then(|name| Keyspace::named(defs, name));
        folders.keyspaces.push(known.ok_or_else(|| {
            let name = name.display();
            let what = format!("{name} is no table of this version; was it a newer one's?");
            io::Error::other(what)
        })?);
    }
    folders.keyspaces.sort_unstable();
    Ok(folders)
}

pub(super) fn io_error(base: &Path, error: io::Error) -> BaseError {
    told(&[], base, None, &[], error.into())
}

/// What checkpoints bring is merged soon, and not compressed before.
const COMPRESSION: [CompressionType; 3] = [
    CompressionType::None,
    CompressionType::None,
    CompressionType::Lz4,
];

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Base for LsmBase {
    fn has(&self, table: u16) -> bool {
        within(&self.trees(), table, &[]).next().is_some()
    }

    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        let keyspace = Keyspace::of(&self.defs, table, key);
        let Some(tree) = self.tree(keyspace) else {
            return Ok(None);
        };
        let row = tree.get(key, SeqNo::MAX);
        let row = row.map_err(|error| self.error(Some(keyspace), key, error))?;
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
        if !is_archive(&self.defs, table) {
            return self.ingest_into(Keyspace::whole(table), changes);
        }
        let floor = lock(&self.dropped).below.get(&table).copied();
        for (slice, changes) in by_slice(changes, floor.unwrap_or_default()) {
            let keyspace = Keyspace {
                table,
                slice: Some(slice),
            };
            self.ingest_into(keyspace, &mut changes.into_iter())?;
        }
        Ok(())
    }

    fn drop_slices(&self, table: u16, below: Slice) -> Result<(), BaseError> {
        let mut dropped = lock(&self.dropped);
        let floor = dropped.below.entry(table).or_default();
        *floor = below.max(*floor);
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        let gone = trees.range(Keyspace::before(table, below));
        let gone: Vec<_> = gone.map(|(keyspace, _)| *keyspace).collect();
        for keyspace in gone {
            let tree = Arc::make_mut(&mut trees).remove(&keyspace);
            dropped.trees.extend(tree.map(|tree| (keyspace, tree)));
        }
        Ok(())
    }

    fn tend(&self, what: Tend) -> Result<bool, BaseError> {
        let mut more = false;
        if what == Tend::Fresh {
            more = self
                .remove_dropped()
                .map_err(|error| self.io_error(error))?;
        }
        let mut full = None;
        for (&keyspace, tree) in &*self.trees() {
            let Some(step) = merging::next(&levels_of(tree), what) else {
                continue;
            };
            match self.take(step, keyspace, tree) {
                Ok(()) => more = true,
                // There may be room for what is smaller.
                Err(error) if error.is_full() => full = Some(error),
                Err(error) => return Err(error),
            }
        }
        full.map_or(Ok(more), Err)
    }

    fn backlog(&self) -> usize {
        let trees = self.trees();
        let of_each = trees
            .values()
            .map(|tree| merging::backlog(&levels_of(tree)));
        of_each.max().unwrap_or(0)
    }

    fn damages(&self) -> Result<Vec<BaseDamage>, BaseError> {
        damages_in(&self.folder, &self.defs)
    }
}

struct LsmSnapshot {
    folder: PathBuf,
    defs: Arc<[TableDef]>,
    trees: Arc<Trees>,
    number: SeqNo,
    snapshots: Arc<Mutex<Snapshots>>,
}

impl LsmSnapshot {
    fn error(&self, keyspace: Keyspace, key: &[u8], error: lsm_tree::Error) -> BaseError {
        let folder = self.folder.join(keyspace.name());
        told(&self.defs, &folder, Some(keyspace.table), key, error)
    }

    fn range_of<'a>(
        &'a self,
        (keyspace, tree): (Keyspace, &'a AnyTree),
        prefix: &[u8],
        from: &[u8],
    ) -> StoredRows<'a> {
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
                    let version = tree.current_version();
                    let firsts = version
                        .iter_tables()
                        .map(|file| file.metadata.key_range.min());
                    let first = firsts.min().map_or(&[][..], |first| first);
                    // Before the first key that any file has there is nothing to be damaged.
                    Some(Err(self.error(keyspace, last.as_slice().max(first), error)))
                }
            }
        }))
    }
}

impl BaseSnapshot for LsmSnapshot {
    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError> {
        let keyspace = Keyspace::of(&self.defs, table, key);
        let Some(tree) = self.trees.get(&keyspace) else {
            return Ok(None);
        };
        let row = tree.get(key, self.number);
        let row = row.map_err(|error| self.error(keyspace, key, error))?;
        Ok(row.map(|row| row.to_vec()))
    }

    fn range(&self, table: u16, prefix: &[u8], from: &[u8]) -> StoredRows<'_> {
        let trees = within(&self.trees, table, prefix);
        merged(
            trees
                .map(|(keyspace, tree)| self.range_of((*keyspace, tree), prefix, from))
                .collect(),
        )
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
