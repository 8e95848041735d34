//! The disk, as far as the log needs one: a folder of files.
//!
//! What is written survives a crash only after `sync` of the file, and a file's name only after
//! `sync_folder`. [`FaultDisk`] holds its users to that; [`RealDisk`] is a folder.

mod fault;
mod real;

use std::io;

pub use fault::{FaultDisk, Operation};
pub use real::RealDisk;

use crate::limits::CUT_BYTES;

/// Frees the room of a file that has no name any more, bit by bit. A file system that tells the device
/// what is free has it wait for that, and a log's sync behind it: of much at once that takes long.
pub(crate) fn free(size: u64, mut set_size: impl FnMut(u64) -> io::Result<()>) {
    let mut left = size;
    while left > 0 {
        left = left.saturating_sub(CUT_BYTES);
        if set_size(left).is_err() {
            return; // What is left goes when the file is closed.
        }
    }
}

/// A folder of files.
pub trait Disk: Send + Sync {
    /// Names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes (or empties) a file, filled with `size` zeros.
    fn create(&self, name: &str, size: u64) -> io::Result<Box<dyn File>>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Box<dyn File>>;
    /// Renames a file, replacing any of the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals durable.
    fn sync_folder(&self) -> io::Result<()>;
    /// The path of a file, for messages.
    fn path(&self, name: &str) -> String;

    /// The path of the folder, for messages.
    fn folder(&self) -> String {
        self.path("").trim_end_matches('/').to_owned()
    }
}

/// An open file.
pub trait File: Send {
    /// Its size in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads exactly `into.len()` bytes at `at`.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `at`.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts or extends the file with zeros.
    fn set_size(&mut self, size: u64) -> io::Result<()>;
    /// Makes the contents durable.
    fn sync(&mut self) -> io::Result<()>;
}
