//! What each command does; one file per command.

mod add;
mod add_all;
mod correct;
mod create;
mod get;
mod range;
mod raw;
mod top;
mod unique;

pub(crate) use crate::ledger::DROP_BLOCK;
pub(crate) use crate::once::FORGET;
pub(crate) use crate::uniques::DROP_SKETCHES;
pub(crate) use create::{Declare, Declared};

use compact_str::CompactString;
use tidegate_engine::contract::Name;
use tidegate_engine::{Shard, Slot, Splits, Stop, Tx};

use crate::Refusal;
use crate::table::{COUNTERS, Counter, DOMAIN};

/// The key that stands for all of them.
pub(crate) const ALL_KEYS: &str = "*";

/// The key of the shard of a counter in which lies what is counted of a key.
pub(crate) fn shard_of(splits: &Splits, name: &Name, key: &Name) -> CompactString {
    let of = splits.of(DOMAIN, name.as_str()).unwrap_or(1);
    Shard::of_whom(key.as_str(), of).key_of(name.as_str())
}

/// The slot in which lies what is counted of a key.
fn slot_of(splits: &Splits, name: &Name, key: &Name) -> Slot {
    Slot::of(shard_of(splits, name, key).as_bytes())
}

/// Answers a recording before it is durable, if the counter was declared so. What was recorded is lost with its ids, so
/// an event that is sent again is counted then.
fn relax(tx: &mut Tx<'_>, counter: &Counter) {
    if counter.is_relaxed {
        tx.relax();
    }
}

/// The counter in the shard of a key, or the refusal that there is none. A command that was on its way while the counter
/// was declared is to come again, and one that comes to a shard which does not know it yet.
fn counter_of(tx: &mut Tx<'_>, name: &Name, key: &Name) -> Result<Counter, Stop<Refusal>> {
    let shard = shard_of(tx.splits(), name, key);
    if Slot::of(shard.as_bytes()) != tx.slot() {
        return Err(Stop::Busy);
    }
    let counter = tx.get(&COUNTERS, shard.as_str())?;
    let absent = || match Shard::named(&shard) {
        Some(_) => Stop::Busy,
        None => Refusal::UnknownCounter.into(),
    };
    counter.ok_or_else(absent)
}
