//! The `tidegate` binary: `serve`, `demo`, `replay`, `bench` and `check`.

mod bench;
mod check;
mod client;
mod replay;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tidegate_engine::contract::Domain;
use tidegate_stock::STOCK;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Every structure that this binary serves: one line each.
const DOMAINS: &[Domain] = &[STOCK];

/// The backend for the moment when everyone arrives at once.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves RESP and HTTP over a data folder.
    Serve(serve::ServeArgs),
    /// Verifies the folder of a server that was stopped or killed.
    Check(check::CheckArgs),
    /// Replays a shop's order lines against real stock counts, through the wire of a server.
    Replay(replay::Args),
    /// Measures how many commands a server carries out a second.
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve::run(args).map_err(Into::into),
        Command::Check(args) => return check::run(&args),
        Command::Replay(args) => return replay::command(&args, replay::start),
        Command::Bench(args) => bench::run(&args).map_err(Box::<dyn std::error::Error>::from),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate: {error}");
            ExitCode::FAILURE
        }
    }
}
