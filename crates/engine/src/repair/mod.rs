//! The only way on after corruption: a folder goes on without what is damaged, and says what that is.
//!
//! Nothing is deleted: what is dropped goes into a folder `dropped-<n>`, with a report beside it.
//!
//! - A damaged file of the base leaves its tree; what older files hold under its keys counts again.
//!   Where the list of a tree's files is lost, nothing tells which row is the newest: the table goes.
//! - A row of the base that is none of its table is removed.
//! - Of a damaged log, the records before the first damage are taken to the base, as by a checkpoint,
//!   and a new log begins behind the last position that anything tells of. So base, mark and log agree
//!   whatever was lost, and no position is ever used again.
//! - A damaged mark of a checkpoint loses nothing: the log is applied from its first segment on, and
//!   effects are absolute.
//!
//! A mark of damage stands in the folder from before the first change until after the last one, and
//! every step may be done again: a repair that was cut short is run again.

mod log;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backup::{Unfinished, check_finished};
use crate::base::{Base, BaseError, LsmBase, damages_in, drop_damaged};
use crate::contract::Domain;
use crate::damage::{self, Kind};
use crate::disk::Disk;
use crate::engine::{NewerProgram, all_tables, refuse_newer, with_own};
use crate::log::{LogError, refuse_other_version};
use crate::table::TableDef;

const REPORT: &str = "report.txt";
const ROWS: &str = "rows.txt";

/// Why a folder cannot be repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// A restore has not come to its end.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
    /// A newer program has been at work here.
    #[error(transparent)]
    NewerProgram(#[from] NewerProgram),
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
    /// Nothing tells how the log was divided.
    #[error(
        "{path}: neither the mark of the last checkpoint nor any segment of the log can be read, so \
         that nothing tells the positions to go on from. Nothing of the log was changed; `tidegate \
         restore` brings a backup back in a new folder"
    )]
    Hopeless {
        /// The folder.
        path: String,
    },
}

/// What a repair has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Where what was dropped lies.
    pub folder: String,
    /// Each thing that was dropped, for people.
    pub dropped: Vec<String>,
}

/// Repairs a folder; none if there was nothing to repair, and then nothing was changed.
///
/// `base`: its folder within the other, and how much memory and how many files it may take.
///
/// # Errors
/// It cannot be read or written, or there is nothing to go on from. It may be run again.
pub fn repair(
    disk: &dyn Disk,
    (folder, base): (&Path, &str),
    room: (u64, usize),
    domains: &[Domain],
) -> Result<Option<Repaired>, RepairError> {
    refuse_newer::<RepairError>(disk)?;
    refuse_other_version(disk)?;
    check_finished(disk)?;
    let defs = all_tables(&with_own(domains));
    let mut repair = Repair {
        disk,
        folder,
        base: folder.join(base),
        defs,
        begun: None,
        dropped: Vec::new(),
    };
    let marked = damage::read(disk).map(|damaged| damaged.kind);
    if marked.is_some() {
        repair.begin()?;
    }
    repair.drop_files()?;
    let base = LsmBase::open(&repair.base, &repair.defs, room)?;
    let base: Arc<dyn Base> = Arc::new(base);
    repair.drop_rows(&*base)?;
    repair.mend_log(&base, marked == Some(Kind::Repair))?;
    repair.end()
}

struct Repair<'a> {
    disk: &'a dyn Disk,
    folder: &'a Path,
    base: PathBuf,
    defs: Vec<TableDef>,
    /// Where what is dropped goes, once something is.
    begun: Option<String>,
    dropped: Vec<String>,
}

