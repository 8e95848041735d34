//! Rows of several slices as one run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{BaseError, Stored, StoredRows};

/// Rows of several sources, none of which has a key of another, in the order of their keys. After
/// an error nothing more.
pub(super) fn merged<'a>(mut sources: Vec<StoredRows<'a>>) -> StoredRows<'a> {
    if sources.len() <= 1 {
        return sources
            .pop()
            .unwrap_or_else(|| Box::new(std::iter::empty()));
    }
    let mut merge = Merge {
        firsts: BinaryHeap::new(),
        failure: None,
        sources,
    };
    for at in 0..merge.sources.len() {
        merge.advance(at);
    }
    Box::new(merge)
}

struct Merge<'a> {
    sources: Vec<StoredRows<'a>>,
    /// The first row of each source that has one, and where the source stands.
    firsts: BinaryHeap<Reverse<(Stored, usize)>>,
    failure: Option<BaseError>,
}

impl Merge<'_> {
    fn advance(&mut self, at: usize) {
        match self.sources[at].next() {
            Some(Ok(row)) => self.firsts.push(Reverse((row, at))),
            Some(Err(error)) => self.failure = Some(error),
            None => {}
        }
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Stored, BaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failure.take() {
            self.firsts.clear();
            return Some(Err(error));
        }
        let Reverse((row, at)) = self.firsts.pop()?;
        self.advance(at);
        Some(Ok(row))
    }
}
