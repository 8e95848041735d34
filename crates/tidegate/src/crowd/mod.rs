//! `tidegate crowd`: simulated people, and bots among them, come to a sale of any server, from outside.
//!
//! Pure, and tested without a server: when people come (`arrival`), how they are (`habits`), what each does next
//! (`person`, `bot`), all of them together (`town`), and what it all comes to (`ledger`). With IO: connections
//! (`connection`, `pool`), the loop that lets everybody have their turn (`drive`), and what the ledger is drawn up
//! from (`books`). One thread does everything: it is beside the server, and must cost little.
//!
//! Laws:
//! 1. Everybody keeps what it was told, and what was not answered is asked again as it was.
//! 2. What people do depends on the seed and on what they are told.
//! 3. The ledger is drawn up from what the server says at the end, and from what people were told; where the two
//!    differ, it is not sound.

mod answer;
mod arrival;
mod ask;
mod books;
mod bot;
mod connection;
mod dice;
mod drive;
mod habits;
mod ledger;
mod opening;
mod options;
mod person;
mod picture;
mod pool;
mod report;
mod shelf;
mod tally;
mod town;
mod wire;
mod world;

use std::io;

pub(crate) use drive::run;
pub(crate) use opening::{NewSale, open};
pub(crate) use options::{CrowdArgs, Options, bots, connections, share};
pub(crate) use report::Report;

use answer::Answer;

use crate::ending::{Failure, Found};
use crate::interrupt::{Interrupt, Interrupted};
use crate::output::print;

/// Why a crowd ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The machine gives no connections.
    #[error("{0}")]
    Machine(#[from] io::Error),
    /// Nobody answers there.
    #[error("{url} gives no answer; is a server there?")]
    Away { url: String },
    /// The server answers something else than what is documented.
    #[error("the server was asked for {what} and answered {answer}")]
    Unexpected { what: &'static str, answer: String },
    /// There is nothing to come for.
    #[error("the sale has no goods: nobody could buy")]
    NoGoods,
    /// The provider's list of payments.
    #[error("the payments of {provider}: {why}")]
    Provider { provider: String, why: String },
    /// Somebody wants it to end, before there is anything to tell.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Error {
    fn away(options: &Options) -> Self {
        Self::Away {
            url: options.url.to_string(),
        }
    }

    fn unexpected(what: &'static str, answer: &Answer) -> Self {
        Self::Unexpected {
            what,
            answer: answer.shown(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::Interrupted(by) = error {
            Self::Interrupted(by, by.to_string())
        } else {
            Self::told(error)
        }
    }
}

/// The command as a whole.
pub(crate) fn command(args: &CrowdArgs) -> Result<Found, Failure> {
    let interrupt = Interrupt::listen().map_err(Failure::told)?;
    let options = args.options(interrupt).map_err(Failure::told)?;
    let report = run(&options)?;
    tell(&report, args.json)?;
    Ok(report.found())
}

/// Prints what came of a crowd.
pub(crate) fn tell(report: &Report, as_json: bool) -> Result<(), Failure> {
    if as_json {
        print(format_args!("{}\n", serde_json::json!(report)))?;
    } else {
        print(format_args!("{report}"))?;
    }
    Ok(())
}
