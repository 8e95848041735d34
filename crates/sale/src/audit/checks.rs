//! Checks by a hook: as many as the sale says, each open one with its call.

use tidegate_engine::contract::Books;

use super::Fault;
use super::rows::Rows;
use crate::REFUSALS_MAX;
use crate::check::Check;
use crate::table::Sale;

pub(super) fn check(books: &Books<'_>, sale: &Sale, rows: &Rows, fault: Fault<'_>) {
    let count = |is_such: fn(&Check) -> bool| {
        let such = rows.checks.values().filter(|check| is_such(check));
        such.count() as u64
    };
    let counted = [
        count(|check| check.is_open),
        count(|check| check.refusals > 0),
    ];
    let says = sale.checks.as_ref();
    let says = says.map_or([0; 2], |checks| [checks.open, checks.refused]);
    let is_hookless = sale.checks.is_none() && !rows.checks.is_empty();
    if counted != says || is_hookless {
        fault(format!(
            ": {counted:?} buyers are checked and refused, it says {says:?}"
        ));
    }
    for (buyer, check) in &rows.checks {
        let is_known = check.is_open || check.refusals > 0;
        let is_asked = !check.is_open || check.response.is_some();
        let is_timed = (sale.opens_ms..=books.clock_up_to_ms()).contains(&check.at_ms);
        let is_in_line = rows.entrants.contains_key(buyer);
        if !is_known || !is_asked || !is_timed || is_in_line || check.refusals > REFUSALS_MAX {
            fault(format!(": {buyer} is checked by {check:?}"));
        }
    }
    let open = rows.checks.iter().filter(|(_, check)| check.is_open);
    let open: Vec<_> = open.map(|(buyer, _)| buyer.as_str()).collect();
    let mut called: Vec<_> = rows.called.iter().map(String::as_str).collect();
    called.sort_unstable();
    if open != called {
        fault(format!(
            ": {open:?} are being checked, by calls about {called:?}"
        ));
    }
}
