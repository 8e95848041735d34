//! What the `tidegate` binary does, over whatever structures it is given.
//!
//! The binary names its domains and nothing else; a test runs the same server over a list of its
//! own. Start reading at [`main_with`], then `serve/mod.rs`.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod backup;
mod bench;
mod check;
mod child;
mod client;
mod crowd;
mod demo;
mod draw_check;
mod duration;
mod ending;
mod ingest;
mod interrupt;
mod output;
mod password;
mod recount;
mod replay;
mod sandbox;
mod serve;
mod temporary;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tidegate_engine::contract::Domain;

pub use serve::{MemorySize, Outside, ServeError, Server, Settings};

/// The backend for the moment when everyone arrives at once.
#[derive(Parser)]
#[command(version, about, after_help = ending::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Each is described where its arguments are.
#[derive(Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Check(check::CheckArgs),
    Replay(replay::Args),
    Bench(bench::BenchArgs),
    DrawCheck(draw_check::Args),
    Crowd(crowd::CrowdArgs),
    Ingest(ingest::IngestArgs),
    Recount(recount::Args),
    PaySandbox(Box<sandbox::SandboxArgs>),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
}

/// Does what the command line says, over these structures.
#[must_use]
pub fn main_with(domains: &[Domain]) -> ExitCode {
    let (name, ended) = match Cli::parse().command {
        Command::Serve(args) => ("serve", serve::run(args, domains)),
        Command::Demo(args) => ("demo", demo::run(&args, domains)),
        Command::Check(args) => ("check", check::run(&args, domains)),
        Command::Replay(args) => ("replay", replay::command(&args)),
        Command::Bench(args) => ("bench", bench::run(&args)),
        Command::Crowd(args) => ("crowd", crowd::command(&args)),
        Command::Ingest(args) => ("ingest", ingest::run(&args)),
        Command::Recount(args) => ("recount", recount::run(&args)),
        Command::DrawCheck(args) => ("draw-check", draw_check::run(&args)),
        Command::PaySandbox(args) => ("pay-sandbox", sandbox::run(*args)),
        Command::Backup(args) => ("backup", backup::save(&args)),
        Command::Restore(args) => ("restore", backup::restore(&args, domains)),
    };
    ending::told(name, ended)
}
