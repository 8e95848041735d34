//! `COUNTER.ADD`: counts an event, once per id and key.

use tidegate_engine::contract::{Apply, Ends, Name, RefusalDef, Request};
use tidegate_engine::{Reads, Slot, Splits, Stop, Tx};

use super::add_all::EVENT_BYTES;
use super::{counter_of, counter_of_joined, relax, shard_of, slot_of};
use crate::Refusal;
use crate::command::Add;
use crate::fields::Dims;
use crate::limits::WRITTEN_BYTES_MAX;
use crate::raw;
use crate::record::{self, Event, Fate, id_of, take_in};
use crate::refusal::{
    DIMENSION_OF_FACTS, ID_CONFLICT, KEY_RESERVED, TOO_FAR_AHEAD, UNKNOWN_COUNTER,
    UNKNOWN_DIMENSION,
};
use crate::reply::EventReceipt;
use crate::table::{COUNTERS, Counter};

impl Apply for Add {
    type Reply = EventReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        UNKNOWN_COUNTER,
        KEY_RESERVED,
        UNKNOWN_DIMENSION,
        DIMENSION_OF_FACTS,
        TOO_FAR_AHEAD,
        ID_CONFLICT,
    ];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        slot_of(splits, &self.name, &self.key)
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let shard = shard_of(reads.splits(), &self.name, &self.key);
        if let Some(counter) = reads.get(&COUNTERS, shard.as_str()) {
            record::reads(reads, (self.name.as_str(), &counter), &[self.event()]);
        }
    }

    fn writes(&self) -> usize {
        EVENT_BYTES + Request::bytes(self)
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<EventReceipt, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name, &self.key)?;
        let mut fates = take_in(tx, (self.name.as_str(), &counter), &[self.event()])?;
        let fate = fates.pop().expect("because each event has one");
        raw::keep(tx, (self.name.as_str(), &counter), [(&self.event(), &fate)])?;
        let receipt = self.receipt(&counter, tx.now_ms(), fate)?;
        relax(tx, &counter);
        Ok(receipt)
    }

    const JOINS: bool = true;

    fn apply_joined(these: &[&Self], tx: &mut Tx<'_>) -> Result<Ends<Self>, Stop<Refusal>> {
        let keys = these.iter().map(|one| &one.key);
        let counter = counter_of_joined(tx, &these[0].name, keys)?;
        let events: Vec<_> = these.iter().map(|one| one.event()).collect();
        let fates = take_in(tx, (these[0].name.as_str(), &counter), &events)?;
        if tx.written() > WRITTEN_BYTES_MAX {
            return Err(Stop::Busy);
        }
        relax(tx, &counter);
        let receipts = these.iter().zip(fates);
        let receipts = receipts.map(|(one, fate)| one.receipt(&counter, tx.now_ms(), fate));
        Ok(receipts.collect())
    }
}

impl Add {
    fn receipt(
        &self,
        counter: &Counter,
        as_of_ms: u64,
        fate: Fate,
    ) -> Result<EventReceipt, Refusal> {
        let (state, repeated) = match fate {
            Fate::Counted => ("counted", false),
            Fate::Late => ("late", false),
            Fate::Repeated { was_late: false } => ("counted", true),
            Fate::Repeated { was_late: true } => ("late", true),
            Fate::Refused(refusal) => return Err(refusal),
        };
        Ok(EventReceipt {
            name: self.name.compact(),
            key: self.key.compact(),
            state,
            repeated,
            class: counter.class(),
            as_of_ms,
        })
    }

    fn event(&self) -> Event<'_> {
        Event {
            id: id_of(&self.event),
            key: self.key.as_str(),
            amount: self.amount.get(),
            at_ms: self.at_ms.map(|at_ms| at_ms.get()),
            by: self.by.as_ref().map(Name::as_str),
            dims: self.dims.as_ref().map(Dims::as_str),
        }
    }
}
