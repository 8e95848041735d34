//! What the commands print, and what becomes of them when nobody reads it.
//!
//! A pipe whose reader has left, or a full disk behind a file, is no reason to panic: a server goes
//! on without its reader, every other command ends in order. So nothing here prints by `println!`.

use std::fmt::Arguments;
use std::io::{self, Write, stderr, stdout};

/// The result of a command cannot be printed, which ends the command.
#[derive(Debug, thiserror::Error)]
#[error("cannot print: {0}")]
pub(crate) struct Unprinted(#[from] io::Error);

impl Unprinted {
    /// Whether the reader has read enough and left, as `head -1` does. No news for anybody.
    pub(crate) fn reader_left(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Prints the result of a command.
pub(crate) fn print(text: Arguments<'_>) -> Result<(), Unprinted> {
    let mut out = stdout().lock();
    out.write_fmt(text)?;
    Ok(out.flush()?)
}

/// Prints a line about a server, which runs on whether it is read or not.
pub(crate) fn say(line: Arguments<'_>) {
    print(format_args!("{line}\n")).ok();
}

/// Prints a line for people beside the result. There is no better place to tell of a failure.
pub(crate) fn note(line: Arguments<'_>) {
    writeln!(stderr().lock(), "{line}").ok();
}
