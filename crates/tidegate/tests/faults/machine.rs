//! What the machine says of a process, and what it is asked to do to one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Pid;

/// Says why a test is not run, past the capture of a test that passes.
pub(crate) fn skip(test: &str, why: &str) {
    let said = format!("\nskipped: {test}: {why}\n");
    std::io::stderr().write_all(said.as_bytes()).ok();
}

/// Files, sockets among them, that a process has open.
pub(crate) fn open_files(pid: Pid) -> usize {
    let listed = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_pid())).expect("our child");
    listed.count()
}

/// Bytes of memory that a process takes.
pub(crate) fn resident_bytes(pid: Pid) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid())).expect("our child");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kib.expect("it runs").parse::<u64>().expect("a number")
}

/// The command line under a limit of open files.
pub(crate) fn with_open_files(most: u64, command: &Command) -> Command {
    let mut limited = Command::new("sh");
    let script = format!(r#"ulimit -n {most} && exec "$0" "$@""#);
    limited.args(["-c", &script]).arg(command.get_program());
    limited.args(command.get_args());
    limited.stdin(Stdio::null()).stdout(Stdio::piped());
    limited.stderr(Stdio::piped());
    limited
}

/// A clock that a server is given in place of the machine's, and that a test sets.
pub(crate) struct FakeClock {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl FakeClock {
    /// None, with a word, where libfaketime (Debian: `faketime`) is not installed.
    pub(crate) fn for_test(test: &str) -> Option<Self> {
        const NAME: &str = "faketime/libfaketimeMT.so.1";
        let mut places = vec![PathBuf::from("/usr/lib"), PathBuf::from("/usr/lib64")];
        let listed = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        places.extend(listed.map(|entry| entry.path()));
        let library = places.iter().map(|place| place.join(NAME));
        let Some(library) = library.into_iter().find(|path| path.exists()) else {
            skip(test, "libfaketime is not installed (Debian: faketime)");
            return None;
        };
        let folder = crate::support::folder();
        let clock = Self { folder, library };
        clock.set(0);
        Some(clock)
    }

    fn offset(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// Sets it to so many seconds before or after the machine's.
    pub(crate) fn set(&self, seconds: i64) {
        // Renamed, for a server reads the file whenever it looks at the clock.
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{seconds:+}\n")).expect("written");
        fs::rename(new, self.offset()).expect("renamed");
    }

    /// A process that takes the wall clock from here.
    pub(crate) fn wall_of(&self, command: &mut Command) {
        self.all_of(command);
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    /// A process that takes every clock from here. Its threads may oversleep once it was set.
    pub(crate) fn all_of(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
        command.env("FAKETIME_TIMESTAMP_FILE", self.offset());
        command.env("FAKETIME_NO_CACHE", "1");
    }
}

/// Every file of a folder as it is: its kind, its size, and its bytes if it can be read.
pub(crate) fn picture(folder: &Path) -> Vec<(PathBuf, fs::FileType, u64, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("it is there");
            let bytes = fs::read(&path).unwrap_or_default();
            (path, metadata.file_type(), metadata.len(), bytes)
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}
