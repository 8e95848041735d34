//! Processes of this binary that a command has started for itself: each is ended when its value is dropped, and
//! hears of it if the command is killed outright (see `serve/owner.rs`).

use std::env;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Command, Stdio};

use crate::password;

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to start `tidegate {name}`: {error}")]
    Io { name: String, error: io::Error },
    #[error("failed to start `tidegate {name}`: it ended before it was ready")]
    NotReady { name: String },
}

/// A process that does not outlive this value.
#[derive(Debug)]
pub(crate) struct Child(process::Child);

impl Child {
    /// Starts a command of this binary which says that it is ready, and gives the addresses that it has printed
    /// before, each with its protocol. Whoever is left at the end removes `folder`.
    pub(crate) fn start(
        name: &str,
        folder: &Path,
        more: impl FnOnce(&mut Command),
    ) -> Result<(Self, Addresses), Error> {
        let failed = |error| Error::Io {
            name: name.to_owned(),
            error,
        };
        let mut command = Command::new(env::current_exe().map_err(failed)?);
        command.arg(name);
        more(&mut command);
        command
            .args(["--owner", &process::id().to_string(), "--temporary"])
            .arg(folder)
            .env_remove(password::VARIABLE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Ctrl-C is heard by the command alone, which may have something left to ask.
            .process_group(0);
        let mut child = Self(command.spawn().map_err(failed)?);
        let output = child.0.stdout.take();
        let addresses = output.and_then(|output| Addresses::read(&mut BufReader::new(output)));
        let not_ready = || Error::NotReady {
            name: name.to_owned(),
        };
        let addresses = addresses.ok_or_else(not_ready)?;
        Ok((child, addresses))
    }

    /// `kill -9`, as a power failure would be but for the page cache. It may have ended by itself.
    pub(crate) fn kill(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where a process listens, as it prints that.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) resp: String,
    /// `http://HOST:PORT`
    pub(crate) http: String,
}

impl Addresses {
    /// What is printed before `ready`; nothing if that is not printed.
    fn read(output: &mut impl BufRead) -> Option<Self> {
        let mut addresses = Self::default();
        for line in output.lines() {
            let line = line.ok()?;
            let mut words = line.split_whitespace();
            let (name, address) = (words.next(), words.next());
            match (name, address) {
                (Some("RESP"), Some(address)) => address.clone_into(&mut addresses.resp),
                (Some("HTTP"), Some(address)) => address.clone_into(&mut addresses.http),
                (Some("ready"), None) => return Some(addresses),
                (Some(_) | None, Some(_) | None) => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_what_a_process_prints_until_it_is_ready() {
        let printed = "tidegate 0.1.0 · d\nRESP  127.0.0.1:41 · at most 9\n\
            HTTP  http://127.0.0.1:42 · docs\nready\n";
        let read = Addresses::read(&mut printed.as_bytes()).expect("ready");
        assert_eq!(
            (&*read.resp, &*read.http),
            ("127.0.0.1:41", "http://127.0.0.1:42")
        );
        for printed in ["", "RESP  127.0.0.1:41\n"] {
            assert!(Addresses::read(&mut printed.as_bytes()).is_none());
        }
    }
}
