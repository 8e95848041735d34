//! A disk in memory that keeps only what was synced, and fails when told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::{Disk, File};
use crate::random::Random;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A disk of which a crash keeps what was synced and, of the rest, whatever chance keeps: all of a
/// write, none of it, or some of its sectors.
#[derive(Clone, Default)]
pub struct FaultDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Names as a running process sees them.
    names: BTreeMap<String, usize>,
    /// Names as a crash leaves them.
    durable_names: BTreeMap<String, usize>,
    files: Vec<Contents>,
    fail_syncs: bool,
    bytes_left: Option<u64>,
    /// When the power fails, and the operation at which it failed.
    power: Option<Power>,
    failed_at: Option<Operation>,
    syncs: u64,
    bytes_written: u64,
}

/// When the power fails: behind so many operations, of one kind or of all.
struct Power {
    left: u64,
    only: Option<Operation>,
}

#[derive(Default)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync, oldest first.
    pending: Vec<(usize, Vec<u8>)>,
}

/// What the power can fail at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Making a file.
    Create,
    /// A write, of which some may have arrived.
    Write,
    /// A cut of a file.
    SetSize,
    /// A sync of a file.
    Sync,
    /// A rename.
    Rename,
    /// A removal.
    Remove,
    /// A sync of the folder.
    SyncFolder,
}

impl FaultDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power fails: what was not synced is kept, lost or torn, as `random` has it.
    pub fn crash(&self, random: &mut Random) {
        let mut state = self.state();
        (state.power, state.failed_at) = (None, None);
        let keep_names = random.chance(1, 2);
        if keep_names {
            state.durable_names = state.names.clone();
        } else {
            state.names = state.durable_names.clone();
        }
        for file in &mut state.files {
            let pending = std::mem::take(&mut file.pending);
            for (at, bytes) in pending {
                file.durable
                    .resize(file.durable.len().max(at + bytes.len()), 0);
                match random.below(3) {
                    0 => {}
                    1 => file.durable[at..at + bytes.len()].copy_from_slice(&bytes),
                    _ => {
                        for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                            if random.chance(1, 2) {
                                let at = at + index * SECTOR;
                                file.durable[at..at + sector.len()].copy_from_slice(sector);
                            }
                        }
                    }
                }
            }
            file.now.clone_from(&file.durable);
        }
    }

    /// From now on (or no more) every sync fails.
    pub fn fail_syncs(&self, fail: bool) {
        self.state().fail_syncs = fail;
    }

    /// The power fails at the operation behind so many others: that one and all behind it fail, until
    /// [`FaultDisk::crash`].
    pub fn fail_power_after(&self, operations: u64) {
        self.state().power = Some(Power {
            left: operations,
            only: None,
        });
    }

    /// The power fails at an operation of this kind, behind so many others of it.
    pub fn fail_power_at(&self, operation: Operation, others: u64) {
        self.state().power = Some(Power {
            left: others,
            only: Some(operation),
        });
    }

    /// No fault waits any more.
    pub fn calm(&self) {
        let mut state = self.state();
        (state.power, state.fail_syncs, state.bytes_left) = (None, false, None);
    }

    /// The operation at which the power failed.
    #[must_use]
    pub fn failed_at(&self) -> Option<Operation> {
        self.state().failed_at
    }

    /// A hash over all names and contents, as a running process sees them.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let state = self.state();
        let mut all = Vec::new();
        for (name, index) in &state.names {
            all.extend_from_slice(name.as_bytes());
            all.extend_from_slice(&xxh3_64(&state.files[*index].now).to_le_bytes());
        }
        xxh3_64(&all)
    }

    /// Only so many further bytes can be allocated; `None` lifts the bound.
    pub fn limit_bytes(&self, bytes: Option<u64>) {
        self.state().bytes_left = bytes;
    }

    /// Flips one bit of a file, on the disk and in the cache.
    pub fn flip_bit(&self, name: &str, at: usize, bit: u8) {
        let mut state = self.state();
        let Some(index) = state.names.get(name).copied() else {
            return;
        };
        let file = &mut state.files[index];
        file.now[at] ^= 1 << bit;
        file.durable[at] ^= 1 << bit;
    }

    /// A byte of some file whose name begins with `prefix`, if one is not zero: the name and where.
    pub fn some_byte(&self, prefix: &str, random: &mut Random) -> Option<(String, usize)> {
        let state = self.state();
        let mut files = state
            .names
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        let count = files.clone().count() as u64;
        let (name, index) = files.nth(index_of(random.below(count.max(1))))?;
        let bytes = &state.files[*index].now;
        let used = bytes.iter().rposition(|byte| *byte != 0)? + 1;
        let from = index_of(random.below(used as u64));
        let at = bytes[from..].iter().position(|byte| *byte != 0)?;
        Some((name.clone(), from + at))
    }

    /// How often a file or the folder was synced.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Bytes written by `write_at`.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.state().bytes_written
    }
}

