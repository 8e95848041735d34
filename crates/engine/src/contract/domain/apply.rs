//! Commands and point queries, by their types.

use std::any::Any;
use std::borrow::Cow;

use crate::contract::{Fault, Outcome, RefusalDef, Refuse, ReplyValue, Request};
use crate::divide::Division;
use crate::edge::Edge;
use crate::key::Slot;
use crate::limits::{COMMAND_ROWS_BYTES, LETTER_HEAD_BYTES};
use crate::log::BUSY;
use crate::round::Place;
use crate::splits::Splits;
use crate::table::Missing;
use crate::tx::{Reads, Stop, Tx};

use super::ScanCall;

/// A command or point query of a domain.
pub trait Apply: Request + Sync + Sized + 'static {
    /// What it answers.
    type Reply: ReplyValue + 'static;
    /// How it refuses.
    type Refusal: Refuse + 'static;
    /// Every "no" that it can give, in the order in which they are checked.
    const REFUSALS: &'static [RefusalDef];
    /// Whether it says [`Stop::Wait`] even in its last run: it is answered `pending` then.
    const PENDS: bool = false;

    /// What it is about.
    fn key(&self) -> &str;

    /// The slot in which it runs: what its key decides, unless the key itself names one or is split.
    fn slot(&self, _splits: &Splits) -> Slot {
        Slot::of(self.key().as_bytes())
    }

    /// The scan that answers it, if what it asks for lies in several slots.
    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        None
    }

    /// Names the rows it will read: asked once one was missing, so that all are fetched at once. What is
    /// not named costs a further run, never a wrong answer.
    fn reads(&self, reads: &mut Reads<'_>);

    /// Most letters that it sends. While the outbox has no room for them it is told BUSY.
    fn letters(&self) -> usize {
        0
    }

    /// Most bytes of each of them, kind and addressee included: by default what the command carries.
    fn letter_bytes(&self) -> usize {
        Request::bytes(self) + LETTER_HEAD_BYTES
    }

    /// Most calls to the outside that it makes. While there is no room for them it is told BUSY.
    fn calls(&self) -> usize {
        0
    }

    /// Most bytes that its rows take in the log, keys included: by default what the command carries,
    /// and some small rows. It waits for the next record if this one has no room for so many. What
    /// writes more than it says runs twice if it does not fit, and is no less right.
    fn writes(&self) -> usize {
        Request::bytes(self) + COMMAND_ROWS_BYTES
    }

    /// How long its answer may wait, if it says [`Stop::Wait`]. 0 if it never does.
    fn waits_ms(&self) -> u64 {
        0
    }

    /// What it waits to be told of ([`Tx::tell`]): its key, unless many wait in a slot for things of their own.
    fn awaits(&self) -> Cow<'_, str> {
        self.key().into()
    }

    /// Where it looks if it has several places: one after the other until it finds something, and if it may wait
    /// then in all of them. It says [`Stop::Wait`] where it finds nothing, and has changed nothing then. `nth` is another
    /// number from request to request, by and large, for those that do not always begin in the same place.
    fn round(&self, _splits: &Splits, _nth: u64) -> Option<Vec<Place>> {
        None
    }

    /// Divides it into works that are about things of one slot each, if there are several; with what it hands over to
    /// them it is not used any more. `None` if it is about one slot, and runs there as any other. `nth` as in
    /// [`Apply::round`]. One that changes something lists [`crate::PARTLY_DONE`] among its refusals; a query that
    /// divides is not watched.
    fn divide(
        &mut self,
        _splits: &Splits,
        _nth: u64,
    ) -> Option<Division<Self::Reply, Self::Refusal>> {
        None
    }

    /// Whether those of this kind that stand behind each other in a batch, about one key in one slot, are done as one
    /// ([`Apply::apply_joined`]): for what adds up, so that rows which they share are read and written once. Such a command
    /// never waits, calls nothing, and says of no letter that it sends it; whether it is a piece is not told then.
    const JOINS: bool = false;

    /// Does some as one, each as if it came behind those before it: what came of each, in their order. One that is refused
    /// leaves no trace of itself.
    ///
    /// # Errors
    /// A row has to be fetched first. With any other each is done by itself.
    fn apply_joined(_these: &[&Self], _tx: &mut Tx<'_>) -> Result<Ends<Self>, Stop<Self::Refusal>> {
        Err(Stop::Busy)
    }

    /// Answers it from what is known at the edge, if that says it: on the thread of a front, without its
    /// partition. What it answers is what [`Apply::apply`] would.
    fn glance(&self, _edge: &Edge<'_>) -> Option<Result<Self::Reply, Self::Refusal>> {
        None
    }

    /// Does it. A refusal leaves no trace.
    ///
    /// # Errors
    /// The refusal; a row that has to be fetched first; or that it is answered later.
    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Reply, Stop<Self::Refusal>>;
}

