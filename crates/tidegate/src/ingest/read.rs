//! The reader: a thread of its own, which hands over what it has read in batches.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::bad::{Fault, Origin};
use super::event::{Counted, Form};
use super::source::Source;

/// Events of a batch: one command each.
pub(super) const BATCH_EVENTS: usize = 500;

/// Batches that were read and not taken yet.
const AHEAD: usize = 4;

/// How often files that are followed are looked at when none of them has grown.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is read.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub(super) files: Vec<PathBuf>,
    pub(super) form: Form,
    /// Files go on being read as they grow.
    pub(super) follow: bool,
}

/// Some lines.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) events: Vec<Counted>,
    /// Those that are none.
    pub(super) bad: Vec<(Origin, Fault)>,
    /// Bytes of all files that were read by now, packed as they are.
    pub(super) bytes: u64,
}

impl Piece {
    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bad.len() >= BATCH_EVENTS
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.bad.is_empty()
    }
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {file}: {source}", file = file.display())]
pub(super) struct Unreadable {
    file: PathBuf,
    source: io::Error,
}

/// Starts to read. Nothing more comes once all is read, or after an error.
pub(super) fn start(inputs: Inputs) -> io::Result<Receiver<Result<Piece, Unreadable>>> {
    let (sender, receiver) = sync_channel(AHEAD);
    let read = move || {
        let reader = Reader {
            inputs: &inputs,
            sender: &sender,
            piece: Piece::default(),
            bytes: BTreeMap::new(),
        };
        if let Err(Some(unreadable)) = reader.read() {
            sender.send(Err(unreadable)).ok();
        }
    };
    thread::Builder::new()
        .name("reader".to_owned())
        .spawn(read)?;
    Ok(receiver)
}

/// Why reading ends early: a file cannot be read, or nobody wants any more.
type Ended = Option<Unreadable>;

struct Reader<'a> {
    inputs: &'a Inputs,
    sender: &'a SyncSender<Result<Piece, Unreadable>>,
    piece: Piece,
    /// Bytes that were read of each file.
    bytes: BTreeMap<usize, u64>,
}

impl Reader<'_> {
    fn read(mut self) -> Result<(), Ended> {
        let files = 0..self.inputs.files.len();
        if !self.inputs.follow {
            for number in files {
                let mut source = self.open(number)?;
                self.take(number, &mut source)?;
            }
            return self.hand_over();
        }
        let mut sources = files
            .map(|number| self.open(number))
            .collect::<Result<Vec<_>, _>>()?;
        loop {
            let mut grew = false;
            for (number, source) in sources.iter_mut().enumerate() {
                grew |= self.take(number, source)?;
            }
            self.hand_over()?;
            if !grew {
                thread::sleep(LOOK_EVERY);
            }
        }
    }

    fn open(&self, number: usize) -> Result<Source, Ended> {
        let file = &self.inputs.files[number];
        Source::open(number, file, self.inputs.follow)
            .map_err(|error| self.unreadable(number, error))
    }

    /// Takes what is there of a file. Whether anything was.
    fn take(&mut self, number: usize, source: &mut Source) -> Result<bool, Ended> {
        let mut any = false;
        loop {
            let next = source.next(&self.inputs.form);
            let next = next.map_err(|error| self.unreadable(number, error));
            self.bytes.insert(number, source.bytes());
            match next {
                Ok(None) => return Ok(any),
                Ok(Some(Ok(event))) => self.piece.events.push(event),
                Ok(Some(Err(bad))) => self.piece.bad.push(bad),
                Err(ended) => {
                    self.hand_over()?;
                    return Err(ended);
                }
            }
            any = true;
            if self.piece.is_full() || !source.has_more_at_hand() {
                self.hand_over()?;
            }
        }
    }

    fn hand_over(&mut self) -> Result<(), Ended> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.piece.bytes = self.bytes.values().sum();
        self.sender
            .send(Ok(std::mem::take(&mut self.piece)))
            .map_err(|_| None)
    }

    fn unreadable(&self, number: usize, source: io::Error) -> Ended {
        let file = self.inputs.files[number].clone();
        Some(Unreadable { file, source })
    }
}
