//! A domain as the engine and the fronts see it: its tables, timers, requests and audit.

mod apply;
mod call;
mod context;
mod event;
mod mail;
mod request_def;
mod scan;
mod timer;
mod work;

pub use apply::{Apply, Ends};
pub(crate) use apply::{End, EndOf, end_of, joined, take_end};
pub use call::Call;
pub use context::ScanContext;
pub use event::{Event, EventDef};
pub use mail::{Mail, MailDef};
pub use request_def::{Class, Http, Method, RequestDef, count_of};
pub(crate) use scan::merge;
pub use scan::{Scan, ScanCall};
pub use timer::Timer;
pub(crate) use work::Subscribe;
pub use work::{Wanted, Work};

use crate::contract::{Audit, Books};
use crate::table::TableDef;
use crate::tally::CountDef;

/// One kind of structure. A domain crate is this constant and what it refers to.
#[derive(Clone, Copy)]
pub struct Domain {
    /// First word of its commands, in lower case.
    pub name: &'static str,
    /// Its number in stored formats, for ever. 0 is the engine.
    pub number: u8,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Its tables.
    pub tables: &'static [TableDef],
    /// Its timers.
    pub timers: &'static [Timer],
    /// The mail that it takes in.
    pub takes: &'static [MailDef],
    /// The mail that it sends, its own or another domain's.
    pub sends: &'static [MailDef],
    /// Its events.
    pub events: &'static [EventDef],
    /// What it counts, beside what the engine counts of every domain.
    pub counts: &'static [CountDef],
    /// Its requests.
    pub requests: &'static [RequestDef],
    /// Recomputes its conservation laws from the rows of one slot.
    pub audit: fn(&Books<'_>) -> Audit,
}
