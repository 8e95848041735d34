//! The threads of a server: executors, each with its share of the connections, a log writer, and
//! readers.

use std::io;
use std::panic;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidegate_engine::limits::SEAL_AFTER_MS;
use tidegate_engine::{Did, Door, Engine, Executor, Next, Running, Writer};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::output::note;

/// Threads that read scans.
const READERS: usize = 2;

/// How long the log writer waits, at most, for those who were just answered to ask again, so that
/// one sync serves all. A client alone is never waited for.
const LINGER: Duration = Duration::from_millis(1);

/// How long the log writer waits before it asks a full disk again.
const FULL_RETRY: Duration = Duration::from_millis(20);

/// The running threads of an engine.
pub(crate) struct Runtime {
    door: Door,
    executors: Vec<Handle>,
    next: AtomicUsize,
    threads: Vec<JoinHandle<()>>,
    beside: Vec<JoinHandle<()>>,
}

impl Runtime {
    /// Starts the threads of an engine.
    pub(crate) fn start(engine: Engine) -> io::Result<Self> {
        tell_what_panics();
        let Engine {
            door,
            executors,
            writer,
            ..
        } = engine;
        let mut handles = Vec::new();
        let mut threads = Vec::new();
        for (index, executor) in executors.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            handles.push(runtime.handle().clone());
            let name = format!("executor-{index}");
            let run = move || runtime.block_on(drive(executor));
            threads.push(thread::Builder::new().name(name).spawn(run)?);
        }
        let log = thread::Builder::new().name("log".to_owned());
        let mut beside = vec![log.spawn(move || write(writer))?];
        for index in 0..READERS {
            let door = door.clone();
            let reader = thread::Builder::new().name(format!("reader-{index}"));
            beside.push(reader.spawn(move || while door.read_step(true) {})?);
        }
        Ok(Self {
            door,
            executors: handles,
            next: AtomicUsize::new(0),
            threads,
            beside,
        })
    }

    /// The executor thread that the next connection lives on.
    pub(crate) fn next_executor(&self) -> &Handle {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.executors[next % self.executors.len()]
    }

    /// Turns requests away, answers what was taken in, seals the log and ends the threads.
    pub(crate) fn stop(self) {
        self.door.stop();
        for executor in self.threads {
            executor.join().expect("because a panic ends the process");
        }
        self.door.finish();
        for thread in self.beside {
            thread.join().expect("because a panic ends the process");
        }
    }
}

/// Steps an executor; the connections of its thread run between two steps.
async fn drive(mut executor: Executor) {
    let bell = Arc::new(Notify::new());
    let ringer = Arc::clone(&bell);
    executor.set_waker(Box::new(move || ringer.notify_one()));
    loop {
        match executor.step() {
            Next::Now => tokio::task::yield_now().await,
            Next::After(_) | Next::Woken if executor.is_stopping() && executor.is_quiet() => break,
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
            Err(error) => die(&error),
        }
    }
    if let Err(error) = writer.seal() {
        die(&error);
    }
}

/// A panic ends the process, so that nothing later is acknowledged. Says what it was about.
fn tell_what_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told_before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            told_before(info);
            if let Some(running) = Running::here() {
                note(format_args!(
                    "tidegate: this was {running}. The process stops; nothing of it is kept, and \
                     what was answered is. Please report it."
                ));
                process::abort(); // In every build.
            }
        }));
    });
}

/// A failed write or sync is final: what is durable is unknown, so nothing more may be answered.
fn die(error: &dyn std::error::Error) -> ! {
    note(format_args!(
        "tidegate: the log failed and the server stops, so that no answer is wrong: {error}"
    ));
    note(format_args!(
        "tidegate: start it again once the disk is sound; it reads back what was durable"
    ));
    process::exit(EXIT_LOG_FAILED)
}

/// `EX_IOERR` of sysexits.h.
const EXIT_LOG_FAILED: i32 = 74;
