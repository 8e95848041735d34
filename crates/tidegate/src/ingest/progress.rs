//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::tally::Tally;
use crate::output::{grouped, note};

/// How often a plain line is printed.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// How often the bar is drawn.
const BAR_EVERY: Duration = Duration::from_millis(100);

const BAR: &str = "{wide_bar} {percent:>3}%  {msg}  {eta:>4} left";
const WITHOUT_END: &str = "{spinner} {msg}";

/// Shows how far it is.
pub(super) struct Progress {
    /// None where standard error is no terminal.
    bar: Option<ProgressBar>,
    began: Instant,
    told: Instant,
}

impl Progress {
    /// Of so many bytes in all, if that is known.
    pub(super) fn new(bytes: Option<u64>) -> Self {
        let now = Instant::now();
        let bar = stderr().is_terminal().then(|| bar(bytes));
        Self {
            bar,
            began: now,
            told: now,
        }
    }

    /// So many bytes are read, and this has come of them.
    pub(super) fn show(&mut self, bytes: u64, tally: &Tally) {
        let every = if self.bar.is_some() {
            BAR_EVERY
        } else {
            PLAIN_EVERY
        };
        if self.told.elapsed() < every {
            return;
        }
        self.told = Instant::now();
        let figures = self.figures(tally);
        match &self.bar {
            Some(bar) => {
                bar.set_position(bytes);
                bar.set_message(figures);
            }
            None => note(format_args!("ingest: {figures}")),
        }
    }

    /// Since it began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn figures(&self, tally: &Tally) -> String {
        let per_s = tally.known() as f64 / self.elapsed().as_secs_f64().max(1e-6);
        let (known, per_s) = (grouped(tally.known()), grouped(per_s as u64));
        format!("{known} lines, {per_s}/s, {} bad", grouped(tally.bad.lines))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(bytes: Option<u64>) -> ProgressBar {
    let template = if bytes.is_some() { BAR } else { WITHOUT_END };
    let style = ProgressStyle::with_template(template).expect("because the template is fixed");
    let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
    bar.set_style(style.progress_chars("━╸─"));
    bar
}
