//! Recomputes every law of the domain from the rows themselves.

use std::collections::BTreeMap;

use compact_str::{CompactString, format_compact};
use tidegate_engine::contract::{Audit, Books};

use crate::HISTORY_MAX;
use crate::apply::{DUE, total_of};
use crate::mail::{AllClaimed, Answered, Changed, InList, SegmentClaimed};
use crate::table::{Cause, LISTED, ORDERS, Order, State};

/// Checks the laws of this crate over the rows of one slot.
#[must_use]
pub fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    let mut timers = timers_of(books);
    for (key, order) in books.rows(&ORDERS) {
        let mut parts = key.parts();
        match parts.text() {
            Some(id) if parts.rest().is_empty() && books.is_home_of(id) => {
                check(books, id, &order, timers.remove(id), &mut audit);
            }
            _ => audit.faults.push(not_a_key(ORDERS.def().name(), &key)),
        }
    }
    for (id, due_ms) in timers {
        let what = format!("order {id}: timers at {due_ms:?} ms, and nothing ends then");
        audit.faults.push(what);
    }
    check_lists(books, &mut audit);
    add_letters(books, &mut audit);
    audit
}

fn not_a_key(of: &str, key: &tidegate_engine::RowKey) -> String {
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

fn check(
    books: &Books<'_>,
    id: &str,
    order: &Order,
    timers: Option<Vec<Option<u64>>>,
    audit: &mut Audit,
) {
    let mut fault = |what: String| audit.faults.push(format!("order {id}: {what}"));
    if total_of(&order.lines) != Some(order.total) {
        fault(format!("costs {}, and its lines do not", order.total));
    }
    let steps = &order.steps;
    let counted = steps.len() as u64;
    let is_counted =
        order.version == counted || steps.len() == HISTORY_MAX && order.version > counted;
    let is_led = steps.last().is_some_and(|step| step.state == order.state);
    let is_first = steps
        .first()
        .is_some_and(|step| step.state == State::Placing);
    if !is_counted || !is_led || !is_first {
        let (state, version) = (order.state, order.version);
        fault(format!(
            "in state {state:?}, version {version}, with {steps:?}"
        ));
    }
    let is_in_time = steps.is_sorted_by_key(|step| step.at_ms);
    if !is_in_time
        || steps
            .last()
            .is_some_and(|step| step.at_ms > books.clock_up_to_ms())
    {
        fault(format!("its history runs back, or ahead: {steps:?}"));
    }
    let is_refused = order.state == State::Refused;
    if is_refused != order.cause.is_some() {
        fault(format!("in state {:?} for {:?}", order.state, order.cause));
    }
    let timers = timers.unwrap_or_default();
    let is_timed = match timers.as_slice() {
        [] => order.until_ms.is_none(),
        [None] => true,
        [due_ms] => *due_ms == order.until_ms,
        _ => false,
    };
    if !is_timed || order.state.is_living() != order.until_ms.is_some() {
        let (state, until_ms) = (order.state, order.until_ms);
        fault(format!(
            "in state {state:?} until {until_ms:?}, with timers {timers:?}"
        ));
    }
    if order.state.is_living() {
        audit.has(order.owner(id).label());
    }
    let is_busy = order.cause.as_ref().is_some_and(Cause::is_busy);
    if order.state != State::Placing && !is_busy {
        audit.needs(in_list(id), || format!("order {id}"));
    }
    audit.has(an_order(id));
    audit.add(figure(order.state), 1);
}

fn figure(state: State) -> &'static str {
    match state {
        State::Placing => "order.placing",
        State::Reserved => "order.reserved",
        State::Refused => "order.refused",
        State::Cancelled => "order.cancelled",
        State::Expired => "order.expired",
    }
}

/// What audits call it that a buyer's list has an order.
fn in_list(id: &str) -> CompactString {
    format_compact!("its place in a buyer's list, order {id}")
}

/// And that there is an order.
fn an_order(id: &str) -> CompactString {
    format_compact!("the order {id}")
}

fn check_lists(books: &Books<'_>, audit: &mut Audit) {
    let mut places = BTreeMap::new();
    for (key, row) in books.rows(&LISTED) {
        let mut parts = key.parts();
        let buyer = parts.text().map(CompactString::new);
        let place = parts.byte().zip(parts.number());
        let known = buyer.zip(place).filter(|(buyer, (part, _))| {
            parts.rest().is_empty() && books.is_home_of(buyer) && *part == row.state.part()
        });
        let Some((buyer, (_, number))) = known else {
            audit.faults.push(not_a_key(LISTED.def().name(), &key));
            continue;
        };
        if places.insert((buyer.clone(), number), ()).is_some() {
            let what = format!("buyer {buyer}: the order {} is listed twice", row.id);
            audit.faults.push(what);
        }
        audit.has(in_list(&row.id));
        audit.needs(an_order(&row.id), || format!("the list of buyer {buyer}"));
    }
}

/// Letters on their way, which tell owners or lists.
fn add_letters(books: &Books<'_>, audit: &mut Audit) {
    for letter in books.letters::<Answered>() {
        audit.has(letter.owner().label());
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
    for letter in books.letters::<Changed>() {
        audit.has(in_list(letter.id()));
    }
}
