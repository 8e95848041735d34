//! Every group: where its open messages are, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::rows::{GroupRows, Rows, WorkRows};
use crate::STEERED_MAX;
use crate::open::chunk_of;
use crate::table::{Group, How, Lease, Order, Part, Waiting};

/// Where an open message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In this lease, behind that position of its key, or 0.
    Leased(u64, u64),
    InLine,
    Resting,
    /// By this position.
    BlockedBy(u64),
}

type Places = BTreeMap<u64, (Place, Waiting)>;

pub(super) fn check(rows: &Rows, part: &Part, of: &GroupRows, fault: Fault<'_>) {
    let Some(group) = &of.group else {
        return check_left(of, part.moves_from, fault);
    };
    let none = WorkRows::default();
    let work = of.works.get(&group.moves).unwrap_or(&none);
    check_counts(part, work, group, fault);
    let places = places_of(work, fault);
    if group.order == Order::Key {
        check_order(rows, &places, fault);
    } else if let Some((before, _)) = work.blocked.first_key_value() {
        fault(format!(": blocked by {before}, though it knows no order"));
    }
    check_leases(work, fault);
    check_timers(work, fault);
    check_going(work, false, fault);
    check_dead(of, group, fault);
    check_looks(of, work, group, fault);
    let others = of.works.iter().filter(|(moves, _)| **moves != group.moves);
    check_works(others, group.moves, fault);
}

/// Of a group that went with its topic nothing is left but what it had open.
pub(super) fn check_left(of: &GroupRows, moves_from: u64, fault: Fault<'_>) {
    let is_open_only = of.dead.is_empty() && of.steered.is_empty();
    let is_open_only = is_open_only && of.looks.numbers().next().is_none();
    if !is_open_only || of.works.keys().any(|moves| *moves >= moves_from) {
        fault(": rows of a group that is not there".to_owned());
    }
    check_works(of.works.iter(), moves_from, fault);
}

/// What was open before so many moves goes.
pub(super) fn check_works<'a>(
    works: impl Iterator<Item = (&'a u64, &'a WorkRows)>,
    before: u64,
    fault: Fault<'_>,
) {
    for (moves, work) in works {
        let mut fault = |what: String| fault(format!(" before move {}{what}", moves + 1));
        if *moves >= before {
            fault(format!(": it was moved {before} times"));
        }
        places_of(work, &mut fault);
        check_timers(work, &mut fault);
        check_going(work, true, &mut fault);
    }
}

/// What was in line, or blocked by what is gone, before the group was moved goes by timers.
fn check_going(work: &WorkRows, is_moved: bool, fault: Fault<'_>) {
    let first = work.ready.keys().next().copied();
    let goes = work.lines_go.numbers().next();
    let is_right = if is_moved {
        first.is_none() || goes == first
    } else {
        goes.is_none()
    };
    if !is_right {
        fault(format!(
            ": in line from {first:?} on, and goes from {goes:?} on"
        ));
    }
    let going: BTreeSet<_> = work.blocked_go.numbers().collect();
    for before in work.blocked.keys() {
        if !work.open.contains(before) && !going.contains(before) {
            fault(format!(": blocked by {before}, which is not open"));
        }
    }
}

fn check_counts(part: &Part, of: &WorkRows, group: &Group, fault: Fault<'_>) {
    let leased: usize = of.leases.values().map(|lease| lease.items.len()).sum();
    for (what, says, has) in [
        ("open", group.open, of.open.len()),
        ("leased", group.leased, leased),
        (
            "in line",
            group.ready_to - group.ready_from.min(group.ready_to),
            of.ready.len(),
        ),
        ("at rest", group.resting, of.resting.len()),
        ("blocked", group.blocked, of.blocked.len()),
    ] {
        if says != has as u64 {
            fault(format!(": {says} {what}, there are {has}"));
        }
    }
    if !of
        .ready
        .keys()
        .copied()
        .eq(group.ready_from..group.ready_to)
    {
        fault(format!(
            ": places in line from {} to {}",
            group.ready_from, group.ready_to
        ));
    }
    let last_open = of.open.last().copied().unwrap_or(0);
    let is_within = group.next > last_open && group.next <= group.from.max(part.last + 1);
    if !is_within || group.next < group.from {
        fault(format!(
            ": goes on at {}, began at {}, {last_open} is open, {} the last",
            group.next, group.from, part.last
        ));
    }
}

/// Where each open message is; in one place only.
fn places_of(of: &WorkRows, fault: Fault<'_>) -> Places {
    let leased = of.leases.iter().flat_map(|(number, lease)| {
        let items = lease.items.iter();
        items.map(|item| (Place::Leased(*number, item.behind), item.of))
    });
    let in_line = of.ready.values().map(|of| (Place::InLine, *of));
    let resting = of.resting.values().map(|row| (Place::Resting, row.of));
    let blocked = of.blocked.iter();
    let blocked =
        blocked.map(|(before, position)| (Place::BlockedBy(*before), Waiting::untried(*position)));
    let mut places = Places::new();
    for (place, of) in leased.chain(in_line).chain(resting).chain(blocked) {
        if let Some((other, _)) = places.insert(of.position, (place, of)) {
            fault(format!(": {} is {place:?} and {other:?}", of.position));
        }
    }
    let placed: BTreeSet<_> = places.keys().copied().collect();
    if placed != of.open {
        let odd = placed.symmetric_difference(&of.open).next();
        fault(format!(
            ": open, and leased, in line, at rest or blocked, are not the same: {odd:?}"
        ));
    }
    places
}

