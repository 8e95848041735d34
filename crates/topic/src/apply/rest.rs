//! A message has rested: it is given again.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::moved::{Place, reads_of_group};
use super::owner_of;
use crate::table::{DOMAIN, RESTING};

/// Set with (topic, work, position), due when the message has rested.
pub(crate) const REST_OVER: Timer = Timer::new(DOMAIN, 3, end, reads_of_end);

fn reads_of_end(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, work, position) = owner_of(&mut owner);
    reads_of_group(reads, (name, work));
    reads.row(&RESTING, (name, work, position));
}

fn end(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, work, position) = owner_of(&mut owner);
    let Some(resting) = tx.get(&RESTING, (name, work, position))? else {
        return Ok(());
    };
    tx.remove(&RESTING, (name, work, position));
    match Place::of(tx, (name, work))? {
        Some(Place::Here(mut desk)) => {
            desk.group.resting -= 1;
            desk.line_up(tx, resting.of);
            desk.put(tx);
        }
        Some(Place::Moved(mut moved)) => {
            moved.let_go(tx, resting.of)?;
            moved.put(tx);
        }
        None => {}
    }
    Ok(())
}
