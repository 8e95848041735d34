//! `tidegate serve`: one process, one folder, both fronts.

mod config;
mod cores;
mod files;
mod homes;
mod hooks;
mod listen;
mod memory;
pub(crate) mod owner;
mod pages;
mod panics;
mod providers;
mod receivers;
mod runtime;
mod samples;
mod starting;
mod wakes;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use tidegate_engine::backup::check_finished;
use tidegate_engine::base::{BaseError, LsmBase};
use tidegate_engine::contract::Domain;
use tidegate_engine::disk::RealDisk;
use tidegate_engine::limits::PARTITIONS_DEFAULT;
use tidegate_engine::{
    Config, Engine, MachineClock, MachineEntropy, Memory, OpenError, Reading, Space, check_whole,
    tables_of,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) use config::ServeArgs;
pub use config::Settings;
pub use memory::MemorySize;
pub use providers::Outside;
use runtime::Runtime;
use starting::Starting;

use crate::ending::{Failure, Found};
use crate::output::say;

/// Where in the data folder the base lies.
pub(crate) const BASE_FOLDER: &str = "base";

/// Bytes for what a command reads of a base, and files of it that are held open.
pub(crate) const BASE_ROOM: (u64, usize) = (64 * 1024 * 1024, 128);

/// Why a server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The settings contradict each other or cannot be read.
    #[error("{0}")]
    Settings(String),
    /// The data folder.
    #[error("data folder: {0}")]
    Folder(io::Error),
    /// The log, the base or the clock.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The files of the base.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// The files of the base are damaged.
    #[error(
        "{0}. Nothing was changed; `tidegate check` names every damage, `tidegate check --repair` \
         goes on without what is damaged, and `tidegate restore` brings a backup back in a new folder"
    )]
    Damaged(BaseError),
    /// An address cannot be listened on.
    #[error("cannot listen on {addr}: {error}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the machine said.
        error: io::Error,
    },
    /// The machine refused a thread or a signal handler.
    #[error("{0}")]
    Machine(#[from] io::Error),
}

impl ServeError {
    fn of_base(error: BaseError) -> Self {
        if error.is_corrupt() {
            Self::Damaged(error)
        } else {
            Self::Base(error)
        }
    }
}

/// A running server.
pub struct Server {
    runtime: Arc<Runtime>,
    fronts: listen::Fronts,
    /// Where RESP is spoken.
    pub resp: SocketAddr,
    /// Where HTTP is spoken.
    pub http: SocketAddr,
    /// Where administration is, if that has an address of its own.
    pub admin: Option<SocketAddr>,
}

/// Serves until told to stop.
pub(crate) fn run(args: ServeArgs, domains: &[Domain]) -> Result<Found, Failure> {
    serve(args, domains).map_err(Failure::told)?;
    Ok(Found::Sound)
}

fn serve(args: ServeArgs, domains: &[Domain]) -> Result<(), ServeError> {
    let (early, _folder) = match args.owner.tie()? {
        Some(tie) => (Some(tie.stop), Some(tie.folder)),
        None => (None, None),
    };
    let settings = args.settings()?;
    let server = Server::start(&settings, domains)?;
    // Heard from here on: whoever has seen `ready` may ask for a stop.
    let stop = early.map_or_else(StopSignal::listen, Ok)?;
    say(format_args!("ready"));
    stop.wait();
    say(format_args!("stopping"));
    server.stop();
    Ok(())
}

/// Ctrl-C or SIGTERM, kept for whoever waits.
pub(crate) struct StopSignal {
    runtime: tokio::runtime::Runtime,
    interrupted: Signal,
    terminated: Signal,
}

impl StopSignal {
    /// From now on neither ends the process by itself.
    pub(crate) fn listen() -> Result<Self, ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let interrupted = signal(SignalKind::interrupt())?;
        let terminated = signal(SignalKind::terminate())?;
        drop(entered);
        Ok(Self {
            runtime,
            interrupted,
            terminated,
        })
    }

    /// Waits for the first of them.
    pub(crate) fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupted.recv() => {}
                _ = self.terminated.recv() => {}
            }
        });
    }
}

/// Asks the kernel for small pages only. A huge one is cleared as a whole when it is first touched,
/// which stops the executor that touched it: without them holds are up to 1.9 times as many a
/// second. Redis does the same by default (`disable-thp yes`).
fn small_pages() {
    // A kernel that cannot is slower, not wrong.
    rustix::thread::disable_transparent_huge_pages(true).ok();
}

