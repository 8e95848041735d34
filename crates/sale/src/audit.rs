//! Recomputes every law of the domain from the rows themselves.

mod checks;
mod draws;
mod guard;
mod rows;
mod shelves;
mod shop;

use std::collections::BTreeSet;

use tidegate_engine::contract::{Audit, Books};

use crate::draw::{empty_list, entry_of, longer_list};
use crate::table::Sale;
use crate::ticket::ticket_of;
use rows::Rows;

/// Where a law that is broken is told, behind the name of the sale.
type Fault<'a> = &'a mut dyn FnMut(String);

/// Checks the laws of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let sales = rows::by_sale(books, &mut audit.faults);
    for (name, rows) in &sales {
        let faults = &mut audit.faults;
        let mut fault = |what: String| faults.push(format!("sale {name}{what}"));
        let Some(sale) = &rows.sale else {
            fault(": rows of a sale that is not there".to_owned());
            continue;
        };
        check_entrants(sale, rows, &mut fault);
        check_times(sale, &mut fault);
        check_start(sale, rows, &mut fault);
        // Of more than have entered nothing can be computed, and that was told.
        if sale.last_listed() <= rows.entrants.len() as u64 {
            check_list(name, sale, &mut fault);
            draws::check(name, sale, rows, &mut fault);
        }
        shop::check(sale, rows, &mut fault);
        guard::check(books, sale, rows, &mut fault);
        checks::check(books, sale, rows, &mut fault);
        shop::add(books, name, sale, rows, &mut audit);
        let entrants = i64::try_from(rows.entrants.len()).unwrap_or(i64::MAX);
        audit.add("sale.entrants", entrants);
    }
    shelves::check(books, &mut audit);
    shop::add_letters(books, &mut audit);
    audit
}

/// Numbered from 1 on, each once.
fn check_entrants(sale: &Sale, rows: &Rows, fault: Fault<'_>) {
    let mut numbers = BTreeSet::new();
    for (buyer, entrant) in &rows.entrants {
        let number = entrant.number;
        if number == 0 || number > sale.entrants || !numbers.insert(number) {
            fault(format!(
                ": {buyer} is entrant {number} of {}, or another one is",
                sale.entrants
            ));
        }
        if entrant.at_ms < sale.opens_ms || entrant.at_ms >= sale.ends_ms {
            fault(format!(": {buyer} entered at {}", entrant.at_ms));
        }
        if let Some(start) = &sale.start {
            let is_early = entrant.at_ms < start.at_ms && number > start.listed;
            let is_late = entrant.at_ms > start.at_ms && number <= start.listed;
            if is_early || is_late {
                fault(format!(
                    ": {buyer} is entrant {number}, and entered on the other side of the start"
                ));
            }
        }
    }
    if numbers.len() as u64 != sale.entrants {
        fault(format!(
            ": {} entrants, it says {}",
            numbers.len(),
            sale.entrants
        ));
    }
}

fn check_times(sale: &Sale, fault: Fault<'_>) {
    let (opens, starts, ends) = (sale.opens_ms, sale.starts_ms, sale.ends_ms);
    if opens > starts || starts >= ends || ends <= sale.created_ms || sale.rate == 0 {
        fault(format!(
            ": opens at {opens}, starts at {starts}, ends at {ends}, admits {} a second",
            sale.rate
        ));
    }
    let start = sale.start.as_ref();
    if start.is_some_and(|start| start.at_ms < starts || start.listed > sale.entrants) {
        fault(format!(": it has started as {start:?}"));
    }
    if sale.beacon.is_some() && (sale.beacon_name.is_none() || start.is_none()) {
        fault(": a beacon that it does not wait for".to_owned());
    }
}

/// Until it has started it has its timer, due then.
fn check_start(sale: &Sale, rows: &Rows, fault: Fault<'_>) {
    let due: Vec<_> = rows.starts.iter().map(|timer| timer.due_ms()).collect();
    let expected = if sale.start.is_none() {
        vec![sale.starts_ms]
    } else {
        Vec::new()
    };
    let stands_aside = rows.set_aside.contains(&Kind::Start) && due.is_empty();
    if due != expected && !stands_aside {
        fault(format!(
            ": timers of its start are due at {due:?}, not {expected:?}"
        ));
    }
}

/// The timers of a sale, of which any may have been set aside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Start,
    Draw,
    Open,
    Steer,
}

impl Sale {
    /// Who entered last before the start, or by now.
    fn last_listed(&self) -> u64 {
        self.listed().unwrap_or(self.entrants)
    }
}

/// Over the tickets of those who entered before the start.
fn check_list(name: &str, sale: &Sale, fault: Fault<'_>) {
    let listed = sale.last_listed();
    let list = (1..=listed).fold(empty_list(name), |list, number| {
        longer_list(&list, &entry_of(&ticket_of(&sale.key, name, number)))
    });
    if list != *sale.list {
        fault(format!(
            ": the hash of its list is not that of its {listed} entrants"
        ));
    }
}
