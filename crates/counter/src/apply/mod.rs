//! What each command does; one file per command.

/// A question that shards are asked, whatever is split: the request, what it answers, its refusals, and what is asked.
macro_rules! asks_shards {
    ($request:ident, $reply:ident, [$($refusal:ident),*], $question:expr) => {
        impl tidegate_engine::contract::Apply for $request {
            type Reply = $reply;
            type Refusal = crate::Refusal;
            const REFUSALS: &'static [tidegate_engine::contract::RefusalDef] = &[$($refusal),*];

            fn key(&self) -> &str {
                self.name.as_str()
            }

            fn spread(
                &self,
                _splits: &tidegate_engine::Splits,
            ) -> Option<Box<dyn tidegate_engine::contract::ScanCall>> {
                Some(crate::scan::of_all_shards($question(self)))
            }

            fn reads(&self, _reads: &mut tidegate_engine::Reads<'_>) {}

            fn apply(
                &self,
                _tx: &mut tidegate_engine::Tx<'_>,
            ) -> Result<$reply, tidegate_engine::Stop<crate::Refusal>> {
                unreachable!("because it is spread, whatever is split")
            }
        }
    };
}

mod add;
mod add_all;
mod correct;
mod create;
mod drop;
mod fact;
mod get;
mod get_all;
mod hot;
mod range;
mod range_all;
mod raw;
mod source;
mod top;
mod unique;
mod unique_all;

pub(crate) use crate::emptying::EMPTY;
pub(crate) use crate::facts::MOVE;
pub(crate) use crate::ledger::DROP_BLOCK;
pub(crate) use crate::once::FORGET;
pub(crate) use crate::uniques::DROP_SKETCHES;
pub(crate) use create::{Declare, Declared};
pub(crate) use drop::{Emptied, Undeclare, Undeclared, end_first};

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

/// The key of the shard of a counter that lies in a slot.
pub(crate) fn shard_in(slot: Slot, splits: &Splits, name: &str) -> CompactString {
    let of = splits.of(DOMAIN, name).unwrap_or(1);
    let mut keys = Shard::all(of).map(|shard| shard.key_of(name));
    let is_here = |key: &CompactString| Slot::of(key.as_bytes()) == slot;
    keys.find(is_here)
        .unwrap_or_else(|| CompactString::new(name))
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

/// The counter in whose shard all of these keys lie, for recordings that are done as one: not if each has a letter of its
/// own to the topic that keeps its events.
fn counter_of_joined<'k>(
    tx: &mut Tx<'_>,
    name: &Name,
    keys: impl IntoIterator<Item = &'k Name>,
) -> Result<Counter, Stop<Refusal>> {
    let mut keys = keys.into_iter();
    let first = keys.next().ok_or(Stop::Busy)?;
    let counter = counter_of(tx, name, first)?;
    let shard = |key: &Name| Shard::of_whom(key.as_str(), counter.shards);
    let are_here = keys.all(|key| shard(key) == shard(first));
    if !are_here || !counter.raw.is_empty() {
        return Err(Stop::Busy);
    }
    Ok(counter)
}

/// The counter in the shard of a key, or the refusal that there is none. A command that was on its way while the counter
/// was declared is to come again, and one that comes to a shard which does not know it yet.
fn counter_of(tx: &mut Tx<'_>, name: &Name, key: &Name) -> Result<Counter, Stop<Refusal>> {
    let shard = shard_of(tx.splits(), name, key);
    if Slot::of(shard.as_bytes()) != tx.slot() {
        return Err(Stop::Busy);
    }
    match tx.get(&COUNTERS, shard.as_str())? {
        Some(counter) if !counter.is_dropped => Ok(counter),
        None if Shard::named(&shard).is_some() => Err(Stop::Busy),
        None | Some(_) => Err(Refusal::UnknownCounter.into()),
    }
}
