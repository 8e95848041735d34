//! `tidegate replay`: a shop's order lines, through the wire of a running server.
//!
//! The way of a line: `input` reads the file, `plan` makes lines of its records, a `course` per
//! SKU knows what to ask next, a `schedule` gives the SKUs of one connection their turns, a `lane`
//! asks and journals the answers. At the end `books` compares the server's rows with the tally of
//! those answers.
//!
//! Laws:
//! 1. What came of each SKU depends on the file and the share alone: not on the connections, the
//!    pipeline, the speed, BUSY, or how often server and replay were killed and resumed.
//! 2. An answer is acted upon only when it is in the `journal`.
//! 3. A command is sent again, with the same ids, until it is answered for good.
//!
//! `demo` calls [`run`] with an observer of its own and prints the [report](report::Report).

mod books;
mod columns;
mod course;
mod drive;
#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod fake_stock;
mod input;
mod journal;
mod lane;
pub(crate) mod live;
mod malformed;
pub(crate) mod options;
mod patience;
mod plan;
mod progress;
mod report;
mod schedule;
mod share;
mod table;
mod tally;
mod temporary;
mod wire;

use std::any::Any;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use drive::run;
pub(crate) use options::{Args, Options, Speed};
pub(crate) use temporary::start;

use crate::ending::{Failure, Found};
use crate::output::print;

/// A server that was started for a replay.
pub(crate) struct Started {
    /// Its RESP address.
    pub(crate) addr: String,
    /// Its folder, in which the journal goes too: neither is of use without the other.
    pub(crate) folder: PathBuf,
    /// Stops the server and removes the folder when dropped.
    pub(crate) keep: Box<dyn Any>,
}

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
    /// No useful answer for as long as the patience lasts.
    #[error(
        "the server at {addr} gave no answer for {patience:?} ({why}): nothing is lost, run the \
         same command again to go on"
    )]
    Away {
        addr: String,
        patience: Duration,
        why: String,
    },
    /// The server said something that ends the replay.
    #[error("the server at {addr} stops the replay: {why}")]
    Stopped { addr: String, why: String },
}

/// The command as a whole. `start` starts a server in a temporary folder; it is called when no
/// address is given.
pub(crate) fn command<E: std::error::Error + 'static>(
    args: &Args,
    start: impl FnOnce() -> Result<Started, E>,
) -> Result<Found, Failure> {
    let started = args.addr.is_none().then(start).transpose();
    let started = started.map_err(Failure::told)?;
    let (addr, folder) = match (&args.addr, &started) {
        (Some(addr), _) => (addr.clone(), PathBuf::new()),
        (None, Some(started)) => (started.addr.clone(), started.folder.clone()),
        (None, None) => unreachable!("without an address a server was started"),
    };
    let report = run(&args.options(addr, folder), &mut *progress::observer());
    drop(started.map(|started| started.keep));
    let report = report.map_err(Failure::told)?;
    if args.json {
        print(format_args!("{}\n", serde_json::json!(report)))?;
    } else {
        print(format_args!("{report}"))?;
    }
    Ok(report.found())
}
