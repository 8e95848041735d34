//! A row and its key, in one allocation.
//!
//! A table holds millions of small rows; a second allocation for each key would cost as much memory
//! as the rows themselves.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use triomphe::ThinArc;

use crate::key::KeyRef;

/// A row under its key; or the knowledge that there is none, though the base may have one. Cheap
/// to clone. Compared and hashed by its key.
#[derive(Debug)]
pub(crate) struct Cell<R>(ThinArc<Option<R>, u8>);

impl<R> Cell<R> {
    pub(crate) fn new(key: &[u8], row: Option<R>) -> Self {
        Self(ThinArc::from_header_and_slice(row, key))
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.0.slice
    }

    pub(crate) fn row(&self) -> Option<&R> {
        self.0.header.header.as_ref()
    }
}

impl<R> Clone for Cell<R> {
    fn clone(&self) -> Self {
        Self(ThinArc::clone(&self.0))
    }
}

impl<R> Borrow<[u8]> for Cell<R> {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl<R> Hash for Cell<R> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.key().hash(hasher);
    }
}

impl<R> PartialEq for Cell<R> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<R> Eq for Cell<R> {}

impl<R> PartialOrd for Cell<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for Cell<R> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}

/// A row that was read. It stays as it is, whatever is put in its place.
#[derive(Debug)]
pub struct RowRef<R>(Cell<R>);

impl<R> RowRef<R> {
    /// The cell's row, if it has one.
    pub(crate) fn of(cell: &Cell<R>) -> Option<Self> {
        cell.row().is_some().then(|| Self(cell.clone()))
    }

    /// The key that the row lies under.
    #[must_use]
    pub fn key(&self) -> KeyRef<'_> {
        KeyRef(self.0.key())
    }
}

impl<R> Deref for RowRef<R> {
    type Target = R;

    fn deref(&self) -> &R {
        self.0
            .row()
            .expect("because only a cell with a row is made a reference to it")
    }
}
