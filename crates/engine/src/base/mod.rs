//! The base: rows on disk, beneath the ones in memory.
//!
//! It is written by checkpoints only, one table after another, each ingestion whole or not at all
//! and durable when it returns. [`LsmBase`] keeps sorted tables in a folder; [`PlainBase`] keeps
//! them on a [`crate::disk::Disk`], for the simulator. One conformance suite holds for both.

mod damage;
mod keyspace;
mod listing;
mod lsm;
mod merge;
mod plain;
mod repair;

use std::fmt::{self, Display};
use std::io;

pub use damage::BaseDamage;
pub use lsm::LsmBase;
pub use plain::PlainBase;
pub use repair::damages_in;
pub(crate) use repair::drop_damaged;

use crate::archive::Slice;
use crate::log::is_full;
use crate::table::TableDef;

/// A row on its way into the base, under its key; none where there is no such row any more.
pub type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// A row's key and its stored bytes.
pub type Stored = (Vec<u8>, Vec<u8>);

/// Rows in the order of their keys; after an error nothing more.
pub type StoredRows<'a> = Box<dyn Iterator<Item = Result<Stored, BaseError>> + 'a>;

/// Which files are to be put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tend {
    /// What checkpoints have brought: soon done.
    Fresh,
    /// What was put in order once: it takes as long as many checkpoints.
    Old,
    /// All others: it may take as long as writing all of a table.
    Oldest,
}

/// The rows on disk.
pub trait Base: Send + Sync {
    /// Whether a table may have rows. Does not read the disk.
    fn has(&self, table: u16) -> bool;

    /// The stored bytes of a row as they are now.
    ///
    /// # Errors
    /// The row cannot be read.
    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError>;

    /// All tables as they are now. Does not read the disk.
    fn snapshot(&self) -> Box<dyn BaseSnapshot>;

    /// Takes changes of one table in, whose keys ascend. Whole and durable when it returns.
    ///
    /// # Errors
    /// The disk refused; perhaps all of the changes are in, perhaps none.
    fn ingest(
        &self,
        table: u16,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), BaseError>;

    /// Lets go of all slices of an archive before `below`: they have no rows from now on, and take
    /// none in. Snapshots taken before have them still, and their files go with [`Base::tend`]. A
    /// base that is opened has those again whose files are still there, until it is told again.
    ///
    /// # Errors
    /// The disk refused.
    fn drop_slices(&self, table: u16, below: Slice) -> Result<(), BaseError>;

    /// Puts some files in order; `true` if there may be more to do. What is fresh, old and oldest may
    /// be put in order at the same time.
    ///
    /// # Errors
    /// A file cannot be read or written.
    fn tend(&self, what: Tend) -> Result<bool, BaseError>;

    /// How much there is to be put in order beyond what may wait: the more, the slower more should be
    /// taken in.
    fn backlog(&self) -> usize;

    /// Reads every file whole, and tells those that are not what was written.
    ///
    /// # Errors
    /// A file cannot be read.
    fn damages(&self) -> Result<Vec<BaseDamage>, BaseError>;
}

/// All tables at one moment.
pub trait BaseSnapshot: Send {
    /// The stored bytes of a row.
    ///
    /// # Errors
    /// The row cannot be read.
    fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, BaseError>;

    /// Rows whose keys start with `prefix`, from `from` on.
    fn range(&self, table: u16, prefix: &[u8], from: &[u8]) -> StoredRows<'_>;
}

/// Something of the base that cannot be read or written.
#[derive(Debug)]
pub struct BaseError {
    /// The table, if it is about one.
    pub table: Option<&'static str>,
    /// The key at or behind which it is.
    pub key: Vec<u8>,
    /// The file or folder.
    pub path: String,
    /// What the machine, or the file, says.
    pub cause: BaseCause,
}

impl BaseError {
    /// The bytes under a key are no row of the table.
    pub(crate) fn no_row(def: &TableDef, key: &[u8], what: String) -> Self {
        Self {
            table: Some(def.name),
            key: key.to_vec(),
            path: "base".to_owned(),
            cause: BaseCause::Corrupt(what),
        }
    }

    /// A file cannot be used.
    pub(crate) fn of_file(damage: BaseDamage) -> Self {
        Self {
            table: damage.table,
            key: damage.keys.map(|(first, _)| first).unwrap_or_default(),
            path: damage.path,
            cause: BaseCause::Corrupt(damage.what),
        }
    }

    /// Whether bytes are to blame, not the machine.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(self.cause, BaseCause::Corrupt(_))
    }

    /// Whether there may be room later.
    pub(crate) fn is_full(&self) -> bool {
        matches!(&self.cause, BaseCause::Io(error) if is_full(error))
    }
}

/// What is wrong with the base.
#[derive(Debug)]
pub enum BaseCause {
    /// Bytes are not what was written.
    Corrupt(String),
    /// The machine failed a read, a write or a sync.
    Io(io::Error),
}

impl Display for BaseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.path)?;
        if let Some(table) = self.table {
            write!(out, ": table {table}")?;
        }
        if let Some((slot, parts)) = self.key.split_first_chunk() {
            let slot = u16::from_be_bytes(*slot);
            write!(out, ", slot {slot}, from key {}", parts.escape_ascii())?;
        }
        match &self.cause {
            BaseCause::Corrupt(what) => write!(out, ": corrupt: {what}"),
            BaseCause::Io(error) => write!(out, ": {error}"),
        }
    }
}

impl std::error::Error for BaseError {}

/// The name of a table, for messages.
fn name_of(defs: &[TableDef], table: u16) -> Option<&'static str> {
    let def = defs.iter().find(|def| def.id == table);
    def.map(|def| def.name)
}