/// Of the open messages of a key each but the first waits for the one before it, or is behind it in a lease.
fn check_order(rows: &Rows, places: &Places, fault: Fault<'_>) {
    for (position, (place, _)) in places {
        let Some(before) = rows.seen.before.get(position).copied() else {
            continue; // It was dropped, and nothing tells what was before it.
        };
        let ahead = places.get(&before);
        let is_right = match (*place, ahead) {
            (Place::BlockedBy(by), Some(_)) => by == before,
            (Place::Leased(lease, behind), Some((Place::Leased(other, _), _))) => {
                lease == *other && behind == before || is_replayed(ahead)
            }
            (Place::BlockedBy(_), None) => false,
            (Place::Leased(..) | Place::InLine | Place::Resting, Some(_)) => is_replayed(ahead),
            (Place::Leased(_, behind), None) => behind == 0 || behind == before,
            (Place::InLine | Place::Resting, None) => true,
        };
        if !is_right {
            fault(format!(
                ": {position} is {place:?}, and before it {before} is {ahead:?}"
            ));
        }
    }
}

/// Whether the one before is replayed: later ones of its key were let ahead of it.
fn is_replayed(ahead: Option<&(Place, Waiting)>) -> bool {
    ahead.is_some_and(|(_, ahead)| ahead.is_replay)
}

fn check_leases(of: &WorkRows, fault: Fault<'_>) {
    for (number, lease) in &of.leases {
        if lease.items.is_empty() && !lease.is_torn {
            fault(format!(" lease {number} has no message"));
        }
        check_behind(*number, lease, fault);
    }
}

/// What follows another one in its lease is untried, and comes behind it.
fn check_behind(number: u64, lease: &Lease, fault: Fault<'_>) {
    for item in lease.items.iter().filter(|item| item.behind > 0) {
        if item.of.tries > 0 || item.behind >= item.of.position {
            fault(format!(" lease {number}: {item:?}"));
        }
    }
}

fn check_timers(of: &WorkRows, fault: Fault<'_>) {
    let leases = of.leases.iter();
    let ends = leases.map(|(number, lease)| (*number, lease.until_ms));
    of.lease_ends.check(ends, "lease", fault);
    let resting = of.resting.iter();
    let ends = resting.map(|(position, row)| (*position, row.until_ms));
    of.rests_over.check(ends, "at rest", fault);
    for (position, row) in &of.resting {
        if row.of.position != *position || row.of.tries == 0 {
            fault(format!(": at {position} rests {row:?}"));
        }
    }
}

/// A group that may not lag has a timer, and nothing is open before what is looked at first.
fn check_looks(of: &GroupRows, work: &WorkRows, group: &Group, fault: Fault<'_>) {
    let due = Some(group.looks_at_ms).filter(|at_ms| *at_ms > 0);
    let due = due.into_iter().map(|at_ms| (0, at_ms));
    of.looks.check(due, "lag", fault);
    let first = work.open.first().map(|position| chunk_of(*position));
    let is_low = first.is_none_or(|first| group.floor <= first);
    if !is_low || (group.max_lag_ms > 0) != (group.looks_at_ms > 0) {
        fault(format!(
            ": looked at from chunk {} on, the first that is open is {first:?}, at {} for {} ms",
            group.floor, group.looks_at_ms, group.max_lag_ms
        ));
    }
}

fn check_dead(of: &GroupRows, group: &Group, fault: Fault<'_>) {
    if group.dead != of.dead.len() as u64 {
        fault(format!(
            ": {} dead, there are {}",
            group.dead,
            of.dead.len()
        ));
    }
    for (number, dead) in &of.dead {
        // One of a group that was moved back may be given once more.
        let is_settled = dead.position < group.next && !of.is_open(dead.position);
        if !(is_settled || group.moves > 0) || *number > group.died || dead.tries == 0 {
            fault(format!(
                " dead letter {number}, of {}: {dead:?}",
                group.died
            ));
        }
    }
}

/// The last entries of the audit list, each where the group had come to. The first part has it for all.
pub(super) fn check_steered(part: &Part, of: &GroupRows, fault: Fault<'_>) {
    let Some(group) = &of.group else {
        return;
    };
    let first = group.steered.saturating_sub(STEERED_MAX) + 1;
    if !of.steered.keys().copied().eq(first..=group.steered) {
        let has: Vec<_> = of.steered.keys().collect();
        fault(format!(
            ": entries {first} to {} of its audit list are {has:?}",
            group.steered
        ));
    }
    let versions = of.steered.values().map(|entry| entry.version);
    let last = of.steered.values().last();
    let moves = of.steered.values().filter(|entry| entry.how == How::Move);
    let is_all = first == 1;
    let is_right = versions.is_sorted_by(|one, other| one < other)
        && last.is_none_or(|last| last.version < group.version)
        && (!is_all || moves.count() as u64 + part.moves_from == group.moves);
    if !is_right {
        fault(format!(
            ": its audit list is not of one at version {}",
            group.version
        ));
    }
}
