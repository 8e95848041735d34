//! Those who write a tree, and their files.
//!
//! The library syncs a file once, when it is whole. So many bytes at once keep the device from the
//! log, whose own sync waits meanwhile. So the device is told to begin with what is written of a file
//! as it grows: little is left for the sync.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use lsm_tree::compaction::filter::Context;
use lsm_tree::compaction::{CompactionFilter, Factory, ItemAccessor, Verdict};
use lsm_tree::{AbstractTree, AnyTree};
use rustix::fs::Advice;

use super::{current, lock};
use crate::base::BaseError;
use crate::limits::WRITE_BACK_BYTES;

/// Those who write a tree.
pub(super) struct Writing {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tree: Weak<AnyTree>,
    writers: usize,
    /// The number of the first file that one of them may have made.
    first: u64,
    /// What the device was told of files.
    begun: BTreeMap<u64, Begun>,
    /// Numbers of files that a writer who failed may have made.
    left: Vec<Range<u64>>,
    /// Numbers of files that count, or have counted.
    kept: HashSet<u64>,
}

/// What the device was told of a file.
#[derive(Clone, Copy, Default)]
struct Begun {
    bytes: u64,
    /// How often nothing was new since.
    looks: u32,
}

/// A file of which nothing is new so often is taken to be whole. It is only advice that it goes without.
const LOOKS_MAX: u32 = 256;

impl Writing {
    /// Of the tree in a folder, which is not open yet.
    pub(super) fn new(folder: PathBuf) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { folder, state })
    }

    pub(super) fn set_tree(&self, tree: &Arc<AnyTree>) {
        self.lock().tree = Arc::downgrade(tree);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Writes the tree. The library leaves the files of a writer who failed until the tree is opened
    /// again; on a full disk each further try would leave more of them. They are removed here, once
    /// nobody writes the tree.
    pub(super) fn write<T>(
        &self,
        tree: &AnyTree,
        write: impl FnOnce() -> Result<T, BaseError>,
    ) -> Result<T, BaseError> {
        let first = {
            let mut state = self.lock();
            let first = tree.next_table_id();
            state.begin(first);
            first
        };
        let written = write();
        let mut state = self.lock();
        state.writers -= 1;
        if written.is_err() {
            state.left.push(first..tree.next_table_id());
        }
        let version = tree.current_version();
        let files = version.iter_tables().map(|file| file.id());
        state.kept.extend(files);
        if state.writers > 0 {
            return written;
        }
        let State { left, kept, .. } = state.end();
        // A version that could not be made the current one for sure keeps its files.
        let is_current = || current(&self.folder).is_ok_and(|current| current == version.id());
        if !left.is_empty() && is_current() {
            for number in left.into_iter().flatten().filter(|id| !kept.contains(id)) {
                // One that was not made is not there; one that stays takes room until the next start.
                fs::remove_file(self.path_of(number)).ok();
            }
        }
        written
    }

    /// Tells the device to begin with what is written of files by now.
    fn write_back(&self) {
        for number in self.in_the_making() {
            // One that is not there was not made yet, or is gone.
            let file = fs::File::open(self.path_of(number)).ok();
            let about = file.as_ref().and_then(|file| file.metadata().ok());
            let more = self
                .lock()
                .advance(number, about.map_or(0, |about| about.len()));
            if let (Some(file), Some((from, length))) = (file, more) {
                // It is only an advice: without it the sync takes longer. What is not on the device
                // yet stays in the page cache.
                rustix::fs::fadvise(&file, from, Some(length), Advice::DontNeed).ok();
            }
        }
    }

    /// Numbers of files that somebody may be writing.
    fn in_the_making(&self) -> Vec<u64> {
        let state = self.lock();
        let next = state.tree.upgrade().map(|tree| tree.next_table_id());
        let made = state.first..next.unwrap_or(state.first);
        made.filter(|number| state.may_grow(*number)).collect()
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.folder.join("tables").join(number.to_string())
    }
}

impl State {
    fn begin(&mut self, first: u64) {
        if self.writers == 0 {
            self.first = first;
        }
        self.writers += 1;
    }

    fn may_grow(&self, number: u64) -> bool {
        let begun = self.begun.get(&number).copied().unwrap_or_default();
        begun.looks < LOOKS_MAX && !self.kept.contains(&number)
    }

    /// A file has so many bytes by now: from where on the device is not told of them yet, and how many
    /// these are.
    fn advance(&mut self, number: u64, bytes: u64) -> Option<(u64, NonZeroU64)> {
        let begun = self.begun.entry(number).or_default();
        let from = begun.bytes;
        let more = bytes.checked_sub(from).and_then(NonZeroU64::new);
        *begun = match more {
            Some(_) => Begun { bytes, looks: 0 },
            None => Begun {
                looks: begun.looks + 1,
                ..*begun
            },
        };
        more.map(|length| (from, length))
    }

    /// Nobody writes any more: what was known of them.
    fn end(&mut self) -> Self {
        let tree = Weak::clone(&self.tree);
        std::mem::replace(
            self,
            Self {
                tree,
                ..Self::default()
            },
        )
    }
}

/// Counts what a writer of a tree has written.
pub(super) struct Progress {
    writing: Arc<Writing>,
    bytes: usize,
}

impl Progress {
    pub(super) fn of(writing: &Arc<Writing>) -> Self {
        Self {
            writing: Arc::clone(writing),
            bytes: 0,
        }
    }

    /// So many bytes more.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= WRITE_BACK_BYTES {
            self.bytes = 0;
            self.writing.write_back();
        }
    }
}

/// Of merges, the library tells each row to a filter, all but tombstones. This one keeps them all.
impl CompactionFilter for Progress {
    fn filter_item(&mut self, row: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        self.wrote(row.key().len() + row.value()?.len());
        Ok(Verdict::Keep)
    }
}

/// Gives each merge of a tree its filter.
pub(super) struct Merges(pub(super) Arc<Writing>);

impl Factory for Merges {
    fn name(&self) -> &'static str {
        "progress"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Progress::of(&self.0))
    }
}
