//! `COUNTER.CORRECT`: says what was counted of a key in one bucket, and notes who has said so.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Missing, Reads, Slot, Splits, Stop, Tx};

use super::{ALL_KEYS, counter_of, shard_of, slot_of};
use crate::blocks;
use crate::command::Correct;
use crate::ledger::{self, Sum};
use crate::limits::{AHEAD_MS_MAX, CORRECTIONS_KEPT};
use crate::lower::{buckets, lower};
use crate::refusal::{
    COUNT_CHANGED, HAS_FACTS, KEY_RESERVED, NOT_KEPT, TOO_FAR_AHEAD, TOO_MANY_KEYS, UNKNOWN_COUNTER,
};
use crate::reply::CorrectReceipt;
use crate::table::{CORRECTED, CORRECTIONS, COUNTERS, Correction};
use crate::{Refusal, lower};

impl Apply for Correct {
    type Reply = CorrectReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_COUNTER,
        KEY_RESERVED,
        TOO_FAR_AHEAD,
        NOT_KEPT,
        COUNT_CHANGED,
        TOO_MANY_KEYS,
        HAS_FACTS,
    ];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.name, &self.key)
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let shard = shard_of(reads.splits(), &self.name, &self.key);
        let name = self.name.as_str();
        reads.row(&CORRECTED, name);
        if let Some(counter) = reads.get(&COUNTERS, shard.as_str()) {
            ledger::reads(reads, (name, &counter), &[self.sum()]);
            if self.to.get() < self.from.get() {
                lower::reads(reads, (name, &counter), self.sum());
            }
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<CorrectReceipt, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name, &self.key)?;
        let (name, key, at_ms) = (self.name.as_str(), self.key.as_str(), self.at_ms.get());
        if key == ALL_KEYS {
            return Err(Refusal::KeyReserved.into());
        }
        if !counter.facts.is_empty() {
            return Err(Refusal::HasFacts.into()); // What its values have adds up to what the key has.
        }
        if at_ms > tx.now_ms() + AHEAD_MS_MAX {
            return Err(Refusal::TooFarAhead.into());
        }
        let kept = buckets(&counter, at_ms, tx.now_ms()).next();
        let (number, bucket) = kept.ok_or(Refusal::NotKept)?;
        let counts = blocks::counts(tx, (name, number, bucket.block()), key)?;
        let count = counts.map_or(0, |counts| counts.get(bucket.place()));
        if count != self.from.get() {
            return Err(Refusal::CountChanged { count }.into());
        }
        let level = counter.levels[usize::from(number)];
        let correction = Correction {
            key: self.key.compact(),
            bucket_ms: level.begins_ms(bucket),
            width_ms: level.width_ms,
            from: count,
            to: self.to.get(),
            by: self.by.compact(),
            at_ms: tx.now_ms(),
        };
        match correction.to.cmp(&count) {
            std::cmp::Ordering::Less => lower(tx, (name, &counter), self.sum())?,
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => ledger::count(tx, (name, &counter), &[self.sum()])?,
        }
        note(tx, name, &correction)?;
        Ok(CorrectReceipt::of(self.name.compact(), correction))
    }
}

/// Lists a correction that has changed something; the oldest goes for it.
fn note(tx: &mut Tx<'_>, name: &str, correction: &Correction) -> Result<(), Missing> {
    if correction.from == correction.to {
        return Ok(());
    }
    let mut corrected = tx.get(&CORRECTED, name)?.unwrap_or_default();
    corrected.last += 1;
    tx.put(&CORRECTIONS, (name, corrected.last), correction);
    if corrected.last > CORRECTIONS_KEPT {
        tx.remove(&CORRECTIONS, (name, corrected.last - CORRECTIONS_KEPT));
    }
    tx.put(&CORRECTED, name, corrected);
    Ok(())
}

impl Correct {
    /// What is to be counted, or counted no more.
    fn sum(&self) -> Sum<'_> {
        Sum {
            key: self.key.as_str(),
            at_ms: self.at_ms.get(),
            amount: self.to.get().abs_diff(self.from.get()),
        }
    }
}
