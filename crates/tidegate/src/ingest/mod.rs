//! `tidegate ingest`: the lines of request logs as events of a counter.
//!
//! The way of a line: `source` finds the files, `lines` cuts them, `event` reads a line by its form (`access` or
//! `members`), `occurrence` gives it its id; `read` does all that on a thread of its own, and `send` sends what comes
//! in batches by `wire`. `tally` keeps what has come of each line.
//!
//! Laws:
//! 1. Every line that was read is counted, repeated, late or bad; nothing is passed over in silence.
//! 2. What a line counts for depends on the line alone, so files may be read again, in any order and in pieces; see
//!    `occurrence` for equal lines.
//! 3. A batch is sent again until it is answered.

mod access;
mod bad;
mod event;
mod lines;
mod members;
mod occurrence;
mod options;
mod progress;
mod read;
mod send;
mod source;
mod tally;
mod text;
mod time;
mod wire;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use clap::error::ErrorKind;

pub(crate) use options::IngestArgs;

use crate::client::Unserved;
use crate::ending::{Failure, Found};
use crate::interrupt::Interrupt;
use crate::output::print;
use progress::Progress;
use read::{Piece, Unreadable};
use send::Sender;
use tally::{Report, Tally};

/// How long to wait for lines while nothing else is to be done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why an ingestion ends early.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Unserved(#[from] Unserved),
}

/// Ingests, and prints what has come of it, be it only a part.
pub(crate) fn run(args: &IngestArgs) -> Result<Found, Failure> {
    let inputs = args.inputs().unwrap_or_else(|wrong| {
        let mut command = clap::Command::new("tidegate ingest");
        command.error(ErrorKind::ArgumentConflict, wrong).exit()
    });
    let interrupt = Interrupt::listen().map_err(Failure::told)?;
    let peer = args.peer(&interrupt).map_err(Failure::told)?;
    let (server, mut tally) = (peer.addr.clone(), Tally::new(&inputs.files));
    let mut progress = Progress::new(args.bytes());
    let pieces = read::start(inputs).map_err(Failure::told)?;
    let mut sender = Sender::new(args.counter.clone(), peer);
    let ended = drive(&pieces, &mut sender, &mut tally, &mut progress);
    let elapsed = progress.elapsed();
    drop(progress);
    let report = Report::new(&args.counter, &server, tally, elapsed);
    if args.json {
        print(format_args!("{}\n", serde_json::json!(report)))?;
    } else {
        print(format_args!("{report}"))?;
    }
    match ended {
        Ok(()) => Ok(Found::Sound),
        Err(Error::Unserved(Unserved::Interrupted(by))) => {
            Err(Failure::Interrupted(by, by.to_string()))
        }
        Err(error) => Err(Failure::told(error)),
    }
}

/// Until all is read and answered.
fn drive(
    pieces: &Receiver<Result<Piece, Unreadable>>,
    sender: &mut Sender,
    tally: &mut Tally,
    progress: &mut Progress,
) -> Result<(), Error> {
    let (mut bytes, mut end) = (0, None);
    loop {
        while end.is_none() && sender.has_room() {
            let wait = if sender.is_done() {
                LOOK_EVERY
            } else {
                Duration::ZERO
            };
            match pieces.recv_timeout(wait) {
                Ok(Ok(piece)) => {
                    bytes = piece.bytes;
                    tally.read(piece.events.len(), &piece.bad);
                    sender.take(piece.events);
                }
                Ok(Err(unreadable)) => end = Some(Err(unreadable.into())),
                Err(RecvTimeoutError::Disconnected) => end = Some(Ok(())),
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        if let Some(ended) = end.take_if(|_| sender.is_done()) {
            return ended;
        }
        sender.step(tally)?;
        progress.show(bytes, tally);
    }
}
