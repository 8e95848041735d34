//! What a benchmark saw, for people and for programs.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::count::Outcomes;
use super::latency::{Quantiles, Window};
use super::patience::Busy;
use super::{BenchArgs, Kind};

/// What a benchmark saw.
pub(crate) struct Figures {
    pub(super) outcomes: Outcomes,
    pub(super) busy: Busy,
    pub(super) began_at: SystemTime,
    pub(super) elapsed: Duration,
    /// From the moment a batch was due to its last reply.
    pub(super) latency: Quantiles,
    pub(super) windows: Vec<Window>,
}

impl Figures {
    /// Commands that were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.outcomes.answered()
    }

    fn per_second(&self, count: u64) -> u64 {
        (count as f64 / self.elapsed.as_secs_f64()) as u64
    }

    /// Holds and confirms that were carried out, where there are both.
    fn parts(&self, args: &BenchArgs) -> Option<[(&'static str, u64); 2]> {
        let Outcomes {
            done, confirmed, ..
        } = self.outcomes;
        let parts = [("holds", done - confirmed), ("confirms", confirmed)];
        (args.work == Kind::HoldConfirm).then_some(parts)
    }

    /// One line per figure, aligned.
    pub(crate) fn table<'a>(&'a self, args: &'a BenchArgs, gone: Option<u64>) -> impl Display + 'a {
        fmt::from_fn(move |f| {
            self.counts(args, f)?;
            if let Some(gone) = gone {
                writeln!(f, "{:<22}{gone:>12}", "units gone (server)")?;
            }
            let elapsed = self.elapsed.as_secs_f64();
            writeln!(f, "{:<22}{elapsed:>12.2} s", "elapsed")?;
            writeln!(f, "{:<22}{}", "batch latency", InMs(self.latency))?;
            self.windows(f)
        })
    }

    fn counts(&self, args: &BenchArgs, f: &mut Formatter<'_>) -> fmt::Result {
        let Outcomes { done, refused, .. } = &self.outcomes;
        let parts = self.parts(args).into_iter().flatten();
        let refused = refused.iter().map(|(word, count)| (&**word, *count));
        for (name, count) in [("done", *done)].into_iter().chain(parts).chain(refused) {
            writeln!(f, "{name:<22}{count:>12}{:>12}/s", self.per_second(count))?;
        }
        let Busy {
            told,
            waits,
            waited,
        } = self.busy;
        if told > 0 {
            let waited = waited.as_secs_f64();
            writeln!(
                f,
                "{:<22}{told:>12}   {waits} waits, {waited:.2} s over {} connections",
                "asked again, was BUSY", args.connections
            )?;
        }
        Ok(())
    }

    fn windows(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut ended = Duration::ZERO;
        for window in &self.windows {
            ended += window.length;
            writeln!(
                f,
                "{:<22}{:>12}/s  {}",
                format!("up to {:.1} s", ended.as_secs_f64()),
                window.done_per_second,
                InMs(window.quantiles)
            )?;
        }
        Ok(())
    }

    /// One JSON object.
    pub(crate) fn json(&self, args: &BenchArgs, gone: Option<u64>) -> Value {
        let Outcomes { done, refused, .. } = &self.outcomes;
        let [holds, confirms] = self
            .parts(args)
            .map_or([None; 2], |parts| parts.map(|(_, count)| Some(count)));
        let refused_in_all = self.answered() - done;
        let began_at = self.began_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        json!({
            "done": done,
            "holds_done": holds,
            "confirms_done": confirms,
            "refused": refused_in_all,
            "refused_by": refused,
            "busy_told": self.busy.told,
            "busy_waits": self.busy.waits,
            "busy_waited_ms": millis(self.busy.waited),
            "units_gone": gone,
            "rate": args.rate,
            "began_at_ms": millis(began_at),
            "elapsed_ms": millis(self.elapsed),
            "done_per_second": self.per_second(*done),
            "refused_per_second": self.per_second(refused_in_all),
            "batch_latency_us_p50": self.latency.p50,
            "batch_latency_us_p99": self.latency.p99,
            "batch_latency_us_p999": self.latency.p999,
            "batch_latency_us_max": self.latency.max,
            "windows": self.windows.iter().map(Window::json).collect::<Vec<_>>(),
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Latencies for people.
struct InMs(Quantiles);

impl Display for InMs {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Quantiles {
            p50,
            p99,
            p999,
            max,
        } = self.0;
        let named = [(p50, "p50"), (p99, "p99"), (p999, "p99.9"), (max, "max")];
        for (micros, name) in named {
            write!(f, "{:>12.2} ms {name}", micros as f64 / 1_000.0)?;
        }
        Ok(())
    }
}
