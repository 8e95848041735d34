//! What a domain and a front agree on: requests, replies, refusals, and the list of them.
//!
//! A domain declares each request once, as plain data; every front reads the same declaration.
//! Neither knows the other.

mod address;
mod at_door;
mod audit;
mod balance;
mod beacon;
mod bytes;
mod domain;
mod field;
mod grammar;
mod list;
mod payload;
mod refusal;
mod reply;
mod request;
mod watched;
mod webhook;
mod work_class;

pub use address::Address;
pub(crate) use at_door::AtDoor;
pub use at_door::OfProcess;
pub(crate) use audit::Known;
pub use audit::{Audit, Books, CallAsks, CallUnderWay, Figure, TimerSet, TimerSetAside};
pub(crate) use balance::balance;
pub use beacon::Beacon;
pub use bytes::{BASE64_SUFFIX, Bytes};
pub use domain::{
    Apply, Call, Class, Domain, Ends, Event, EventDef, Http, Mail, MailDef, Method, RequestDef,
    Scan, ScanCall, ScanContext, Timer, Wanted, Work, count_of,
};
pub(crate) use domain::{End, EndOf, Subscribe, end_of, joined, merge, take_end};
pub use field::{
    Bounded, Content, Field, FieldKind, FieldType, Hasher, Hint, Id, Invalid, InvalidKind, Limit,
    Millis, Name, Raw, Wait,
};
pub use grammar::{Grammar, InWords, Spoken};
pub use list::List;
pub use payload::Payload;
pub use refusal::{Fault, Never, RefusalDef, Refuse, Status, resp_word};
pub use reply::{
    Outcome, Page, PageItem, Renderer, ReplyField, ReplyType, ReplyValue, Shape, Writer,
};
#[doc(hidden)]
pub use request::content_of;
pub use request::{Request, Values};
pub use watched::Watched;
pub use webhook::Webhook;
pub use work_class::WorkClass;
