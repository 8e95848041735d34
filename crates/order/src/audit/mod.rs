//! Recomputes every law of the domain from the rows themselves.

mod details;
mod lists;
mod money;
mod orders;

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_claim::Settled;
use tidegate_engine::RowKey;
use tidegate_engine::contract::{Audit, Books};

use crate::apply::DUE;
use crate::mail::{AllClaimed, Answered, InList, Released, SegmentClaimed};
use crate::purchase::{Bought, Purchase, bought_label};
use crate::table::ORDERS;

/// Checks the laws of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let mut timers = timers_of(books);
    let mut money = money::Rows::read(books, &mut audit);
    for (key, order) in books.rows(&ORDERS) {
        let mut parts = key.parts();
        match parts.text() {
            Some(id) if parts.rest().is_empty() && books.is_home_of(id) => {
                let timers = timers.remove(id).unwrap_or_default();
                orders::check(books, id, &order, &timers, &mut audit);
                orders::add(id, &order, &mut audit);
                lists::add_order(id, &order, &mut audit);
                money.check(id, &order, &mut audit);
            }
            _ => audit.faults.push(not_a_key(ORDERS.def().name(), &key)),
        }
    }
    for (id, due_ms) in timers {
        let what = format!("order {id}: timers at {due_ms:?} ms, and nothing ends then");
        audit.faults.push(what);
    }
    money.end(&mut audit);
    lists::check(books, &mut audit);
    add_letters(books, &mut audit);
    audit
}

fn not_a_key(of: &str, key: &RowKey) -> String {
    let (slot, key) = (key.slot().0, key.parts().rest().escape_ascii());
    format!("{of}: in slot {slot} there is no key {key}")
}

/// When the timers of each order are due; those that were set aside at no time.
fn timers_of(books: &Books<'_>) -> BTreeMap<CompactString, Vec<Option<u64>>> {
    let mut timers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let set = books.timers(&DUE);
    let set = set
        .iter()
        .map(|timer| (timer.owner(), Some(timer.due_ms())));
    let aside = books.timers_set_aside(&DUE);
    let aside = aside.iter().map(|timer| (timer.owner(), None));
    for (mut owner, due_ms) in set.chain(aside) {
        let id = owner.text().unwrap_or_default();
        timers.entry(id.into()).or_default().push(due_ms);
    }
    timers
}

/// Letters on their way, which tell owners.
fn add_letters(books: &Books<'_>, audit: &mut Audit) {
    for letter in books.letters::<Answered>() {
        audit.has(letter.owner().label());
        if let Some(thing) = letter.asks() {
            audit.has(letter.owner().answer_label(thing));
        }
    }
    for letter in books.letters::<SegmentClaimed>() {
        audit.has(letter.owner().label());
    }
    for letter in books.letters::<AllClaimed>() {
        audit.has(letter.owner().label());
    }
    for letter in books.letters::<InList>() {
        audit.has(letter.owner.label());
    }
    for letter in books.letters::<Bought>() {
        audit.has(letter.owner().label());
        let Purchase {
            seller,
            buyer,
            quantity,
            ..
        } = letter.purchase();
        let order = letter.owner().address.to();
        audit.has(bought_label(order, (&seller, &buyer, quantity)));
    }
    for letter in books.letters::<Released>() {
        let Settled { owner, part } = letter.settled();
        audit.has(owner.settled_label(*part));
    }
}
