//! A server of our own for one command: a child process over a temporary folder.
//!
//! A process of its own, because a replay and a benchmark are about what goes over the wire: the
//! server under them is the same as any other.
//!
//! It never outlives the command, and the folder never outlives both. A command that ends by itself
//! or is interrupted ends the server and removes the folder; one that is killed outright cannot, so
//! the server hears of it and does both (see `serve/owner.rs`).

use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::child::{self, Child};

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to start a server: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Child(#[from] child::Error),
}

/// A running server, which is ended, and its folder removed, when dropped.
pub(crate) struct TemporaryServer {
    /// Where it speaks RESP.
    pub(crate) addr: String,
    _server: Child,
    folder: TempDir,
}

impl TemporaryServer {
    /// Starts a server on free ports over a new folder, for the command of this name.
    pub(crate) fn start(command: &str) -> Result<Self, Error> {
        let folder = TempDir::with_prefix(format!("tidegate-{command}-"))?;
        let (server, addresses) = Child::start("serve", folder.path(), |serve| {
            serve.arg("--data").arg(folder.path().join("data"));
            serve.args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        })?;
        Ok(Self {
            addr: addresses.resp,
            _server: server,
            folder,
        })
    }

    /// A folder that is gone when the server is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