/// What came of commands that were done as one, in their order.
pub type Ends<C> = Vec<Result<<C as Apply>::Reply, <C as Apply>::Refusal>>;

/// What came of a command.
pub(crate) enum End<R, F> {
    Reply(R),
    Refused(F),
    Fault(Fault),
    Pending,
}

impl<R: ReplyValue, F: Refuse> End<R, F> {
    /// What is told of it, by this key.
    pub(crate) fn outcome<'a>(&'a self, key: &'a str) -> Outcome<'a> {
        match self {
            Self::Reply(reply) => Outcome::Reply(reply),
            Self::Refused(refusal) => Outcome::Refused(refusal),
            Self::Fault(fault) => Outcome::Fault(fault),
            Self::Pending => Outcome::Pending(key),
        }
    }
}

/// What came of a command of this type.
pub(crate) type EndOf<C> = End<<C as Apply>::Reply, <C as Apply>::Refusal>;

/// Does it, and tells what came of it; `None` if it is answered later.
pub(crate) fn end_of<C: Apply>(call: &C, tx: &mut Tx<'_>) -> Result<Option<EndOf<C>>, Missing> {
    let end = match call.apply(tx) {
        Ok(reply) => End::Reply(reply),
        Err(Stop::Refused(no)) => {
            debug_assert!(C::REFUSALS.contains(no.def()), "{:?}", no.def());
            tx.refused = Some(no.def().code);
            End::Refused(no)
        }
        Err(Stop::Busy) => End::Fault(BUSY),
        Err(Stop::Wait) if tx.may_wait() => return Ok(None),
        Err(Stop::Wait) => {
            debug_assert!(C::PENDS, "it is declared");
            End::Pending
        }
        Err(Stop::Missing(missing)) => return Err(missing),
    };
    Ok(Some(end))
}

/// Does some as one; gives what [`take_end`] takes, or `None` if each is to be done by itself.
pub(crate) fn joined<C: Apply>(
    these: &[&dyn Any],
    tx: &mut Tx<'_>,
) -> Result<Option<Box<dyn Any>>, Missing> {
    let these = these.iter().map(|one| one.downcast_ref());
    let these: Option<Vec<&C>> = these.collect();
    let these = these.expect("because those that join are of one type");
    match C::apply_joined(&these, tx) {
        Ok(ends) => {
            debug_assert_eq!(ends.len(), these.len(), "something came of each");
            let ends = ends.into_iter().map(Some);
            Ok(Some(Box::new(ends.collect::<Vec<_>>())))
        }
        Err(Stop::Missing(missing)) => Err(missing),
        Err(Stop::Refused(_) | Stop::Wait | Stop::Busy) => Ok(None),
    }
}

/// What came of one of them.
pub(crate) fn take_end<C: Apply>(ends: &mut dyn Any, at: usize) -> EndOf<C> {
    let ends = ends.downcast_mut::<Vec<Option<Result<C::Reply, C::Refusal>>>>();
    let end = ends.and_then(|ends| ends.get_mut(at)?.take());
    match end.expect("because something came of each, and is taken once") {
        Ok(reply) => End::Reply(reply),
        Err(no) => End::Refused(no),
    }
}

impl<R, F: Refuse> End<R, F> {
    /// The code of its refusal, if it is one.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(no) => Some(no.def().code),
            Self::Reply(_) | Self::Fault(_) | Self::Pending => None,
        }
    }
}
