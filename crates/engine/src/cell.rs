//! A row's stored bytes under its key, in one allocation.
//!
//! A table holds millions of small rows. In memory a row is the same CBOR as in the log: it takes
//! the room that its bytes take, is written to the log as it is, and is decoded when it is read.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{self, AtomicBool};

use triomphe::ThinArc;

/// A row under its key; or the knowledge that there is none, though the base may have one. Cheap
/// to clone. Compared and hashed by its key.
#[derive(Clone, Debug)]
pub(crate) struct Cell(ThinArc<Head, u8>);

/// What a cell takes beside its bytes: its head and length, the allocator's rounding, and its place in
/// a persistent set.
const CELL_BYTES: usize = 88;

#[derive(Debug)]
struct Head {
    key_length: u16,
    is_row: bool,
    /// Another cell has taken its place in the table, and this one need not go into the log: if that is not
    /// noticed, it goes there before the other. Only the table's owner reads and writes this.
    replaced: AtomicBool,
}

impl Cell {
    /// A row: its key in the first `key_length` of `bytes`, itself in the others.
    pub(crate) fn of_row(bytes: &[u8], key_length: usize) -> Self {
        Self::new(bytes, key_length, true)
    }

    /// No row under this key.
    pub(crate) fn of_none(key: &[u8]) -> Self {
        Self::new(key, key.len(), false)
    }

    fn new(bytes: &[u8], key_length: usize, is_row: bool) -> Self {
        let key_length = u16::try_from(key_length);
        let head = Head {
            key_length: key_length.expect("because keys are built of bounded names"),
            is_row,
            replaced: AtomicBool::new(false),
        };
        Self(ThinArc::from_header_and_slice(head, bytes))
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let key_length = usize::from(self.0.header.header.key_length);
        self.0.slice.split_at(key_length)
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.parts().0
    }

    /// The stored bytes of the row, if there is one.
    pub(crate) fn row(&self) -> Option<&[u8]> {
        self.0.header.header.is_row.then(|| self.parts().1)
    }

    /// About how many bytes of memory it takes in a table.
    pub(crate) fn weight(&self) -> usize {
        CELL_BYTES + self.0.slice.len()
    }

    pub(crate) fn set_replaced(&self, replaced: bool) {
        let head = &self.0.header.header;
        head.replaced.store(replaced, atomic::Ordering::Relaxed);
    }

    pub(crate) fn is_replaced(&self) -> bool {
        let head = &self.0.header.header;
        head.replaced.load(atomic::Ordering::Relaxed)
    }
}

impl Borrow<[u8]> for Cell {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl Hash for Cell {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.key().hash(hasher);
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Cell {}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}
