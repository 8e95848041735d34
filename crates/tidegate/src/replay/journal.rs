//! The journal of answers: what makes an interrupted replay resumable.
//!
//! A text file. Its first line says what it is the journal of; every further line is one answer,
//! refusals included: the record's number, what was asked, and the verdict.
//!
//! ```text
//! tidegate-replay 1 input=5f0c… share=0.9 columns=invoice=invoice,…
//! 1 declare done
//! 1 hold done
//! 1 confirm done
//! 7 hold sold_out
//! 9 return.1 refused RETURNEXCEEDSSOLD returnable=2
//! 12 hold done_before
//! 14 place done
//! 14 cancel done
//! 14 back.0 done
//! ```
//!
//! `done_before` is done as well, but not by this replay: the server knew the id.
//!
//! Laws:
//! 1. An answer is acted upon only after its line was handed to the operating system. So a return,
//!    which frees units, is never sent before the earlier answers of its SKU would outlive a kill
//!    of the replay: a journaled "sold out" is not asked again when stock has come back.
//! 2. A last line without its end was torn by a kill, was not acted upon, and is cut.
//! 3. Answers of one SKU are in the order of the file. SKUs interleave freely.
//!
//! A kill of the replay loses nothing. A loss of power may lose the last lines, as they are not
//! synced: their commands are then asked again, which is right except for a "sold out" whose SKU
//! got units back in the meantime.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::course::Verdict;
use super::sku_course::Command;

/// The version of the format, in the first line.
const MAGIC: &str = "tidegate-replay 1";

/// An open journal, locked against a second replay.
pub(super) struct Journal {
    state: Mutex<State>,
}

struct State {
    file: File,
    /// The first line, while it is not written: a journal without answers is nobody's.
    head: Option<String>,
}

/// One line: which record, what was asked of it, and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) record: u32,
    pub(super) asked: Asked,
    pub(super) verdict: Verdict,
}

/// What was asked, as the journal names it. The plan knows the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Declare,
    Hold,
    Confirm,
    Return {
        part: u32,
    },
    Place,
    Cancel,
    /// Whether the units of a part of a cancelled order are back.
    Back {
        part: u32,
    },
}

/// A journal that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("another replay is using it")]
    InUse,
    #[error("it is not a journal of this version of tidegate replay")]
    NotAJournal,
    #[error(
        "it belongs to another file, share, kind of replay or set of columns ({found}): delete it to begin anew, or \
         name another one with --journal"
    )]
    OtherInput { found: String },
    #[error("its line {line} cannot be read: {text:?}")]
    Unreadable { line: usize, text: String },
}

impl From<Command> for Asked {
    fn from(command: Command) -> Self {
        match command {
            Command::Declare => Self::Declare,
            Command::Hold { .. } => Self::Hold,
            Command::Confirm { .. } => Self::Confirm,
            Command::Return { part, .. } => Self::Return { part },
        }
    }
}

impl Journal {
    /// Opens the journal at `path`, or begins it, and reads what it holds. `identity` is what it
    /// must be the journal of.
    pub(super) fn open(path: &Path, identity: &str) -> Result<(Self, Vec<Entry>), Error> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let text = std::str::from_utf8(&bytes[..whole]).map_err(|_| Error::NotAJournal)?;
        let entries = read(text, &bytes[whole..], identity)?;
        file.set_len(whole as u64)?;
        file.seek(io::SeekFrom::End(0))?;
        let head = (whole == 0).then(|| header(identity));
        let state = Mutex::new(State { file, head });
        Ok((Self { state }, entries))
    }

    /// Appends answers. When this returns they outlive the process.
    pub(super) fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, head } = &mut *state;
        if let Some(first) = head {
            file.write_all(first.as_bytes())?;
            *head = None;
        }
        file.write_all(lines)
    }
}

impl Drop for Journal {
    /// Closing the file is not enough: a child process that is just being started has a copy of it
    /// until it runs its own program, and the lock with it. Letting go counts for all copies.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        // What fails here is let go with the process at the latest.
        drop(state.file.unlock());
    }
}

