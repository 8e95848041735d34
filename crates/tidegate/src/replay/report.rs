//! What came of a replay, as data.

use serde::Serialize;

use super::Options;
use super::books::Books;
use super::lane::Meter;
use super::live::Progress;
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
    /// Commands answered for good.
    pub(crate) answers: u64,
    /// Commands that the server asked to repeat later.
    pub(crate) busy: u64,
    /// Connections lost.
    pub(crate) connections_lost: u64,
    pub(crate) elapsed_ms: u64,
    pub(crate) lines_per_s: u64,
    pub(crate) latency_p50_us: u64,
    pub(crate) latency_p99_us: u64,
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
        courses: &[SkuCourse<'_>],
        progress: &Progress,
        meter: &Meter,
        books: Books,
    ) -> Self {
        Self {
            file: options.file.display().to_string(),
            server: options.addr.clone(),
            journal: options
                .keeps_journal
                .then(|| options.journal.display().to_string()),
            stock_share: options.share.to_string(),
            lines: plan.records.into(),
            tally: progress.tally,
            refusals: refusals(courses),
            malformed: plan.malformed.clone(),
            run: Run {
                lines: progress.answered(),
                answers: meter.answers,
                busy: meter.busy,
                connections_lost: meter.lost,
                elapsed_ms: u64::try_from(progress.elapsed.as_millis()).unwrap_or(u64::MAX),
                lines_per_s: progress.per_s() as u64,
                latency_p50_us: meter.latency_us.value_at_quantile(0.50),
                latency_p99_us: meter.latency_us.value_at_quantile(0.99),
            },
            books,
        }
    }
}

fn refusals(courses: &[SkuCourse<'_>]) -> Vec<Refusal> {
    let all = courses.iter().flat_map(|course| course.refusals());
    let mut all: Vec<_> = all
        .map(|(record, why)| Refusal {
            record: *record,
            why: why.to_string(),
        })
        .collect();
    all.sort_by_key(|refusal| refusal.record);
    all.truncate(REFUSALS_SHOWN_MAX);
    all
}
