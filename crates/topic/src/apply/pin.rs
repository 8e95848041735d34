//! Messages that are kept though they need not be, because they are dead letters, or are replayed.

use tidegate_engine::{Missing, Tx};

use crate::table::{GONE, MESSAGES, PARTS, PINS, Part, Pin};

fn part_of(tx: &mut Tx<'_>, name: &str) -> Result<Part, Missing> {
    let part = tx.get(&PARTS, name)?;
    Ok(part.expect("because a topic with groups is there"))
}

/// A message is a dead letter of one more group; `false` if it was dropped.
pub(super) fn pin(tx: &mut Tx<'_>, name: &str, position: u64) -> Result<bool, Missing> {
    let pin = tx.get(&PINS, (name, position))?;
    if pin.is_none() {
        let mut part = part_of(tx, name)?;
        if position < part.first {
            return Ok(false);
        }
        part.pins += 1;
        tx.put(&PARTS, name, part);
    }
    let groups = pin.map_or(0, |pin| pin.groups) + 1;
    tx.put(&PINS, (name, position), Pin { groups });
    Ok(true)
}

/// It is none any more of one of them, and goes if nothing else keeps it. Its topic may be deleted meanwhile.
pub(super) fn unpin(tx: &mut Tx<'_>, name: &str, position: u64) -> Result<(), Missing> {
    if let Some(mut part) = tx.get(&PARTS, name)? {
        if unpin_of(tx, (name, &mut part), position)? {
            tx.put(&PARTS, name, part);
        }
    } else if let Some(mut gone) = tx.get(&GONE, name)?
        && unpin_of(tx, (name, &mut gone.part), position)?
    {
        tx.put(&GONE, name, gone);
    }
    Ok(())
}

/// The same, of a topic that has this; whether that has changed.
pub(crate) fn unpin_of(
    tx: &mut Tx<'_>,
    (name, part): (&str, &mut Part),
    position: u64,
) -> Result<bool, Missing> {
    let pin = tx.get(&PINS, (name, position))?;
    let groups = pin.map_or(0, |pin| pin.groups.saturating_sub(1));
    if groups > 0 {
        tx.put(&PINS, (name, position), Pin { groups });
        return Ok(false);
    }
    tx.remove(&PINS, (name, position));
    part.pins -= 1;
    if position < part.first {
        tx.remove(&MESSAGES, (name, position));
    }
    Ok(true)
}
