//! `COUNTER.ADDALL`: counts events, each once per id and key. It divides by shard.

use tidegate_engine::contract::{Apply, Ends, Name, RefusalDef, Refuse};
use tidegate_engine::{Division, PARTLY_DONE, Piece, Reads, Shard, Slot, Splits, Stop, Tx};

use super::{counter_of, counter_of_joined, relax, shard_of, slot_of};
use crate::Refusal;
use crate::command::{AddAll, Entry};
use crate::fields::Dims;
use crate::limits::WRITTEN_BYTES_MAX;
use crate::raw;
use crate::record::{self, Event, Fate, id_of, take_in};
use crate::refusal::{TOO_LARGE, UNKNOWN_COUNTER};
use crate::reply::{BatchReceipt, RefusedEvent};
use crate::table::{COUNTERS, Counter, DOMAIN};

/// What the rows of an event take in the log as a rule: of each level, and of its id.
pub(super) const EVENT_BYTES: usize = 320;

impl Apply for AddAll {
    type Reply = BatchReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER, TOO_LARGE, PARTLY_DONE];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.name, self.first_key())
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<BatchReceipt, Refusal>> {
        let of = splits.of(DOMAIN, self.name.as_str())?;
        let shard = |entry: &Entry| Shard::of_whom(entry.key.as_str(), of);
        let divided = self.events.divide(shard)?;
        let name = &self.name;
        let pieces = divided.into_values().map(|piece| {
            piece.map(|events| Self {
                name: name.clone(),
                events,
            })
        });
        Some(Division::new(pieces.collect(), joined))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let shard = shard_of(reads.splits(), &self.name, self.first_key());
        if let Some(counter) = reads.get(&COUNTERS, shard.as_str()) {
            record::reads(reads, (self.name.as_str(), &counter), &self.events());
        }
    }

    fn writes(&self) -> usize {
        (self.events.items().len() * EVENT_BYTES).min(WRITTEN_BYTES_MAX)
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<BatchReceipt, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name, self.first_key())?;
        let shards = counter.shards;
        let shard = Shard::of_whom(self.first_key().as_str(), shards);
        let is_here = |entry: &Entry| Shard::of_whom(entry.key.as_str(), shards) == shard;
        if !self.events.items().iter().all(is_here) {
            return Err(Stop::Busy); // It was on its way while the counter was declared.
        }
        let events = self.events();
        let fates = take_in(tx, (self.name.as_str(), &counter), &events)?;
        raw::keep(
            tx,
            (self.name.as_str(), &counter),
            events.iter().zip(&fates),
        )?;
        let bytes = tx.written();
        if bytes > WRITTEN_BYTES_MAX {
            let bytes = bytes as u64;
            return Err(Refusal::TooLarge { bytes }.into());
        }
        relax(tx, &counter);
        Ok(self.receipt(&counter, tx.now_ms(), fates))
    }

    const JOINS: bool = true;

    fn apply_joined(these: &[&Self], tx: &mut Tx<'_>) -> Result<Ends<Self>, Stop<Refusal>> {
        let entries = these.iter().flat_map(|one| one.events.items());
        let keys = entries.clone().map(|entry| &entry.key);
        let counter = counter_of_joined(tx, &these[0].name, keys)?;
        let events: Vec<_> = entries.map(Entry::event).collect();
        let mut fates = take_in(tx, (these[0].name.as_str(), &counter), &events)?.into_iter();
        if tx.written() > WRITTEN_BYTES_MAX {
            return Err(Stop::Busy);
        }
        relax(tx, &counter);
        let receipt = |one: &&Self| {
            let own = fates.by_ref().take(one.events.items().len());
            Ok(one.receipt(&counter, tx.now_ms(), own))
        };
        Ok(these.iter().map(receipt).collect())
    }
}

impl AddAll {
    fn first_key(&self) -> &Name {
        let first = self.events.items().first();
        &first.expect("because a list has an item").key
    }

    fn events(&self) -> Vec<Event<'_>> {
        self.events.items().iter().map(Entry::event).collect()
    }

    fn receipt(
        &self,
        counter: &Counter,
        as_of_ms: u64,
        fates: impl IntoIterator<Item = Fate>,
    ) -> BatchReceipt {
        let mut receipt = BatchReceipt {
            name: self.name.compact(),
            counted: 0,
            repeated: 0,
            late: 0,
            refused: Vec::new(),
            class: counter.class(),
            as_of_ms,
        };
        for (item, fate) in (1..).zip(fates) {
            receipt.note(item, fate);
        }
        receipt
    }
}

impl Entry {
    fn event(&self) -> Event<'_> {
        Event {
            id: id_of(&self.event),
            key: self.key.as_str(),
            amount: self.amount.map_or(1, |amount| amount.get()),
            at_ms: self.at_ms.map(|at_ms| at_ms.get()),
            by: self.by.as_ref().map(Name::as_str),
            dims: self.dims.as_ref().map(Dims::as_str),
        }
    }
}

impl BatchReceipt {
    fn note(&mut self, item: u64, fate: Fate) {
        match fate {
            Fate::Counted => self.counted += 1,
            Fate::Repeated { .. } => self.repeated += 1,
            Fate::Late => self.late += 1,
            Fate::Refused(refusal) => self.refused.push(RefusedEvent {
                item,
                code: refusal.def().code,
            }),
        }
    }
}

/// The receipt of all pieces.
fn joined(pieces: Vec<Piece<BatchReceipt>>) -> BatchReceipt {
    let numbered = pieces.into_iter().map(|Piece { mut what, items }| {
        for refused in &mut what.refused {
            let at = usize::try_from(refused.item - 1).unwrap_or(usize::MAX);
            refused.item = u64::from(items[at]) + 1;
        }
        what
    });
    let all = numbered.reduce(|mut all, piece| {
        all.counted += piece.counted;
        all.repeated += piece.repeated;
        all.late += piece.late;
        all.refused.extend(piece.refused);
        all.as_of_ms = all.as_of_ms.min(piece.as_of_ms);
        all
    });
    let mut all = all.expect("because there is a piece");
    all.refused.sort_unstable_by_key(|refused| refused.item);
    all
}
