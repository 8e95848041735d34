//! A process that another command has started for itself: it ends with that command, however that
//! comes about, and then removes the folder.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::{ServeError, StopSignal};

/// What only [`crate::child`] says on a command line.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OwnerArgs {
    /// The process to end with, which is the parent.
    #[arg(long, hide = true, value_name = "PID", requires = "temporary")]
    owner: Option<i32>,
    /// The folder to remove at the end.
    #[arg(long, hide = true, value_name = "DIR", requires = "owner")]
    temporary: Option<PathBuf>,
}

/// A tie to the owner.
pub(crate) struct Tie {
    pub(crate) stop: StopSignal,
    pub(crate) folder: Removed,
}

/// A folder that is removed when dropped.
pub(crate) struct Removed(PathBuf);

impl OwnerArgs {
    /// Ties the process to its owner, if it has one: the owner's end is a request to stop.
    pub(crate) fn tie(&self) -> Result<Option<Tie>, ServeError> {
        let (Some(owner), Some(folder)) = (self.owner, &self.temporary) else {
            return Ok(None);
        };
        let folder = Removed(folder.clone());
        // Heard before it can be sent: by default it would end the process at once.
        let stop = StopSignal::listen()?;
        set_parent_process_death_signal(Some(Signal::TERM)).map_err(std::io::Error::from)?;
        // An owner that ended before that line is told of by no signal.
        if getppid().map(Pid::as_raw_pid) != Some(owner) {
            let gone = format!("process {owner}, which this one is for, has ended");
            return Err(ServeError::Settings(gone));
        }
        Ok(Some(Tie { stop, folder }))
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        // The owner removes it as well, if it can; one of the two finds nothing.
        fs::remove_dir_all(&self.0).ok();
    }
}
