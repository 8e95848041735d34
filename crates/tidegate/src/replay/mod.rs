//! `tidegate replay`: a shop's order lines, through the wire of a running server.
//!
//! The way of a line: `input` reads the file, `plan` makes lines of its records, a `course` per
//! SKU (`sku_course`) knows what to ask next, a `schedule` gives the courses of one connection their
//! turns, a `lane` asks and journals the answers. At the end `books` compares the server's rows with
//! the tally of those answers.
//!
//! Laws:
//! 1. What came of each SKU depends on the file and the share alone: not on the connections, the
//!    pipeline, the speed, BUSY, or how often server and replay were killed and resumed.
//! 2. An answer is acted upon only when it is in the `journal`.
//! 3. A command is sent again, with the same ids, until it is answered for good.
//!
//! With `--orders` each invoice is an order, and its course goes through the same: see [`orders`].
//!
//! `demo` calls [`run`] with an observer of its own and prints the [report](report::Report).

mod asker;
mod books;
mod columns;
mod course;
mod drive;
#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod fake_stock;
mod guard;
mod input;
mod journal;
mod lane;
mod lanes;
pub(crate) mod live;
mod malformed;
pub(crate) mod options;
mod orders;
mod plan;
pub(crate) mod products;
mod progress;
mod report;
mod schedule;
mod share;
mod sku_course;
mod table;
pub(crate) mod tally;
mod wire;

use std::fmt::Display;
use std::path::PathBuf;

use serde::Serialize;

pub(crate) use drive::run;
pub(crate) use options::{Args, Options, Speed};

use crate::client::{Halt, Unserved};
use crate::ending::{Failure, Found};
use crate::interrupt::Interrupt;
use crate::output::{Unprinted, print};
use crate::temporary::TemporaryServer;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file cannot be replayed.
    #[error("failed to read {file}: {source}", file = file.display())]
    Input { file: PathBuf, source: input::Error },
    /// The journal cannot be used.
    #[error("failed to use the journal {path}: {source}", path = path.display())]
    Journal {
        path: PathBuf,
        source: journal::Error,
    },
    /// The journal is of another server, or the server has lost its data.
    #[error(
        "the journal {journal} says that SKU {sku} was declared, but the server at {addr} does not \
         have it so: go on with the server of that journal, or remove the journal to begin anew",
        journal = journal.display()
    )]
    AnotherServer {
        addr: String,
        journal: PathBuf,
        sku: Box<str>,
    },
    /// Declaring the SKUs of the file would change what the server has.
    #[error(
        "the server at {addr} has {count} of the SKUs of this file already and otherwise, {sku} with \
         {total} units for one; nothing was changed. Take a server for trying out, or have the stock \
         of these SKUs set with --overwrite"
    )]
    Known {
        addr: String,
        count: usize,
        sku: String,
        total: u64,
    },
    /// The server cannot be asked any more.
    #[error(transparent)]
    Unserved(#[from] Unserved),
}

impl From<Error> for Halt<Error> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The command as a whole. Without an address it starts a server of its own.
pub(crate) fn command(args: &Args) -> Result<Found, Failure> {
    let interrupt = Interrupt::listen().map_err(Failure::told)?;
    let password = args.password().map_err(Failure::told)?;
    let own = args
        .addr
        .is_none()
        .then(|| TemporaryServer::start("replay"));
    let own = own.transpose().map_err(Failure::told)?;
    let options = Options {
        password,
        interrupt,
        ..args.options(own.as_ref())
    };
    let found = match args.orders() {
        None => {
            let report = run(&options, &mut *progress::observer());
            let report = report.map_err(|error| failure(error, args))?;
            tell(&report, args)?;
            report.found()
        }
        Some(choice) => {
            let report = orders::run(&options, choice, &mut *progress::observer());
            let report = report.map_err(|error| failure(error, args))?;
            tell(&report, args)?;
            report.found()
        }
    };
    drop(own);
    Ok(found)
}

fn tell(report: &(impl Display + Serialize), args: &Args) -> Result<(), Unprinted> {
    if args.json {
        print(format_args!("{}\n", serde_json::json!(report)))
    } else {
        print(format_args!("{report}"))
    }
}

fn failure(error: Error, args: &Args) -> Failure {
    if let (Error::Unserved(Unserved::Interrupted(by)), Some(_)) = (&error, &args.addr) {
        let words = format!("{by}: the same command goes on where it was");
        return Failure::Interrupted(*by, words);
    }
    error.into()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::Unserved(Unserved::Interrupted(by)) = error {
            Self::Interrupted(by, by.to_string())
        } else {
            Self::told(error)
        }
    }
}
