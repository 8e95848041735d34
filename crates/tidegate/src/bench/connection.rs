//! One connection of a benchmark, with one batch of commands at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::count::{Counter, Outcomes};
use super::pace::Batch;
use super::patience::{Busy, PutOff};
use super::work::Commands;

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    counter: Counter,
    /// Batches begun.
    pub(super) batches: u64,
    /// Commands of the running batch that are to be sent next.
    ahead: PutOff,
    /// Commands that were sent, and how many of them were told of.
    sent: Vec<u64>,
    told: usize,
    /// Replies to them that are still to come in full.
    open: u64,
    /// The commands' bytes, and how many of them are written.
    bytes: Vec<u8>,
    written: usize,
    /// From here on the latency of the running batch counts.
    pub(super) due: Instant,
}

/// What came of the commands of all connections.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) outcomes: Outcomes,
    pub(super) busy: Busy,
    /// What is told BUSY is sent again.
    pub(super) is_patient: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, now: Instant) -> Self {
        Self {
            stream,
            counter: Counter::default(),
            batches: 0,
            ahead: PutOff::default(),
            sent: Vec::new(),
            told: 0,
            open: 0,
            bytes: Vec::new(),
            written: 0,
            due: now,
        }
    }

    /// Takes a batch to be sent.
    pub(super) fn begin(&mut self, batch: Batch) {
        self.batches += 1;
        self.ahead.commands.extend(batch.commands);
        self.due = batch.due;
    }

    /// Sends what is to be sent.
    pub(super) fn send(&mut self, commands: &Commands) -> io::Result<()> {
        std::mem::swap(&mut self.sent, &mut self.ahead.commands);
        self.ahead.commands.clear();
        self.told = 0;
        self.open = self.sent.len() as u64;
        self.bytes.clear();
        self.written = 0;
        for command in &self.sent {
            commands.write(*command, &mut self.bytes);
        }
        self.flush()
    }

    /// Writes as much as the socket takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.written < self.bytes.len() {
            match self.stream.write(&self.bytes[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what has come; whether that was the last of what was sent.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        commands: &Commands,
        seen: &mut Seen,
    ) -> io::Result<bool> {
        let was_open = self.open > 0;
        while self.open > 0 {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            };
            self.take(&buffer[..read], commands, seen);
            if read < buffer.len() {
                break; // Nothing more was there; the next event tells.
            }
        }
        Ok(was_open && self.open == 0)
    }

    fn take(&mut self, bytes: &[u8], commands: &Commands, seen: &mut Seen) {
        let Self {
            sent, ahead, told, ..
        } = self;
        self.open -= self.counter.take(bytes, |error| {
            let command = sent[*told];
            *told += 1;
            let confirmed = commands.confirmed_by(command);
            let is_put_off =
                seen.is_patient && ahead.takes(command, confirmed, error, &mut seen.busy);
            if !is_put_off {
                seen.outcomes.count(error, confirmed.is_some());
            }
        });
    }

    /// Whether answers for good are due to it by now.
    pub(super) fn is_owed(&self, now: Instant) -> bool {
        self.due <= now && (self.open > 0 || !self.ahead.commands.is_empty())
    }

    /// How long to wait before what was put off is sent again, if anything was.
    pub(super) fn wait(&mut self, busy: &mut Busy) -> Option<Duration> {
        (!self.ahead.commands.is_empty()).then(|| self.ahead.wait(busy))
    }
}
