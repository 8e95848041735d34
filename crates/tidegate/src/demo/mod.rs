//! `tidegate demo`: a server, and a real shop's orders replayed through its wire.
//!
//! The sample ships inside the binary. The server stays up afterwards, so that a person can look
//! around in what is left of the shop's stock.

mod picture;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use tempfile::TempDir;
use tidegate_engine::contract::Domain;

use crate::replay::{self, Options, Speed};
use crate::serve::{ServeError, Server, Settings, StopSignal};

/// Ten days of orders of a British online gift shop; see `data/README.md`.
const SAMPLE: &[u8] = include_bytes!("../../data/online-retail-sample.csv.gz");
const SAMPLE_NAME: &str = "online-retail-sample.csv.gz";

/// A server, and a real shop's orders replayed through its wire.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// End after the replay instead of keeping the server up.
    #[arg(long)]
    exit: bool,
    /// `max`, or lines of the sample per second
    #[arg(long, default_value = "2500")]
    speed: Speed,
}

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Replay(#[from] replay::Error),
    #[error("temporary folder: {0}")]
    Folder(std::io::Error),
}

/// Runs the demo; the exit code says whether the books balance.
pub(crate) fn run(args: &DemoArgs, domains: &[Domain]) -> ExitCode {
    match demo(args, domains) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("tidegate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(args: &DemoArgs, domains: &[Domain]) -> Result<bool, DemoError> {
    let folder = TempDir::with_prefix("tidegate-demo-").map_err(DemoError::Folder)?;
    let server = start(&folder, domains)?;
    let sample = folder.path().join(SAMPLE_NAME);
    std::fs::write(&sample, SAMPLE).map_err(DemoError::Folder)?;

    println!();
    println!("Ten days of a real shop's orders, each held and confirmed over RESP:");
    let journal = folder.path().join("journal");
    let options = Options {
        speed: args.speed,
        ..Options::new(sample, server.resp.to_string(), journal)
    };
    let report = replay::run(&options, &mut picture::Picture::new())?;
    print!("{report}");
    if !args.exit {
        let stop = StopSignal::listen()?;
        invite(server.resp, server.http);
        stop.wait();
    }
    server.stop();
    Ok(report.books.balance)
}

/// On the usual ports if they are free, on any others if not.
fn start(folder: &TempDir, domains: &[Domain]) -> Result<Server, ServeError> {
    let data = folder.path().join("data");
    match Server::start(&Settings::usual(data.clone()), domains) {
        Err(ServeError::Listen { .. }) => Server::start(&Settings::any_port(data), domains),
        other => other,
    }
}

fn invite(resp: SocketAddr, http: SocketAddr) {
    println!();
    println!("The server stays up until Ctrl-C. Try:");
    println!("  redis-cli -p {} STOCK.LIST LIMIT 3", resp.port());
    println!(
        "  redis-cli -p {} STOCK.HOLD 22197 my-first-hold 1",
        resp.port()
    );
    println!("  curl http://{http}/v1/stock/22197");
    println!("or look at http://{http}/docs");
}
