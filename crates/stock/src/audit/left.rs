//! What has left for the archives: the rows that are kept there, what stands in their place, and the
//! sums over all that has left.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::contract::Books;

use super::Fault;
use super::rows::Rows;
use crate::archive::{HOLDS_ARCHIVE, Left};
use crate::table::{Held, HoldState};

/// Puts the details that are kept of each hold in the place of its stub; tells what does not fit.
pub(super) fn join(books: &Books<'_>, rows: &mut Rows, fault: Fault<'_>) {
    let mut archived = std::mem::take(&mut rows.archived);
    for (id, hold) in &mut rows.holds {
        let Some(slice) = hold.archived else {
            continue;
        };
        match archived.remove(&(slice, hold.position)) {
            Some(row) if row.id == *id && row.hold.stub(slice) == *hold => {
                let archived = Some(slice);
                *hold = Held {
                    archived,
                    ..row.hold
                };
            }
            None if !books.keeps(&HOLDS_ARCHIVE, slice) => {
                rows.dropped.insert(id.clone());
            }
            row => {
                rows.dropped.insert(id.clone());
                fault(format!(" hold {id}: the archive says {row:?} of it"));
            }
        }
    }
    for row in archived.into_values() {
        let id = row.id;
        fault(format!(
            " hold {id}: in the archive, where it is not said to be"
        ));
    }
}

/// What has left is what the sums say.
pub(super) fn check(rows: &Rows, fault: Fault<'_>) {
    let mut left = Left::default();
    for hold in rows.holds.values().filter(|hold| hold.archived.is_some()) {
        left.add(hold);
    }
    let mut says = rows.left.clone().unwrap_or_default();
    for state in HoldState::ALL {
        let (says, has) = (says.of(state), left.of(state));
        if says != has {
            fault(format!(
                ": {says:?} left in state {state:?}, its holds add up to {has:?}"
            ));
        }
    }
}

/// What buyers are counted for is what their holds have, as far as these are known still.
pub(super) fn check_buyers(rows: &Rows, fault: Fault<'_>) {
    let mut had: BTreeMap<&CompactString, (u64, u64)> = BTreeMap::new();
    let mut is_all_known = true;
    for (id, hold) in rows.holds.iter().filter(|(_, hold)| hold.has() > 0) {
        is_all_known &= !rows.dropped.contains(id);
        if let Some(buyer) = &hold.buyer {
            let (units, archived) = had.entry(buyer).or_default();
            let sum = if hold.archived.is_some() {
                archived
            } else {
                units
            };
            *sum = sum.saturating_add(hold.has());
        }
    }
    for (buyer, taken) in &rows.buyers {
        let (units, archived) = had.remove(buyer).unwrap_or_default();
        let is_told = archived == taken.archived || !is_all_known && archived < taken.archived;
        if !is_told {
            let says = taken.archived;
            fault(format!(
                " buyer {buyer}: {says} counted as archived, {archived} are"
            ));
        }
        let has = units.saturating_add(taken.archived);
        if has != taken.units || has == 0 {
            let counted = taken.units;
            fault(format!(" buyer {buyer}: {counted} counted, {has} had"));
        }
    }
    let counted = rows.buyers.values().map(|taken| taken.archived);
    let counted = counted.fold(0, u64::saturating_add);
    let bought = rows.left.as_ref().map_or(0, |left| left.bought);
    if counted != bought {
        fault(format!(
            ": {counted} counted as archived for its buyers, {bought} have left"
        ));
    }
    for (buyer, (units, archived)) in had {
        let has = units.saturating_add(archived);
        fault(format!(" buyer {buyer}: {has} had, none counted"));
    }
}
