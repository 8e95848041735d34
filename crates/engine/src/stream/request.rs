//! `EVENT.STREAM`: events as they happen.

use crate::contract::{Bounded, Name, RefusalDef, Subscribe, Wanted};
use crate::event::{EventFilter, EventInfo, FELL_BEHIND};
use crate::request;

request! {
    /// Events as they happen, in the order of their cursors.
    ///
    /// Behind a cursor it begins with those that happened since, so that whoever goes on behind the
    /// last event that it saw misses none and gets none twice; otherwise with what happens from now
    /// on. A client that does not read what it is sent is told `fell_behind`.
    pub(crate) struct Stream {
        /// Only events behind this cursor.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Only those of this domain: `stock`.
        ["DOMAIN"] domain: Option<Name>,
        /// Only those of this name: `stock_low`.
        ["NAME"] name: Option<Name>,
        /// Only those about this key.
        ["KEY"] key: Option<Name>,
    }
}

impl Subscribe for Stream {
    type Event = EventInfo;
    const REFUSALS: &'static [RefusalDef] = &[FELL_BEHIND];

    fn wanted(self) -> Wanted {
        Wanted {
            filter: EventFilter {
                domain: self.domain.map(|domain| domain.compact()),
                name: self.name.map(|name| name.compact()),
                key: self.key.map(|key| key.compact()),
            },
            after: self.after.map(Bounded::get),
        }
    }
}
