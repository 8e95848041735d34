//! `tidegate bench`: a small client that counts effects.
//!
//! It keeps `connections × pipeline` commands in flight and counts what came of each: done,
//! refused by reason, BUSY. The same loop drives a Redis that does the same by Lua, so that both
//! are measured by one client. One thread; a command is a copied template with its id patched in.

mod count;
mod drive;
mod work;

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

use crate::ending::{Failure, Found};
use crate::output::print;

/// What is on the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// A Tidegate server.
    Tidegate,
    /// A Redis server, doing the same by Lua.
    Redis,
}

/// What every command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Holds one unit, of which there are always enough.
    Hold,
    /// Holds one unit, of which there are none.
    SoldOut,
    /// PING.
    Ping,
}

/// Measures how many commands a server carries out a second, by counting their effects.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    /// Address of the server's RESP front.
    #[arg(long, default_value = "127.0.0.1:7379")]
    addr: SocketAddr,
    /// What is on the other end.
    #[arg(long, value_enum, default_value = "tidegate")]
    target: Target,
    /// What every command does.
    #[arg(long, value_enum, default_value = "hold")]
    work: Kind,
    /// Connections.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Commands in flight on each connection.
    #[arg(long, short = 'P', default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pipeline: u16,
    /// Commands in all.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    count: u64,
    /// SKUs that the commands are spread over.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=9_999))]
    skus: u16,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark and prints what it saw.
pub(crate) fn run(args: &BenchArgs) -> Result<Found, Failure> {
    let (figures, left) = measure(args).map_err(Failure::told)?;
    if args.json {
        print(format_args!("{}\n", figures.json(left)))?;
    } else {
        print(format_args!("{}", figures.table(left)))?;
    }
    Ok(Found::Sound)
}

/// What was seen, and the units that are gone by what the server says.
fn measure(args: &BenchArgs) -> Result<(drive::Figures, Option<u64>), BenchError> {
    let work = work::prepare(args)?;
    let figures = drive::drive(args, &work)?;
    let left = work::effects_left(args)?;
    Ok((figures, left))
}

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The connection.
    #[error("{addr}: {error}")]
    Io {
        /// The server.
        addr: SocketAddr,
        /// What the machine said.
        error: std::io::Error,
    },
    /// The server's answer makes no sense here.
    #[error("{addr}: unexpected answer {answer:?}")]
    Answer {
        /// The server.
        addr: SocketAddr,
        /// What it said.
        answer: String,
    },
}
