//! The loop of a benchmark: every connection always has its share of commands in flight.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::count::{Counter, Outcomes};
use super::figures::Figures;
use super::progress::Progress;
use super::server::{Asker, Server};
use super::work::Templates;
use super::{BenchArgs, BenchError};
use crate::interrupt::Interrupt;

/// A server that says nothing for this long has failed.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How often the progress is shown, and an interrupt is looked for when nothing else comes.
const TICK: Duration = Duration::from_millis(100);

const READ_BYTES: usize = 256 * 1024;

struct Connection {
    stream: TcpStream,
    counter: Counter,
    /// Bytes of the running batch, and how many of them are written.
    batch: Vec<u8>,
    written: usize,
    /// Replies of the batch that are still to come.
    open: u64,
    sent_at: Instant,
}

struct Run<'a> {
    args: &'a BenchArgs,
    work: &'a Templates,
    next: u64,
    outcomes: Outcomes,
    latency: Histogram<u64>,
    buffer: Vec<u8>,
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Runs all commands, or those that were answered before the interrupt.
pub(crate) fn drive(
    args: &BenchArgs,
    server: &Server,
    work: &Templates,
    interrupt: &Interrupt,
) -> Result<Figures, BenchError> {
    let latency = Histogram::new_with_bounds(1, 60_000_000, 3);
    let mut run = Run {
        args,
        work,
        next: 0,
        outcomes: Outcomes::default(),
        latency: latency.expect("because the bounds are constants that fit"),
        buffer: vec![0; READ_BYTES],
    };
    let started = now();
    let askers = (0..args.connections).map(|_| server.asker());
    let askers = askers.collect::<Result<Vec<_>, _>>()?;
    let all = run.all(askers, interrupt);
    all.map_err(|error| server.lost(error))?;
    Ok(Figures {
        outcomes: run.outcomes,
        elapsed: started.elapsed(),
        latency: run.latency,
    })
}

impl Run<'_> {
    fn all(&mut self, askers: Vec<Asker<'_>>, interrupt: &Interrupt) -> io::Result<()> {
        let mut poll = Poll::new()?;
        let mut connections = Vec::new();
        for (index, asker) in askers.into_iter().enumerate() {
            let mut stream = asker.into_stream()?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(index), interest)?;
            connections.push(Connection::new(stream));
        }
        let mut open = 0;
        for connection in &mut connections {
            open += usize::from(self.send(connection)?);
        }
        let mut watch = Watch::new(self.args.count);
        let mut events = Events::with_capacity(1_024);
        while open > 0 && interrupt.check().is_ok() {
            wait(&mut poll, &mut events)?;
            watch.look(&events, &self.outcomes)?;
            for event in &events {
                let connection = &mut connections[event.token().0];
                flush(connection)?;
                open -= usize::from(self.receive(connection)?);
            }
        }
        Ok(())
    }

    /// Sends the next batch, if there is one.
    fn send(&mut self, connection: &mut Connection) -> io::Result<bool> {
        let count = u64::from(self.args.pipeline).min(self.args.count - self.next);
        connection.batch.clear();
        connection.written = 0;
        connection.open = count;
        for n in self.next..self.next + count {
            self.work.write(n, &mut connection.batch);
        }
        self.next += count;
        connection.sent_at = now();
        flush(connection)?;
        Ok(count > 0)
    }

    /// Reads what has come; `true` if the connection has no more to do.
    fn receive(&mut self, connection: &mut Connection) -> io::Result<bool> {
        while connection.open > 0 {
            let read = match connection.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            };
            let bytes = &self.buffer[..read];
            connection.open -= connection.counter.take(bytes, &mut self.outcomes);
            if connection.open == 0 {
                let took = connection.sent_at.elapsed().as_micros();
                self.latency
                    .saturating_record(u64::try_from(took).unwrap_or(u64::MAX));
                if !self.send(connection)? {
                    return Ok(true);
                }
                if read < self.buffer.len() {
                    return Ok(false); // Nothing more was there; the next event tells.
                }
            }
        }
        Ok(false)
    }
}

/// Waits for something to do, a short while at most.
fn wait(poll: &mut Poll, events: &mut Events) -> io::Result<()> {
    match poll.poll(events, Some(TICK)) {
        // The signal is looked for by the caller.
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        other => other,
    }
}

/// What is looked at now and then: whether the server says anything, and how far it has come.
struct Watch {
    progress: Progress,
    began: Instant,
    heard_at: Instant,
    shown_at: Instant,
}

impl Watch {
    fn new(count: u64) -> Self {
        let now = now();
        Self {
            progress: Progress::new(count),
            began: now,
            heard_at: now,
            shown_at: now,
        }
    }

    fn look(&mut self, events: &Events, outcomes: &Outcomes) -> io::Result<()> {
        let now = now();
        if !events.is_empty() {
            self.heard_at = now;
        } else if now - self.heard_at >= SILENCE_MAX {
            return Err(ErrorKind::TimedOut.into());
        }
        if now - self.shown_at >= TICK {
            self.shown_at = now;
            let answered = outcomes.answered();
            let per_second = answered as f64 / (now - self.began).as_secs_f64();
            self.progress.show(answered, per_second as u64);
        }
        Ok(())
    }
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            counter: Counter::default(),
            batch: Vec::new(),
            written: 0,
            open: 0,
            sent_at: now(),
        }
    }
}

fn flush(connection: &mut Connection) -> io::Result<()> {
    while connection.written < connection.batch.len() {
        match connection
            .stream
            .write(&connection.batch[connection.written..])
        {
            Ok(written) => connection.written += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
