//! A real folder.

use std::fs;
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, FallocateFlags};

use super::{Disk, File};

const LOCK: &str = "LOCK";

/// A folder that this process alone works in.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
    _lock: fs::File,
}

impl RealDisk {
    /// Opens a folder, making it if needed, and locks it.
    ///
    /// # Errors
    /// The folder cannot be made or another process has it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let lock = || {
            fs::create_dir_all(folder)?;
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(false);
            options.open(folder.join(LOCK))
        };
        Self::lock(folder, lock().map_err(|error| at(folder, &error))?)
    }

    /// Opens a folder in which a server has worked, and locks it. Makes nothing.
    ///
    /// # Errors
    /// There is no such folder, or another process has it.
    pub fn open_existing(folder: &Path) -> io::Result<Self> {
        let is_folder = fs::metadata(folder)
            .map_err(|error| at(folder, &error))?
            .is_dir();
        match fs::File::open(folder.join(LOCK)) {
            Ok(lock) => Self::lock(folder, lock),
            Err(error) if is_folder && error.kind() == io::ErrorKind::NotFound => {
                let what = format!(
                    "{} is no data folder: it has no file {LOCK}",
                    folder.display()
                );
                Err(io::Error::new(error.kind(), what))
            }
            Err(error) => Err(at(folder, &error)),
        }
    }

    fn lock(folder: &Path, lock: fs::File) -> io::Result<Self> {
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(fs::TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("{} is in use by another process", folder.display()),
            )),
            Err(fs::TryLockError::Error(error)) => Err(at(folder, &error)),
        }
    }
}

fn at(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            if let Ok(name) = entry?.file_name().into_string()
                && name != LOCK
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reserves the space without writing it: at full speed, zeros written ahead would double what
    /// the disk has to take.
    fn create(&self, name: &str, size: u64) -> io::Result<Box<dyn File>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.folder.join(name))?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size) {
            Ok(()) => {}
            // A file system that cannot reserve: take the space by writing it.
            Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&file, size)?,
            Err(error) => return Err(error.into()),
        }
        Ok(Box::new(RealFile::new(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.folder.join(name))?;
        Ok(Box::new(RealFile::new(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        fs::File::open(&self.folder)?.sync_all()
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn write_zeros(mut file: &fs::File, size: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut left = size;
    while left > 0 {
        let some = left.min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(some).unwrap_or(zeros.len())])?;
        left -= some;
    }
    Ok(())
}

struct RealFile {
    file: fs::File,
    /// What was written and not synced yet.
    written: Range<u64>,
}

impl RealFile {
    fn new(file: fs::File) -> Self {
        Self {
            file,
            written: 0..0,
        }
    }
}

impl File for RealFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let end = at + bytes.len() as u64;
        self.written = if self.written.is_empty() {
            at..end
        } else {
            self.written.start.min(at)..self.written.end.max(end)
        };
        self.file.write_all_at(bytes, at)
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }

    /// What has been synced is not read again while the server runs: the memory that holds it is
    /// given back, for rows.
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        let Range { start, end } = std::mem::take(&mut self.written);
        if let Some(length) = NonZeroU64::new(end - start) {
            // Advice: that it was not taken harms nothing.
            let _ = rustix::fs::fadvise(&self.file, start, Some(length), Advice::DontNeed);
        }
        Ok(())
    }
}
