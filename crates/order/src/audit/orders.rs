//! An order beside its timer, its own history and what is held for it.

use tidegate_claim::{THINGS_MAX, sold_label};
use tidegate_engine::contract::{Audit, Books};

use crate::apply::total_of;
use crate::purchase::{bought_label, counted_label};
use crate::table::{Order, State, Step};
use crate::{HISTORY_MAX, PAYING_AFTER_MS, PLACING_MS};

/// Where a law that is broken is told, behind the order's id.
type Fault<'a> = &'a mut dyn FnMut(String);

pub(super) fn check(
    books: &Books<'_>,
    id: &str,
    order: &Order,
    timers: &[Option<u64>],
    audit: &mut Audit,
) {
    let fault = &mut |what| audit.faults.push(format!("order {id}: {what}"));
    if total_of(&order.lines) != Some(order.total) {
        fault(format!("costs {}, and its lines do not", order.total));
    }
    check_history(order, fault);
    check_times(books, order, fault);
    check_timers(order, timers, fault);
    check_claims(order, fault);
    check_cause(order, fault);
    check_releasing(order, fault);
}

/// Each state may follow the one before, the last is the order's, and there are as many as it counts.
fn check_history(order: &Order, fault: Fault<'_>) {
    let steps = &order.steps;
    let counted = steps.len() as u64;
    let is_cut = steps.len() == HISTORY_MAX && order.version > counted;
    let is_led = steps.last().is_some_and(|step| step.state == order.state);
    let is_first = order.was_bought() == order.seller.is_some()
        && steps
            .first()
            .is_some_and(|step| step.state == State::Placing || order.seller.is_some());
    // What was cut stood behind the first.
    let mut pairs = steps.windows(2).skip(usize::from(is_cut));
    let follows = pairs.all(|pair| may_follow(pair[0].state, pair[1].state));
    if order.version != counted && !is_cut || !is_led || !is_first || !follows {
        let (state, version) = (order.state, order.version);
        fault(format!(
            "in state {state:?}, version {version}, with {steps:?}"
        ));
    }
    let placed = steps.iter().filter(|step| step.state == State::Placing);
    let placed = placed.count() as u64;
    // Units of an order that is paid may be claimed several times in one state.
    let was_taken = steps.iter().any(|step| step.state == State::Taking);
    if order.attempt != placed && !((is_cut || was_taken) && order.attempt > placed) {
        let attempt = order.attempt;
        fault(format!("attempt {attempt}, and was placed {placed} times"));
    }
}

/// Which states may come behind which.
pub(crate) fn may_follow(before: State, after: State) -> bool {
    match before {
        State::Placing => matches!(
            after,
            State::Reserved | State::Open | State::Refused | State::Busy | State::Cancelled
        ),
        // A payment that had failed may be paid all the same.
        State::Reserved => matches!(
            after,
            State::Paying | State::Paid | State::Cancelled | State::Expired
        ),
        State::Open => matches!(
            after,
            State::Paying | State::Taking | State::Cancelled | State::Expired
        ),
        State::Paying => matches!(
            after,
            State::Reserved
                | State::Open
                | State::Paid
                | State::Taking
                | State::Cancelled
                | State::Expired
        ),
        State::Taking => matches!(after, State::Paid | State::Refunding),
        State::Paid => matches!(after, State::Fulfilled | State::Refunding),
        State::Fulfilled | State::Cancelled => after == State::Refunding,
        State::Refunding => matches!(after, State::Refunded | State::Paid | State::Fulfilled),
        State::Expired => matches!(after, State::Taking | State::Refunding),
        State::Busy => matches!(after, State::Placing | State::Cancelled),
        State::Refused | State::Refunded => false,
    }
}

fn check_times(books: &Books<'_>, order: &Order, fault: Fault<'_>) {
    let steps = &order.steps;
    let at_ms = steps.last().map_or(0, |step: &Step| step.at_ms);
    if !steps.is_sorted_by_key(|step| step.at_ms) || at_ms > books.clock_up_to_ms() {
        fault(format!("its history runs back, or ahead: {steps:?}"));
    }
    let most_ms = books.clock_up_to_ms().saturating_add(PLACING_MS);
    let expires_ms = order.expires_ms;
    let paying_until_ms = expires_ms.map(|ms| ms.saturating_add(PAYING_AFTER_MS));
    let lasts = match order.state {
        // Each letter of things gets its own time to be placed.
        State::Placing if order.claimed > 0 => order
            .until_ms
            .is_some_and(|ms| (at_ms.saturating_add(PLACING_MS)..=most_ms).contains(&ms)),
        State::Placing => order.until_ms == Some(at_ms.saturating_add(PLACING_MS)),
        State::Reserved | State::Open => order.until_ms == order.expires_ms,
        State::Paying => order.until_ms == paying_until_ms,
        State::Taking => order
            .until_ms
            .is_some_and(|ms| (at_ms..=most_ms).contains(&ms)),
        State::Refused
        | State::Busy
        | State::Cancelled
        | State::Expired
        | State::Paid
        | State::Fulfilled
        | State::Refunding
        | State::Refunded => order.until_ms.is_none(),
    };
    let placed = steps.iter().rfind(|step| step.state == State::Placing);
    let waited = placed.or(steps.first().filter(|_| order.was_bought()));
    let waited = waited.and_then(|placing| {
        let since = steps.iter().filter(|step| step.at_ms >= placing.at_ms);
        let mut since = since.filter(|step| step.state == order.waiting());
        since.next()
    });
    let expires_ms = waited.map(|step| step.at_ms.saturating_add(order.ttl_ms));
    let is_cut = steps.len() == HISTORY_MAX;
    if !lasts || !is_cut && order.expires_ms != expires_ms {
        let (state, until_ms, says) = (order.state, order.until_ms, order.expires_ms);
        fault(format!(
            "in state {state:?} until {until_ms:?}, expires at {says:?}, by its history {expires_ms:?}"
        ));
    }
    let is_taking = order.state == State::Taking;
    if order.taking.is_some() != is_taking
        || order.refunded_from.is_some() && order.state != State::Refunding
    {
        fault(format!(
            "in state {:?}, with {:?}",
            order.state, order.taking
        ));
    }
}

