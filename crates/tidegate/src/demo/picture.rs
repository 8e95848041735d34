//! The moving picture of the demo: a bar of the file, the throughput, and where the lines went.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::replay::live::{Observer, Progress};

/// Columns of the throughput's history.
const HISTORY: usize = 40;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws on a terminal; elsewhere it stays silent, the table at the end says all.
pub(super) struct Picture {
    lines: Option<Lines>,
    rates: Vec<f64>,
    before: (u64, Duration),
}

struct Lines {
    all: MultiProgress,
    file: ProgressBar,
    rate: ProgressBar,
    kinds: [ProgressBar; 3],
}

impl Picture {
    pub(super) fn new() -> Self {
        let lines = stderr().is_terminal().then(Lines::new);
        Self {
            lines,
            rates: Vec::new(),
            before: (0, Duration::ZERO),
        }
    }

    /// Lines per second since the last look.
    fn rate(&mut self, now: &Progress) -> f64 {
        let (done, at) = self.before;
        let passed = now.elapsed.saturating_sub(at).as_secs_f64();
        self.before = (now.tally.done, now.elapsed);
        if passed > 0.0 {
            (now.tally.done - done) as f64 / passed
        } else {
            0.0
        }
    }
}

impl Observer for Picture {
    fn progress(&mut self, now: &Progress) {
        let rate = self.rate(now);
        self.rates.push(rate);
        let from = self.rates.len().saturating_sub(HISTORY);
        let Some(lines) = &self.lines else { return };
        lines.file.set_length(now.lines);
        lines.file.set_position(now.tally.done);
        lines.rate.set_message(format!(
            "{}  {rate:.0} lines/s",
            sparkline(&self.rates[from..])
        ));
        let tally = &now.tally;
        let kinds = [
            ("sold", tally.held.lines, tally.held.units),
            ("sold out", tally.sold_out.lines, tally.sold_out.units),
            ("returned", tally.returned.lines, tally.returned.units),
        ];
        for (bar, (name, count, units)) in lines.kinds.iter().zip(kinds) {
            bar.set_length(now.lines.max(1));
            bar.set_position(count);
            bar.set_prefix(name);
            bar.set_message(format!("{count:>6} lines {units:>8} units"));
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if let Some(lines) = &self.lines {
            // What cannot be cleared stays on the screen, which does no harm.
            drop(lines.all.clear());
        }
    }
}

impl Lines {
    fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = |template: &str| {
            let template = if plain {
                plain_of(template)
            } else {
                template.to_owned()
            };
            let style = ProgressStyle::with_template(&template);
            style
                .expect("because the templates are fixed")
                .progress_chars("━╸─")
        };
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let add = |template: &str| {
            let bar = all.add(ProgressBar::new(1));
            bar.set_style(style(template));
            bar
        };
        let file = add("  orders      {bar:40.cyan} {percent:>3}%");
        let rate = add("  throughput  {msg}");
        let kinds = ["green", "yellow", "magenta"]
            .map(|color| add(&format!("  {{prefix:<12}}{{bar:40.{color}}} {{msg}}")));
        Self {
            all,
            file,
            rate,
            kinds,
        }
    }
}

/// The template without its colours.
fn plain_of(template: &str) -> String {
    let mut plain = template.to_owned();
    for color in [".cyan", ".green", ".yellow", ".magenta"] {
        plain = plain.replace(color, "");
    }
    plain
}

/// Bars as high as the rates, the highest of them full.
fn sparkline(rates: &[f64]) -> String {
    let top = rates.iter().copied().fold(1.0, f64::max);
    let level = |rate: &f64| {
        let level = (rate / top * (LEVELS.len() - 1) as f64).round();
        LEVELS[(level as usize).min(LEVELS.len() - 1)]
    };
    rates.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparkline_is_as_high_as_the_highest_rate() {
        assert_eq!(sparkline(&[0.0, 50.0, 100.0]), "▁▅█");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[0.0]), "▁");
    }
}
