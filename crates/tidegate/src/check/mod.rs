//! `tidegate check`: verifies the log and the base of a folder and recomputes every total from its
//! rows; with `--repair` it goes on without what is damaged.

mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tidegate_engine::backup::check_finished;
use tidegate_engine::base::{Base, LsmBase, damages_in};
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::RealDisk;
use tidegate_engine::{Checked, Repaired, check, check_without_base, repair, tables_of};

use crate::ending::{Failure, Found};
use crate::output::print;
use crate::serve::{BASE_FOLDER, BASE_ROOM};
use table::{Table, json};

/// Verifies the folder of a server that was stopped or killed.
///
/// It reads every record of the log and every file of the base, names every damage, recomputes every
/// total, and exits with 1 on any fault. It changes no row; files of the base that a kill has left
/// half-made may go.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The data folder.
    dir: PathBuf,

    /// Go on without what is damaged: it is moved to DIR/dropped-<n>, and named. Laws that are broken
    /// without it are listed. A folder without damage is not changed.
    #[arg(long)]
    repair: bool,

    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Checks and prints.
pub(crate) fn run(args: &CheckArgs, domains: &[Domain]) -> Result<Found, Failure> {
    let repaired = if args.repair {
        Some(mend(&args.dir, domains)?)
    } else {
        None
    };
    let checked = look(&args.dir, domains)?;
    if args.json {
        print(format_args!("{}\n", json(&checked, repaired.as_ref())))?;
    } else {
        let (checked, repaired) = (&checked, &repaired);
        print(format_args!("{}", Table { checked, repaired }))?;
    }
    Ok(
        if checked.damages.is_empty() && checked.audit.faults.is_empty() {
            Found::Sound
        } else {
            Found::Unsound
        },
    )
}

/// What a folder holds.
fn look(dir: &Path, domains: &[Domain]) -> Result<Checked, Failure> {
    let disk = RealDisk::open_to_read(dir).map_err(Failure::told)?;
    check_finished(&disk).map_err(Failure::told)?;
    let (folder, tables) = (dir.join(BASE_FOLDER), tables_of(domains));
    let damages = damages_in(&folder, &tables).map_err(Failure::told)?;
    if !damages.is_empty() {
        // Opening it would remove what its damaged lists do not name.
        return check_without_base(&disk, damages).map_err(Failure::told);
    }
    let base = LsmBase::open(&folder, &tables, BASE_ROOM).map_err(Failure::told)?;
    let base: Arc<dyn Base> = Arc::new(base);
    check(&disk, &base, domains).map_err(Failure::told)
}

/// Repairs a folder; none if there is nothing to repair.
fn mend(dir: &Path, domains: &[Domain]) -> Result<Option<Repaired>, Failure> {
    // That there is one is looked for first: the other way of opening makes it.
    drop(RealDisk::open_to_read(dir).map_err(Failure::told)?);
    let disk = RealDisk::open(dir).map_err(Failure::told)?;
    repair(&disk, (dir, BASE_FOLDER), BASE_ROOM, domains).map_err(Failure::told)
}
