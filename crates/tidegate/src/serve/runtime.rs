//! The threads of a server: executors, each with its share of the connections, a log writer,
//! readers, one that gives events to subscribers, one that calls to the outside and pushes, and some that work for later: one takes rows to the
//! base, three keep the base in order, one counts samples of counters again.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidegate_courier::outlet;
use tidegate_engine::base::BaseError;
use tidegate_engine::limits::SEAL_AFTER_MS;
use tidegate_engine::{
    Alarm, CheckpointError, Checkpointer, Did, Door, Engine, Executor, Next, Progress, Tender,
    Writer,
};
use tokio::sync::{Notify, oneshot};

use super::cores::{cores_for, stay_on};
use super::homes::{Home, Homes, Load};
use super::panics::{note_strikes, spawn, watch};
use super::providers::Outside;
use super::samples::{self, Samples};
use super::wakes::Wakes;
use crate::output::note;

/// Threads that read scans, and what partitions ask the base for.
const READERS: usize = 2;

/// How long the log writer waits, at most, for those who were just answered to ask again, so that
/// one sync serves all. A client alone is never waited for.
const LINGER: Duration = Duration::from_millis(1);

/// How long the log writer waits before it asks a full disk again.
const FULL_RETRY: Duration = Duration::from_millis(20);

/// How long the checkpointer waits before it tries a full disk again: a try writes until there is no
/// room.
const CHECKPOINT_RETRY: Duration = Duration::from_millis(500);

/// How long the checkpointer waits, at most, for what others tell it, before it looks at its bounds.
const CHECKPOINT_LOOK: Duration = Duration::from_millis(50);

/// How long a checkpoint rests where it is ahead.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(1);

/// How long nobody looks whether the base is in order.
const TEND_PAUSE: Duration = Duration::from_millis(200);

/// How long a stop waits for files that are being merged.
const MERGE_LOOK: Duration = Duration::from_millis(5);
const MERGE_LOOKS: u32 = 100;

/// By how much those who keep the base in order give way to those who answer: the more, the longer it
/// can wait. While too many files wait checkpoints do; the oldest can wait for long. A checkpoint gives
/// no way: while it waits memory fills.
const NICE_TENDERS: [i32; 3] = [4, 6, 12];

/// The same for who counts samples again.
const NICE_SAMPLES: i32 = 12;

/// The running threads of an engine.
pub(crate) struct Runtime {
    door: Door,
    homes: Arc<Homes>,
    next: AtomicUsize,
    threads: Vec<JoinHandle<()>>,
    beside: Vec<JoinHandle<()>>,
    samples: Arc<Samples>,
    /// Dropped when samples are to end.
    sampling: oneshot::Sender<()>,
    checkpoint: JoinHandle<()>,
    base: Vec<JoinHandle<()>>,
}

