//! `COUNTER.FACT` and `COUNTER.FACTS`: what is known of a key.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Missing, Reads, Slot, Splits, Stop, Tx};

use super::{ALL_KEYS, counter_of, shard_of, slot_of};
use crate::Refusal;
use crate::command::{Fact, Facts};
use crate::facts;
use crate::refusal::{KEY_RESERVED, UNKNOWN_COUNTER, UNKNOWN_DIMENSION, VALUE_RESERVED};
use crate::reply::{FactInfo, FactsInfo};
use crate::series::NO_FACT;
use crate::table::{COUNTERS, Counter, FACTS, KeyFacts, MOVES};

impl Apply for Fact {
    type Reply = FactsInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_COUNTER,
        KEY_RESERVED,
        UNKNOWN_DIMENSION,
        VALUE_RESERVED,
    ];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.name, &self.key)
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of(reads, (&self.name, &self.key));
        facts::reads_of_list(reads, self.name.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<FactsInfo, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name, &self.key)?;
        self.check(&counter)?;
        let of = (self.name.as_str(), self.key.as_str());
        let before = tx.get(&FACTS, of)?;
        let is_new = before.is_none();
        let before = before.unwrap_or_default();
        let mut now = before.clone();
        for (dim, value) in self.facts.pairs() {
            if before.value(dim).is_none() {
                facts::move_to(tx, (of.0, of.1, dim), value);
            }
            now = now.with(dim, value);
        }
        if is_new {
            facts::list(tx, of)?;
        }
        let is_same = self
            .facts
            .pairs()
            .all(|(dim, value)| before.value(dim) == Some(value));
        if !is_same {
            tx.put(&FACTS, of, &now);
        }
        Ok(info(
            tx,
            (&self.name, &self.key),
            &counter,
            (&now, is_same),
        )?)
    }
}

impl Fact {
    fn check(&self, counter: &Counter) -> Result<(), Refusal> {
        if self.key.as_str() == ALL_KEYS {
            return Err(Refusal::KeyReserved);
        }
        let is_fact = |dim: &str| counter.facts.iter().any(|own| own == dim);
        if self.facts.pairs().any(|(dim, _)| !is_fact(dim)) {
            return Err(Refusal::UnknownDimension);
        }
        if self.facts.pairs().any(|(_, value)| value == NO_FACT) {
            return Err(Refusal::ValueReserved);
        }
        Ok(())
    }
}

impl Apply for Facts {
    type Reply = FactsInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.name, &self.key)
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of(reads, (&self.name, &self.key));
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<FactsInfo, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name, &self.key)?;
        let known = tx.get(&FACTS, (self.name.as_str(), self.key.as_str()))?;
        let known = known.unwrap_or_default();
        Ok(info(
            tx,
            (&self.name, &self.key),
            &counter,
            (&known, false),
        )?)
    }
}

fn reads_of(reads: &mut Reads<'_>, (name, key): (&Name, &Name)) {
    let shard = shard_of(reads.splits(), name, key);
    let counter = reads.get(&COUNTERS, shard.as_str());
    let (name, key) = (name.as_str(), key.as_str());
    reads.row(&FACTS, (name, key));
    for dim in counter.iter().flat_map(|counter| counter.facts.iter()) {
        reads.row(&MOVES, (name, key, dim));
    }
}

fn info(
    tx: &mut Tx<'_>,
    (name, key): (&Name, &Name),
    counter: &Counter,
    (known, repeated): (&KeyFacts, bool),
) -> Result<FactsInfo, Missing> {
    let mut moving = false;
    for dim in counter.facts.iter() {
        moving |= tx
            .get(&MOVES, (name.as_str(), key.as_str(), dim))?
            .is_some();
    }
    let facts = known.iter().map(|(dim, value)| FactInfo {
        dim: CompactString::new(dim),
        value: CompactString::new(value),
    });
    Ok(FactsInfo {
        name: name.compact(),
        key: key.compact(),
        facts: facts.collect(),
        repeated,
        moving,
        as_of_ms: tx.now_ms(),
    })
}
