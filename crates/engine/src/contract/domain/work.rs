//! A request that was read, ready to run.

use crate::contract::{OfProcess, RefusalDef, ReplyValue, Request};
use crate::event::EventFilter;
use crate::splits::Splits;

use super::{Call, ScanCall};

/// A request ready to run.
pub enum Work {
    /// A command or point query: runs on the executor.
    Call(Box<dyn Call>),
    /// A scan: runs on a reader thread, on a snapshot.
    Scan(Box<dyn ScanCall>),
    /// A subscription: nothing to submit, but to subscribe to.
    Subscribe(Wanted),
    /// A request about the process itself: answered where it comes in.
    AtDoor(OfProcess),
}

/// The events that somebody subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub filter: EventFilter,
    /// Behind which cursor; those from now on if it does not say.
    pub after: Option<u64>,
}

/// A request that is answered with events.
pub(crate) trait Subscribe: Request {
    /// What each of them says.
    type Event: ReplyValue;
    /// Every "no" that it can give, in the order in which they are checked.
    const REFUSALS: &'static [RefusalDef];

    /// What it asks for.
    fn wanted(self) -> Wanted;
}

impl Work {
    /// Of how many slots it reads; `None` for all of all partitions.
    pub(crate) fn slots(&self, splits: &Splits) -> Option<usize> {
        let of_scan = |scan: &dyn ScanCall| scan.slots(splits).map(|slots| slots.len());
        match self {
            Self::Call(call) => match call.spread(splits) {
                Some(scan) => of_scan(&*scan),
                None => Some(1),
            },
            Self::Scan(call) => of_scan(&**call),
            Self::Subscribe(wanted) => wanted.filter.key.as_ref().map(|_| 1),
            Self::AtDoor(_) => Some(0),
        }
    }
}
