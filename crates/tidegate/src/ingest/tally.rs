//! What has come of the lines so far, and in the end.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::bad::{BadLines, Fault, Origin};
use super::event::Counted;
use super::send::Ledger;
use super::wire::Done;
use crate::output::grouped;

const NAME_WIDTH: usize = 16;
const LINES_WIDTH: usize = 14;

/// Counts of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tally {
    /// All that were read.
    pub(super) lines: u64,
    /// Those of them that the server counted because of this run.
    pub(super) counted: u64,
    /// Those that it had counted before.
    pub(super) repeated: u64,
    /// Those that were too late, and are listed.
    pub(super) late: u64,
    /// Those that cannot be counted.
    pub(super) bad: BadLines,
    /// Batches that the server asked to send again later.
    pub(super) busy: u64,
    /// Connections lost.
    pub(super) connections_lost: u64,
    #[serde(skip)]
    files: Vec<PathBuf>,
}

impl Tally {
    pub(super) fn new(files: &[PathBuf]) -> Self {
        Self {
            files: files.to_vec(),
            ..Self::default()
        }
    }

    /// Lines were read, of which these are bad.
    pub(super) fn read(&mut self, events: usize, bad: &[(Origin, Fault)]) {
        self.lines += (events + bad.len()) as u64;
        for (origin, fault) in bad {
            self.bad(*origin, fault);
        }
    }

    /// Those of which it is known what has come of them.
    pub(super) fn known(&self) -> u64 {
        self.counted + self.repeated + self.late + self.bad.lines
    }

    fn bad(&mut self, origin: Origin, fault: &Fault) {
        let file = self
            .files
            .get(origin.file)
            .map(PathBuf::as_path)
            .unwrap_or(Path::new(""));
        self.bad
            .note(&file.display().to_string(), origin.line, fault);
    }
}

impl Ledger for Tally {
    fn done(&mut self, batch: &[Counted], done: Done) {
        self.counted += done.counted;
        self.repeated += done.repeated;
        self.late += done.late;
        for (at, why) in done.refused {
            let origin = batch.get(at).map_or(
                Origin {
                    file: usize::MAX,
                    line: 0,
                },
                |counted| counted.origin,
            );
            self.bad(origin, &Fault::Refused(why));
        }
    }

    fn busy(&mut self) {
        self.busy += 1;
    }

    fn lost(&mut self) {
        self.connections_lost += 1;
    }
}

/// What an ingestion has come to.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) counter: String,
    pub(super) server: String,
    #[serde(flatten)]
    pub(super) tally: Tally,
    /// Lines of which it is not known whether they were counted: it ended before they were answered.
    pub(super) unknown: u64,
    pub(super) elapsed_ms: u64,
    pub(super) lines_per_s: u64,
}

impl Report {
    pub(super) fn new(counter: &str, server: &str, tally: Tally, elapsed: Duration) -> Self {
        let lines_per_s = tally.lines as f64 / elapsed.as_secs_f64().max(1e-6);
        Self {
            counter: counter.to_owned(),
            server: server.to_owned(),
            unknown: tally.lines - tally.known(),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            lines_per_s: lines_per_s as u64,
            tally,
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let figure = |f: &mut fmt::Formatter<'_>, name: &str, lines: u64, more: &str| {
            let row = format!("{name:NAME_WIDTH$}{:>LINES_WIDTH$}  {more}", grouped(lines));
            writeln!(f, "{}", row.trim_end())
        };
        let elapsed = Duration::from_millis(self.elapsed_ms).as_secs_f64();
        let rate = format!("in {elapsed:.1} s, {} a second", grouped(self.lines_per_s));
        figure(f, "lines", tally.lines, &rate)?;
        figure(
            f,
            "counted",
            tally.counted,
            &format!("by {} at {}", self.counter, self.server),
        )?;
        figure(f, "repeated", tally.repeated, "counted before")?;
        let listed = format!("listed by COUNTER.LATE {}", self.counter);
        figure(
            f,
            "late",
            tally.late,
            if tally.late > 0 { &listed } else { "" },
        )?;
        figure(f, "bad", tally.bad.lines, "")?;
        for bad in &tally.bad.first {
            writeln!(f, "  {}:{}: {}", bad.file, bad.line, bad.why)?;
        }
        if self.unknown > 0 {
            figure(
                f,
                "unknown",
                self.unknown,
                "not answered: the same command counts them once",
            )?;
        }
        if tally.busy + tally.connections_lost > 0 {
            let (busy, lost) = (grouped(tally.busy), grouped(tally.connections_lost));
            writeln!(
                f,
                "{:NAME_WIDTH$}  {busy} batches told BUSY, {lost} connections lost",
                "sent again"
            )?;
        }
        Ok(())
    }
}
