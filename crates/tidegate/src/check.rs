//! `tidegate check`: verifies every record of a folder and recomputes every total from its rows.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tidegate_engine::contract::{Audit, Domain};
use tidegate_engine::disk::RealDisk;
use tidegate_engine::{LogReport, check};

/// Most faults that are printed one by one.
const FAULTS_SHOWN: usize = 20;

/// Reads the folder of a server that was stopped or killed, changes nothing, and exits with 1 on
/// any fault.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The data folder.
    dir: PathBuf,
}

/// Checks and prints.
pub(crate) fn run(args: &CheckArgs, domains: &[Domain]) -> ExitCode {
    let checked = RealDisk::open_to_read(&args.dir)
        .map_err(|error| error.to_string())
        .and_then(|disk| check(&disk, domains).map_err(|error| error.to_string()));
    match checked {
        Ok((log, audit)) => {
            print(&log, &audit);
            if audit.faults.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            println!("check failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(log: &LogReport, audit: &Audit) {
    let line = |name: &str, value: i64| println!("{name:<26}{value:>16}");
    let big = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    line("log.segments", big(log.segments as u64));
    line("log.groups", big(log.groups));
    line("log.groups_unsealed", big(log.unsealed));
    line("log.records", big(log.records));
    line("log.bytes", big(log.bytes));
    for figure in &audit.figures {
        line(figure.name, figure.value);
    }
    line("laws broken", big(audit.faults.len() as u64));
    for fault in audit.faults.iter().take(FAULTS_SHOWN) {
        println!("  {fault}");
    }
    if audit.faults.len() > FAULTS_SHOWN {
        println!("  … and {} more", audit.faults.len() - FAULTS_SHOWN);
    }
}
