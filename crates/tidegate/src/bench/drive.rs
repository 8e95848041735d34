//! The loop of a benchmark: every connection always has its share of commands in flight.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::count::{Counter, Outcomes};
use super::work::Templates;
use super::{BenchArgs, BenchError};

/// A server that says nothing for this long has failed.
const SILENCE_MAX: Duration = Duration::from_secs(30);

const READ_BYTES: usize = 256 * 1024;

/// What a benchmark saw.
pub(crate) struct Figures {
    outcomes: Outcomes,
    elapsed: Duration,
    /// Microseconds from a batch's write to its last reply.
    latency: Histogram<u64>,
}

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

/// Runs all commands.
pub(crate) fn drive(args: &BenchArgs, work: &Templates) -> Result<Figures, BenchError> {
    let run = || {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3);
        let latency = latency.expect("because the bounds are constants that fit");
        let buffer = vec![0; READ_BYTES];
        let outcomes = Outcomes::default();
        let mut run = Run {
            args,
            work,
            next: 0,
            outcomes,
            latency,
            buffer,
        };
        let started = now();
        run.all()?;
        Ok(Figures {
            outcomes: run.outcomes,
            elapsed: started.elapsed(),
            latency: run.latency,
        })
    };
    run().map_err(|error| BenchError::Io {
        addr: args.addr,
        error,
    })
}

impl Run<'_> {
    fn all(&mut self) -> std::io::Result<()> {
        let mut poll = Poll::new()?;
        let mut connections = Vec::new();
        for index in 0..usize::from(self.args.connections) {
            let stream = std::net::TcpStream::connect(self.args.addr)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(index), interest)?;
            let (counter, batch) = (Counter::default(), Vec::new());
            let sent_at = now();
            connections.push(Connection {
                stream,
                counter,
                batch,
                written: 0,
                open: 0,
                sent_at,
            });
        }
        let mut events = Events::with_capacity(1_024);
        let mut open = 0;
        for connection in &mut connections {
            open += usize::from(self.send(connection)?);
        }
        while open > 0 {
            poll.poll(&mut events, Some(SILENCE_MAX))?;
            if events.is_empty() {
                return Err(ErrorKind::TimedOut.into());
            }
            for event in &events {
                let connection = &mut connections[event.token().0];
                flush(connection)?;
                open -= usize::from(self.receive(connection)?);
            }
        }
        Ok(())
    }

    /// Sends the next batch, if there is one.
    fn send(&mut self, connection: &mut Connection) -> std::io::Result<bool> {
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
    fn receive(&mut self, connection: &mut Connection) -> std::io::Result<bool> {
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

fn flush(connection: &mut Connection) -> std::io::Result<()> {
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

impl Figures {
    fn per_second(&self, count: u64) -> u64 {
        (count as f64 / self.elapsed.as_secs_f64()) as u64
    }

    /// One line per figure, aligned.
    pub(crate) fn table(&self, gone: Option<u64>) -> String {
        let mut out = String::new();
        let mut line = |name: &str, count: u64| {
            writeln!(out, "{name:<22}{count:>12}{:>12}/s", self.per_second(count))
                .expect("because a string takes all that is written");
        };
        line("done", self.outcomes.done);
        for (word, count) in &self.outcomes.refused {
            line(word, *count);
        }
        if let Some(gone) = gone {
            writeln!(out, "{:<22}{gone:>12}", "units gone (server)").expect("as above");
        }
        let quantile = |q| self.latency.value_at_quantile(q) as f64 / 1_000.0;
        let (p50, p99) = (quantile(0.5), quantile(0.99));
        writeln!(
            out,
            "{:<22}{:>12.2} s",
            "elapsed",
            self.elapsed.as_secs_f64()
        )
        .expect("as above");
        writeln!(
            out,
            "{:<22}{p50:>12.2} ms p50{p99:>12.2} ms p99",
            "batch latency"
        )
        .expect("as above");
        out
    }

    /// One JSON object.
    pub(crate) fn json(&self, gone: Option<u64>) -> String {
        let refused: u64 = self.outcomes.refused.values().sum();
        let by_word: Vec<_> = self
            .outcomes
            .refused
            .iter()
            .map(|(word, count)| format!("\"{word}\":{count}"))
            .collect();
        format!(
            "{{\"done\":{},\"refused\":{refused},\"refused_by\":{{{}}},\"units_gone\":{},\
             \"elapsed_ms\":{},\"done_per_second\":{},\"refused_per_second\":{},\
             \"batch_latency_us_p50\":{},\"batch_latency_us_p99\":{}}}",
            self.outcomes.done,
            by_word.join(","),
            gone.map_or("null".to_owned(), |gone| gone.to_string()),
            self.elapsed.as_millis(),
            self.per_second(self.outcomes.done),
            self.per_second(refused),
            self.latency.value_at_quantile(0.5),
            self.latency.value_at_quantile(0.99),
        )
    }
}
