//! The progress of a benchmark, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::grouped;

/// Silent where standard error is no terminal; gone when dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(count: u64) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3}%  {msg}")
            .expect("because the template is fixed");
        let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
        bar.set_style(style.progress_chars("━╸─"));
        Self(bar)
    }

    /// So many commands were answered, at this rate.
    pub(super) fn show(&self, answered: u64, per_second: u64) {
        self.0.set_message(format!("{}/s", grouped(per_second)));
        self.0.set_position(answered);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
