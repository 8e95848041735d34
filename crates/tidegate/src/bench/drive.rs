//! The loop of a benchmark: one thread, which sends what is due and reads what comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant, SystemTime};

use mio::{Events, Interest, Poll, Token};

use super::connection::{Connection, Seen};
use super::figures::Figures;
use super::latency::Latency;
use super::pace::Pace;
use super::progress::Progress;
use super::server::{Asker, Server};
use super::work::Commands;
use super::{BenchArgs, BenchError};
use crate::interrupt::Interrupt;

/// A server that answers nothing for good for this long, though it was asked, has failed.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How often the progress is shown, and an interrupt is looked for when nothing else comes.
const TICK: Duration = Duration::from_millis(100);

const READ_BYTES: usize = 256 * 1024;

struct Run<'a> {
    commands: &'a Commands,
    pace: Pace<'a>,
    connections: Vec<Connection>,
    /// Connections that send at a moment to come: a batch that is due then, or what was put off.
    later: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Connections that are not through with all of their batches.
    open: usize,
    began: Instant,
    seen: Seen,
    latency: Latency,
    buffer: Vec<u8>,
}

/// Runs all commands, or those that were answered before the interrupt or the end of the server,
/// which is told then.
pub(crate) fn drive(
    args: &BenchArgs,
    server: &Server,
    commands: &Commands,
    interrupt: &Interrupt,
) -> Result<(Figures, Result<(), BenchError>), BenchError> {
    let askers = (0..args.connections).map(|_| server.asker());
    let askers = askers.collect::<Result<Vec<_>, _>>()?;
    let mut poll = Poll::new().map_err(|error| server.lost(error))?;
    let (began, began_at) = (Instant::now(), SystemTime::now());
    let connections = connect(&poll, askers, began).map_err(|error| server.lost(error))?;
    let mut run = Run {
        commands,
        pace: Pace::new(args, began),
        open: connections.len(),
        connections,
        later: BinaryHeap::new(),
        began,
        seen: Seen {
            is_patient: args.is_patient(),
            ..Seen::default()
        },
        latency: Latency::new(args.windows),
        buffer: vec![0; READ_BYTES],
    };
    let ended = run.all(&mut poll, Progress::new(args.count), interrupt);
    let elapsed = began.elapsed();
    let figures = Figures {
        windows: run.latency.windows(elapsed, run.seen.outcomes.done),
        latency: run.latency.all.quantiles(),
        outcomes: run.seen.outcomes,
        busy: run.seen.busy,
        began_at,
        elapsed,
    };
    Ok((figures, ended.map_err(|error| server.lost(error))))
}

fn connect(poll: &Poll, askers: Vec<Asker<'_>>, now: Instant) -> io::Result<Vec<Connection>> {
    let connect = |(index, asker): (usize, Asker<'_>)| {
        let mut stream = asker.into_stream()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut stream, Token(index), interest)?;
        Ok(Connection::new(stream, now))
    };
    askers.into_iter().enumerate().map(connect).collect()
}

impl Run<'_> {
    fn all(
        &mut self,
        poll: &mut Poll,
        progress: Progress,
        interrupt: &Interrupt,
    ) -> io::Result<()> {
        for index in 0..self.connections.len() {
            self.next_batch(index, self.began)?;
        }
        let mut watch = Watch::new(progress, self.began);
        let mut events = Events::with_capacity(1_024);
        while self.open > 0 && interrupt.check().is_ok() {
            wait(poll, &mut events, self.until_next())?;
            for event in &events {
                self.attend(event.token().0)?;
            }
            let now = Instant::now();
            self.send_what_is_due(now)?;
            watch.look(now, self)?;
        }
        Ok(())
    }

    /// Goes on with a connection of which something was heard.
    fn attend(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        connection.flush()?;
        if !connection.receive(&mut self.buffer, self.commands, &mut self.seen)? {
            return Ok(());
        }
        let now = Instant::now();
        if let Some(wait) = connection.wait(&mut self.seen.busy) {
            self.later.push(Reverse((now + wait, index)));
            return Ok(());
        }
        let took = now - connection.due;
        self.latency
            .record(now - self.began, took, self.seen.outcomes.done);
        self.next_batch(index, now)
    }

    /// Gives a connection its next batch, to be sent once it is due.
    fn next_batch(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let Some(batch) = self.pace.next(index, connection.batches, now) else {
            self.open -= 1;
            return Ok(());
        };
        let due = batch.due;
        connection.begin(batch);
        if due > now {
            self.later.push(Reverse((due, index)));
            return Ok(());
        }
        connection.send(self.commands)
    }

    fn send_what_is_due(&mut self, now: Instant) -> io::Result<()> {
        while let Some(Reverse((at, index))) = self.later.peek().copied()
            && at <= now
        {
            self.later.pop();
            self.connections[index].send(self.commands)?;
        }
        Ok(())
    }

    /// How long there is nothing to send.
    fn until_next(&self) -> Duration {
        let next = self.later.peek();
        next.map_or(TICK, |Reverse((at, _))| {
            at.saturating_duration_since(Instant::now()).min(TICK)
        })
    }
}

/// Waits for something to do, so long at most.
fn wait(poll: &mut Poll, events: &mut Events, at_most: Duration) -> io::Result<()> {
    match poll.poll(events, Some(at_most)) {
        // The signal is looked for by the caller.
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        other => other,
    }
}

/// What is looked at now and then: whether the server answers anything, and how far it has come.
struct Watch {
    progress: Progress,
    began: Instant,
    looked_at: Instant,
    answered: u64,
    answered_at: Instant,
}

impl Watch {
    fn new(progress: Progress, began: Instant) -> Self {
        Self {
            progress,
            began,
            looked_at: began,
            answered: 0,
            answered_at: began,
        }
    }

    fn look(&mut self, now: Instant, run: &Run<'_>) -> io::Result<()> {
        if now - self.looked_at < TICK {
            return Ok(());
        }
        self.looked_at = now;
        let answered = run.seen.outcomes.answered();
        let is_owed = |connection: &Connection| connection.is_owed(now);
        if answered > self.answered || !run.connections.iter().any(is_owed) {
            self.answered = answered;
            self.answered_at = now;
        } else if now - self.answered_at >= SILENCE_MAX {
            return Err(ErrorKind::TimedOut.into());
        }
        let per_second = answered as f64 / (now - self.began).as_secs_f64();
        self.progress.show(answered, per_second as u64);
        Ok(())
    }
}
