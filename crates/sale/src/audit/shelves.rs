//! What the slots of SKUs know of sales: shelves, and tokens that are void before their time.

use std::collections::BTreeMap;

use tidegate_engine::RowKey;
use tidegate_engine::contract::{Audit, Books, Timer};

use crate::apply::{CLOSE, UNVOID};
use crate::mail::shelf_label;
use crate::table::{SHELVES, VOIDS};

/// A SKU, a sale, and the serial of a token if it is about one.
type Of = (String, String, Option<u64>);

/// Each has its timer, due when it goes.
pub(super) fn check(books: &Books<'_>, audit: &mut Audit) {
    let mut due = due_of(books, audit);
    for (key, shelf) in books.rows(&SHELVES) {
        let Some(of) = of_row(books, &key, false) else {
            audit.faults.push(not_a_key(&key));
            continue;
        };
        audit.has(shelf_label(&of.1, &of.0));
        let until_ms = [shelf.ends_ms, shelf.kept_until_ms()];
        check_timer(&mut due, of, &until_ms, &mut audit.faults);
    }
    for (key, void) in books.rows(&VOIDS) {
        match of_row(books, &key, true) {
            Some(of) => check_timer(&mut due, of, &[void.until_ms], &mut audit.faults),
            None => audit.faults.push(not_a_key(&key)),
        }
    }
    for ((sku, sale, serial), due) in due {
        if due.iter().any(Option::is_some) {
            audit.faults.push(format!(
                "sale {sale}, {sku}: timers at {due:?} of {serial:?}, and nothing ends then"
            ));
        }
    }
}

/// It has one, due at one of these times; one that was set aside stands for one that is set.
fn check_timer(
    due: &mut BTreeMap<Of, Vec<Option<u64>>>,
    of: Of,
    until_ms: &[u64],
    faults: &mut Vec<String>,
) {
    let timers = due.remove(&of).unwrap_or_default();
    let is_timed = match timers[..] {
        [Some(due_ms)] => until_ms.contains(&due_ms),
        [None] => true,
        _ => false,
    };
    if !is_timed {
        let (sku, sale, serial) = of;
        faults.push(format!(
            "sale {sale}, {sku}: {serial:?} until {until_ms:?}, with timers at {timers:?}"
        ));
    }
}

fn due_of(books: &Books<'_>, audit: &mut Audit) -> BTreeMap<Of, Vec<Option<u64>>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (timer, is_token) in [(&CLOSE, false), (&UNVOID, true)] {
        for (of, due_ms) in timers_of(books, timer, is_token, audit) {
            found.entry(of).or_default().push(due_ms);
        }
    }
    found
}

fn timers_of(
    books: &Books<'_>,
    timer: &Timer,
    is_token: bool,
    audit: &mut Audit,
) -> Vec<(Of, Option<u64>)> {
    let mut found = Vec::new();
    for timer in books.timers(timer) {
        match of(books, timer.owner(), is_token) {
            Some(of) => found.push((of, Some(timer.due_ms()))),
            None => audit.faults.push(not_a_key(timer.key())),
        }
    }
    for timer in books.timers_set_aside(timer) {
        found.extend(of(books, timer.owner(), is_token).map(|of| (of, None)));
    }
    found
}

fn of_row(books: &Books<'_>, key: &RowKey, is_token: bool) -> Option<Of> {
    of(books, key.parts(), is_token)
}

fn of(books: &Books<'_>, mut parts: tidegate_engine::KeyReader<'_>, is_token: bool) -> Option<Of> {
    let (sku, sale) = parts.text().zip(parts.text())?;
    let (sku, sale) = (sku.to_owned(), sale.to_owned());
    let serial = if is_token {
        Some(parts.number()?)
    } else {
        None
    };
    let is_whole = parts.rest().is_empty() && books.is_home_of(&sku);
    is_whole.then_some((sku, sale, serial))
}

fn not_a_key(key: &RowKey) -> String {
    let (slot, key) = (key.slot().0, key.parts().rest().escape_ascii());
    format!("sales of SKUs: in slot {slot} there is no key {key}")
}
