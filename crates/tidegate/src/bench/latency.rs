//! How long batches took, in all and window by window.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// The longest latency that is told from longer ones.
const LATENCY_US_MAX: u64 = 600_000_000;

/// How long batches took.
pub(crate) struct Latency {
    pub(super) all: Spread,
    windows: Option<Windows>,
}

/// Latencies of some time, in microseconds.
pub(crate) struct Spread(Histogram<u64>);

/// Time cut into pieces of the same length.
struct Windows {
    length: Duration,
    running: Spread,
    /// Where the running one begins.
    began: Duration,
    /// Commands done in it so far, and in all before it.
    done: u64,
    done_before: u64,
    ended: Vec<Window>,
}

/// A piece of time that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(super) length: Duration,
    pub(super) done_per_second: u64,
    pub(super) quantiles: Quantiles,
}

/// Latencies in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantiles {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl Latency {
    /// In windows of this many seconds, if any.
    pub(super) fn new(window_s: Option<u16>) -> Self {
        let windows = |seconds: u16| Windows {
            length: Duration::from_secs(seconds.into()),
            running: Spread::new(),
            began: Duration::ZERO,
            done: 0,
            done_before: 0,
            ended: Vec::new(),
        };
        Self {
            all: Spread::new(),
            windows: window_s.map(windows),
        }
    }

    /// A batch ended so long after the beginning and took so long; by then so many commands were
    /// done.
    pub(super) fn record(&mut self, at: Duration, took: Duration, done: u64) {
        self.all.record(took);
        if let Some(windows) = &mut self.windows {
            windows.move_to(at, done);
            windows.running.record(took);
        }
    }

    /// All windows, the last one up to now.
    pub(super) fn windows(&mut self, at: Duration, done: u64) -> Vec<Window> {
        let Some(windows) = &mut self.windows else {
            return Vec::new();
        };
        windows.move_to(at, done);
        if at > windows.began {
            windows.end(at - windows.began);
        }
        std::mem::take(&mut windows.ended)
    }
}

impl Windows {
    /// Ends the windows that are over; what was done since the last time belongs to the next one.
    fn move_to(&mut self, at: Duration, done: u64) {
        while at >= self.began + self.length {
            self.end(self.length);
        }
        self.done = done - self.done_before;
    }

    fn end(&mut self, length: Duration) {
        let per_second = self.done as f64 / length.as_secs_f64();
        self.ended.push(Window {
            length,
            done_per_second: per_second as u64,
            quantiles: self.running.quantiles(),
        });
        self.running.0.reset();
        self.began += length;
        self.done_before += self.done;
        self.done = 0;
    }
}

impl Spread {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
        Self(histogram.expect("because the bounds are constants that fit"))
    }

    pub(crate) fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50: self.0.value_at_quantile(0.5),
            p99: self.0.value_at_quantile(0.99),
            p999: self.0.value_at_quantile(0.999),
            max: self.0.max(),
        }
    }
}

impl Window {
    pub(super) fn json(&self) -> Value {
        let Quantiles {
            p50,
            p99,
            p999,
            max,
        } = self.quantiles;
        json!({
            "length_ms": self.length.as_millis() as u64,
            "done_per_second": self.done_per_second,
            "latency_us_p50": p50,
            "latency_us_p99": p99,
            "latency_us_p999": p999,
            "latency_us_max": max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_what_ended_in_it_and_a_stall_is_a_window_without_any() {
        let mut latency = Latency::new(Some(2));
        let ms = Duration::from_millis;
        latency.record(ms(500), ms(5), 100);
        latency.record(ms(1_900), ms(7), 400);
        latency.record(ms(5_000), ms(3_100), 500);
        let windows = latency.windows(ms(5_500), 500);
        let seen = windows.iter().map(|window| {
            let max_ms = window.quantiles.max / 1_000;
            (window.length.as_millis(), window.done_per_second, max_ms)
        });
        let seen: Vec<_> = seen.collect();
        assert_eq!(seen, [(2_000, 200, 7), (2_000, 0, 0), (1_500, 66, 3_100)]);
    }
}
