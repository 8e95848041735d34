//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::live::{Observer, Progress};
use super::tally::Counts;
use crate::output::{columns, grouped, note};

/// How often a plain line is printed.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

const BAR: &str = "{wide_bar:.cyan} {percent:>3}%  {msg}  {eta:>4} left";
const BAR_WITHOUT_COLOR: &str = "{wide_bar} {percent:>3}%  {msg}  {eta:>4} left";

/// Columns of the template beside its message: a bar that can be read, and the rest.
const BESIDE: usize = 10 + "  42%    142m left".len();

/// The progress that fits where standard error goes.
pub(super) fn observer<T: Counts>() -> Box<dyn Observer<T>> {
    if stderr().is_terminal() {
        Box::new(Bar::new())
    } else {
        Box::new(Plain { told: None })
    }
}

struct Bar {
    bar: ProgressBar,
}

impl Bar {
    fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let template = if plain { BAR_WITHOUT_COLOR } else { BAR };
        let style = ProgressStyle::with_template(template).expect("because the template is fixed");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style.progress_chars("━╸─"));
        Self { bar }
    }
}

impl<T: Counts> Observer<T> for Bar {
    fn progress(&mut self, now: &Progress<T>) {
        if self.bar.length() != Some(now.in_all) {
            self.bar.set_length(now.in_all);
            // Lines of an earlier run were done at no speed: they would spoil the estimate.
            self.bar.set_position(now.before.done());
            self.bar.reset_eta();
        }
        self.bar
            .set_message(fitting(&figures(now), columns().saturating_sub(BESIDE)));
        self.bar.set_position(now.tally.done());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

struct Plain {
    told: Option<Instant>,
}

impl<T: Counts> Observer<T> for Plain {
    fn progress(&mut self, now: &Progress<T>) {
        let over = now.tally.done() == now.in_all;
        if !over && self.told.is_some_and(|told| told.elapsed() < PLAIN_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        let (done, in_all) = (grouped(now.tally.done()), grouped(now.in_all));
        let figures = figures(now).join(", ");
        note(format_args!(
            "replay: {done} of {in_all} {}, {figures}",
            T::NOUN
        ));
    }
}

/// What there is to tell, the most important first.
fn figures<T: Counts>(now: &Progress<T>) -> Vec<String> {
    if let Some(why) = &now.waiting {
        return vec![format!("the server is away ({why}), trying again")];
    }
    let rate = now.rate().map(|rate| rate as u64);
    let rate = rate.map(|rate| format!("{} {}/s", grouped(rate), T::NOUN));
    let kinds = now
        .tally
        .kinds()
        .map(|(count, kind)| format!("{} {kind}", grouped(count)));
    rate.into_iter().chain(kinds).collect()
}

/// As many of the figures as there is room for.
fn fitting(figures: &[String], room: usize) -> String {
    let most = (1..=figures.len())
        .rev()
        .map(|count| figures[..count].join(", "));
    let fits = |text: &String| text.chars().count() <= room;
    most.into_iter().find(fits).unwrap_or_else(|| {
        let first = figures.first().map_or("", String::as_str);
        let kept = first.chars().take(room.saturating_sub(1));
        kept.chain(['…']).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::tally::{Count, Tally};

    fn now(elapsed: Duration) -> Progress {
        let count = |lines| Count { lines, units: 7 };
        Progress {
            in_all: 150_000,
            before: Tally {
                done: 2_083,
                ..Tally::default()
            },
            tally: Tally {
                held: count(120_000),
                sold_out: count(12_345),
                returned: count(1_234),
                done: 142_083,
                ..Tally::default()
            },
            elapsed,
            waiting: None,
        }
    }

    #[test]
    fn the_figures_fit_beside_the_bar_at_60_and_80_columns() {
        let figures = figures(&now(Duration::from_secs(10)));
        let at = |columns: usize| fitting(&figures, columns - BESIDE);
        assert_eq!(
            at(100),
            "14,000 lines/s, 120,000 held, 12,345 sold out, 1,234 returned"
        );
        assert_eq!(at(80), "14,000 lines/s, 120,000 held, 12,345 sold out");
        assert_eq!(at(60), "14,000 lines/s, 120,000 held");
        assert_eq!(at(32), "14,…");
    }

    #[test]
    fn no_rate_is_told_before_the_first_second() {
        let figures = figures(&now(Duration::from_millis(999)));
        assert_eq!(figures[0], "120,000 held");
    }
}
