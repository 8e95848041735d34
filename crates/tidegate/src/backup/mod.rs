//! `tidegate backup` and `tidegate restore`: a consistent copy from a running server into a folder,
//! and from there into a new data folder.

mod progress;
mod restore;
mod save;
mod table;

pub(crate) use restore::{RestoreArgs, run as restore};
pub(crate) use save::{BackupArgs, run as save};

/// The file of a backup, in a folder of its own.
const FILE: &str = "backup.tide";
