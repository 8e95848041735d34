//! `tidegate check`: verifies every record of a folder and recomputes every total from its rows.

use std::fmt::{self, Display};
use std::path::PathBuf;

use clap::Args;
use tidegate_engine::contract::{Audit, Domain};
use tidegate_engine::disk::RealDisk;
use tidegate_engine::{LogReport, check};

use crate::ending::{Failure, Found};
use crate::output::print;

/// Most faults that are printed one by one.
const FAULTS_SHOWN: usize = 20;

/// Verifies the folder of a server that was stopped or killed.
///
/// It reads every record, recomputes every total, changes nothing, and exits with 1 on any fault.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The data folder.
    dir: PathBuf,
}

/// Checks and prints.
pub(crate) fn run(args: &CheckArgs, domains: &[Domain]) -> Result<Found, Failure> {
    let disk = RealDisk::open_existing(&args.dir).map_err(Failure::told)?;
    let (log, audit) = check(&disk, domains).map_err(Failure::told)?;
    print(format_args!("{}", Table { log, audit: &audit }))?;
    Ok(if audit.faults.is_empty() {
        Found::Sound
    } else {
        Found::Unsound
    })
}

/// What was found, one figure a line.
struct Table<'a> {
    log: LogReport,
    audit: &'a Audit,
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (log, faults) = (&self.log, &self.audit.faults);
        line(f, "log.segments", log.segments)?;
        line(f, "log.groups", log.groups)?;
        line(f, "log.groups_unsealed", log.unsealed)?;
        line(f, "log.records", log.records)?;
        line(f, "log.bytes", log.bytes)?;
        for figure in &self.audit.figures {
            line(f, figure.name, figure.value)?;
        }
        line(f, "laws broken", faults.len())?;
        for fault in faults.iter().take(FAULTS_SHOWN) {
            writeln!(f, "  {fault}")?;
        }
        if faults.len() > FAULTS_SHOWN {
            writeln!(f, "  … and {} more", faults.len() - FAULTS_SHOWN)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{name:<26}{value:>16}")
}
