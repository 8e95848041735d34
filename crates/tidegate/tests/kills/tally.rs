//! What the answers add up to, and what the server's rows do.

use std::collections::BTreeMap;

use crate::UNITS;
use crate::support::{Client, all_pages, units_of};
use crate::worker::{Hold, What, Worker};

/// What all workers together say of one SKU.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) total: i64,
    pub(crate) held: i64,
    pub(crate) sold: i64,
    /// State, quantity and returned units by id.
    holds: BTreeMap<String, (String, i64, i64)>,
    /// How often each kind of change was made, and of how many units.
    changes: BTreeMap<String, (i64, i64)>,
}

impl Tally {
    fn change(&mut self, kind: &str, quantity: i64) {
        let (times, units) = self.changes.entry(kind.to_owned()).or_default();
        (*times, *units) = (*times + 1, *units + quantity);
    }

    /// As the answers have it.
    pub(crate) fn of_answers(workers: &[Worker], sku: u64) -> Self {
        let mut tally = Self {
            total: UNITS,
            ..Self::default()
        };
        tally.change("set", UNITS);
        for worker in workers {
            let ours = worker
                .holds
                .iter()
                .filter(|row| row.sku == sku && row.state != "refused");
            for Hold {
                id,
                state,
                quantity,
                returned,
                ..
            } in ours
            {
                match *state {
                    "held" => tally.held += quantity,
                    "confirmed" | "returned" => tally.sold += quantity - returned,
                    _ => assert_eq!(*state, "released", "nothing is open"),
                }
                tally
                    .holds
                    .insert(id.clone(), ((*state).to_owned(), *quantity, *returned));
            }
            for sent in &worker.done {
                let row = |at: usize| &worker.holds[at];
                let (of, quantity) = match sent.what {
                    What::Add { sku, delta } => (sku, delta),
                    What::Return { hold, quantity } => (row(hold).sku, quantity),
                    What::Hold { hold } | What::Confirm { hold } | What::Release { hold } => {
                        (row(hold).sku, row(hold).quantity)
                    }
                };
                if of == sku {
                    tally.change(sent.what.kind(), quantity);
                    let added = matches!(sent.what, What::Add { .. });
                    tally.total += if added { quantity } else { 0 };
                }
            }
        }
        tally
    }

    /// As the server's rows have it, or why they do not fit together: every hold is listed once,
    /// and the flow leads to what is available.
    pub(crate) fn of_rows(client: &mut Client, sku: u64) -> Result<Self, String> {
        let [total, available, held, sold] = units_of(client, &format!("sku-{sku}"));
        let mut tally = Self {
            total,
            held,
            sold,
            ..Self::default()
        };
        for row in all_pages(client, &format!("STOCK.HOLDS sku-{sku}")) {
            let [quantity, returned] =
                ["quantity", "returned"].map(|name| row.field(name).integer());
            let (id, state) = (row.field("id").text(), row.field("state").text());
            let twice = tally
                .holds
                .insert(id.to_owned(), (state.to_owned(), quantity, returned));
            if twice.is_some() {
                return Err(format!("listed twice: {id}"));
            }
        }
        let mut end = 0;
        for (entry, due) in all_pages(client, &format!("STOCK.FLOW sku-{sku}"))
            .iter()
            .zip(1..)
        {
            let [position, before, after, quantity] =
                ["position", "before", "after", "quantity"].map(|n| entry.field(n).integer());
            if (position, before) != (due, end) {
                return Err(format!("behind {end} at {due}: {entry:?}"));
            }
            tally.change(entry.field("kind").text(), quantity);
            end = after;
        }
        if (total - held - sold, end) != (available, available) {
            return Err(format!("{available} available, the flow ends with {end}"));
        }
        Ok(tally)
    }
}
