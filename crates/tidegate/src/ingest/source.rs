//! Where lines come from: files, plain or gzipped, standard input, and files that grow.

use std::cell::Cell;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use super::bad::{Fault, Origin};
use super::event::{Counted, Form};
use super::lines::{Lines, Next};
use super::occurrence::Occurrences;

/// The first bytes of a gzip stream.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The name of standard input.
pub(super) const STDIN: &str = "-";

/// What has come of a line.
pub(super) type Outcome = Result<Counted, (Origin, Fault)>;

/// One file, or standard input.
pub(super) struct Source {
    number: usize,
    stream: Stream,
    /// Bytes of the stream that were read, packed as they are.
    bytes: Rc<Cell<u64>>,
    followed: Option<Followed>,
    /// A read may wait for more.
    pub(super) is_live: bool,
}

impl Source {
    /// The file of this number among those that were named.
    pub(super) fn open(number: usize, path: &Path, follow: bool) -> io::Result<Self> {
        let bytes = Rc::default();
        let is_stdin = path == Path::new(STDIN);
        let (stream, followed) = if is_stdin {
            (Stream::of(unpacked(io::stdin(), &bytes)?), None)
        } else if follow {
            let (stream, followed) = Followed::open(path, &bytes)?;
            (stream, Some(followed))
        } else {
            (Stream::of(unpacked(File::open(path)?, &bytes)?), None)
        };
        let is_live = is_stdin || follow;
        Ok(Self {
            number,
            stream,
            bytes,
            followed,
            is_live,
        })
    }

    /// What comes of the next line; nothing if there is none, now or for ever.
    pub(super) fn next(&mut self, form: &Form) -> io::Result<Option<Outcome>> {
        loop {
            if let Some(outcome) = self.stream.next(self.number, form)? {
                return Ok(Some(outcome));
            }
            let Some(followed) = &mut self.followed else {
                return Ok(self.stream.last(self.number, form));
            };
            if !followed.is_over(self.bytes.get())? {
                return Ok(None);
            }
            let last = self.stream.last(self.number, form);
            (self.stream, *followed) = Followed::open(&followed.path, &self.bytes)?;
            if last.is_some() {
                return Ok(last);
            }
        }
    }

    /// Whether the next line is there without a read that may wait.
    pub(super) fn has_more_at_hand(&self) -> bool {
        !self.is_live || self.stream.lines.has_one_at_hand()
    }

    /// Bytes that were read, packed as they are.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }
}

/// One file from its beginning on.
struct Stream {
    lines: Lines<Box<dyn Read>>,
    line: u64,
    occurrences: Occurrences,
}

impl Stream {
    fn of(reader: Box<dyn Read>) -> Self {
        Self {
            lines: Lines::new(reader),
            line: 0,
            occurrences: Occurrences::default(),
        }
    }

    fn next(&mut self, file: usize, form: &Form) -> io::Result<Option<Outcome>> {
        let next = self.lines.next()?;
        Ok(outcome(
            next,
            &mut self.line,
            &mut self.occurrences,
            (file, form),
        ))
    }

    fn last(&mut self, file: usize, form: &Form) -> Option<Outcome> {
        let last = self.lines.last();
        outcome(last, &mut self.line, &mut self.occurrences, (file, form))
    }
}

fn outcome(
    next: Next<'_>,
    line: &mut u64,
    occurrences: &mut Occurrences,
    (file, form): (usize, &Form),
) -> Option<Outcome> {
    let read = match next {
        Next::Nothing => return None,
        Next::TooLong => Err(Fault::TooLong),
        Next::Line(text) => form.read(text).map(|event| (occurrences.id(text), event)),
    };
    *line += 1;
    let origin = Origin { file, line: *line };
    let counted = read.map(|(id, event)| Counted { id, event, origin });
    Some(counted.map_err(|fault| (origin, fault)))
}

/// A file that is followed under its name, as `tail -F` does.
struct Followed {
    path: PathBuf,
    /// The file that is being read, which may have another name by now.
    open: Metadata,
    /// Another file has the name. This one is read to its end once more, as who wrote it may have been slower.
    is_left: bool,
}

impl Followed {
    fn open(path: &Path, bytes: &Rc<Cell<u64>>) -> io::Result<(Stream, Self)> {
        let file = File::open(path)?;
        let followed = Self {
            path: path.to_owned(),
            open: file.metadata()?,
            is_left: false,
        };
        bytes.set(0);
        let mut reader = read(file, bytes);
        if reader.fill_buf()?.starts_with(&GZIP_MAGIC) {
            return Err(io::Error::other(
                "it is gzipped, and such a file does not grow: leave out --follow",
            ));
        }
        Ok((Stream::of(Box::new(reader)), followed))
    }

    /// Whether nothing more will come, after so many bytes: the name is another file's, or the file was cut.
    fn is_over(&mut self, read: u64) -> io::Result<bool> {
        let now = match fs::metadata(&self.path) {
            // The next one is not there yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            now => now?,
        };
        if (now.dev(), now.ino()) == (self.open.dev(), self.open.ino()) {
            return Ok(now.len() < read);
        }
        Ok(std::mem::replace(&mut self.is_left, true))
    }
}

fn unpacked(file: impl Read + 'static, bytes: &Rc<Cell<u64>>) -> io::Result<Box<dyn Read>> {
    let mut file = read(file, bytes);
    if file.fill_buf()?.starts_with(&GZIP_MAGIC) {
        return Ok(Box::new(MultiGzDecoder::new(file)));
    }
    Ok(Box::new(file))
}

fn read<R: Read>(file: R, bytes: &Rc<Cell<u64>>) -> BufReader<Metered<R>> {
    BufReader::new(Metered {
        file,
        bytes: Rc::clone(bytes),
    })
}

/// Counts what is read.
struct Metered<R> {
    file: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
