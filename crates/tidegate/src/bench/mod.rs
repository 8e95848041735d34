//! `tidegate bench`: a small client that counts effects.
//!
//! In a closed loop it keeps `connections × pipeline` commands in flight; with a rate, batches are
//! due at fixed moments, and latency counts from there whether the server kept up or not. It counts
//! what came of each command: done, or refused by reason. Where each hold is to be carried out, it
//! waits when it is told BUSY, and asks again. The same loop drives a Redis that does the same by
//! Lua, so that both are measured by one client. One thread; a command is a copied template with
//! its id patched in.
//!
//! What is held stays held: by default a server of its own takes it along when it goes.

mod connection;
mod count;
mod drive;
mod figures;
pub(crate) mod latency;
mod pace;
mod patience;
mod progress;
mod server;
mod work;

use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};

use crate::client::{Address, Lost};
use crate::ending::{Failure, Found};
use crate::interrupt::{Interrupt, Interrupted};
use crate::output::{grouped, note, print};
use crate::password::Password;
use crate::temporary::TemporaryServer;
use figures::Figures;
use server::Server;

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
    /// Holds one unit for a day; of two holds one is confirmed.
    HoldConfirm,
    /// Places an order of one unit of each of three SKUs, of which there are always enough.
    Place,
    /// Holds one unit, of which there are none.
    SoldOut,
    /// PING.
    Ping,
}

/// Lines of an order of [`Kind::Place`].
pub(crate) const LINES: u16 = 3;

impl Kind {
    /// Commands that belong together: two holds and the confirm of the first.
    pub(crate) fn group(self) -> u16 {
        match self {
            Self::HoldConfirm => 3,
            Self::Hold | Self::Place | Self::SoldOut | Self::Ping => 1,
        }
    }
}

/// Measures how many commands a server carries out a second, by counting their effects.
///
/// Without --addr it starts a server in a temporary folder, and stops it at the end. A server that
/// is named keeps what is written: SKUs named bench-…, and with `--work hold` one hold of one unit
/// for each command (a million of them take some hundred MiB). Never point it at a shop's server.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    /// The RESP address of a running server, which keeps what is written.
    #[arg(long, value_name = "HOST:PORT", required_if_eq("target", "redis"))]
    addr: Option<Address>,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE", requires = "addr")]
    password_file: Option<PathBuf>,
    /// What is on the other end. Redis needs --addr.
    #[arg(long, value_enum, default_value = "tidegate")]
    target: Target,
    /// What every command does.
    #[arg(long, value_enum, default_value = "hold")]
    work: Kind,
    /// Connections.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Commands in flight on each connection; a multiple of 3 for hold-confirm.
    #[arg(long, short = 'P', default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pipeline: u16,
    /// Commands in all.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    count: u64,
    /// Commands a second that are due, over all connections, whether the server keeps up or not;
    /// latency counts from the moment that each was due. Without it, as many as are answered.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    rate: Option<u32>,
    /// Tell the rate and the latencies of every so many seconds, too.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3_600))]
    windows: Option<u16>,
    /// Count BUSY as an outcome. Otherwise hold, hold-confirm and place wait as long as it says, and ask
    /// again.
    #[arg(long)]
    impatient: bool,
    /// SKUs that the commands are spread over.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=9_999))]
    skus: u16,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl BenchArgs {
    /// What clap cannot know of the flags together.
    fn check(&self) -> Result<(), String> {
        if matches!(self.work, Kind::HoldConfirm | Kind::Place) && self.target == Target::Redis {
            return Err("--work hold-confirm and place are for Tidegate only".to_owned());
        }
        if self.work == Kind::Place && self.skus < LINES {
            return Err(format!("--work place needs --skus {LINES} at least"));
        }
        let (pipeline, group) = (self.pipeline, self.work.group());
        if !pipeline.is_multiple_of(group) {
            return Err(format!(
                "--pipeline {pipeline} is no multiple of {group}: commands come in groups of so many"
            ));
        }
        Ok(())
    }

    /// Whether what is told BUSY is asked again.
    fn is_patient(&self) -> bool {
        matches!(self.work, Kind::Hold | Kind::HoldConfirm | Kind::Place) && !self.impatient
    }
}

