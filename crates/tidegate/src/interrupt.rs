//! Ctrl-C, a termination, a terminal that is closed: for commands that have something to tidy up.

use std::fs;
use std::future::poll_fn;
use std::io;
use std::process::exit;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit codes of commands that a signal has ended begin here.
const EXIT_SIGNALLED: i32 = 128;

/// Tells whether the command was asked to end. One that nobody listens for is never heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    by: Mutex<Option<Interrupted>>,
    changed: Condvar,
}

/// The command was asked to end, by this signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted(SignalKind);

impl Interrupted {
    /// 128 and the number of the signal, as shells have it.
    pub(crate) fn exit_code(self) -> i32 {
        EXIT_SIGNALLED + self.0.as_raw_value()
    }
}

impl Interrupt {
    /// From now on no signal ends the process by itself, until a second one comes: who asks twice
    /// does not want to wait.
    pub(crate) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut signals = signals(&runtime)?;
        let interrupt = Self::default();
        let told = interrupt.clone();
        let listen = async move {
            told.tell(next(&mut signals).await);
            exit(next(&mut signals).await.exit_code());
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(listen))?;
        Ok(interrupt)
    }

    /// An error once the command was asked to end.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        self.by().map_or(Ok(()), Err)
    }

    /// Waits until the command is asked to end.
    pub(crate) fn wait(&self) {
        let waited = self.0.changed.wait_while(self.by(), |by| by.is_none());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn tell(&self, by: Interrupted) {
        *self.by() = Some(by);
        self.0.changed.notify_all();
    }

    fn by(&self) -> MutexGuard<'_, Option<Interrupted>> {
        self.0.by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Signals = Vec<(SignalKind, Signal)>;

fn signals(runtime: &Runtime) -> io::Result<Signals> {
    let _entered = runtime.enter();
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    if !ignores_hangups() {
        kinds.push(SignalKind::hangup());
    }
    let listen = |kind| Ok((kind, signal(kind)?));
    kinds.into_iter().map(listen).collect()
}

/// Whether the process was started by `nohup`, whose wish a handler would undo.
fn ignores_hangups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The mask counts from bit 0, signals count from 1.
    let hangup = 1 << (SignalKind::hangup().as_raw_value() - 1);
    ignored.is_some_and(|mask| mask & hangup != 0)
}

async fn next(signals: &mut Signals) -> Interrupted {
    poll_fn(|context| {
        let heard = signals
            .iter_mut()
            .find_map(|(kind, signal)| signal.poll_recv(context).is_ready().then_some(*kind));
        heard.map_or(Poll::Pending, |kind| Poll::Ready(Interrupted(kind)))
    })
    .await
}
