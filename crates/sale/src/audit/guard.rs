//! Limits for buyers and addresses: nobody is expected later than a limit lets them be.

use tidegate_engine::Rate;
use tidegate_engine::contract::Books;

use super::Fault;
use super::rows::Rows;
use crate::ADDRESS_CELLS;
use crate::guard::Guard;
use crate::table::Sale;

pub(super) fn check(books: &Books<'_>, sale: &Sale, rows: &Rows, fault: Fault<'_>) {
    let now_ms = books.clock_up_to_ms();
    let is_within = |rate: Option<Rate>, next_us: u64| {
        let is_late = rate.is_some_and(|rate| next_us <= rate.latest_us(now_ms));
        is_late && next_us > sale.opens_ms.saturating_mul(1_000)
    };
    let of_address = sale.guard.as_ref().and_then(Guard::of_address);
    for (cell, arrival) in &rows.arrivals {
        if *cell >= ADDRESS_CELLS || !is_within(of_address, arrival.next_us) {
            fault(format!(": cell {cell} of its addresses has {arrival:?}"));
        }
    }
    let of_buyer = sale.guard.as_ref().and_then(Guard::of_buyer);
    for (buyer, entrant) in &rows.entrants {
        let next_us = entrant.next_token_us;
        if next_us.is_some_and(|next_us| !is_within(of_buyer, next_us)) {
            fault(format!(
                ": the next token of {buyer} is expected at {next_us:?}"
            ));
        }
    }
}
