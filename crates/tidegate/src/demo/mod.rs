//! `tidegate demo`: a server, and a real shop's orders replayed through its wire.
//!
//! The sample ships inside the binary. The server stays up afterwards, so that a person can look
//! around in what is left of the shop's stock.

mod picture;
mod ports;
mod sale;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ports::Moved;
use tempfile::TempDir;
use tidegate_engine::contract::Domain;

use crate::ending::{Failure, Found};
use crate::interrupt::Interrupt;
use crate::output::{Unprinted, print};
use crate::replay::{self, Options, Speed};
use crate::serve::Server;

/// Ten days of orders of a British online gift shop; see `data/README.md`.
const SAMPLE: &[u8] = include_bytes!("../../data/online-retail-sample.csv.gz");
const SAMPLE_NAME: &str = "online-retail-sample.csv.gz";

/// Serves, and replays a real shop's orders through the wire.
///
/// All of it happens in a temporary folder, which is gone at the end.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DemoArgs {
    #[command(subcommand)]
    other: Option<Other>,
    /// End after the replay instead of keeping the server up.
    #[arg(long)]
    exit: bool,
    /// `max`, or lines of the sample per second
    #[arg(long, default_value = "2500")]
    speed: Speed,
    /// Address of the RESP front [default: 127.0.0.1:7379, or a free port if that is taken]
    #[arg(long, value_name = "ADDR", value_parser = of_this_machine)]
    resp: Option<SocketAddr>,
    /// Address of the HTTP front [default: 127.0.0.1:7380, or a free port if that is taken]
    #[arg(long, value_name = "ADDR", value_parser = of_this_machine)]
    http: Option<SocketAddr>,
}

/// What else there is to see.
#[derive(Subcommand)]
enum Other {
    Sale(sale::SaleArgs),
}

/// The demo has no password.
fn of_this_machine(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    if addr.ip().is_loopback() {
        Ok(addr)
    } else {
        Err("a demo listens on this machine only, like 127.0.0.1:7379".to_owned())
    }
}

/// Runs the demo; the exit code says whether the books balance.
pub(crate) fn run(args: &DemoArgs, domains: &[Domain]) -> Result<Found, Failure> {
    if let Some(Other::Sale(args)) = &args.other {
        return sale::run(args);
    }
    let interrupt = Interrupt::listen().map_err(Failure::told)?;
    let no_folder = |error| Failure::told(format!("temporary folder: {error}"));
    let folder = TempDir::with_prefix("tidegate-demo-").map_err(no_folder)?;
    let sample = folder.path().join(SAMPLE_NAME);
    std::fs::write(&sample, SAMPLE).map_err(no_folder)?;
    let data = folder.path().join("data");
    let (server, moved) = ports::start(args, data, domains).map_err(Failure::told)?;
    let ended = show(args, &server, &moved, &folder, sample, &interrupt);
    // In every case: nothing is written to the folder while it is removed.
    server.stop();
    ended
}

/// Replays, prints what came of it, and lets people look around.
fn show(
    args: &DemoArgs,
    server: &Server,
    moved: &[Moved],
    folder: &TempDir,
    sample: PathBuf,
    interrupt: &Interrupt,
) -> Result<Found, Failure> {
    for moved in moved {
        print(format_args!("{moved}\n"))?;
    }
    print(format_args!(
        "\nTen days of a real shop's orders, each held and confirmed over RESP:\n"
    ))?;
    let journal = folder.path().join("journal");
    let options = Options {
        speed: args.speed,
        interrupt: interrupt.clone(),
        ..Options::new(sample, server.resp.to_string(), journal)
    };
    let report = replay::run(&options, &mut picture::Picture::new())?;
    print(format_args!("{report}"))?;
    if !args.exit {
        invite(server.resp, server.http)?;
        interrupt.wait();
    }
    Ok(report.found())
}

fn invite(resp: SocketAddr, http: SocketAddr) -> Result<(), Unprinted> {
    let port = resp.port();
    print(format_args!(
        "
The server stays up until Ctrl-C. Try:
  redis-cli -p {port} STOCK.LIST LIMIT 3
  redis-cli -p {port} STOCK.HOLD 22197 my-first-hold 1
  curl http://{http}/v1/stock/22197
or look at http://{http}/docs
"
    ))
}