/// One that was set aside stands for one that is set.
fn check_timers(order: &Order, timers: &[Option<u64>], fault: Fault<'_>) {
    let is_timed = match timers {
        [] => order.until_ms.is_none(),
        [None] => true,
        [due_ms] => *due_ms == order.until_ms,
        _ => false,
    };
    if !is_timed {
        let (state, until_ms) = (order.state, order.until_ms);
        fault(format!(
            "in state {state:?} until {until_ms:?}, with timers {timers:?}"
        ));
    }
}

/// It is claimed as much at once as a letter names, and who asks is one of its things.
fn check_claims(order: &Order, fault: Fault<'_>) {
    let (claimed, things) = (order.claimed, order.things());
    let most = THINGS_MAX as u64;
    let last = (things.len() as u64).saturating_sub(1) / most * most;
    let is_all = !order.holds() || claimed == last;
    if claimed % most != 0 || claimed > last || !is_all {
        let (state, things) = (order.state, things.len());
        fault(format!(
            "in state {state:?}, {claimed} of {things} things claimed before"
        ));
    }
    let answers_at_once = order.holds() && !order.asked.is_empty();
    if answers_at_once || order.asked.iter().any(|thing| !things.contains(thing)) {
        let (state, asked) = (order.state, &order.asked);
        fault(format!("in state {state:?}, asked by {asked:?}"));
    }
}

/// It was refused for one of its things, of which there were fewer units.
fn check_cause(order: &Order, fault: Fault<'_>) {
    let is_refused = order.state == State::Refused;
    let is_known = order.cause.as_ref().is_none_or(|cause| {
        let things = order.things();
        let thing = things.iter().find(|thing| thing.key == cause.sku);
        thing.is_some_and(|thing| cause.available < thing.units)
    });
    if is_refused != order.cause.is_some() || !is_known {
        fault(format!("in state {:?} for {:?}", order.state, order.cause));
    }
}

/// Only who has given it up waits for its units to be back.
fn check_releasing(order: &Order, fault: Fault<'_>) {
    let was_cancelled = order
        .steps
        .iter()
        .any(|step| step.state == State::Cancelled);
    if order.releasing > 0 && !was_cancelled {
        let (state, releasing) = (order.state, order.releasing);
        fault(format!(
            "in state {state:?}, letters {releasing:#b} to be heard"
        ));
    }
}

/// It is an owner while it lives, and has its units once it is reserved.
pub(super) fn add(id: &str, order: &Order, audit: &mut Audit) {
    let owner = order.owner(id);
    if order.state.is_living() {
        audit.has(owner.label());
    }
    if order.state == State::Placing || order.taking.is_some() {
        for thing in &order.asked {
            audit.has(owner.answer_label(thing));
        }
    }
    if order.holds() {
        for thing in order.things() {
            audit.needs(owner.part_label(&thing), || format!("order {id}"));
        }
    }
    if order.has_sold() {
        let id_there = owner.hold_id();
        for thing in order.things() {
            audit.needs(sold_label(&id_there, &thing), || format!("order {id}"));
        }
    }
    if let Some(seller) = &order.seller
        && !order.came_to_nothing()
    {
        let purchase = (seller, order.buyer.as_str(), order.units());
        audit.has(bought_label(id, purchase));
        audit.needs(counted_label(id, purchase), || format!("order {id}"));
    }
    for part in (0..u64::BITS).filter(|part| order.releasing >> part & 1 == 1) {
        let heard = owner.settled_label(part.into());
        audit.needs(heard, || format!("order {id}"));
    }
    audit.add(figure(order.state), 1);
}

fn figure(state: State) -> &'static str {
    match state {
        State::Placing => "order.placing",
        State::Reserved => "order.reserved",
        State::Refused => "order.refused",
        State::Cancelled => "order.cancelled",
        State::Expired => "order.expired",
        State::Busy => "order.busy",
        State::Open => "order.open",
        State::Paying => "order.paying",
        State::Taking => "order.taking",
        State::Paid => "order.paid",
        State::Fulfilled => "order.fulfilled",
        State::Refunding => "order.refunding",
        State::Refunded => "order.refunded",
    }
}
