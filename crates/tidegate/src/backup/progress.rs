//! How many bytes have come, on a terminal.

use std::io::{self, Read};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Counts what is read; silent where standard error is no terminal, gone when dropped.
pub(super) struct Counted<R> {
    from: R,
    bar: ProgressBar,
}

impl<R> Counted<R> {
    /// Of so many bytes, if that is known.
    pub(super) fn new(from: R, doing: &'static str, bytes: Option<u64>) -> Self {
        let template = match bytes {
            Some(_) => "{msg} {wide_bar} {bytes} of {total_bytes}",
            None => "{msg} {bytes} ({bytes_per_sec})",
        };
        let style = ProgressStyle::with_template(template);
        let style = style.expect("because the template is fixed");
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
        bar.set_style(style.progress_chars("━╸─"));
        bar.set_message(doing);
        Self { from, bar }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}

impl<R> Drop for Counted<R> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
