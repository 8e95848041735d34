//! The moving picture of the demo: a bar of the file, the throughput, and where the lines went.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{columns, grouped};
use crate::replay::live::{Observer, Progress};
use crate::replay::tally::Count;

/// Columns of the throughput's history, where there is room.
const HISTORY_MAX: usize = 40;

/// Columns of the names, and of the longest rate.
const NAME: usize = "  throughput  ".len();
const RATE: usize = "  1,234,567 lines/s".len();

/// Fewer columns than this have no room for units beside a bar.
const UNITS_FROM: usize = 60;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws on a terminal; elsewhere it stays silent, the table at the end says all.
pub(super) struct Picture {
    lines: Option<Lines>,
    rates: Vec<f64>,
    /// The lines answered at the last look, and when that was.
    before: Option<(u64, Duration)>,
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
            before: None,
        }
    }

    /// Notes the lines per second since the last look, if there was one.
    fn look(&mut self, now: &Progress) {
        if let Some((done, at)) = self.before {
            let passed = now.elapsed.saturating_sub(at).as_secs_f64();
            let rate = (now.answered() - done) as f64 / passed.max(1e-6);
            self.rates.push(rate);
        }
        self.before = Some((now.answered(), now.elapsed));
    }
}

impl Observer for Picture {
    fn progress(&mut self, now: &Progress) {
        self.look(now);
        let Some(lines) = &self.lines else { return };
        let columns = columns();
        lines.file.set_length(now.in_all);
        lines.file.set_position(now.tally.done);
        lines.file.set_message(share(now, columns));
        lines
            .rate
            .set_message(throughput(&self.rates, now.rate(), columns));
        let tally = &now.tally;
        let kinds = [
            ("sold", tally.held),
            ("sold out", tally.sold_out),
            ("returned", tally.returned),
        ];
        for (bar, (name, count)) in lines.kinds.iter().zip(kinds) {
            bar.set_length(now.in_all.max(1));
            bar.set_position(count.lines);
            bar.set_prefix(name);
            bar.set_message(figures(count, columns));
        }
    }
}

/// The history as far as there is room, and the rate once there is one.
fn throughput(rates: &[f64], rate: Option<f64>, columns: usize) -> String {
    let room = columns.saturating_sub(NAME + RATE).min(HISTORY_MAX);
    let shown = sparkline(&rates[rates.len().saturating_sub(room)..]);
    let rate = rate.map(|rate| format!("  {} lines/s", grouped(rate as u64)));
    shown + &rate.unwrap_or_default()
}

fn figures(count: Count, columns: usize) -> String {
    let lines = format!("{:>8} lines", grouped(count.lines));
    if columns < UNITS_FROM {
        return lines;
    }
    format!("{lines} {:>9} units", grouped(count.units))
}

/// As wide as the figures of the other lines, so that the bars are of one length.
fn share(now: &Progress, columns: usize) -> String {
    let share = format!("{:>7}%", now.tally.done * 100 / now.in_all.max(1));
    let width = figures(Count::default(), columns).len();
    format!("{share:width$}")
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
        let file = add("  orders      {wide_bar:.cyan} {msg}");
        let rate = add("  throughput  {msg}");
        let kinds = ["green", "yellow", "magenta"]
            .map(|color| add(&format!("  {{prefix:<12}}{{wide_bar:.{color}}} {{msg}}")));
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
    for color in [":.cyan", ":.green", ":.yellow", ":.magenta"] {
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
    fn every_line_fits_into_60_and_80_columns_beside_a_bar() {
        const BAR_MIN: usize = 10;
        let count = Count {
            lines: 1_142_083,
            units: 1_234_567,
        };
        for columns in [40, 60, 80, 200] {
            let kind = figures(count, columns);
            assert!(NAME + BAR_MIN + 1 + kind.len() <= columns, "{kind}");
            let rates = throughput(&[1.0; 100], Some(1_234_567.0), columns);
            assert!(NAME + rates.chars().count() <= columns, "{rates}");
        }
        assert!(figures(count, 60).ends_with("units"));
    }

    #[test]
    fn no_rate_is_told_before_there_is_one() {
        assert_eq!(throughput(&[1.0], None, 80), "█");
        assert_eq!(throughput(&[1.0], Some(2_490.4), 80), "█  2,490 lines/s");
    }

    #[test]
    fn sparkline_is_as_high_as_the_highest_rate() {
        assert_eq!(sparkline(&[0.0, 50.0, 100.0]), "▁▅█");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[0.0]), "▁");
    }
}
