//! A backup becomes a folder that an engine opens.
//!
//! While it is made the folder holds a file `restoring`, and no engine opens it; the file goes last.
//! So a crash half-way leaves a folder on which the restore is run again.

use std::collections::HashMap;
use std::io::{self, Read};

use super::stream::{BackupReader, Contents, Damage, Frame, Head};
use crate::base::{Base, BaseError};
use crate::checkpoint::Mark;
use crate::disk::Disk;
use crate::limits::RESTORE_BYTES;
use crate::log::{LogError, begin_log};
use crate::random::Random;
use crate::table::TableDef;
use crate::timer::TIMERS;

const RESTORING: &str = "restoring";

/// What the file says to people.
const WORDS: &[u8] = b"A restore into this folder has not come to its end. Run it again.\n";

/// A restore into this folder has begun and has not come to its end.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path}: a restore into this folder has not come to its end; run `tidegate restore` on it again"
)]
pub struct Unfinished {
    path: String,
}

/// Why a backup cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// Rows of it that this version cannot hold.
    #[error("{0}. Nothing was made usable")]
    Unknown(String),
    /// There is something in the folder.
    #[error("{path} is not empty: a backup is restored into a new folder")]
    NotEmpty {
        /// The folder.
        path: String,
    },
    /// The base.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The folder.
    #[error("{path}: {error}")]
    Io {
        /// The folder.
        path: String,
        /// What the machine said.
        error: io::Error,
    },
}

/// Whether a restore into this folder has not come to its end.
///
/// # Errors
/// The folder cannot be read.
pub fn is_unfinished(disk: &dyn Disk) -> io::Result<bool> {
    Ok(disk.list()?.iter().any(|name| name == RESTORING))
}

/// An error if a restore into this folder has not come to its end.
///
/// # Errors
/// It has not.
pub fn check_finished(disk: &dyn Disk) -> Result<(), Unfinished> {
    // A folder that cannot be listed has no engine opened on it either: the log lists it.
    if is_unfinished(disk).unwrap_or(false) {
        let path = disk.folder();
        return Err(Unfinished { path });
    }
    Ok(())
}

fn failed(disk: &dyn Disk) -> impl Fn(io::Error) -> RestoreError {
    let path = disk.folder();
    move |error| RestoreError::Io {
        path: path.clone(),
        error,
    }
}

/// An error if a backup cannot be restored into this folder: there is something in it, and not of a
/// restore that has not come to its end.
///
/// # Errors
/// It cannot, or the folder cannot be read.
pub fn check_free(disk: &dyn Disk) -> Result<(), RestoreError> {
    let names = disk.list().map_err(failed(disk))?;
    if names.is_empty() || names.iter().any(|name| name == RESTORING) {
        return Ok(());
    }
    let path = disk.folder();
    Err(RestoreError::NotEmpty { path })
}

/// Takes a folder for a restore. What one that has not come to its end has left is removed, but for
/// folders.
///
/// # Errors
/// There is something else in it, or it cannot be written.
pub fn begin_restore(disk: &dyn Disk) -> Result<(), RestoreError> {
    check_free(disk)?;
    let begin = || {
        for name in disk.list()?.iter().filter(|name| *name != RESTORING) {
            disk.remove(name)?;
        }
        let mut file = disk.create(RESTORING, WORDS.len() as u64)?;
        file.write_at(0, WORDS)?;
        file.sync()?;
        disk.sync_folder()
    };
    begin().map_err(failed(disk))
}

/// Makes a log, a base and a mark of a backup, durably, in a folder that [`begin_restore`] has taken.
/// Only with the last step can an engine open it.
///
/// # Errors
/// The backup is not sound, or holds what `tables` cannot; or something cannot be written.
pub fn restore(
    from: impl Read,
    (disk, base): (&dyn Disk, &dyn Base),
    tables: &[TableDef],
) -> Result<Contents, RestoreError> {
    let contents = walk(from, tables, &mut |frames| {
        let Some(table) = frames.first().map(|frame| frame.table) else {
            return Ok(());
        };
        let rows = frames.iter().flat_map(Frame::rows);
        base.ingest(table, &mut rows.map(|(key, row)| (key, Some(row))))
    })?;
    // A base is there though it may have no row: a start behind a checkpoint looks for one.
    base.ingest(TIMERS.id(), &mut std::iter::empty())?;
    let Head {
        checkpoint,
        clock_up_to_ms,
        taken_at_ms,
        positions,
        ..
    } = &contents.head;
    let mark = Mark {
        number: *checkpoint,
        applied: positions.clone(),
        frozen: positions.clone(),
    };
    mark.write(disk).map_err(failed(disk))?;
    let salt = Random::new(*taken_at_ms).next_u64();
    begin_log(disk, salt, 1, (positions, *clock_up_to_ms))?;
    let finish = || {
        disk.remove(RESTORING)?;
        disk.sync_folder()
    };
    finish().map_err(failed(disk))?;
    Ok(contents)
}

/// Reads a whole backup, and looks whether it is sound and can be restored with these tables.
///
/// # Errors
/// It is not, or cannot.
pub fn verify(from: impl Read, tables: &[TableDef]) -> Result<Contents, RestoreError> {
    walk(from, tables, &mut |_| Ok(()))
}

/// Gives all rows of a backup to `take`, some frames of one table at a time.
fn walk(
    from: impl Read,
    tables: &[TableDef],
    take: &mut dyn FnMut(&[Frame]) -> Result<(), BaseError>,
) -> Result<Contents, RestoreError> {
    let mut reader = BackupReader::open(from)?;
    let defs: HashMap<u16, &TableDef> = tables.iter().map(|def| (def.id, def)).collect();
    for (number, name) in &reader.head().tables {
        if !defs.contains_key(number) {
            let by = &reader.head().version;
            let what = format!("table {name} is not known to this version; tidegate {by} has it");
            return Err(RestoreError::Unknown(what));
        }
    }
    let mut frames: Vec<Frame> = Vec::new();
    let mut bytes = 0;
    while let Some(frame) = reader.next_frame()? {
        check_rows(defs[&frame.table], &frame)?;
        let is_next = frames.first().is_some_and(|of| of.table != frame.table);
        if is_next || bytes + frame.bytes() > RESTORE_BYTES {
            take(&frames)?;
            frames.clear();
            bytes = 0;
        }
        bytes += frame.bytes();
        frames.push(frame);
    }
    take(&frames)?;
    let contents = reader.into_contents();
    Ok(contents.expect("because its end was read"))
}

/// Looks whether rows are what the table holds.
fn check_rows(def: &TableDef, frame: &Frame) -> Result<(), RestoreError> {
    for (key, row) in frame.rows() {
        let sound = def.verify_stored(key, row);
        sound.map_err(|what| {
            let key = key.escape_ascii();
            RestoreError::Unknown(format!("key {key}: {what}"))
        })?;
    }
    Ok(())
}
