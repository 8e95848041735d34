//! Lines that are not counted: what is wrong with them, and the first few to show.

use serde::Serialize;

use super::lines::LINE_BYTES_MAX;

/// Bad lines that are kept to be shown; the rest is only counted.
const SHOWN_MAX: usize = 5;

/// Why a line is not counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("it ends before the {0}")]
    EndsBefore(&'static str),
    #[error("the {0} has no closing quote")]
    Unquoted(&'static str),
    #[error("the status {0:?} is not three digits")]
    NotAStatus(String),
    #[error("the size {0:?} is neither a number nor -")]
    NotASize(String),
    #[error("the time {0:?} is none, like {1}")]
    NotATime(String, &'static str),
    #[error("the time {0:?} is before 1970")]
    BeforeTimes(String),
    #[error("it is no JSON object: {0}")]
    NotAnObject(String),
    #[error("it has no {0:?}")]
    Missing(String),
    #[error("its {0:?} is neither a text nor a number")]
    NotPlain(String),
    /// In the server's words.
    #[error("the server says {0}")]
    Refused(String),
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The number of its file, as they were named.
    pub(super) file: usize,
    /// From 1 on.
    pub(super) line: u64,
}

/// How many lines were not counted, and what is wrong with the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct BadLines {
    pub(super) lines: u64,
    pub(super) first: Vec<BadLine>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct BadLine {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) why: String,
}

impl BadLines {
    /// Counts the line, and keeps it if it is one of the first.
    pub(super) fn note(&mut self, file: &str, line: u64, fault: &Fault) {
        self.lines += 1;
        if self.first.len() < SHOWN_MAX {
            let (file, why) = (file.to_owned(), fault.to_string());
            self.first.push(BadLine { file, line, why });
        }
    }
}