impl Entry {
    /// Appends the entry as a line.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let written = match self.asked {
            Asked::Declare => write!(out, "{} declare ", self.record),
            Asked::Hold => write!(out, "{} hold ", self.record),
            Asked::Confirm => write!(out, "{} confirm ", self.record),
            Asked::Return { part } => write!(out, "{} return.{part} ", self.record),
            Asked::Place => write!(out, "{} place ", self.record),
            Asked::Cancel => write!(out, "{} cancel ", self.record),
            Asked::Back { part } => write!(out, "{} back.{part} ", self.record),
        };
        written.expect("because a Vec takes any write");
        match &self.verdict {
            Verdict::Done => out.extend_from_slice(b"done"),
            Verdict::DoneBefore => out.extend_from_slice(b"done_before"),
            Verdict::SoldOut => out.extend_from_slice(b"sold_out"),
            Verdict::Refused(why) => {
                out.extend_from_slice(b"refused ");
                out.extend(
                    why.chars()
                        .filter(|c| !c.is_control())
                        .collect::<String>()
                        .bytes(),
                );
            }
        }
        out.push(b'\n');
    }

    fn parse(line: &str) -> Option<Self> {
        let (record, rest) = line.split_once(' ')?;
        let (asked, verdict) = rest.split_once(' ')?;
        let asked = match asked {
            "declare" => Asked::Declare,
            "hold" => Asked::Hold,
            "confirm" => Asked::Confirm,
            "place" => Asked::Place,
            "cancel" => Asked::Cancel,
            part => match part.split_once('.')? {
                ("return", part) => Asked::Return {
                    part: part.parse().ok()?,
                },
                ("back", part) => Asked::Back {
                    part: part.parse().ok()?,
                },
                _ => return None,
            },
        };
        let verdict = match verdict {
            "done" => Verdict::Done,
            "done_before" => Verdict::DoneBefore,
            "sold_out" => Verdict::SoldOut,
            why => Verdict::Refused(why.strip_prefix("refused ")?.into()),
        };
        Some(Self {
            record: record.parse().ok()?,
            asked,
            verdict,
        })
    }
}

fn header(identity: &str) -> String {
    format!("{MAGIC} {identity}\n")
}

