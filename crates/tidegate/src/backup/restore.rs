//! `tidegate restore`: makes a data folder of a backup.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use tidegate_engine::backup::{
    Contents, RestoreError, begin_restore, check_free, is_unfinished, verify,
};
use tidegate_engine::base::{BaseError, LsmBase};
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::RealDisk;
use tidegate_engine::limits::CLOCK_JUMP_MS_MAX;
use tidegate_engine::{backup, tables_of};

use super::FILE;
use super::progress::Counted;
use super::table::Table;
use crate::ending::{Failure, Found};
use crate::output::{note, print};
use crate::serve::{BASE_FOLDER, BASE_ROOM};

const HOUR_MS: u64 = 3_600 * 1_000;

/// Makes a data folder of a backup.
///
/// The whole backup is verified before anything is made. A restore that does not come to its end
/// leaves a folder that no server opens; run it again.
#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// The folder of the backup.
    backup_dir: PathBuf,
    /// The data folder, which is made or empty.
    data_dir: PathBuf,
}

/// Why there is no data folder.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{path}: {error}")]
    Backup {
        path: String,
        error: Box<RestoreError>,
    },
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Base(#[from] BaseError),
    #[error("{path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("data folder: {0}")]
    Folder(io::Error),
}

/// Restores and prints what is there now.
pub(crate) fn run(args: &RestoreArgs, domains: &[Domain]) -> Result<Found, Failure> {
    let contents = restore(args, domains).map_err(Failure::told)?;
    let data = args.data_dir.display();
    print(format_args!(
        "{}restored: `tidegate serve --data {data}` goes on from here\n",
        Table(&contents)
    ))?;
    let age_ms = wall_ms().saturating_sub(contents.head.clock_up_to_ms);
    if age_ms > CLOCK_JUMP_MS_MAX {
        let hours = age_ms / HOUR_MS;
        note(format_args!(
            "tidegate restore: the backup is {hours} hours old: start with --accept-clock; \
             whatever was to expire meanwhile expires then"
        ));
    }
    Ok(Found::Sound)
}

fn restore(args: &RestoreArgs, domains: &[Domain]) -> Result<Contents, Error> {
    let tables = tables_of(domains);
    let file = args.backup_dir.join(FILE);
    let of_backup = |error| Error::Backup {
        path: file.display().to_string(),
        error: Box::new(error),
    };
    let open = |doing| -> Result<_, Error> {
        let opened = File::open(&file).and_then(|file| {
            let bytes = file.metadata()?.len();
            Ok(Counted::new(io::BufReader::new(file), doing, Some(bytes)))
        });
        opened.map_err(|error| io_error(&file, error))
    };
    let open_disk = || RealDisk::open(&args.data_dir).map_err(Error::Folder);
    let disk = args.data_dir.exists().then(open_disk).transpose()?;
    if let Some(disk) = &disk {
        check_free(disk)?;
    }
    verify(open("verify")?, &tables).map_err(of_backup)?;
    let disk = disk.map_or_else(open_disk, Ok)?;
    let base_folder = args.data_dir.join(BASE_FOLDER);
    if is_unfinished(&disk).map_err(Error::Folder)? && base_folder.exists() {
        fs::remove_dir_all(&base_folder).map_err(|error| io_error(&base_folder, error))?;
    }
    begin_restore(&disk)?;
    let base = LsmBase::open(&base_folder, &tables, BASE_ROOM)?;
    let contents = backup::restore(open("restore")?, (&disk, &base), &tables)?;
    sync_parent(&args.data_dir).map_err(|error| io_error(&args.data_dir, error))?;
    Ok(contents)
}

fn io_error(path: &Path, error: io::Error) -> Error {
    let path = path.display().to_string();
    Error::Io { path, error }
}

/// Makes the name of a folder durable.
fn sync_parent(folder: &Path) -> io::Result<()> {
    let whole = fs::canonicalize(folder)?;
    let parent = whole.parent().map(File::open).transpose()?;
    parent.map_or(Ok(()), |parent| parent.sync_all())
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
