//! A server of our own for one command: a child process over a temporary folder.
//!
//! A process of its own, because a replay and a benchmark are about what goes over the wire: the
//! server under them is the same as any other.
//!
//! It never outlives the command, and the folder never outlives both. A command that ends by itself
//! or is interrupted ends the server and removes the folder; one that is killed outright cannot, so
//! the server hears of it and does both (see `serve/owner.rs`).

use std::env;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio, id};

use tempfile::TempDir;

use crate::password;

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to start a server: {0}")]
    Io(#[from] io::Error),
    #[error("failed to start a server: it ended before it was ready")]
    NotReady,
}

/// A running server, which is ended, and its folder removed, when dropped.
pub(crate) struct TemporaryServer {
    /// Where it speaks RESP.
    pub(crate) addr: String,
    _server: Killed,
    folder: TempDir,
}

/// A process that does not outlive this value.
struct Killed(Child);

impl TemporaryServer {
    /// Starts a server on free ports over a new folder, for the command of this name.
    pub(crate) fn start(command: &str) -> Result<Self, Error> {
        let folder = TempDir::with_prefix(format!("tidegate-{command}-"))?;
        let mut server = Killed(spawn(folder.path())?);
        let output = server.0.stdout.take().ok_or(Error::NotReady)?;
        Ok(Self {
            addr: wait_until_ready(&mut BufReader::new(output))?,
            _server: server,
            folder,
        })
    }

    /// A folder that is gone when the server is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn spawn(folder: &Path) -> io::Result<Child> {
    Command::new(env::current_exe()?)
        .arg("serve")
        .arg("--data")
        .arg(folder.join("data"))
        .args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .args(["--owner", &id().to_string(), "--temporary"])
        .arg(folder)
        .env_remove(password::VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Ctrl-C is heard by the command alone, which may have something left to ask.
        .process_group(0)
        .spawn()
}

/// The RESP address that the server prints before it says that it is ready.
fn wait_until_ready(output: &mut impl BufRead) -> Result<String, Error> {
    let mut addr = None;
    for line in output.lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        match words.next() {
            Some("RESP") => addr = words.next().map(str::to_owned),
            Some("ready") => return addr.ok_or(Error::NotReady),
            Some(_) | None => {}
        }
    }
    Err(Error::NotReady)
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it is kept.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_what_a_server_prints() {
        let printed = "tidegate 0.1.0 · d\nRESP  127.0.0.1:41 · at most 9\nHTTP  h\nready\n";
        assert_eq!(
            wait_until_ready(&mut printed.as_bytes()).expect("ready"),
            "127.0.0.1:41"
        );
        for printed in ["", "RESP  127.0.0.1:41\n", "ready\n"] {
            assert!(
                wait_until_ready(&mut printed.as_bytes()).is_err(),
                "{printed}"
            );
        }
    }
}
