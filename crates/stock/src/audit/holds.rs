//! Every hold beside its place in the index, its timer, its returns and its own history.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::contract::Books;

use super::Fault;
use super::rows::Rows;
use crate::HISTORY_MAX;
use crate::table::{Held, HoldState, Kind, Step};

pub(super) fn check(books: &Books<'_>, rows: &Rows, fault: Fault<'_>) {
    let mut index = rows.index.clone();
    let mut timers = rows.timers.clone();
    let mut leaving = rows.leaving.clone();
    let mut returned: BTreeMap<&CompactString, u64> = BTreeMap::new();
    for ((hold, _), quantity) in &rows.returns {
        let sum = returned.entry(hold).or_default();
        *sum = sum.saturating_add(*quantity);
    }
    for (id, hold) in &rows.holds {
        let mut fault = |what: String| fault(format!(" hold {id}: {what}"));
        let state = hold.state;
        let is_hot = hold.archived.is_none();
        if is_hot && !index.remove(&(state.key(), hold.position, id.clone())) {
            fault(format!(
                "in state {state:?}, it is not in the index as that"
            ));
        }
        let is_timed = timers.remove(&(hold.expires_at_ms, id.clone()));
        let is_due = state == HoldState::Held && hold.claimed.is_none();
        let is_set_aside = is_due && rows.set_aside.expiries.contains(id);
        if is_timed != is_due && !is_set_aside {
            fault(format!("in state {state:?}, expiry timer: {is_timed}"));
        }
        let leaves = leaving.remove(id).unwrap_or(0);
        let is_to_leave = is_hot && state != HoldState::Held;
        let is_set_aside = is_to_leave && leaves == 0 && rows.set_aside.leaving.contains(id);
        if leaves != u64::from(is_to_leave) && !is_set_aside {
            fault(format!(
                "in state {state:?}, {leaves} timers for the archive"
            ));
        }
        let of_returns = returned.remove(id).unwrap_or(0);
        if hold.returned != of_returns {
            fault(format!(
                "{} returned, its returns add up to {of_returns}",
                hold.returned
            ));
        }
        check_returned(hold, &mut fault);
        if !rows.dropped.contains(id) {
            check_times(books, hold, &mut fault);
            check_steps(hold, &mut fault);
        }
    }
    for (state, position, id) in index {
        fault(format!(
            ": the index names {id} in state {state}, at {position}"
        ));
    }
    for (due_ms, id) in timers {
        fault(format!(
            " hold {id}: an expiry timer at {due_ms}, and no hold held until then"
        ));
    }
    for id in leaving.into_keys() {
        fault(format!(" hold {id}: a timer for the archive, and no hold"));
    }
    for id in returned.into_keys() {
        fault(format!(
            ": a return names the hold {id}, which is not there"
        ));
    }
}

fn check_times(books: &Books<'_>, hold: &Held, fault: Fault<'_>) {
    let Held {
        created_at_ms,
        expires_at_ms,
        ..
    } = hold;
    if expires_at_ms <= created_at_ms || *created_at_ms > books.clock_up_to_ms() {
        fault(format!(
            "made at {created_at_ms}, expires at {expires_at_ms}, with the clock before {}",
            books.clock_up_to_ms()
        ));
    }
}

fn check_returned(hold: &Held, fault: Fault<'_>) {
    let wholly = hold.state == HoldState::Returned;
    if hold.returned > hold.quantity || wholly != (hold.returned == hold.quantity) {
        fault(format!(
            "{} of {} returned in state {:?}",
            hold.returned, hold.quantity, hold.state
        ));
    }
}

/// The first step ends the time in which it was held; only returns come behind a confirmation.
fn check_steps(hold: &Held, fault: Fault<'_>) {
    let (first, later) = match hold.steps.split_first() {
        Some((first, later)) => (Some(first), later),
        None => (None, &[][..]),
    };
    let ends_as = ending_of(hold.state);
    let has_ended = first.map(|step| (step.kind, step.quantity));
    if has_ended != ends_as.map(|kind| (kind, hold.quantity)) {
        fault(format!(
            "in state {:?}, its first step: {first:?}",
            hold.state
        ));
    }
    let is_late = first.is_some_and(|step| step.at_ms >= hold.expires_at_ms);
    if is_late != (hold.state == HoldState::Expired) {
        fault(format!(
            "in state {:?}, expires at {}, its first step: {first:?}",
            hold.state, hold.expires_at_ms
        ));
    }
    let is_cut = hold.steps.len() >= HISTORY_MAX - 1;
    let of_steps = later.iter().map(|step| u128::from(step.quantity));
    let of_steps: u128 = of_steps.sum();
    let returned = u128::from(hold.returned);
    let is_sum = of_steps == returned || is_cut && of_steps < returned;
    if !is_sum || later.iter().any(|step| step.kind != Kind::Return) {
        fault(format!(
            "{} returned, its history: {later:?}",
            hold.returned
        ));
    }
    let at_ms = |step: &Step| step.at_ms;
    let times = std::iter::once(hold.created_at_ms).chain(hold.steps.iter().map(at_ms));
    if !times.is_sorted() {
        fault(format!("its history runs back: {:?}", hold.steps));
    }
}

/// How a hold has come into this state, from *held*.
pub(super) fn ending_of(state: HoldState) -> Option<Kind> {
    match state {
        HoldState::Held => None,
        HoldState::Confirmed | HoldState::Returned => Some(Kind::Confirm),
        HoldState::Released => Some(Kind::Release),
        HoldState::Expired => Some(Kind::Expire),
    }
}
