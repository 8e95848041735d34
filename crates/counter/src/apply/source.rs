//! `COUNTER.SOURCE` and `COUNTER.UNSOURCE`: whether the messages of a topic are counted. Who counts them is a member of a group
//! of it, outside of here, that reads in `COUNTER.SOURCES` what to take.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use crate::Refusal;
use crate::command::{DropSource, SetSource};
use crate::limits::SOURCES_MAX;
use crate::refusal::{SOURCE_IS_RAW, TOO_MANY_SOURCES, UNKNOWN_COUNTER};
use crate::reply::{DropSourceReceipt, SourceReceipt};
use crate::table::{COUNTERS, Counter, SOURCES, Source, Sources};

/// The counter, unless there is none or it is dropped.
fn counter_of(tx: &mut Tx<'_>, name: &Name) -> Result<Counter, Stop<Refusal>> {
    let counter = tx.get(&COUNTERS, name.as_str())?;
    let there = counter.filter(|counter| !counter.is_dropped);
    there.ok_or(Refusal::UnknownCounter.into())
}

fn reads_of(reads: &mut Reads<'_>, name: &Name) {
    reads.row(&COUNTERS, name.as_str());
    reads.row(&SOURCES, name.as_str());
}

fn sources_of(tx: &mut Tx<'_>, name: &Name) -> Result<Sources, Missing> {
    Ok(tx.get(&SOURCES, name.as_str())?.unwrap_or_default())
}

impl Apply for SetSource {
    type Reply = SourceReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER, SOURCE_IS_RAW, TOO_MANY_SOURCES];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of(reads, &self.name);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SourceReceipt, Stop<Refusal>> {
        let counter = counter_of(tx, &self.name)?;
        if counter.raw == self.topic.as_str() {
            return Err(Refusal::SourceIsRaw.into());
        }
        let mut sources = sources_of(tx, &self.name)?;
        let found = sources.find(self.topic.as_str());
        let before = found.ok().map(|at| &sources.topics[at]);
        if let Some(before) = before.filter(|before| **before == self.source(before.since_ms)) {
            return Ok(self.receipt(before.since_ms));
        }
        let since_ms = tx.now_ms();
        match found {
            Ok(at) => sources.topics[at] = self.source(since_ms),
            Err(_) if sources.topics.len() == SOURCES_MAX => {
                return Err(Refusal::TooManySources.into());
            }
            Err(at) => sources.topics.insert(at, self.source(since_ms)),
        }
        tx.put(&SOURCES, self.name.as_str(), sources);
        Ok(self.receipt(since_ms))
    }
}

impl SetSource {
    fn group(&self) -> CompactString {
        self.group.as_ref().unwrap_or(&self.name).compact()
    }

    fn source(&self, since_ms: u64) -> Source {
        Source {
            topic: self.topic.compact(),
            group: self.group(),
            in_flight: self.in_flight.get(),
            since_ms,
        }
    }

    fn receipt(&self, since_ms: u64) -> SourceReceipt {
        SourceReceipt {
            name: self.name.compact(),
            topic: self.topic.compact(),
            group: self.group(),
            in_flight: self.in_flight.get(),
            since_ms,
        }
    }
}

impl Apply for DropSource {
    type Reply = DropSourceReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_COUNTER];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of(reads, &self.name);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DropSourceReceipt, Stop<Refusal>> {
        counter_of(tx, &self.name)?;
        let mut sources = sources_of(tx, &self.name)?;
        let found = sources.find(self.topic.as_str());
        if let Ok(at) = found {
            sources.topics.remove(at);
            if sources.topics.is_empty() {
                tx.remove(&SOURCES, self.name.as_str());
            } else {
                tx.put(&SOURCES, self.name.as_str(), sources);
            }
        }
        Ok(DropSourceReceipt {
            name: self.name.compact(),
            topic: self.topic.compact(),
            repeated: found.is_err(),
        })
    }
}