impl State {
    fn allocate(&mut self, bytes: u64) -> io::Result<()> {
        if let Some(left) = &mut self.bytes_left {
            *left = left.checked_sub(bytes).ok_or(io::ErrorKind::StorageFull)?;
        }
        Ok(())
    }

    /// Counts an operation, which fails if the power has.
    fn work(&mut self, operation: Operation) -> io::Result<()> {
        let Some(power) = &mut self.power else {
            return Ok(());
        };
        if power.only.is_some_and(|only| only != operation) {
            return Ok(());
        }
        if power.left > 0 {
            power.left -= 1;
            return Ok(());
        }
        power.only = None; // All behind it fail too.
        self.failed_at.get_or_insert(operation);
        Err(io::Error::other("injected: the power has failed"))
    }

    fn free(&mut self, bytes: usize) {
        if let Some(left) = &mut self.bytes_left {
            *left += bytes as u64;
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        if self.fail_syncs {
            Err(io::Error::other("injected: sync failed"))
        } else {
            Ok(())
        }
    }

    fn index(&self, name: &str) -> io::Result<usize> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn index_of(at: u64) -> usize {
    usize::try_from(at).expect("because files of a disk in memory fit in memory")
}

impl Disk for FaultDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, name: &str, size: u64) -> io::Result<Box<dyn File>> {
        let mut state = self.state();
        state.work(Operation::Create)?;
        state.allocate(size)?;
        let now = vec![0; index_of(size)];
        let file = Contents {
            now,
            durable: Vec::new(),
            pending: Vec::new(),
        };
        state.files.push(file);
        let index = state.files.len() - 1;
        state.names.insert(name.to_owned(), index);
        drop(state);
        Ok(Box::new(FaultFile {
            disk: self.clone(),
            index,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let index = self.state().index(name)?;
        Ok(Box::new(FaultFile {
            disk: self.clone(),
            index,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.work(Operation::Rename)?;
        let index = state.index(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), index);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.work(Operation::Remove)?;
        let index = state.index(name)?;
        state.names.remove(name);
        let bytes = state.files[index].now.len();
        state.free(bytes);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        state.work(Operation::SyncFolder)?;
        state.sync()?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        name.to_owned()
    }
}

struct FaultFile {
    disk: FaultDisk,
    index: usize,
}

impl File for FaultFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.index].now.len() as u64)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        let at = index_of(at);
        let bytes = state.files[self.index].now.get(at..at + into.len());
        into.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.bytes_written += bytes.len() as u64;
        let at = index_of(at);
        let file = &mut state.files[self.index];
        file.now.resize(file.now.len().max(at + bytes.len()), 0);
        file.now[at..at + bytes.len()].copy_from_slice(bytes);
        file.pending.push((at, bytes.to_vec()));
        state.work(Operation::Write)
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.work(Operation::SetSize)?;
        let before = state.files[self.index].now.len();
        // The room of one without a name was given back with the name.
        if state.names.values().any(|index| *index == self.index) {
            state.free(before.saturating_sub(index_of(size)));
        }
        let file = &mut state.files[self.index];
        file.now.resize(index_of(size), 0);
        // A crash right after may undo a cut; keeping the cut is the other legal outcome, and
        // the log must live with both. Here it is kept, as file systems with a journal mostly do.
        file.durable.resize(index_of(size), 0);
        file.pending
            .retain(|(at, bytes)| at + bytes.len() <= index_of(size));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.work(Operation::Sync)?;
        state.sync()?;
        let file = &mut state.files[self.index];
        file.durable.resize(file.now.len(), 0);
        for (at, bytes) in file.pending.drain(..) {
            file.durable[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(())
    }
}