/// Reads the whole lines of a journal. With none of them, what is there must at least be a torn
/// first line, so that no other file is overwritten by mistake.
fn read(whole: &str, torn: &[u8], identity: &str) -> Result<Vec<Entry>, Error> {
    let expected = header(identity);
    let Some(found) = whole.lines().next() else {
        return if expected.as_bytes().starts_with(torn) {
            Ok(Vec::new())
        } else {
            Err(Error::NotAJournal)
        };
    };
    let found = found.strip_prefix(MAGIC).ok_or(Error::NotAJournal)?.trim();
    if found != identity {
        return Err(Error::OtherInput {
            found: found.to_owned(),
        });
    }
    let lines = whole.lines().enumerate().skip(1);
    lines
        .map(|(index, text)| {
            let unreadable = || Error::Unreadable {
                line: index + 1,
                text: text.to_owned(),
            };
            Entry::parse(text).ok_or_else(unreadable)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        (folder, path)
    }

    fn entry(record: u32, asked: Asked, verdict: Verdict) -> Entry {
        Entry {
            record,
            asked,
            verdict,
        }
    }

    fn some_entries() -> Vec<Entry> {
        vec![
            entry(1, Asked::Declare, Verdict::Done),
            entry(1, Asked::Hold, Verdict::SoldOut),
            entry(2, Asked::Confirm, Verdict::Refused("HOLDEXPIRED".into())),
            entry(
                9,
                Asked::Return { part: 3 },
                Verdict::Refused("X available=0".into()),
            ),
        ]
    }

    fn append(journal: &Journal, entries: &[Entry]) {
        let mut lines = Vec::new();
        entries.iter().for_each(|entry| entry.write(&mut lines));
        journal.append(&lines).expect("written");
    }

    #[test]
    fn what_is_appended_is_read_back_and_appending_goes_on() {
        let (_folder, path) = folder();
        let (journal, found) = Journal::open(&path, "input=a").expect("new");
        assert_eq!(found, []);
        append(&journal, &some_entries());
        drop(journal);
        let (journal, found) = Journal::open(&path, "input=a").expect("again");
        assert_eq!(found, some_entries());
        append(&journal, &some_entries());
        drop(journal);
        let (_journal, found) = Journal::open(&path, "input=a").expect("a third time");
        assert_eq!(found.len(), 8);
    }

    #[test]
    fn a_closed_journal_is_free_whoever_else_has_its_file_open() {
        let (_folder, path) = folder();
        let (journal, _) = Journal::open(&path, "input=a").expect("new");
        let state = journal.state.lock().expect("not poisoned");
        let _copy_of_a_child = state.file.try_clone().expect("a copy");
        drop(state);
        drop(journal);
        Journal::open(&path, "input=a").expect("free");
    }

    #[test]
    fn a_journal_torn_at_any_byte_keeps_its_whole_lines() {
        let (_folder, path) = folder();
        let (journal, _) = Journal::open(&path, "input=a").expect("new");
        append(&journal, &some_entries());
        drop(journal);
        let bytes = std::fs::read(&path).expect("there");
        for cut in 0..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).expect("cut");
            let (journal, found) = Journal::open(&path, "input=a").expect("readable");
            let ends = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(
                found,
                some_entries()[..ends.saturating_sub(1)],
                "cut at {cut}"
            );
            append(&journal, &some_entries()[..1]);
            drop(journal);
            let (_, found) = Journal::open(&path, "input=a").expect("readable");
            assert_eq!(found.len(), ends.saturating_sub(1) + 1, "cut at {cut}");
        }
    }

    #[test]
    fn a_journal_of_something_else_is_refused_and_left_alone() {
        let (_folder, path) = folder();
        let (journal, _) = Journal::open(&path, "input=a").expect("new");
        append(&journal, &some_entries());
        drop(journal);
        assert!(matches!(
            Journal::open(&path, "input=b"),
            Err(Error::OtherInput { .. })
        ));
        for other in [
            "no journal\n",
            "no journal",
            "tidegate-replay 2 input=a\n1 hold done\n",
        ] {
            std::fs::write(&path, other).expect("written");
            assert!(Journal::open(&path, "input=a").is_err());
            assert_eq!(std::fs::read_to_string(&path).expect("there"), other);
        }
    }

    #[test]
    fn a_journal_without_answers_is_nobodys() {
        let (_folder, path) = folder();
        drop(Journal::open(&path, "input=a").expect("new"));
        assert_eq!(std::fs::read(&path).expect("there"), b"");
        assert!(Journal::open(&path, "input=b").is_ok());
    }

    #[test]
    fn a_second_replay_is_kept_out() {
        let (_folder, path) = folder();
        let _first = Journal::open(&path, "input=a").expect("new");
        assert!(matches!(Journal::open(&path, "input=a"), Err(Error::InUse)));
    }

    #[test]
    fn a_broken_line_in_the_middle_is_named() {
        let (_folder, path) = folder();
        let text = format!(
            "{}1 declare done\n1 hold maybe\n1 hold done\n",
            header("input=a")
        );
        std::fs::write(&path, text).expect("written");
        let refused = Journal::open(&path, "input=a").err().expect("unreadable");
        assert!(
            matches!(refused, Error::Unreadable { line: 3, .. }),
            "{refused}"
        );
    }

    proptest! {
        #[test]
        fn every_entry_is_read_back_as_written(
            record in any::<u32>(), kind in 0_u8..7, part in any::<u32>(), why in "[ -~]{0,40}",
        ) {
            let asked = [
                Asked::Declare,
                Asked::Hold,
                Asked::Confirm,
                Asked::Return { part },
                Asked::Place,
                Asked::Cancel,
                Asked::Back { part },
            ];
            let refused = Verdict::Refused(why.into());
            let verdicts = [Verdict::Done, Verdict::DoneBefore, Verdict::SoldOut, refused];
            for verdict in verdicts {
                let entry = entry(record, asked[usize::from(kind)], verdict);
                let mut line = Vec::new();
                entry.write(&mut line);
                let line = String::from_utf8(line).expect("text");
                prop_assert_eq!(Entry::parse(line.trim_end_matches('\n')), Some(entry));
            }
        }
    }
}
