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

/// Columns where the width of the terminal is not known.
const COLUMNS_DEFAULT: u16 = 80;

/// Columns of the terminal that progress is shown on.
pub(crate) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(stderr()).ok();
    let columns = size.map(|size| size.ws_col).filter(|columns| *columns > 0);
    columns.unwrap_or(COLUMNS_DEFAULT).into()
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
