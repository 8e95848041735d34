//! What this thread is running, to be told when it panics: the process stops then, and whoever reads
//! why should know which command, about which key, behind which position.

use std::cell::RefCell;
use std::fmt::{self, Display};

use crate::key::PartitionId;
use crate::log::Lsn;
use crate::strikes::Identity;

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// A command or a timer that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    what: &'static str,
    key: Vec<u8>,
    partition: PartitionId,
    lsn: Lsn,
    /// What it is, if it comes again with every start.
    pub(crate) identity: Option<Identity>,
}

impl Running {
    /// What this thread runs, if it runs something.
    #[must_use]
    pub fn here() -> Option<Self> {
        RUNNING.with_borrow(Clone::clone)
    }

    /// From here on this thread runs `what`, about the key, behind `lsn`.
    pub(crate) fn begin(what: &'static str, key: &[u8], partition: PartitionId, lsn: Lsn) {
        RUNNING.with_borrow_mut(|running| {
            let running = running.get_or_insert_with(|| Self {
                what,
                key: Vec::new(),
                partition,
                lsn,
                identity: None,
            });
            running.identity = None;
            running.key.clear();
            running.key.extend_from_slice(key);
            (running.what, running.partition, running.lsn) = (what, partition, lsn);
        });
    }

    /// What it runs comes again with every start.
    pub(crate) fn comes_again(identity: Identity) {
        RUNNING.with_borrow_mut(|running| {
            if let Some(running) = running {
                running.identity = Some(identity);
            }
        });
    }

    /// From here on it runs nothing.
    pub(crate) fn end() {
        RUNNING.set(None);
    }
}

impl Display for Running {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, key, .. } = self;
        let (key, partition, lsn) = (key.escape_ascii(), self.partition.0, self.lsn.0);
        write!(
            out,
            "{what} about {key}, in partition {partition} behind position {lsn}"
        )
    }
}