/// Runs the benchmark and prints what it saw, be it only a part.
pub(crate) fn run(args: &BenchArgs) -> Result<Found, Failure> {
    if let Err(wrong) = args.check() {
        let mut command = clap::Command::new("tidegate bench");
        command.error(ErrorKind::ArgumentConflict, wrong).exit();
    }
    let interrupt = Interrupt::listen().map_err(Failure::told)?;
    let (server, own) = connect_to(args)?;
    note(format_args!(
        "bench: {}",
        Announced {
            args,
            server: &server,
            own: own.is_some()
        }
    ));
    let work = work::prepare(args, &server).map_err(Failure::told)?;
    let (figures, ended) = drive::drive(args, &server, &work, &interrupt).map_err(Failure::told)?;
    let gone = ended.and_then(|()| work::effects_left(args, &server));
    drop(own);
    let known = gone.as_ref().ok().copied().flatten();
    if args.json {
        print(format_args!("{}\n", figures.json(args, known)))?;
    } else {
        print(format_args!("{}", figures.table(args, known)))?;
    }
    gone.map_err(Failure::told)?;
    interrupt.check().map_or_else(
        |by| Err(cut_short(by, args, &figures)),
        |()| Ok(Found::Sound),
    )
}

/// The server that was named, or one of our own.
fn connect_to(args: &BenchArgs) -> Result<(Server, Option<TemporaryServer>), Failure> {
    if let Some(addr) = &args.addr {
        let password = Password::find(args.password_file.as_deref()).map_err(Failure::told)?;
        return Ok((Server::new(addr.to_string(), password), None));
    }
    let own = TemporaryServer::start("bench").map_err(Failure::told)?;
    Ok((Server::new(own.addr.clone(), None), Some(own)))
}

fn cut_short(by: Interrupted, args: &BenchArgs, figures: &Figures) -> Failure {
    let (answered, count) = (grouped(figures.answered()), grouped(args.count));
    Failure::Interrupted(by, format!("{by} after {answered} of {count} commands"))
}

/// What is about to be done to a server.
struct Announced<'a> {
    args: &'a BenchArgs,
    server: &'a Server,
    own: bool,
}

impl fmt::Display for Announced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { args, server, own } = self;
        let (count, skus, addr) = (grouped(args.count), args.skus, &server.addr);
        let name = work::sku_prefix(args.work);
        match args.work {
            Kind::Hold => write!(f, "{count} holds on {skus} SKUs named {name}…")?,
            Kind::HoldConfirm => {
                write!(f, "{count} holds and confirms on {skus} SKUs named {name}…")?
            }
            Kind::Place => write!(f, "{count} orders of {LINES} of {skus} SKUs named {name}…")?,
            Kind::SoldOut => write!(f, "{count} refused holds on {skus} SKUs named {name}…")?,
            Kind::Ping => return write!(f, "{count} pings to {addr}, nothing is written"),
        }
        if *own {
            write!(f, " on a server of its own, gone at the end")
        } else {
            write!(f, " at {addr}, which keeps what is written")
        }
    }
}

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The connection.
    #[error("{addr}: {error}")]
    Lost {
        /// The server.
        addr: String,
        /// What the machine said.
        error: Lost,
    },
    /// The server's answer makes no sense here.
    #[error("{addr}: unexpected answer {answer:?}")]
    Answer {
        /// The server.
        addr: String,
        /// What it said.
        answer: String,
    },
    /// The server does not let us in.
    #[error("{addr}: {why}")]
    Password {
        /// The server.
        addr: String,
        /// What there is to do.
        why: String,
    },
}
