//! Lines that cannot be read: what is wrong with them, and the first few to show.

use std::collections::BTreeMap;

use serde::Serialize;

/// Malformed lines that are kept to be shown; the rest is only counted.
const SHOWN_MAX: usize = 5;

/// Why a line is skipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// More or fewer columns than the header.
    #[error("{found} columns instead of {expected}")]
    ColumnCount { found: usize, expected: usize },
    /// Some column is not text.
    #[error("not UTF-8")]
    NotUtf8,
    /// A field that every line has.
    #[error("no {0}")]
    Empty(&'static str),
    /// A field that the server would not take as a name.
    #[error("control characters in the {0}")]
    ControlCharacters(&'static str),
    /// A field that the server would not take as a name.
    #[error("the {0} is longer than {1} bytes")]
    TooLong(&'static str, usize),
    /// The quantity is no number.
    #[error("quantity {0:?} is not an integer")]
    NotAnInteger(String),
    /// The quantity is 0: nothing to hold and nothing to return.
    #[error("quantity 0")]
    Zero,
    /// The price is none.
    #[error("unit price {0:?} is not an amount with at most two digits behind the point")]
    NotAPrice(String),
    /// The quantity is more than the server would take.
    #[error("quantity {0} is beyond 1,000,000,000")]
    TooMany(String),
}

/// How many lines were malformed, by line number the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Malformed {
    /// All of them.
    pub(crate) lines: u64,
    /// What is wrong with the first few, by their line in the file.
    pub(crate) first: BTreeMap<u64, String>,
}

impl Malformed {
    /// Counts the line, and keeps it if it is one of the first.
    pub(super) fn note(&mut self, line: u64, fault: &Fault) {
        self.lines += 1;
        if self.first.len() < SHOWN_MAX {
            self.first.insert(line, fault.to_string());
        }
    }
}
