//! Where in a part a group begins, or goes on, as it was said of the topic.

use tidegate_engine::{Missing, Shard, Tx};

use crate::parts::up_to;
use crate::table::{Begins, MESSAGES, MovedTo, Part};

/// The number of the first message in a part that has this position in the topic, or a later one.
fn number_from(position: u64, shard: Shard) -> u64 {
    up_to(position.saturating_sub(1), shard) + 1
}

/// The number of the first message that was published then or later; that behind the last one if none was.
fn number_since(tx: &mut Tx<'_>, key: &str, part: &Part, since_ms: u64) -> Result<u64, Missing> {
    let (mut low, mut high) = (part.first, part.last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let message = tx.get(&MESSAGES, (key, middle))?;
        if message.is_some_and(|message| message.at_ms < since_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Where a group begins in a part. A position that is still to come is waited for.
pub(super) fn place_of_begin(
    tx: &mut Tx<'_>,
    (key, shard): (&str, Shard),
    part: &Part,
    begins: Begins,
) -> Result<u64, Missing> {
    match begins {
        Begins::Earliest => Ok(part.first),
        Begins::Latest => Ok(part.last + 1),
        Begins::Position(position) => Ok(number_from(position, shard)),
        Begins::Since(since_ms) => number_since(tx, key, part, since_ms),
    }
}

/// Where a group goes on in a part: with what is kept, or behind it.
pub(super) fn place_of_move(
    tx: &mut Tx<'_>,
    (key, shard): (&str, Shard),
    part: &Part,
    to: MovedTo,
) -> Result<u64, Missing> {
    match to {
        MovedTo::Position(position) => {
            let number = number_from(position, shard);
            Ok(number.clamp(part.first, part.last + 1))
        }
        MovedTo::Since(since_ms) => number_since(tx, key, part, since_ms),
    }
}
