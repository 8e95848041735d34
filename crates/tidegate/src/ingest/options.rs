//! What an ingestion is told on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use tidegate_counter::limits::{DIMS_BYTES_MAX, DIMS_MAX};
use tidegate_engine::limits::NAME_BYTES_MAX;

use super::event::{Dim, Form};
use super::read::Inputs;
use super::source::STDIN;
use crate::client::{Address, Peer};
use crate::duration;
use crate::interrupt::Interrupt;
use crate::password::{self, Password};

/// Counts the lines of request logs: each once, however often it is read.
///
/// Every line is an event of a counter: its key is the path, or another field; it happened when the line says. The
/// hash of the line is its id, so that a file that is read again, or in part, or in another order, is counted once,
/// and the server may be killed meanwhile. The counter must be there, and let lines be as late as they are.
#[derive(Debug, clap::Args)]
pub(crate) struct IngestArgs {
    /// Request logs, plain or gzipped; - is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How lines are written.
    #[arg(long, value_enum, default_value = "combined")]
    format: Format,
    /// The counter, which must have been declared with COUNTER.CREATE.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(super) counter: String,
    /// What is counted: path, query, method, protocol, status, size, host, user, referer or agent; of JSON lines
    /// the name of a member, like request.path.
    #[arg(long, value_name = "FIELD", default_value = "path")]
    key: String,
    /// Who it is by, of which a counter with UNIQUE counts the different ones: such a field, like host.
    #[arg(long, value_name = "FIELD")]
    by: Option<String>,
    /// A dimension of the counter and the field that is its value, like code=status; status alone is status=status.
    #[arg(long = "dim", value_name = "NAME=FIELD", value_parser = dim)]
    dims: Vec<Dim>,
    /// The member of JSON lines that says when it was.
    #[arg(long, value_name = "FIELD", default_value = "time")]
    time: String,
    /// Go on as the files grow, and with the next file of the name when one is rotated.
    #[arg(long)]
    follow: bool,
    /// The RESP address of the server.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7379")]
    addr: Address,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How long to wait for a server that is away or busy before giving up, like 60s or 500ms.
    #[arg(long, default_value = "60s", value_parser = duration::parse)]
    patience: Duration,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The common log format of Apache and nginx.
    Common,
    /// The combined one: with referer and agent.
    Combined,
    /// A JSON object each.
    Json,
}

impl IngestArgs {
    /// What is to be read.
    pub(super) fn inputs(&self) -> Result<Inputs, String> {
        let (key, by) = (self.key.as_str(), self.by.as_deref());
        let dims = in_order(&self.dims)?;
        let form = match self.format {
            Format::Common => Form::common(key, by, &dims)?,
            Format::Combined => Form::combined(key, by, &dims)?,
            Format::Json => Form::json(key, by, &dims, &self.time),
        };
        if self.follow && self.has_stdin() && self.files.len() > 1 {
            return Err("standard input is read to its end: follow files without it".to_owned());
        }
        Ok(Inputs {
            files: self.files.clone(),
            form,
            follow: self.follow && !self.has_stdin(),
        })
    }

    /// Bytes of all files, where that is what will be read.
    pub(super) fn bytes(&self) -> Option<u64> {
        if self.follow || self.has_stdin() {
            return None;
        }
        let length = |file: &PathBuf| Some(std::fs::metadata(file).ok()?.len());
        self.files.iter().map(length).sum()
    }

    /// Where it is counted.
    pub(super) fn peer(&self, interrupt: &Interrupt) -> Result<Peer, password::Error> {
        Ok(Peer {
            addr: self.addr.to_string(),
            password: Password::find(self.password_file.as_deref())?,
            patience: self.patience,
            interrupt: interrupt.clone(),
        })
    }

    fn has_stdin(&self) -> bool {
        self.files.iter().any(|file| file.as_os_str() == STDIN)
    }
}

/// A dimension and its field.
fn dim(text: &str) -> Result<Dim, String> {
    let (of, field) = text.split_once('=').unwrap_or((text, text));
    if of.contains(',') {
        return Err("the name of a dimension has no comma".to_owned());
    }
    Ok((name(of)?, field.to_owned()))
}

/// The dimensions in the order of their names: the same line is the same event, however they were given.
fn in_order(dims: &[Dim]) -> Result<Vec<Dim>, String> {
    let mut dims = dims.to_vec();
    dims.sort_unstable();
    if let Some(twice) = dims.windows(2).find(|two| two[0].0 == two[1].0) {
        return Err(format!("dimension {} is given twice", twice[0].0));
    }
    let names = dims.iter().map(|(name, _)| name.len() + 1).sum::<usize>();
    if dims.len() > DIMS_MAX || names > NAME_BYTES_MAX {
        return Err(format!(
            "a counter has up to {DIMS_MAX} dimensions, whose names have {NAME_BYTES_MAX} bytes together"
        ));
    }
    Ok(dims)
}

/// Dimensions with such names fit into an event, whatever their values.
const _: () = assert!(NAME_BYTES_MAX + DIMS_MAX * (NAME_BYTES_MAX + 2) <= DIMS_BYTES_MAX);

/// A text that the server takes as a name.
fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(format!(
            "a name has 1 to {NAME_BYTES_MAX} bytes and no control characters"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dims: &[&str]) -> Result<Vec<Dim>, String> {
        let dims: Result<Vec<_>, _> = dims.iter().map(|text| dim(text)).collect();
        in_order(&dims?)
    }

    #[test]
    fn dimensions_have_names_and_stand_in_their_order() {
        let of = |name: &str, field: &str| (name.to_owned(), field.to_owned());
        let read_so = read(&["status", "a=method", "url=x=y"]);
        let expected = vec![of("a", "method"), of("status", "status"), of("url", "x=y")];
        assert_eq!(read_so, Ok(expected));
        let long = "n".repeat(127);
        for wrong in [
            &["=status"][..],
            &["a,b=status"],
            &["a=status", "a=method"],
            &["a", "b", "c", "d", "e"],
            &[&long, "a"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
