//! What the `tidegate` binary does, over whatever structures it is given.
//!
//! The binary names its domains and nothing else; a test runs the same server over a list of its
//! own. Start reading at [`main_with`], then `serve/mod.rs`.

mod bench;
mod check;
mod client;
mod demo;
mod replay;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tidegate_engine::contract::Domain;

pub use serve::{ServeError, Server, Settings};

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
    /// Serves, and replays a real shop's orders through the wire.
    Demo(demo::DemoArgs),
    /// Verifies the folder of a server that was stopped or killed.
    Check(check::CheckArgs),
    /// Replays a shop's order lines against real stock counts, through the wire of a server.
    Replay(replay::Args),
    /// Measures how many commands a server carries out a second.
    Bench(bench::BenchArgs),
}

/// Does what the command line says, over these structures.
#[must_use]
pub fn main_with(domains: &[Domain]) -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve::run(args, domains).map_err(Into::into),
        Command::Demo(args) => return demo::run(&args, domains),
        Command::Check(args) => return check::run(&args, domains),
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
