//! The draw, in steps: first the lots of all entrants of the list, each into the group of lots in which it
//! falls, some thousand at once; then each group in order. A step is a timer, so it is done once whatever
//! happens, and others have their turn between two.

use std::collections::BTreeMap;

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::steer::look_soon;
use crate::edge::show;
use crate::lots::{Lot, STEP, group_of, groups, steps};
use crate::table::{DOMAIN, Draw, Drawn, GROUPS, Group, Pace, SALES, SCATTERED, Sale};

/// Set with a sale, the group that the step brings in order, if it does, and how many steps have found its lots.
pub(crate) const DRAW: Timer = Timer::new(DOMAIN, 2, draw, draw_reads);

/// What stands for a group in the timer of a step that has none.
const NO_GROUP: u64 = u64::MAX;

/// A step begins so long after the one before: commands have their turn.
const REST_MS: u64 = 1;

fn set_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, u64, u64) {
    let (name, group, steps) = (owner.text(), owner.number(), owner.number());
    let set = name.zip(group).zip(steps);
    let ((name, group), steps) = set.expect("because the timer is set with a text and two numbers");
    (name, group, steps)
}

fn draw_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, group, steps) = set_of(&mut owner);
    reads.row(&SALES, name);
    if group != NO_GROUP {
        for step in 0..steps {
            reads.row(&SCATTERED, (name, group, step));
        }
    }
}

fn draw(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, ..) = set_of(&mut owner);
    let Some(mut sale) = tx.get(&SALES, name)? else {
        return Ok(());
    };
    let (Some(listed), Some(step)) = (sale.listed(), sale.draw) else {
        return Ok(());
    };
    match step {
        Draw::Scatter(step) => scatter(tx, name, &mut sale, (step, listed)),
        Draw::Gather(group, before) => gather(tx, name, &mut sale, (group, before, listed))?,
        Draw::Done => return Ok(()),
    }
    tx.put(&SALES, name, sale);
    Ok(())
}

/// Begins the draw of a list that is closed.
pub(super) fn begin(tx: &mut Tx<'_>, name: &str, sale: &mut Sale) {
    match sale.listed() {
        Some(0) | None => end(tx, name, sale),
        Some(_) => go_on(tx, name, sale, Draw::Scatter(0)),
    }
}

fn go_on(tx: &mut Tx<'_>, name: &str, sale: &mut Sale, next: Draw) {
    let listed = sale.listed().unwrap_or(0);
    let group = match next {
        Draw::Gather(group, _) => group,
        Draw::Scatter(_) | Draw::Done => NO_GROUP,
    };
    sale.draw = Some(next);
    let due_ms = tx.now_ms() + REST_MS;
    tx.wake_at(&DRAW, due_ms, (name, group, steps(listed)));
}

/// All stand in order: from now on they are admitted.
fn end(tx: &mut Tx<'_>, name: &str, sale: &mut Sale) {
    sale.draw = Some(Draw::Done);
    sale.pace = Some(Pace {
        since_ms: tx.now_ms(),
        base: 0,
    });
    look_soon(tx, name, sale);
    show(tx, name, sale);
}

/// Finds the lots of the entrants of a step.
fn scatter(tx: &mut Tx<'_>, name: &str, sale: &mut Sale, (step, listed): (u64, u64)) {
    let (lots, groups) = (sale.lots(), groups(listed));
    let mut found = BTreeMap::<u64, Vec<Lot>>::new();
    for number in step * STEP + 1..=((step + 1) * STEP).min(listed) {
        let lot = sale.lot(&lots, name, number);
        found
            .entry(group_of(lot.lot, groups))
            .or_default()
            .push(lot);
    }
    for (group, lots) in found {
        let drawn: Drawn = lots.into_iter().collect();
        tx.put(&SCATTERED, (name, group, step), drawn);
    }
    let next = if step + 1 < steps(listed) {
        Draw::Scatter(step + 1)
    } else {
        Draw::Gather(0, 0)
    };
    go_on(tx, name, sale, next);
}

/// Brings the lots of a group in order.
fn gather(
    tx: &mut Tx<'_>,
    name: &str,
    sale: &mut Sale,
    (group, before, listed): (u64, u64, u64),
) -> Result<(), Missing> {
    let mut lots = Vec::new();
    for step in 0..steps(listed) {
        if let Some(found) = tx.get(&SCATTERED, (name, group, step))? {
            lots.extend(found.lots());
            tx.remove(&SCATTERED, (name, group, step));
        }
    }
    lots.sort_unstable();
    let drawn: Drawn = lots.into_iter().collect();
    let behind = before + drawn.len();
    tx.put(&GROUPS, (name, group), Group { before, drawn });
    if group + 1 < groups(listed) {
        go_on(tx, name, sale, Draw::Gather(group + 1, behind));
    } else {
        end(tx, name, sale);
    }
    Ok(())
}
