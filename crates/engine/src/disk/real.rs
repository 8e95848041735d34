//! A real folder.

use std::fs;
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, FallocateFlags};

use super::{Disk, File};

/// Memory that holds what was synced is given back once it is so much.
const GIVEN_BACK_BYTES: u64 = 1024 * 1024;

/// A folder that this process alone works in.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
    /// The folder itself, locked: a lock file could be removed and made again.
    handle: fs::File,
    is_read_only: bool,
}

impl RealDisk {
    /// Opens a folder, making it if needed, and locks it.
    ///
    /// # Errors
    /// The folder cannot be made or another process has it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        if !folder.is_file() {
            fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
        }
        Self::lock(folder, false)
    }

    /// Opens a folder in which a server has worked, to read it, and locks it. It may be of a file
    /// system that cannot be written.
    ///
    /// # Errors
    /// There is no such folder, or another process has it.
    pub fn open_to_read(folder: &Path) -> io::Result<Self> {
        Self::lock(folder, true)
    }

    /// The path of a file that is to be made; a folder before its name is made too.
    fn place(&self, name: &str) -> io::Result<PathBuf> {
        let place = self.folder.join(name);
        if let Some(folder) = place.parent().filter(|folder| *folder != self.folder) {
            fs::create_dir_all(folder)?;
        }
        Ok(place)
    }

    fn lock(folder: &Path, is_read_only: bool) -> io::Result<Self> {
        let failed = |error| at(folder, &error);
        let handle = fs::File::open(folder).map_err(failed)?;
        if !handle.metadata().map_err(failed)?.is_dir() {
            let what = format!("{} is not a folder", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
        }
        match handle.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                handle,
                is_read_only,
            }),
            Err(fs::TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("{} is in use by another process", folder.display()),
            )),
            Err(fs::TryLockError::Error(error)) => Err(at(folder, &error)),
        }
    }
}

impl Drop for RealDisk {
    /// Closing the handle is not enough: a child process that is just being started has a copy of
    /// it until it runs its own program, and the lock with it. Letting go counts for all copies.
    fn drop(&mut self) {
        // What fails here is let go with the process at the latest.
        drop(self.handle.unlock());
    }
}

fn at(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            if let Ok(name) = entry?.file_name().into_string() {
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
            .open(self.place(name)?)?;
        let reserved = match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size) {
            _ if size == 0 => Ok(()), // Nothing cannot be reserved.
            // A file system that cannot reserve: take the space by writing it.
            Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&file, size),
            reserved => reserved.map_err(io::Error::from),
        };
        if let Err(error) = reserved {
            // What was taken of it is room that the disk needs now.
            drop(self.remove(name));
            return Err(error);
        }
        Ok(Box::new(RealFile::new(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(!self.is_read_only)
            .open(self.folder.join(name))?;
        Ok(Box::new(RealFile::new(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let place = self.place(to)?;
        fs::rename(self.folder.join(from), &place)?;
        match place.parent() {
            // Its name there must be durable before the one here goes for good.
            Some(folder) if folder != self.folder => fs::File::open(folder)?.sync_all(),
            Some(_) | None => Ok(()),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.handle.sync_all()
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
    /// What was written and memory still holds.
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

    /// What has been synced is not read again while the server runs: the memory that holds it is given back, for rows,
    /// so much at once. To give back the pages that were written last takes as long as half a sync.
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::other("the file was removed while in use"));
        }
        if self.written.end - self.written.start < GIVEN_BACK_BYTES {
            return Ok(());
        }
        let Range { start, end } = std::mem::take(&mut self.written);
        if let Some(length) = NonZeroU64::new(end - start) {
            // Advice: that it was not taken harms nothing.
            let _ = rustix::fs::fadvise(&self.file, start, Some(length), Advice::DontNeed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_let_go_is_free_whoever_else_has_it_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = RealDisk::open(folder.path()).expect("free");
        let _copy_of_a_child = disk.handle.try_clone().expect("a copy");
        assert!(
            RealDisk::open(folder.path()).is_err(),
            "locked while in use"
        );
        drop(disk);
        RealDisk::open(folder.path()).expect("free");
    }
}
