//! A message has rested: it is given again.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::desk::Desk;
use super::owner_of;
use crate::table::{DOMAIN, GROUPS, RESTING};

/// Set with (topic, group, position), due when the message has rested.
pub(crate) const REST_OVER: Timer = Timer::new(DOMAIN, 3, end, reads_of_end);

fn reads_of_end(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, group, position) = owner_of(&mut owner);
    reads.row(&GROUPS, (name, group));
    reads.row(&RESTING, (name, group, position));
}

fn end(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, group, position) = owner_of(&mut owner);
    let resting = tx.get(&RESTING, (name, group, position))?;
    let desk = Desk::of(tx, (name, group))?;
    let (Some(resting), Some(mut desk)) = (resting, desk) else {
        return Ok(());
    };
    tx.remove(&RESTING, (name, group, position));
    desk.group.resting -= 1;
    desk.line_up(tx, resting.of);
    desk.put(tx);
    Ok(())
}
