//! `COUNTER.CREATE`: declares a counter, and tells its shards.
//!
//! ```text
//! first shard ─ Declare ─▶ each other one ─ Declared ─▶ first shard: whoever has asked is answered once all have said so
//! ```

use minicbor::{Decode, Encode};
use tidegate_engine::contract::{Apply, Mail, Name, RefusalDef};
use tidegate_engine::{Missing, Reads, Row, Shard, Stop, Tx};

use crate::Refusal;
use crate::command::Create;
use crate::fields::{DimNames, Durability, YesNo};
use crate::raw;
use crate::refusal::{
    COUNTER_DIFFERS, LATE_TOO_LONG, SHARDS_DIFFER, TOO_MANY_SPLIT, UNKNOWN_DIMENSION,
};
use crate::reply::CounterInfo;
use crate::table::{COUNTERS, Counter, DOMAIN, EMPTYING, Texts};
use crate::text::{DAY_MS, MINUTE_MS};

/// How late an event may be, if that is not said and buckets are kept so long.
const LATE_MS: u64 = DAY_MS;

/// How long ids are remembered, if that is not said.
const DEDUPE_MS: u64 = 60 * MINUTE_MS;

/// Tells a shard what was declared.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Declare(pub(crate) Counter);

impl Row for Declare {}

/// A shard knows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Declared {}

impl Row for Declared {}

impl Apply for Create {
    type Reply = CounterInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        LATE_TOO_LONG,
        UNKNOWN_DIMENSION,
        COUNTER_DIFFERS,
        SHARDS_DIFFER,
        TOO_MANY_SPLIT,
    ];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&COUNTERS, self.name.as_str());
        reads.row(&EMPTYING, self.name.as_str());
    }

    fn letters(&self) -> usize {
        usize::from(self.shards()) - 1 + usize::from(self.raw.is_some())
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<CounterInfo, Stop<Refusal>> {
        let name = self.name.as_str();
        let wanted = self.counter(tx.now_ms())?;
        let counter = match tx.get(&COUNTERS, name)? {
            None => declare(tx, name, wanted)?,
            // It was made for this one, and dropped before all shards knew it.
            Some(before) if before.is_dropped && tx.has_acted() => before,
            Some(before) if before.is_dropped => {
                if tx.get(&EMPTYING, name)?.is_some() {
                    return Err(Stop::Wait); // Until it is gone.
                }
                declare(tx, name, wanted)?
            }
            Some(before) if before.is_as(&wanted) => before,
            Some(_) => return Err(Refusal::CounterDiffers.into()),
        };
        if !counter.is_dropped && counter.told + 1 < u64::from(counter.shards) {
            return Err(Stop::Wait);
        }
        Ok(CounterInfo::of(self.name.compact(), &counter))
    }
}

/// Puts a counter into its first shard, and tells all others.
fn declare(tx: &mut Tx<'_>, name: &str, counter: Counter) -> Result<Counter, Refusal> {
    match tx.splits().of(DOMAIN, name) {
        Some(shards) if shards != counter.shards => return Err(Refusal::ShardsDiffer { shards }),
        None if counter.shards > 1 && !tx.split(DOMAIN, name, counter.shards) => {
            return Err(Refusal::TooManySplit);
        }
        None | Some(_) => {}
    }
    tx.put(&COUNTERS, name, &counter);
    raw::open(tx, name, &counter);
    for shard in Shard::all(counter.shards).skip(1) {
        tx.send(&shard.key_of(name), &Declare(counter.clone()));
    }
    Ok(counter)
}

impl Create {
    fn shards(&self) -> u16 {
        u16::try_from(self.shards.get()).expect("because there are few shards")
    }

    fn counter(&self, now_ms: u64) -> Result<Counter, Refusal> {
        let levels = self.buckets.clone().unwrap_or_default().into_inner();
        let max_ms = levels.last().map_or(0, |level| level.keep_ms);
        let late_ms = self.late_ms.map_or(LATE_MS.min(max_ms), |late| late.ms());
        if late_ms > max_ms {
            return Err(Refusal::LateTooLong { max_ms });
        }
        let dims: Texts = self.dims.iter().flat_map(DimNames::iter).collect();
        let facts: Texts = self.facts.iter().flat_map(DimNames::iter).collect();
        if facts.iter().any(|fact| !dims.iter().any(|dim| dim == fact)) {
            return Err(Refusal::UnknownDimension);
        }
        Ok(Counter {
            shards: self.shards(),
            levels,
            top: self.top.get(),
            late_ms,
            dedupe_ms: self.dedupe_ms.map_or(DEDUPE_MS, |dedupe| dedupe.ms()),
            created_at_ms: now_ms,
            told: 0,
            dims,
            values: self.values.get(),
            is_relaxed: self.class == Some(Durability::Relaxed),
            unique: self.unique == Some(YesNo::Yes),
            is_dropped: false,
            facts,
            raw: self.raw.as_ref().map(Name::compact).unwrap_or_default(),
        })
    }
}

impl Counter {
    /// Whether both were declared alike.
    fn is_as(&self, other: &Self) -> bool {
        let declared = |counter: &Self| Self {
            created_at_ms: 0,
            told: 0,
            ..counter.clone()
        };
        declared(self) == declared(other)
    }
}

impl Mail for Declare {
    const NUMBERS: (u8, u8) = (DOMAIN, 1);
    const NAME: &'static str = "declare";
    const LETTERS: usize = 1;

    fn reads(&self, _to: &str, _reads: &mut Reads<'_>) {}

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        raw::begin(tx, Shard::whole_of(to), &self.0);
        tx.put(&COUNTERS, to, self.0);
        tx.send(Shard::whole_of(to), &Declared {});
        Ok(())
    }
}

impl Mail for Declared {
    const NUMBERS: (u8, u8) = (DOMAIN, 2);
    const NAME: &'static str = "declared";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&COUNTERS, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let counter = tx.get(&COUNTERS, to)?;
        let mut counter = counter.expect("because it was declared here before any shard was told");
        counter.told += 1;
        tx.put(&COUNTERS, to, counter);
        tx.tell(to);
        Ok(())
    }
}
