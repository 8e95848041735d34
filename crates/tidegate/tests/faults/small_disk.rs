//! A file system of a size that a test chooses.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::machine::skip;

/// A tmpfs in a mount namespace of its own, which goes with the process that holds it, and that
/// with the test, however it ends.
pub(crate) struct SmallDisk {
    holder: Child,
    mounted: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisk {
    /// None, with a word, where no file system may be mounted.
    pub(crate) fn for_test(test: &str, bytes: u64) -> Option<Self> {
        let mounted = Self::mount("-m", bytes).or_else(|| Self::mount("-rm", bytes));
        if mounted.is_none() {
            skip(test, "no tmpfs can be mounted, as root or by `unshare -rm`");
        }
        mounted
    }

    fn mount(namespaces: &str, bytes: u64) -> Option<Self> {
        let folder = crate::support::folder();
        let script = r#"mount -t tmpfs -o size="$1" tmpfs "$0" && echo mounted && exec cat"#;
        let mut command = Command::new("unshare");
        command.args([namespaces, "sh", "-c", script]);
        command.arg(folder.path()).arg(bytes.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.stderr(Stdio::null()).spawn().ok()?;
        let mut said = String::new();
        let mut output = BufReader::new(holder.stdout.take().expect("piped"));
        output.read_line(&mut said).expect("it says or ends");
        let root = format!("/proc/{}/root", holder.id());
        let inside = folder.path().strip_prefix("/").expect("absolute");
        let disk = Self {
            mounted: Path::new(&root).join(inside),
            holder,
            _folder: folder,
        };
        (said == "mounted\n").then_some(disk)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.mounted
    }

    /// Takes all the room that is left, with a file.
    pub(crate) fn fill(&self) -> Filler {
        let path = self.mounted.join("filler");
        let mut file = fs::File::create(&path).expect("made");
        let piece = vec![1; 64 * 1024];
        let full = loop {
            if let Err(error) = file.write_all(&piece) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        Filler { path, file }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

/// What fills a disk.
pub(crate) struct Filler {
    path: PathBuf,
    file: fs::File,
}

impl Filler {
    /// Gives so much room back.
    pub(crate) fn give_back(&self, bytes: u64) {
        let size = self.file.metadata().expect("open").len();
        self.file.set_len(size - bytes).expect("cut");
    }

    /// Gives all room back.
    pub(crate) fn remove(self) {
        fs::remove_file(self.path).expect("removed");
    }
}