impl Runtime {
    /// Starts the threads of an engine.
    pub(crate) fn start(
        engine: Engine,
        outside: &Outside,
        sample_every: Option<Duration>,
    ) -> io::Result<Self> {
        let Engine {
            door,
            executors,
            writer,
            checkpointer,
            tenders,
            strikes,
            alarm,
            courier,
            ..
        } = engine;
        let mut homes = Vec::new();
        let mut threads = Vec::new();
        let cores = cores_for(executors.len());
        for (index, executor) in executors.into_iter().enumerate() {
            let name = format!("executor-{index}");
            let load = Arc::<Load>::default();
            let of_thread = || (Arc::clone(&load), executor.handle());
            let (parks, unparks) = (of_thread(), of_thread());
            // Threads beside it carry what blocks, as a backup that somebody reads.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .thread_name(format!("{name}-blocking"))
                .on_thread_start(watch)
                .on_thread_park(move || {
                    parks.0.park();
                    parks.1.parked();
                })
                .on_thread_unpark(move || {
                    unparks.1.unparked();
                    unparks.0.unpark();
                })
                .build()?;
            let handle = executor.handle();
            let wakes = Arc::new(Wakes::new(index, move || handle.wake()));
            homes.push(Home {
                tokio: runtime.handle().clone(),
                load,
                wakes: Arc::clone(&wakes),
            });
            let strikes = strikes.clone();
            let core = cores.as_ref().map(|cores| cores[index]);
            let run = move || {
                core.into_iter().for_each(stay_on);
                note_strikes(strikes);
                wakes.settle();
                runtime.block_on(drive(executor, &wakes));
            };
            threads.push(spawn(&name, run)?);
        }
        let mut beside = vec![spawn("log", move || write(writer))?];
        for index in 0..READERS {
            let (door, alarm) = (door.clone(), alarm.clone());
            let reads = move || read(&door, &alarm);
            beside.push(spawn(&format!("reader-{index}"), reads)?);
        }
        let events = door.clone();
        let calls = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (outlet, parcels) = outlet();
        let calls_out = tidegate_courier::run(courier, outside.services.clone(), parcels);
        let pushes = tidegate_push::run(door.clone(), outlet, outside.receivers.clone());
        // Calls end once the engine stops, and what is pushed with them.
        let courier = move || {
            calls.block_on(async {
                tokio::select! {
                    () = calls_out => {}
                    () = pushes => {}
                }
            });
        };
        beside.push(spawn("courier", courier)?);
        let samples = Arc::<Samples>::default();
        let (sampling, ends) = oneshot::channel::<()>();
        if let Some(every) = sample_every {
            let (door, samples) = (door.clone(), Arc::clone(&samples));
            let own = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?;
            let takes = move || {
                give_way(NICE_SAMPLES);
                own.block_on(async {
                    tokio::select! {
                        () = samples::run(door, every, &samples) => {}
                        _ = ends => {}
                    }
                });
            };
            beside.push(spawn("samples", takes)?);
        }
        beside.push(spawn("events", move || while events.tell_step(true) {})?);
        let of_checkpoint = alarm.clone();
        let takes = move || take_to_base(checkpointer, &of_checkpoint);
        let checkpoint = spawn("checkpoint", takes)?;
        let tend_base = tenders.into_iter().enumerate().map(|(index, tender)| {
            let alarm = alarm.clone();
            let tends = move || tend(tender, NICE_TENDERS[index], &alarm);
            spawn(&format!("base-{index}"), tends)
        });
        let base = tend_base.collect::<Result<_, _>>()?;
        Ok(Self {
            door,
            homes: Arc::new(Homes::new(homes)),
            next: AtomicUsize::new(0),
            threads,
            beside,
            samples,
            sampling,
            checkpoint,
            base,
        })
    }

