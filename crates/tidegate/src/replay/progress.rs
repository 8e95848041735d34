//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::live::{Observer, Progress};
use crate::output::{grouped, note};

/// How often a plain line is printed.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

const BAR: &str = "{bar:30.cyan} {percent:>3}%  {msg}  {eta} left";
const BAR_WITHOUT_COLOR: &str = "{bar:30} {percent:>3}%  {msg}  {eta} left";

/// The progress that fits where standard error goes.
pub(super) fn observer() -> Box<dyn Observer> {
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

impl Observer for Bar {
    fn progress(&mut self, now: &Progress) {
        if self.bar.length() != Some(now.lines) {
            self.bar.set_length(now.lines);
            // Lines of an earlier run were done at no speed: they would spoil the estimate.
            self.bar.set_position(now.lines_before);
            self.bar.reset_eta();
        }
        self.bar.set_message(figures(now));
        self.bar.set_position(now.tally.done);
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

impl Observer for Plain {
    fn progress(&mut self, now: &Progress) {
        let over = now.tally.done == now.lines;
        if !over && self.told.is_some_and(|told| told.elapsed() < PLAIN_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        let (done, lines) = (grouped(now.tally.done), grouped(now.lines));
        note(format_args!(
            "replay: {done} of {lines} lines, {}",
            figures(now)
        ));
    }
}

fn figures(now: &Progress) -> String {
    if let Some(why) = &now.waiting {
        return format!("the server is away ({why}), trying again");
    }
    let tally = &now.tally;
    let (held, sold_out) = (grouped(tally.held.lines), grouped(tally.sold_out.lines));
    let (returned, rate) = (
        grouped(tally.returned.lines),
        grouped(now.lines_per_s() as u64),
    );
    format!("{rate} lines/s, {held} held, {sold_out} sold out, {returned} returned")
}
