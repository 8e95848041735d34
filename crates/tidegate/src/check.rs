//! `tidegate check`: verifies the log and the base of a folder and recomputes every total from its
//! rows.

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tidegate_engine::backup::check_finished;
use tidegate_engine::base::{Base, LsmBase};
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::RealDisk;
use tidegate_engine::{Checked, check, tables_of};

use crate::ending::{Failure, Found};
use crate::output::print;
use crate::serve::{BASE_FOLDER, BASE_ROOM};

/// Most faults that are printed one by one.
const FAULTS_SHOWN: usize = 20;

/// Verifies the folder of a server that was stopped or killed.
///
/// It reads every record of the log and every file of the base, recomputes every total, and exits
/// with 1 on any fault. It changes no row; files of the base that a kill has left half-made may go.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The data folder.
    dir: PathBuf,
}

/// Checks and prints.
pub(crate) fn run(args: &CheckArgs, domains: &[Domain]) -> Result<Found, Failure> {
    let disk = RealDisk::open_to_read(&args.dir).map_err(Failure::told)?;
    check_finished(&disk).map_err(Failure::told)?;
    let folder = args.dir.join(BASE_FOLDER);
    let base = LsmBase::open(&folder, &tables_of(domains), BASE_ROOM).map_err(Failure::told)?;
    let base: Arc<dyn Base> = Arc::new(base);
    let checked = check(&disk, &base, domains).map_err(Failure::told)?;
    print(format_args!("{}", Table(&checked)))?;
    Ok(if checked.audit.faults.is_empty() {
        Found::Sound
    } else {
        Found::Unsound
    })
}

/// What was found, one figure a line.
struct Table<'a>(&'a Checked);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked {
            log,
            checkpoints,
            audit,
        } = self.0;
        let faults = &audit.faults;
        line(f, "log.segments", log.segments)?;
        line(f, "log.groups", log.groups)?;
        line(f, "log.groups_unsealed", log.unsealed)?;
        line(f, "log.records", log.records)?;
        line(f, "log.bytes", log.bytes)?;
        line(f, "checkpoints", checkpoints)?;
        for figure in &audit.figures {
            line(f, figure.name, figure.value)?;
        }
        line(f, "laws broken", faults.len())?;
        for fault in faults.iter().take(FAULTS_SHOWN) {
            writeln!(f, "  {fault}")?;
        }
        if faults.len() > FAULTS_SHOWN {
            writeln!(f, "  … and {} more", faults.len() - FAULTS_SHOWN)?;
        }
        match faults.len() {
            0 => writeln!(
                f,
                "the books balance: every record is sound, every law holds"
            ),
            1 => writeln!(f, "1 law is broken: the books do not balance"),
            broken => writeln!(f, "{broken} laws are broken: the books do not balance"),
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{name:<26}{value:>16}")
}

#[cfg(test)]
mod tests {
    use tidegate_engine::LogReport;
    use tidegate_engine::contract::Audit;

    use super::*;

    #[test]
    fn the_last_line_says_whether_the_books_balance() {
        let last = |faults: usize| {
            let audit = Audit {
                figures: Vec::new(),
                faults: vec!["a law".to_owned(); faults],
            };
            let checked = Checked {
                log: LogReport::default(),
                checkpoints: 0,
                audit,
            };
            let text = Table(&checked).to_string();
            text.lines().last().map(str::to_owned)
        };
        for (faults, expected) in [
            (
                0,
                "the books balance: every record is sound, every law holds",
            ),
            (1, "1 law is broken: the books do not balance"),
            (30, "30 laws are broken: the books do not balance"),
        ] {
            assert_eq!(last(faults).as_deref(), Some(expected));
        }
    }
}
