//! Where a server is, as its threads' system calls tell from outside.
//!
//! A call that only takes processor time is never seen from outside while it runs. So the server is
//! stopped first: a thread stops where its system call ends, before it goes on to the next, and the
//! kernel says which one it was. What is found then stays true until the kill.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Random, wait_for};

/// What a server was doing when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Writing a group, or done with that and not yet syncing it.
    Append,
    /// Syncing a group, or done with that and not yet answering.
    Sync,
    /// Writing rows to the base.
    Checkpoint,
    /// Removing what the log no longer needs.
    Trim,
    /// Reading back its folder, or making the segment of its start.
    Recovery,
    /// Anything else.
    Elsewhere,
}

impl Place {
    pub(crate) const ALL: [Self; 6] = [
        Self::Append,
        Self::Sync,
        Self::Checkpoint,
        Self::Trim,
        Self::Recovery,
        Self::Elsewhere,
    ];

    /// Those in which every run must have killed.
    pub(crate) const REQUIRED: [Self; 5] = [
        Self::Append,
        Self::Sync,
        Self::Checkpoint,
        Self::Trim,
        Self::Recovery,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Sync => "sync",
            Self::Checkpoint => "checkpoint",
            Self::Trim => "trim",
            Self::Recovery => "recovery",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// A thread that writes files, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Log,
    Checkpoint,
    /// Removes segments of the log.
    Trim,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        match name {
            "log" => Some(Self::Log),
            "checkpoint" => Some(Self::Checkpoint),
            "trim" => Some(Self::Trim),
            _ => None,
        }
    }
}

const APPENDS: &[i64] = &[
    libc::SYS_pwrite64,
    libc::SYS_ftruncate,
    libc::SYS_renameat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
];
const SYNCS: &[i64] = &[libc::SYS_fdatasync, libc::SYS_fsync];
/// In which a thread waits for work.
const WAITS: &[i64] = &[
    libc::SYS_futex,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
];

/// Most time between two looks at a server that was at another place.
const PAUSE_US_MAX: u64 = 1_000;

/// Finds the moments to kill at.
pub(crate) struct Hunter {
    /// The folder of all servers.
    data: PathBuf,
    random: Random,
    /// Some server has had a thread for checkpoints.
    pub(crate) has_checkpoints: bool,
}

impl Hunter {
    pub(crate) fn new(data: &Path, seed: u64) -> Self {
        Self {
            data: data.to_owned(),
            random: Random::new(seed),
            has_checkpoints: false,
        }
    }

    /// Stops a process at a place, or wherever it is once patience ends. It stands still then.
    pub(crate) fn stop_at(&mut self, pid: Pid, wanted: Place, patience: Duration) -> Place {
        let began = Instant::now();
        let mut threads = Vec::new();
        loop {
            let is_over = began.elapsed() >= patience;
            if wanted == Place::Trim && !threads.is_empty() {
                threads = threads_of(pid); // Whoever trims lives only as long.
            }
            let hint = places_of(&threads);
            let is_likely = hint.is_none_or(|places| places.contains(&wanted));
            if !is_over && !threads.is_empty() && !is_likely {
                thread::yield_now();
                continue;
            }
            send(pid, Signal::STOP);
            // Whoever is to be a thread of it is one then.
            wait_for("a process to stop", || call_of(&proc_of(pid)));
            threads = threads_of(pid);
            self.has_checkpoints |= threads.iter().any(|thread| thread.kind == Kind::Checkpoint);
            let places = self.places(pid, &threads);
            if places.contains(&wanted) {
                return wanted;
            }
            if is_over {
                return places[0];
            }
            send(pid, Signal::CONT);
            thread::sleep(Duration::from_micros(self.random.below(PAUSE_US_MAX)));
        }
    }

    /// Where a stopped process is; at least one place.
    fn places(&self, pid: Pid, threads: &[Thread]) -> Vec<Place> {
        // The log's thread is there once the folder has been read.
        if threads.iter().all(|thread| thread.kind != Kind::Log) && self.has_opened(pid) {
            vec![Place::Recovery]
        } else {
            wait_for("its threads to stop", || places_of(threads))
        }
    }

    fn has_opened(&self, pid: Pid) -> bool {
        let files = fs::read_dir(proc_of(pid).join("fd"));
        let mut opened = files.into_iter().flatten().flatten();
        opened.any(|file| fs::read_link(file.path()).is_ok_and(|path| path == self.data))
    }
}

/// A thread that writes files.
struct Thread {
    kind: Kind,
    folder: PathBuf,
}

/// The number of the system call that a thread is in, negative if in none; nothing while it runs.
fn call_of(thread: &Path) -> Option<i64> {
    let line = fs::read_to_string(thread.join("syscall")).ok()?;
    line.split_whitespace().next()?.parse().ok()
}

/// The folder of a process, which is also that of its first thread.
fn proc_of(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()))
}

fn threads_of(pid: Pid) -> Vec<Thread> {
    let tasks = fs::read_dir(proc_of(pid).join("task"));
    let thread = |task: fs::DirEntry| {
        let folder = task.path();
        let name = fs::read_to_string(folder.join("comm")).ok()?;
        let kind = Kind::named(name.trim())?;
        Some(Thread { kind, folder })
    };
    tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(thread)
        .collect()
}

/// Where threads are, at least at one place; nothing while one of them runs.
fn places_of(threads: &[Thread]) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    for thread in threads {
        let Some(call) = call_of(&thread.folder) else {
            if thread.folder.exists() {
                return None;
            }
            continue; // Whoever trims lives only as long.
        };
        match thread.kind {
            Kind::Trim if !WAITS.contains(&call) => places.push(Place::Trim),
            Kind::Checkpoint if !WAITS.contains(&call) => places.push(Place::Checkpoint),
            Kind::Log if APPENDS.contains(&call) => places.push(Place::Append),
            Kind::Log if SYNCS.contains(&call) => places.push(Place::Sync),
            Kind::Trim | Kind::Checkpoint | Kind::Log => {}
        }
    }
    if places.is_empty() {
        places.push(Place::Elsewhere);
    }
    Some(places)
}

fn send(pid: Pid, signal: Signal) {
    kill_process(pid, signal).expect("it is our child");
}
