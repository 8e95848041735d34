//! What came of a replay of orders, as data.

use serde::Serialize;

use super::books::OrderBooks;
use super::list::LeftOut;
use super::tally::{OrderCount, OrderTally};
use super::{Choice, Ground};
use crate::ending::Found;
use crate::replay::Options;
use crate::replay::lane::Meter;
use crate::replay::live::Progress;
use crate::replay::malformed::Malformed;
use crate::replay::report::{Measured, Refusal, kept_journal};

/// The result of a replay of orders.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OrdersReport {
    pub(crate) file: String,
    pub(crate) server: String,
    /// Where the journal is, if it is there when the replay is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) journal: Option<String>,
    pub(crate) stock_share: String,
    pub(crate) cancel_share: String,
    pub(crate) cancel_all: bool,
    /// Orders in flight at most. With one the figures are the same on every run.
    pub(crate) in_flight: u64,
    /// All orders of the file.
    pub(crate) in_all: OrderCount,
    #[serde(flatten)]
    pub(crate) tally: OrderTally,
    /// What is still reserved.
    pub(crate) held: OrderCount,
    pub(crate) left_out: LeftOut,
    /// The first few orders refused for another reason than sold out, by their first lines.
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) malformed: Malformed,
    pub(crate) run: OrdersRun,
    pub(crate) books: OrderBooks,
}

/// What this run did; the rest of the report covers earlier runs with the same journal too.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OrdersRun {
    /// Orders that this run has placed, and cancelled on their way.
    pub(crate) orders: u64,
    pub(crate) orders_per_s: u64,
    /// The time without that of cancelling all that is left; the latencies are those of placing.
    #[serde(flatten)]
    pub(crate) measured: Measured,
}

impl OrdersRun {
    pub(super) fn new(progress: &Progress<OrderTally>, meter: &Meter) -> Self {
        Self {
            orders: progress.answered(),
            orders_per_s: progress.per_s() as u64,
            measured: Measured::new(meter, progress.elapsed),
        }
    }
}

impl OrdersReport {
    pub(super) fn new(
        options: &Options,
        choice: Choice,
        ground: &Ground<'_>,
        tally: OrderTally,
        refusals: Vec<Refusal>,
        run: OrdersRun,
        books: OrderBooks,
    ) -> Self {
        let counts = ground.orders.list.iter().map(|order| order.count());
        Self {
            file: options.file.display().to_string(),
            server: options.addr.clone(),
            journal: kept_journal(options),
            stock_share: options.share.to_string(),
            cancel_share: choice.cancels.to_string(),
            cancel_all: choice.cancels_all,
            in_flight: (options.connections * options.pipeline) as u64,
            in_all: counts.sum(),
            tally,
            held: tally.held(),
            left_out: ground.orders.left_out,
            refusals,
            malformed: ground.plan.malformed.clone(),
            run,
            books,
        }
    }

    /// Whether the books balance.
    pub(crate) fn found(&self) -> Found {
        if self.books.stock.balance {
            Found::Sound
        } else {
            Found::Unsound
        }
    }
}
