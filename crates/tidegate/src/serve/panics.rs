//! A panic in any thread of the server ends the process, with a word: a server of which a part is
//! missing would go on without what that part is there for, or wait for it for ever.
//!
//! So no lock is ever found poisoned: who locks takes what is there.

use std::cell::{Cell, RefCell};
use std::io;
use std::panic;
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use tidegate_engine::{Running, Strikes};

use crate::output::note;

thread_local! {
    /// This is a thread of the server.
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Where the executor of this thread notes what stops the process.
    static STRIKES: RefCell<Option<Strikes>> = const { RefCell::new(None) };
}

/// Starts a thread of the server.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(|| {
        watch();
        run();
    })
}

/// This thread is one of the server from here on.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told_before = panic::take_hook();
        let is_ending = AtomicBool::new(false);
        panic::set_hook(Box::new(move |info| {
            while IS_WATCHED.get() && is_ending.swap(true, Ordering::AcqRel) {
                thread::park(); // Another thread tells already, and ends the process.
            }
            told_before(info);
            if IS_WATCHED.get() {
                end();
            }
        }));
    });
    IS_WATCHED.set(true);
}

/// What runs in this thread comes again with every start: it is noted if it panics.
pub(super) fn note_strikes(strikes: Strikes) {
    STRIKES.set(Some(strikes));
}

/// Ends the process, in every build, so that nothing later is acknowledged. Says what it was about.
fn end() -> ! {
    let Some(running) = Running::here() else {
        let thread = thread::current();
        let name = thread.name().unwrap_or("one without a name");
        note(format_args!(
            "tidegate: this was in the thread {name}. The process stops, for nothing can go on \
             without it; what was answered is kept. Please report it."
        ));
        process::abort();
    };
    STRIKES.with_borrow(|strikes| {
        let noted = strikes.as_ref().map(|strikes| strikes.note(&running));
        if let Some(Err(error)) = noted {
            note(format_args!("tidegate: that could not be noted: {error}"));
        }
    });
    note(format_args!(
        "tidegate: this was {running}. The process stops; nothing of it is kept, and what was \
         answered is. Please report it."
    ));
    process::abort();
}

#[cfg(test)]
mod tests;
