//! How a server's memory is shared out.

use crate::contract::Class;
use crate::limits::{
    BORROWED_SHARE_PERCENT, CHECKPOINT_ROWS_PERCENT, MEMORY_BYTES_MIN, OPEN_SHARE_PERCENT,
};

/// Bytes of memory that a server is to keep to, and the parts of them.
///
/// Rows changed since the last checkpoint began, and those on their way to the base, have seven
/// sixteenths of it; what was read of the files of the base a fifth, and the filters of keyed tables as
/// much; rows read from the base a sixteenth, and as much again while commands wait for further ones. The
/// rest is for what has a bound of its own: requests, answers, groups of the log, a table in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    bytes: u64,
}

impl Memory {
    /// So many bytes, at least [`MEMORY_BYTES_MIN`].
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        Self {
            bytes: bytes.max(MEMORY_BYTES_MIN),
        }
    }

    /// For what was read of the files of the base.
    #[must_use]
    pub fn base_bytes(self) -> u64 {
        self.bytes / 5
    }

    /// For the filters of all tables.
    pub(crate) fn filter_bytes(self) -> usize {
        usize::try_from(self.bytes / 5).unwrap_or(usize::MAX)
    }

    /// For rows of one partition that were read from the base.
    pub(crate) fn cache_bytes(self, partitions: usize) -> usize {
        usize::try_from(self.bytes / 16).unwrap_or(usize::MAX) / partitions
    }

    /// For rows that are not known to be in the base.
    fn row_bytes(self) -> usize {
        usize::try_from(self.bytes / 16 * 7).unwrap_or(usize::MAX)
    }

    /// Rows changed take so much: a checkpoint begins. While it is under way there is as much again.
    pub(crate) fn checkpoint_bytes(self) -> usize {
        self.row_bytes() / 100 * CHECKPOINT_ROWS_PERCENT
    }

    /// Whether so many bytes of rows, of which so many are a domain's own, are too many for its opening
    /// commands though others may go on: it is beyond its share, and what nobody uses is nearly used.
    pub(crate) fn is_beyond_share(self, row_bytes: usize, own: usize, percent: usize) -> bool {
        let hundredth = self.row_bytes() / 100;
        self.is_tight(row_bytes) && own > hundredth * OPEN_SHARE_PERCENT / 100 * percent
    }

    /// How much of a share of the memory for rows so many bytes of them take, in percent of it. All of none.
    pub(crate) fn percent(self, row_bytes: usize, share_percent: usize) -> usize {
        let hundredth = self.row_bytes() / 10_000 * share_percent;
        row_bytes.checked_div(hundredth).unwrap_or(100)
    }

    /// Whether so many bytes of rows are nearly too many: somebody may be turned away.
    pub(crate) fn is_tight(self, row_bytes: usize) -> bool {
        row_bytes >= self.row_bytes() / 100 * BORROWED_SHARE_PERCENT
    }

    /// Whether rows take so many bytes that a request of this class is turned away.
    pub(crate) fn is_short(self, row_bytes: usize, class: Class) -> bool {
        let percent = match class {
            Class::Opens => OPEN_SHARE_PERCENT,
            Class::Finishes => 100,
            Class::Reads => return false,
        };
        row_bytes >= self.row_bytes() / 100 * percent
    }
}
