//! What came of a replay, as data.

use std::time::Duration;

use serde::Serialize;

use super::Options;
use super::books::Books;
use super::lane::Meter;
use super::lanes::Outcome;
use super::malformed::Malformed;
use super::plan::Plan;
use super::sku_course::SkuCourse;
use super::tally::{Counts, Tally};
use crate::ending::Found;

/// Refused lines that are shown; the rest is only counted.
const REFUSALS_SHOWN_MAX: usize = 5;

/// The result of a replay.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) file: String,
    pub(crate) server: String,
    /// Where the journal is, if it is there when the replay is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) journal: Option<String>,
    pub(crate) stock_share: String,
    /// Records of the file: orders, returns and malformed ones.
    pub(crate) lines: u64,
    #[serde(flatten)]
    pub(crate) tally: Tally,
    /// The first few lines refused for another reason than sold out.
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) malformed: Malformed,
    pub(crate) run: Run,
    pub(crate) books: Books,
}

/// A refused line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refusal {
    /// The number of the record.
    pub(crate) record: u32,
    /// In the server's words.
    pub(crate) why: String,
}

/// What this run did; the rest of the report covers earlier runs with the same journal too.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    /// Lines that this run finished by asking the server.
    pub(crate) lines: u64,
    pub(crate) lines_per_s: u64,
    #[serde(flatten)]
    pub(crate) measured: Measured,
}

/// What a run has measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    /// Commands answered for good.
    pub(crate) answers: u64,
    /// Commands that the server asked to repeat later.
    pub(crate) busy: u64,
    /// Connections lost.
    pub(crate) connections_lost: u64,
    pub(crate) elapsed_ms: u64,
    pub(crate) latency_p50_us: u64,
    pub(crate) latency_p99_us: u64,
}

impl Measured {
    pub(super) fn new(meter: &Meter, elapsed: Duration) -> Self {
        Self {
            answers: meter.answers,
            busy: meter.busy,
            connections_lost: meter.lost,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            latency_p50_us: meter.latency_us.value_at_quantile(0.50),
            latency_p99_us: meter.latency_us.value_at_quantile(0.99),
        }
    }
}

impl Report {
    /// Whether the books balance.
    pub(crate) fn found(&self) -> Found {
        if self.books.balance {
            Found::Sound
        } else {
            Found::Unsound
        }
    }

    /// Lines whose answers were in the journal when the run began.
    pub(super) fn answered_before(&self) -> u64 {
        self.tally.answered() - self.run.lines
    }

    pub(super) fn new(
        options: &Options,
        plan: &Plan,
        outcome: &Outcome<SkuCourse<'_>>,
        books: Books,
    ) -> Self {
        let progress = &outcome.progress;
        let refusals = outcome.courses.iter().flat_map(|course| course.refusals());
        Self {
            file: options.file.display().to_string(),
            server: options.addr.clone(),
            journal: kept_journal(options),
            stock_share: options.share.to_string(),
            lines: plan.records.into(),
            tally: progress.tally,
            refusals: first_refusals(refusals.map(|(record, why)| (*record, &**why))),
            malformed: plan.malformed.clone(),
            run: Run {
                lines: progress.answered(),
                lines_per_s: progress.per_s() as u64,
                measured: Measured::new(&outcome.meter, progress.elapsed),
            },
            books,
        }
    }
}

/// Where the journal is, if it stays.
pub(super) fn kept_journal(options: &Options) -> Option<String> {
    let path = || options.journal.display().to_string();
    options.keeps_journal.then(path)
}

/// The first few of all refusals, by record.
pub(super) fn first_refusals<'r>(all: impl Iterator<Item = (u32, &'r str)>) -> Vec<Refusal> {
    let refusal = |(record, why): (u32, &str)| Refusal {
        record,
        why: why.to_owned(),
    };
    let mut all: Vec<_> = all.map(refusal).collect();
    all.sort_by_key(|refusal| refusal.record);
    all.truncate(REFUSALS_SHOWN_MAX);
    all
}
