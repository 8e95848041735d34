//! A server of our own for one replay: a child process over a temporary folder.
//!
//! A process of its own, because a replay is about what goes over the wire: the server under it is
//! the same as any other, and prints what it has to say where the replay's output is not.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use super::Started;

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to start a server: {0}")]
    Io(#[from] io::Error),
    #[error("failed to start a server: it ended before it was ready")]
    NotReady,
}

/// Ends the server and removes its folder when dropped.
struct Temporary {
    server: Child,
    /// Kept open: a server that cannot print would stop.
    output: BufReader<ChildStdout>,
    _folder: TempDir,
}

/// Starts a server on free ports over a new folder.
pub(crate) fn start() -> Result<Started, Error> {
    let folder = tempfile::Builder::new()
        .prefix("tidegate-replay-")
        .tempdir()?;
    let mut server = Command::new(env::current_exe()?)
        .arg("serve")
        .arg("--data")
        .arg(folder.path().join("data"))
        .args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .env_remove("TIDEGATE_PASSWORD")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = server.stdout.take().ok_or(Error::NotReady)?;
    let path = folder.path().to_owned();
    let mut temporary = Temporary {
        server,
        output: BufReader::new(output),
        _folder: folder,
    };
    let addr = wait_until_ready(&mut temporary.output)?;
    Ok(Started {
        addr,
        folder: path,
        keep: Box::new(temporary),
    })
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

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it is kept.
        self.server.kill().ok();
        self.server.wait().ok();
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
