//! Backups: all rows as one checkpoint took them to the base, as a stream of bytes; and back.
//!
//! A backup asks for a checkpoint. At its end the base holds every partition up to its position F
//! and nothing later: the checkpointer hands a snapshot of it over, with the positions and the
//! promise of time, and goes on. Whoever has asked reads the snapshot table by table, beside
//! everything else. What was acknowledged before it was asked for is in it; and whatever is in it,
//! so is what that rests on, in other partitions too (`Partition::run_batch`).

mod desk;
mod restore;
mod stream;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) use desk::{Desk, Ready};
pub use restore::{
    RestoreError, Unfinished, begin_restore, check_finished, check_free, is_unfinished, restore,
    verify,
};
pub use stream::{BackupReader, Contents, Damage, Frame, Head, TableContents};

use crate::base::BaseError;
use crate::shared::Shared;
use crate::table::TableDef;
use crate::version;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// One is being made.
    #[error("a backup is being made, and there is one at a time")]
    Busy,
    /// The engine is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The base cannot be read.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// What was read cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A backup that was asked for. No other is made until it is dropped.
pub struct Backup {
    shared: Arc<Shared>,
    tables: Arc<[TableDef]>,
    ready: Option<Ready>,
}

impl Backup {
    pub(crate) fn ask(shared: Arc<Shared>, tables: Arc<[TableDef]>) -> Result<Self, BackupError> {
        if shared.stopping.load(Ordering::Acquire) {
            return Err(BackupError::Stopping);
        }
        shared.backups.ask()?;
        shared.checkpoints.ask();
        Ok(Self {
            shared,
            tables,
            ready: None,
        })
    }

    /// Waits until the checkpoint has ended, for so long at most; whether it has. It is for a thread
    /// that may wait.
    ///
    /// # Errors
    /// The engine has stopped.
    pub fn wait(&mut self, at_most: Duration) -> Result<bool, BackupError> {
        if self.ready.is_none() {
            self.ready = self.shared.backups.wait(at_most)?;
        }
        Ok(self.ready.is_some())
    }

    /// Writes all of it, a frame at a time. Waits for the checkpoint if it has not ended. It is for a
    /// thread that may wait.
    ///
    /// # Errors
    /// The base cannot be read, `out` cannot be written, or the engine is stopping: what was written
    /// is no backup.
    pub fn write_to(mut self, out: &mut dyn io::Write) -> Result<Contents, BackupError> {
        while !self.wait(Duration::from_secs(1))? {}
        let ready = self.ready.take().expect("because it was waited for");
        let head = Head {
            checkpoint: ready.checkpoint,
            clock_up_to_ms: ready.clock_up_to_ms,
            taken_at_ms: ready.taken_at_ms,
            positions: ready.positions,
            version: version::OWN.to_owned(),
            tables: self
                .tables
                .iter()
                .map(|def| (def.id, def.name.to_owned()))
                .collect(),
        };
        let may_go_on = || match self.shared.stopping.load(Ordering::Acquire) {
            true => Err(BackupError::Stopping),
            false => Ok(()),
        };
        stream::write(head, &*ready.snapshot, out, &may_go_on)
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        self.shared.backups.leave();
    }
}
