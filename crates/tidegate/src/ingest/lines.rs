//! Lines of a stream that may grow, none longer than it may be.

use std::io::{self, Read};

/// Bytes of a line without its end.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;

/// Bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;

/// What stands next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A line, without its end.
    Line(&'a [u8]),
    /// A line that is too long, all of which was passed over.
    TooLong,
    /// Nothing more, now or for ever; the beginning of a line may be there.
    Nothing,
}

/// Cuts a stream into lines.
pub(super) struct Lines<R> {
    reader: R,
    /// What was read; of it `at` bytes are handed out or part of `line`.
    read: Vec<u8>,
    at: usize,
    line: Vec<u8>,
    /// The line is there in full, and was handed out.
    is_taken: bool,
    /// More of the line has come than fits.
    is_too_long: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        let (read, line) = (Vec::with_capacity(READ_BYTES), Vec::new());
        Self {
            reader,
            read,
            at: 0,
            line,
            is_taken: false,
            is_too_long: false,
        }
    }

    /// The next line that has an end.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        if std::mem::take(&mut self.is_taken) {
            self.line.clear();
        }
        while self.at < self.read.len() || self.fill()? {
            let bytes = &self.read[self.at..];
            let end = memchr::memchr(b'\n', bytes);
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + piece.len() > LINE_BYTES_MAX {
                self.is_too_long = true;
                self.line.clear();
            }
            if !self.is_too_long {
                self.line.extend_from_slice(piece);
            }
            self.at += piece.len() + usize::from(end.is_some());
            if end.is_some() {
                return Ok(self.taken());
            }
        }
        Ok(Next::Nothing)
    }

    /// Whether the next line is there without a read, which may wait.
    pub(super) fn has_one_at_hand(&self) -> bool {
        memchr::memchr(b'\n', &self.read[self.at..]).is_some()
    }

    /// Whether there is more.
    fn fill(&mut self) -> io::Result<bool> {
        self.at = 0;
        self.read.resize(READ_BYTES, 0);
        let read = loop {
            match self.reader.read(&mut self.read) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.read.truncate(read.as_ref().copied().unwrap_or(0));
        Ok(read? > 0)
    }

    /// The line that has no end, when nothing more will come.
    pub(super) fn last(&mut self) -> Next<'_> {
        if self.is_taken || (self.line.is_empty() && !self.is_too_long) {
            return Next::Nothing;
        }
        self.taken()
    }

    fn taken(&mut self) -> Next<'_> {
        self.is_taken = true;
        match std::mem::take(&mut self.is_too_long) {
            true => Next::TooLong,
            false => Next::Line(self.line.strip_suffix(b"\r").unwrap_or(&self.line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that ends after each piece for a while.
    struct Growing(Vec<Vec<u8>>);

    impl Read for Growing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            into[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    fn lines(text: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(Growing(text.chunks(3).map(<[u8]>::to_vec).collect()));
        let mut all = Vec::new();
        let told = |next: Next<'_>| match next {
            Next::Line(line) => Some(String::from_utf8_lossy(line).into_owned()),
            Next::TooLong => Some("too long".to_owned()),
            Next::Nothing => None,
        };
        while let Some(line) = told(lines.next().expect("no IO")) {
            all.push(line);
        }
        all.extend(told(lines.last()));
        assert_eq!(lines.last(), Next::Nothing);
        all
    }

    #[test]
    fn lines_end_as_files_of_all_systems_have_it_and_the_last_may_have_no_end() {
        assert_eq!(lines(b""), [""; 0]);
        assert_eq!(lines(b"a\nbcdefg\r\n\nh"), ["a", "bcdefg", "", "h"]);
        assert_eq!(lines(b"a\n"), ["a"]);
        assert_eq!(lines(b"a\r\n\r"), ["a", ""]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let (fits, long) = ("x".repeat(LINE_BYTES_MAX), "x".repeat(LINE_BYTES_MAX + 1));
        assert_eq!(
            lines(format!("{fits}\n{long}\nb\n{long}").as_bytes()),
            [&fits, "too long", "b", "too long"]
        );
    }

    #[test]
    fn the_beginning_of_a_line_waits_for_its_end() {
        let pieces = [&b"a\nb"[..], b"", b"c", b"", b"\nd\n"].map(<[u8]>::to_vec);
        let mut lines = Lines::new(Growing(pieces.to_vec()));
        let mut next = || match lines.next().expect("no IO") {
            Next::Line(line) => String::from_utf8_lossy(line).into_owned(),
            other @ (Next::TooLong | Next::Nothing) => format!("{other:?}"),
        };
        let seen: Vec<_> = (0..5).map(|_| next()).collect();
        assert_eq!(seen, ["a", "Nothing", "Nothing", "bc", "d"]);
    }
}
