//! Kinds of events.

use crate::contract::ReplyValue;
use crate::limits::EVENT_KEPT_MS_DEFAULT;

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDef {
    /// The name of the domain that emits it.
    pub domain: &'static str,
    /// Its name, a fact in the past tense, in lower case.
    pub name: &'static str,
    /// What it says.
    pub doc: &'static str,
    /// How long it is kept, if its domain does not emit too many meanwhile.
    pub keep_ms: u64,
}

impl EventDef {
    /// A kind of event that is kept for [`EVENT_KEPT_MS_DEFAULT`].
    #[must_use]
    pub const fn new(domain: &'static str, name: &'static str, doc: &'static str) -> Self {
        Self {
            domain,
            name,
            doc,
            keep_ms: EVENT_KEPT_MS_DEFAULT,
        }
    }
}

/// A fact that a transaction emits.
pub trait Event: ReplyValue {
    /// Which kind it is.
    const DEF: EventDef;
}
