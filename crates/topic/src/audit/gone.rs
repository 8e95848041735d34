//! Topics that were deleted: what is left of them, and the timers by which it goes.

use tidegate_engine::Shard;

use super::Fault;
use super::groups::check_works;
use super::messages;
use super::rows::{GroupRows, Rows};
use crate::table::{Gone, GoneGroup, Left};

impl Rows {
    /// Whether nothing tells of a topic, but that it had several parts before it was deleted.
    pub(super) fn are_of_none(&self) -> bool {
        self.ids.is_empty()
            && self.keys.is_empty()
            && self.delayed.is_empty()
            && self.pins.is_empty()
            && self.groups.is_empty()
            && self.schema.is_none()
            && self.pushes.is_none()
            && self.names.is_none()
            && self.seen.last == 0
            && self.told.as_ref().is_some_and(|told| told.is_known())
            && [&self.appears, &self.retains, &self.empties, &self.forgets]
                .iter()
                .all(|timers| timers.numbers().next().is_none())
    }
}

pub(super) fn check(name: &str, rows: &Rows, gone: &Gone, fault: Fault<'_>) {
    messages::check(rows, &gone.part, fault);
    if rows.schema.is_some() || rows.pushes.is_some() || rows.names.is_some() {
        fault(": it was deleted, and says what it is".to_owned());
    }
    for (group, of) in &rows.groups {
        let mut fault = |what: String| fault(format!(" group {group}{what}"));
        let left = gone.groups.iter().find(|left| left.name == *group);
        check_group(of, left, &mut fault);
        check_works(of.works.iter(), gone.part.moves_from, &mut fault);
    }
    let is_there = |left: &&GoneGroup| rows.groups.contains_key(&left.name);
    let missing = gone.groups.iter().filter(|left| !is_there(left));
    for left in missing.filter(|left| left.dead + left.entries > 0) {
        fault(format!(
            " group {}: of {left:?} nothing is there",
            left.name
        ));
    }
    check_state(name, rows, gone, fault);
}

/// What is left of a group is as much as is said.
fn check_group(of: &GroupRows, left: Option<&GoneGroup>, fault: Fault<'_>) {
    let (dead, entries) = left.map_or((0, 0), |left| (left.dead, left.entries));
    let last = left.map_or(0, |left| left.died);
    let is_right = of.group.is_none()
        && of.looks.numbers().next().is_none()
        && of.dead.len() as u64 == dead
        && of.dead.keys().all(|number| *number <= last)
        && of.steered.len() as u64 == entries;
    if !is_right {
        fault(format!(": it went with its topic, and is left as {left:?}"));
    }
}

/// It has a timer by which it goes until it has found nothing left, and then one by which it is forgotten, in the first
/// part once nothing is left in any.
fn check_state(name: &str, rows: &Rows, gone: &Gone, fault: Fault<'_>) {
    let is_left = gone.left() != Left::Nothing;
    let is_going = rows.empties.numbers().next().is_some();
    let is_first = Shard::named(name).is_none();
    let others = rows.told.as_ref().map_or(0, |told| told.known.len() as u64);
    let waits_for_others = !is_left && (1..=others).contains(&gone.empty);
    let is_right = match (is_going, gone.is_free()) {
        (true, is_free) => !is_free,
        (false, true) => !is_left,
        (false, false) => is_first && waits_for_others,
    };
    if !is_right || gone.empty > others + 1 || !is_first && gone.is_wanted {
        fault(format!(": of it is left {gone:?}"));
    }
    let forgets = Some(gone.forgets_at_ms).filter(|at_ms| *at_ms > 0);
    check_timers(rows, (is_going, forgets), fault);
}

/// Whether something goes, by one timer, and when it is forgotten.
pub(super) fn check_timers(
    rows: &Rows,
    (is_going, forgets): (bool, Option<u64>),
    fault: Fault<'_>,
) {
    let timers = rows.empties.numbers().count();
    if timers != usize::from(is_going) {
        fault(format!(": what goes has {timers} timers"));
    }
    let due = forgets.into_iter().map(|at_ms| (0, at_ms));
    rows.forgets.check(due, "forgetting", fault);
}
