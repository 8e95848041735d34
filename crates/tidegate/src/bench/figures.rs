//! What a benchmark saw, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::count::Outcomes;

/// What a benchmark saw.
pub(crate) struct Figures {
    pub(super) outcomes: Outcomes,
    pub(super) elapsed: Duration,
    /// Microseconds from a batch's write to its last reply.
    pub(super) latency: Histogram<u64>,
}

impl Figures {
    /// Commands that were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.outcomes.answered()
    }

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