impl Repair<'_> {
    fn io_error(&self, error: io::Error) -> RepairError {
        let path = self.folder.display().to_string();
        RepairError::Io { path, error }
    }

    /// Marks the folder, and names where what is dropped goes.
    fn begin(&mut self) -> Result<String, RepairError> {
        if let Some(into) = &self.begun {
            return Ok(into.clone());
        }
        let begun = self.mark_and_name().map_err(|error| self.io_error(error))?;
        self.begun = Some(begun.clone());
        Ok(begun)
    }

    fn mark_and_name(&mut self) -> io::Result<String> {
        let names = self.disk.list()?;
        let of = |n: u64| format!("dropped-{n}");
        let is_taken = |n: &u64| {
            let folder = of(*n);
            let is_in = |name: &String| name.strip_prefix(&folder).is_some_and(is_end);
            names.iter().any(is_in)
        };
        let last = (1..).take_while(is_taken).last();
        let cut_short = damage::read(self.disk).is_some_and(|mark| mark.kind == Kind::Repair);
        let into = match last {
            // One that was cut short goes on where it was.
            Some(last) if cut_short => of(last),
            Some(last) => of(last + 1),
            None => of(1),
        };
        if cut_short {
            self.dropped = self.told_before(&into)?;
        }
        let words = "a repair of this folder has not come to its end";
        damage::write(self.disk, Kind::Repair, words)?;
        self.write_report(&into)?;
        Ok(into)
    }

    fn told_before(&self, into: &str) -> io::Result<Vec<String>> {
        let file = match self.disk.open(&format!("{into}/{REPORT}")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(usize::MAX)];
        file.read_at(0, &mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Tells what is about to be dropped, durably, so that it is known whenever the repair ends.
    fn tell(&mut self, line: String) -> Result<String, RepairError> {
        let into = self.begin()?;
        if !self.dropped.contains(&line) {
            self.dropped.push(line);
        }
        let written = self.write_report(&into);
        written.map_err(|error| self.io_error(error))?;
        Ok(into)
    }

    fn write_report(&self, into: &str) -> io::Result<()> {
        let text: String = self
            .dropped
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        self.write_file(&format!("{into}/{REPORT}"), text.as_bytes())
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = format!("{name}.tmp");
        let mut file = self.disk.create(&new, bytes.len() as u64)?;
        file.write_at(0, bytes)?;
        file.sync()?;
        self.disk.rename(&new, name)
    }

    fn drop_files(&mut self) -> Result<(), RepairError> {
        let damages = damages_in(&self.base, &self.defs)?;
        if damages.is_empty() {
            return Ok(());
        }
        let mut into = String::new();
        for damage in damages {
            into = self.tell(format!(
                "base: {damage}; dropped. Rows that older files hold under these keys count again"
            ))?;
        }
        let (disk, folder) = (self.disk, self.folder);
        let mut set_aside = |path: &Path| {
            let name = path.strip_prefix(folder).map_err(io::Error::other)?;
            let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
            disk.rename(name, &format!("{into}/{name}"))
        };
        drop_damaged(&self.base, &self.defs, &mut set_aside)?;
        Ok(())
    }

    /// Removes rows that are none; their bytes are kept as text.
    fn drop_rows(&mut self, base: &dyn Base) -> Result<(), RepairError> {
        for at in 0..self.defs.len() {
            let def = self.defs[at];
            let mut rows = Vec::new();
            for row in base.snapshot().range(def.id, &[], &[]) {
                let (key, row) = row?;
                if let Err(what) = def.verify_stored(&key, &row) {
                    rows.push((key, row, what));
                }
            }
            if rows.is_empty() {
                continue;
            }
            let mut text = String::new();
            let mut into = String::new();
            for (key, row, what) in &rows {
                let error = BaseError::no_row(&def, key, what.clone());
                into = self.tell(format!("{error}; the row is dropped"))?;
                let (key, row) = (key.escape_ascii(), row.escape_ascii());
                text.push_str(&format!("{key} {row}\n"));
            }
            let name = format!("{into}/{}.{ROWS}", def.name);
            let written = self.write_file(&name, text.as_bytes());
            written.map_err(|error| self.io_error(error))?;
            base.ingest(def.id, &mut rows.iter().map(|(key, ..)| (&**key, None)))?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Option<Repaired>, RepairError> {
        let Some(into) = self.begun.clone() else {
            return Ok(None);
        };
        if self.dropped.is_empty() {
            let what =
                "what was found damaged while it was served is sound now: nothing is dropped";
            self.tell(what.to_owned())?;
        }
        damage::remove(self.disk).map_err(|error| self.io_error(error))?;
        Ok(Some(Repaired {
            folder: self.disk.path(&into),
            dropped: self.dropped,
        }))
    }
}

/// Whether a folder's name ends here.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Whether a base has no table at all.
pub(crate) fn is_without_tables(base: &dyn Base, defs: &[TableDef]) -> bool {
    defs.iter().all(|def| !base.has(def.id))
}