impl Server {
    /// Opens the folder, replays its log, and listens.
    ///
    /// # Errors
    /// The folder, its log, the clock or an address cannot be used.
    pub fn start(settings: &Settings, domains: &[Domain]) -> Result<Self, ServeError> {
        small_pages();
        // Bound first: an address in use is told before a log is read for nothing.
        let listeners = listen::Listeners::bind(settings)?;
        let reading = Arc::new(Reading::default());
        let starting = Starting::tell(&listeners.http, Arc::clone(&reading))?;
        let engine = open(settings, domains, reading);
        starting.stop();
        let engine = engine?;
        let report = &engine.report;
        say(format_args!(
            "tidegate {} · {} · {} records in {} groups replayed · {} partitions · {} of memory",
            env!("CARGO_PKG_VERSION"),
            settings.data.display(),
            report.records,
            report.groups,
            report.partitions,
            settings.memory,
        ));
        let door = engine.door.clone();
        door.shed(settings.shed);
        let runtime = Arc::new(Runtime::start(
            engine,
            &settings.outside,
            settings.sample_every,
        )?);
        let fronts = listen::Fronts::start(settings, listeners, &door, &runtime)?;
        let (resp, http, admin) = (fronts.resp, fronts.http, fronts.admin);
        let most = fronts.connections_max;
        say(format_args!("RESP  {resp} · at most {most} connections"));
        say(format_args!(
            "HTTP  {} · at most {most} connections",
            pages(http)
        ));
        if let Some(admin) = admin {
            say(format_args!("ADMIN {}", pages(admin)));
        }
        Ok(Self {
            runtime,
            fronts,
            resp,
            http,
            admin,
        })
    }

    /// Stops listening, answers what was taken in, and ends all threads.
    pub fn stop(self) {
        self.fronts.stop();
        match Arc::try_unwrap(self.runtime) {
            Ok(runtime) => runtime.stop(),
            Err(_) => unreachable!("because the fronts, which shared it, have ended"),
        }
    }
}

/// Where to look with a browser.
fn pages(http: SocketAddr) -> String {
    if !http.ip().is_unspecified() {
        return format!("http://{http} · docs at http://{http}/docs");
    }
    // Not an address to connect to: it stands for every one that this machine has.
    let port = http.port();
    format!("{http}, every address of this machine · docs at http://localhost:{port}/docs")
}

fn open(
    settings: &Settings,
    domains: &[Domain],
    reading: Arc<Reading>,
) -> Result<Engine, ServeError> {
    let disk = RealDisk::open(&settings.data).map_err(ServeError::Folder)?;
    check_finished(&disk).map_err(OpenError::from)?;
    check_whole(&disk).map_err(OpenError::from)?;
    let memory = Memory::of(settings.memory.bytes());
    let base = LsmBase::open(
        &settings.data.join(BASE_FOLDER),
        &tables_of(domains),
        (memory.base_bytes(), files::of_base()),
    )
    .map_err(ServeError::of_base)?;
    let executors = thread::available_parallelism().map_or(1, usize::from);
    let config = Config {
        partitions: PARTITIONS_DEFAULT,
        executors,
        space: Space::of(executors),
        memory,
        shares: settings.shares.clone(),
        archives: settings.archives.clone(),
        settings: settings.outside.told(),
        checkpoint_every_ms: settings.checkpoint_every.as_millis() as u64,
        seed: config::seed(),
        entropy: Arc::new(MachineEntropy),
        reading,
        accept_clock_jump: settings.accept_clock,
    };
    let beside = Box::new(|name: &'static str, work: Box<dyn FnOnce() + Send>| {
        let thread = panics::spawn(name, work);
        drop(thread.expect("because a server that gets no thread cannot go on"));
    });
    let clock = Arc::new(MachineClock::default());
    Ok(Engine::open(
        &config,
        (Arc::new(disk), Arc::new(base)),
        clock,
        domains,
        beside,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_all_is_not_given_as_one_to_open() {
        let shown = |text: &str| pages(text.parse().expect("an address"));
        assert_eq!(
            shown("127.0.0.1:80"),
            "http://127.0.0.1:80 · docs at http://127.0.0.1:80/docs"
        );
        for all in ["0.0.0.0:80", "[::]:80"] {
            let expected =
                format!("{all}, every address of this machine · docs at http://localhost:80/docs");
            assert_eq!(shown(all), expected);
        }
    }
}
