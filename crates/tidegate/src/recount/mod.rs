//! `tidegate recount`: computes what a counter has from the events that its topic keeps, and compares.

mod compare;
mod events;
mod said;
mod sample;
mod server;
mod span;
mod table;
mod tally;

use clap::Args as ClapArgs;
use tokio::runtime::Builder;

use self::compare::{Books, Difference};
pub(crate) use self::sample::{Sampled, sample};
use self::server::Server;
pub(crate) use self::server::{Ask, Given, RecountError};
use crate::client::HttpAddress;
use crate::ending::{Failure, Found};
use crate::output::print;
use crate::password::Password;

/// Counts the events again that a topic keeps of a counter, and compares with what the counter says.
///
/// The counter must have been declared with RAW. Each key is compared bucket by bucket, of the finest level that still
/// keeps it, and so is what it has of each value of a dimension; and how many different ones its events are by, in whole hours.
/// Events may go on arriving. It exits with 1 if anything differs; with --repair, if something is left that does.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The counter.
    counter: String,
    /// The HTTP address of the server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7380")]
    url: HttpAddress,
    /// From when on, in milliseconds since 1970: all that is kept, unless it says.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    from: u64,
    /// Until when: now, unless it says.
    #[arg(long, value_name = "MS")]
    to: Option<u64>,
    /// Compare these keys only.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Correct what keys have; each correction is listed by COUNTER.AUDIT. What differs by dimension, or in how many
    /// different ones there are, is only told.
    #[arg(long)]
    repair: bool,
    /// Who is noted for corrections.
    #[arg(long, value_name = "NAME", default_value = "recount")]
    by: String,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE")]
    password_file: Option<std::path::PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Reads, compares, repairs if told so, and prints.
pub(crate) fn run(args: &Args) -> Result<Found, Failure> {
    let password = Password::find(args.password_file.as_deref()).map_err(Failure::told)?;
    let server = Server::new(&args.url, password.as_ref());
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(Failure::told)?;
    let books = runtime.block_on(recount(&server, args));
    let books = books.map_err(Failure::told)?;
    if args.json {
        print(format_args!("{}\n", books.json()))?;
    } else {
        print(format_args!("{}", books.table()))?;
    }
    let is_wrong = |difference: &Difference| !difference.is_repaired;
    Ok(if books.differences.iter().any(is_wrong) {
        Found::Unsound
    } else {
        Found::Sound
    })
}

async fn recount(ask: &impl Ask, args: &Args) -> Result<Books, RecountError> {
    let mut books = Books::of(ask, args).await?;
    if args.repair {
        books.repair(ask, args).await?;
    }
    Ok(books)
}
