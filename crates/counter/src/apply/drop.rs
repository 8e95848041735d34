//! `COUNTER.DROP`: drops a counter with all that it has counted.
//!
//! ```text
//! first shard ─ Undeclare ─▶ each other one ─ Undeclared ─▶ first shard: whoever has asked is answered once all have said so
//!                            each other one ─ Emptied ────▶ first shard: the name is free once all have said so
//! ```

use minicbor::{Decode, Encode};
use tidegate_engine::contract::{Apply, Mail, RefusalDef};
use tidegate_engine::limits::SHARDS_MAX;
use tidegate_engine::{Missing, Reads, Row, Shard, Stop, Tx};

use crate::Refusal;
use crate::command::DropCounter;
use crate::emptying::{EMPTY, is_last};
use crate::refusal::UNKNOWN_COUNTER;
use crate::reply::DropReceipt;
use crate::table::{COUNTERS, Counter, DOMAIN, EMPTYING, Emptying, SOURCES};

/// Tells a shard that the counter is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Undeclare {}

impl Row for Undeclare {}

/// A shard knows it, and counts nothing for it any more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Undeclared {}

impl Row for Undeclared {}

/// A shard has nothing of it any more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Emptied {}

impl Row for Emptied {}

impl Apply for DropCounter {
    type Reply = DropReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&COUNTERS, self.name.as_str());
        reads.row(&EMPTYING, self.name.as_str());
    }

    fn letters(&self) -> usize {
        usize::from(SHARDS_MAX) - 1
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DropReceipt, Stop<Refusal>> {
        let name = self.name.as_str();
        let counter = tx.get(&COUNTERS, name)?;
        let goes = tx.get(&EMPTYING, name)?;
        let Some(counter) = counter.filter(|counter| goes.is_some() || !counter.is_dropped) else {
            // It may have gone as a whole while the answer waited.
            let has_gone = tx.has_acted().then(|| self.receipt(tx, false));
            return has_gone.ok_or(Refusal::UnknownCounter.into());
        };
        let (shards, was_dropped) = (counter.shards, counter.is_dropped);
        if !was_dropped {
            for other in Shard::all(shards).skip(1) {
                tx.send(&other.key_of(name), &Undeclare {});
            }
            begin(tx, name, counter);
            tx.remove(&SOURCES, name);
        }
        let told = goes.map_or(0, |goes| goes.told);
        if told + 1 < u64::from(shards) {
            return Err(Stop::Wait);
        }
        let is_repeated = was_dropped && !tx.has_acted();
        Ok(self.receipt(tx, is_repeated))
    }
}

impl DropCounter {
    fn receipt(&self, tx: &Tx<'_>, repeated: bool) -> DropReceipt {
        DropReceipt {
            name: self.name.compact(),
            state: "dropped",
            repeated,
            as_of_ms: tx.now_ms(),
        }
    }
}

/// From now on a shard counts nothing for it, and its rows go.
fn begin(tx: &mut Tx<'_>, shard: &str, counter: Counter) {
    let dropped = Counter {
        is_dropped: true,
        ..counter
    };
    tx.put(&COUNTERS, shard, dropped);
    tx.put(&EMPTYING, shard, Emptying::default());
    tx.wake_at(&EMPTY, tx.now_ms(), shard);
}

/// The name is free, if neither the first shard nor another one has anything of it any more. What tells that a key is
/// split stays.
pub(crate) fn end_first(tx: &mut Tx<'_>, name: &str) -> Result<(), Missing> {
    let row = tx.get(&EMPTYING, name)?.zip(tx.get(&COUNTERS, name)?);
    let (emptying, counter) = row.expect("because both are there until it is empty");
    if is_last(&counter, &emptying) && emptying.empty + 1 == u64::from(counter.shards) {
        tx.remove(&EMPTYING, name);
        if counter.shards == 1 {
            tx.remove(&COUNTERS, name);
        }
        tx.tell(name);
    }
    Ok(())
}

impl Mail for Undeclare {
    const NUMBERS: (u8, u8) = (DOMAIN, 5);
    const NAME: &'static str = "undeclare";
    const LETTERS: usize = 1;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&COUNTERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let counter = tx.get(&COUNTERS, to)?;
        let counter = counter.expect("because it was declared here by an earlier letter");
        begin(tx, to, counter);
        tx.send(Shard::whole_of(to), &Undeclared {});
        Ok(())
    }
}

/// What the first shard knows of the others changes.
fn note(tx: &mut Tx<'_>, name: &str, note: impl Fn(&mut Emptying)) -> Result<(), Missing> {
    let emptying = tx.get(&EMPTYING, name)?;
    let mut emptying =
        emptying.expect("because it stays until all others have told that they are empty");
    note(&mut emptying);
    tx.put(&EMPTYING, name, emptying);
    Ok(())
}

impl Mail for Undeclared {
    const NUMBERS: (u8, u8) = (DOMAIN, 6);
    const NAME: &'static str = "undeclared";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&EMPTYING, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        note(tx, to, |emptying| emptying.told += 1)?;
        tx.tell(to);
        Ok(())
    }
}

impl Mail for Emptied {
    const NUMBERS: (u8, u8) = (DOMAIN, 7);
    const NAME: &'static str = "emptied";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&EMPTYING, to);
        reads.row(&COUNTERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        note(tx, to, |emptying| emptying.empty += 1)?;
        end_first(tx, to)
    }
}