    /// The executor thread that the next connection lives on, with its number.
    pub(crate) fn next_executor(&self) -> (usize, &Home) {
        self.homes.at(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Where connections live.
    pub(crate) fn homes(&self) -> Arc<Homes> {
        Arc::clone(&self.homes)
    }

    /// What has come of samples of counters.
    pub(crate) fn samples(&self) -> Arc<Samples> {
        Arc::clone(&self.samples)
    }

    /// Turns requests away, answers what was taken in, seals the log and ends the threads.
    pub(crate) fn stop(self) {
        drop(self.sampling);
        self.door.stop();
        self.base.iter().for_each(|base| base.thread().unpark());
        for executor in self.threads {
            executor.join().expect("because a panic ends the process");
        }
        self.door.finish();
        for thread in self.beside.into_iter().chain([self.checkpoint]) {
            thread.join().expect("because a panic ends the process");
        }
        // Files that are being merged are left as they are, as by a kill: the next start removes
        // what is not whole. Until it ends the thread keeps the folder locked.
        for _ in 0..MERGE_LOOKS {
            if self.base.iter().all(JoinHandle::is_finished) {
                break;
            }
            thread::sleep(MERGE_LOOK);
        }
    }
}

/// Steps an executor; the connections of its thread run between two steps.
async fn drive(mut executor: Executor, wakes: &Wakes) {
    let bell = Arc::new(Notify::new());
    let ringer = Arc::clone(&bell);
    executor.set_waker(Box::new(move || ringer.notify_one()));
    loop {
        let next = executor.step();
        wakes.pass_on();
        match next {
            Next::Now => tokio::task::yield_now().await,
            Next::After(_) | Next::Woken if executor.may_end() => break,
            Next::After(ms) => {
                let rung = tokio::time::timeout(Duration::from_millis(ms), bell.notified());
                // Rung or due: either way it is time to step.
                drop(rung.await);
            }
            Next::Woken => bell.notified().await,
        }
    }
}

fn write(mut writer: Writer) {
    let idle = Duration::from_millis(SEAL_AFTER_MS);
    while writer.wait(idle) {
        writer.linger(LINGER);
        let stepped = writer.step().and_then(|did| {
            if did == Did::Nothing {
                writer.seal()?;
            }
            Ok(did)
        });
        match stepped {
            Ok(Did::Wrote | Did::Nothing) => {}
            Ok(Did::Full) if writer.may_give_up() => {
                note(format_args!(
                    "tidegate: the disk is full: what was not answered is not kept"
                ));
                return;
            }
            Ok(Did::Full) => thread::sleep(FULL_RETRY),
            Err(error) => die("the log", &error),
        }
    }
    if let Err(error) = writer.seal() {
        die("the log", &error);
    }
}

fn read(door: &Door, alarm: &Alarm) {
    loop {
        match door.read_step(true) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => die_of_base("the base", &error, alarm),
        }
    }
}

/// Steps the checkpointer; when the engine stops, through a last checkpoint, so that the next start
/// has no log to read.
fn take_to_base(mut checkpointer: Checkpointer, alarm: &Alarm) {
    checkpointer.set_pause(Box::new(|| thread::sleep(CHECKPOINT_PAUSE)));
    let (mut is_last, mut is_full) = (false, false);
    loop {
        let is_stopping = checkpointer.is_stopping();
        let stepped = checkpointer.step();
        if checkpointer.full().is_some() != is_full {
            is_full = !is_full;
            tell_full(checkpointer.full());
        }
        match stepped {
            Ok(Progress::Made) => {}
            Ok(Progress::None) if checkpointer.may_give_up() => return checkpointer.finish(),
            Ok(Progress::None) if !is_stopping || checkpointer.is_busy() => {
                checkpointer.wait(CHECKPOINT_LOOK);
            }
            Ok(Progress::None) if checkpointer.is_wanted() && !is_last => {
                is_last = true;
                checkpointer.ask();
            }
            Ok(Progress::Full) if !is_stopping => thread::sleep(CHECKPOINT_RETRY),
            Ok(Progress::None | Progress::Full) => return checkpointer.finish(),
            Err(CheckpointError::Base(error)) => die_of_base("a checkpoint", &error, alarm),
            Err(error @ CheckpointError::Mark(_)) => die("a checkpoint", &error),
        }
    }
}

/// Says that a checkpoint has found no room, or that one has ended since.
fn tell_full(full: Option<&CheckpointError>) {
    match full {
        Some(error) => note(format_args!(
            "tidegate: a checkpoint finds no room and is tried again until there is some, while memory \
             fills: free some space ({error})"
        )),
        None => note(format_args!("tidegate: a checkpoint has found room again")),
    }
}

fn tend(mut tender: Tender, nice: i32, alarm: &Alarm) {
    give_way(nice);
    while !tender.is_stopping() {
        match tender.step() {
            Ok(true) => {}
            Ok(false) => thread::park_timeout(TEND_PAUSE),
            Err(error) => die_of_base("the base", &error, alarm),
        }
    }
}

/// This thread gives way to others from here on.
fn give_way(nice: i32) {
    // On Linux this is about the calling thread. A machine that refuses is slower, not wrong.
    rustix::process::nice(nice).ok();
}

/// A failed write or sync is final: what is durable is unknown, so nothing more may be answered. And
/// what cannot be read cannot be answered from.
fn die(what: &str, error: &dyn std::error::Error) -> ! {
    note(format_args!(
        "tidegate: {what} failed and the server stops, so that no answer is wrong: {error}"
    ));
    note(format_args!(
        "tidegate: start it again once the disk is sound; it reads back what was durable"
    ));
    process::exit(EXIT_DISK_FAILED)
}

/// As [`die`]. What is damaged is noted, so that no start goes on until it is read again.
fn die_of_base(what: &str, error: &BaseError, alarm: &Alarm) -> ! {
    if !error.is_corrupt() {
        die(what, error);
    }
    note(format_args!(
        "tidegate: {what} is damaged and the server stops, so that no answer is wrong: {error}"
    ));
    if let Err(error) = alarm.note(error) {
        note(format_args!("tidegate: that could not be noted: {error}"));
    }
    note(format_args!(
        "tidegate: it starts again once `tidegate check --repair` has run, which says what it drops"
    ));
    process::exit(EXIT_DISK_FAILED)
}

/// `EX_IOERR` of sysexits.h.
const EXIT_DISK_FAILED: i32 = 74;
