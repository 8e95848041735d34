//! When each batch of commands is due.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::BenchArgs;

/// Hands out batches, each once.
///
/// In a closed loop every connection has the next batch at once. With a rate, batch `n` is due at a
/// fixed moment and belongs to a fixed connection, whether that is free by then or not.
pub(super) struct Pace<'a> {
    args: &'a BenchArgs,
    began: Instant,
    /// The next batch of a closed loop.
    next: u64,
}

/// Commands that are sent at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) commands: Range<u64>,
    /// From here on its latency counts.
    pub(super) due: Instant,
}

impl<'a> Pace<'a> {
    pub(super) fn new(args: &'a BenchArgs, began: Instant) -> Self {
        Self {
            args,
            began,
            next: 0,
        }
    }

    /// The next batch of a connection that has had so many.
    pub(super) fn next(&mut self, connection: usize, had: u64, now: Instant) -> Option<Batch> {
        let number = if self.args.rate.is_some() {
            connection as u64 + had * u64::from(self.args.connections)
        } else {
            self.next += 1;
            self.next - 1
        };
        let first = number * u64::from(self.args.pipeline);
        let behind = (first + u64::from(self.args.pipeline)).min(self.args.count);
        (first < self.args.count).then(|| Batch {
            commands: first..behind,
            due: self.args.rate.map_or(now, |rate| {
                self.began + Duration::from_secs_f64(first as f64 / f64::from(rate))
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: BenchArgs,
    }

    /// Batches as their commands and the milliseconds until they are due, in the order of turns.
    fn handed_out(flags: &str, turns: &[usize]) -> Vec<Option<(Range<u64>, u128)>> {
        let line = format!("bench --connections 2 --count 10 {flags}");
        let args = Line::parse_from(line.split_whitespace()).args;
        let began = Instant::now();
        let mut pace = Pace::new(&args, began);
        let mut had = [0; 2];
        let mut next = |connection: usize| {
            let batch = pace.next(connection, had[connection], began)?;
            had[connection] += 1;
            Some((batch.commands, (batch.due - began).as_millis()))
        };
        turns.iter().map(|connection| next(*connection)).collect()
    }

    #[test]
    fn in_a_closed_loop_whoever_asks_has_the_next_batch_at_once() {
        let batches = handed_out("-P 4", &[0, 1, 1, 1, 0]);
        let expected = [
            Some((0..4, 0)),
            Some((4..8, 0)),
            Some((8..10, 0)),
            None,
            None,
        ];
        assert_eq!(batches, expected);
    }

    #[test]
    fn with_a_rate_a_batch_has_its_moment_and_its_connection() {
        let batches = handed_out("-P 2 --rate 20", &[0, 0, 0, 0, 1, 1, 1]);
        let first = [Some((0..2, 0)), Some((4..6, 200)), Some((8..10, 400)), None];
        let second = [Some((2..4, 100)), Some((6..8, 300)), None];
        assert_eq!(batches, [&first[..], &second].concat());
    }
}
