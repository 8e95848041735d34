//! A disk whose calls fail, hang or do half of what is asked for, as a test says: `disk.c`, put before
//! a server that knows nothing of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/disk.c");

/// What is done to the files of a server.
pub(crate) struct DiskFaults {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl DiskFaults {
    /// A sound disk at first.
    pub(crate) fn new() -> Self {
        let folder = crate::support::folder();
        let library = folder.path().join("disk.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let made = compiler.arg(&library).arg(SOURCE).output();
        let made = made.expect("a compiler runs, for it has linked this test");
        assert!(made.status.success(), "{made:?}");
        Self { folder, library }
    }

    /// A process that has its files below `data` from here.
    pub(crate) fn before(&self, data: &Path, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
        command.env("TIDEGATE_FAULTS", self.folder.path());
        command.env("TIDEGATE_FAULTS_BELOW", data);
    }

    /// From here on these happen, and nothing else: `call part-of-a-path what value`, a line each.
    pub(crate) fn order(&self, orders: &str) {
        // Renamed, for a server reads the file at any time.
        let new = self.folder.path().join("new");
        fs::write(&new, orders).expect("written");
        fs::rename(new, self.folder.path().join("orders")).expect("renamed");
    }

    /// From here on the disk is sound.
    pub(crate) fn mend(&self) {
        self.order("");
    }

    /// What was done so far: a line of call, path and fault each.
    pub(crate) fn fired(&self) -> String {
        fs::read_to_string(self.folder.path().join("fired")).unwrap_or_default()
    }
}
