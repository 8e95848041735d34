//! An event on its way to subscribers.

use std::sync::Arc;

use crate::contract::{EventDef, Shape};
use crate::event::{EventInfo, EventRow};

/// What a transaction has emitted.
pub(crate) struct Emitted {
    pub(crate) def: EventDef,
    pub(crate) number: u64,
    /// For subscribers, if there are any.
    pub(crate) told: Option<Arc<ToldEvent>>,
}

/// An event that has happened, durably.
#[derive(Debug, PartialEq, Eq)]
pub struct ToldEvent(EventInfo);

/// What an event takes beside its texts and facts.
const EVENT_BYTES: usize = 192;

/// What a fact takes, its name and a short text included.
const FACT_BYTES: usize = 80;

impl ToldEvent {
    pub(crate) fn new(info: EventInfo) -> Self {
        Self(info)
    }

    pub(crate) fn of(number: u64, row: EventRow) -> Self {
        Self(EventInfo::of(number, row))
    }

    /// The place behind it: what to begin after to get the next one.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.0.cursor.0
    }

    /// What happened.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The whole, to be written.
    #[must_use]
    pub fn shape(&self) -> &dyn Shape {
        &self.0
    }

    pub(crate) fn info(&self) -> &EventInfo {
        &self.0
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let facts = &self.0.facts.0;
        let texts: usize = facts
            .iter()
            .map(|fact| FACT_BYTES + fact.text_bytes())
            .sum();
        EVENT_BYTES + self.0.key.len() + texts
    }
}
