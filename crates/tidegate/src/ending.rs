//! How a command ends: one set of exit codes, and one form of error message, for all of them.

use std::error::Error;
use std::process::ExitCode;

use crate::interrupt::Interrupted;
use crate::output::{self, Unprinted};

/// What the help of the binary says of it.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done, and all is as it should be
  1    failed, or the answer is no: books that do not balance, a law that is broken
  2    the command line cannot be used
  74   serve: the log or the base could not be written or read
  134  serve: a fault of Tidegate itself, which is told; please report it
  128+ ended by that signal: 129 hangup, 130 Ctrl-C, 143 termination";

/// How a command that came to its end found things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// As they should be.
    Sound,
    /// Books that do not balance, or laws that are broken; the command has printed which.
    Unsound,
}

/// Why a command did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Its result cannot be printed.
    Output(Unprinted),
    /// It was asked to end before; in words that are printed.
    Interrupted(Interrupted, String),
    /// Anything else, in words that are printed.
    Told(Box<dyn Error>),
}

impl Failure {
    /// A failure to be told in the words of this error.
    pub(crate) fn told(error: impl Into<Box<dyn Error>>) -> Self {
        Self::Told(error.into())
    }
}

impl From<Unprinted> for Failure {
    fn from(error: Unprinted) -> Self {
        Self::Output(error)
    }
}

/// Tells how the command ended, where something is to be told.
pub(crate) fn told(command: &str, ended: Result<Found, Failure>) -> ExitCode {
    match ended {
        Ok(Found::Sound) => return ExitCode::SUCCESS,
        Ok(Found::Unsound) => {}
        Err(Failure::Output(error)) if error.reader_left() => {}
        Err(Failure::Output(error)) => output::note(format_args!("tidegate {command}: {error}")),
        Err(Failure::Interrupted(by, words)) => {
            output::note(format_args!("tidegate {command}: {words}"));
            let code = u8::try_from(by.exit_code());
            return ExitCode::from(code.expect("because signals have numbers below 65"));
        }
        Err(Failure::Told(error)) => output::note(format_args!("tidegate {command}: {error}")),
    }
    ExitCode::FAILURE
}
