//! Commands whose types are not known.

use std::any::Any;
use std::borrow::Cow;

use crate::contract::{Fault, Outcome, Refuse, Renderer, Request, Status};
use crate::divide::{Divided, Division};
use crate::edge::Edge;
use crate::key::Slot;
use crate::round::Place;
use crate::splits::Splits;
use crate::table::Missing;
use crate::tx::{Reads, Tx};

use super::{Apply, ScanCall, end_of, joined, take_end};

/// A command whose type is not known here.
pub trait Call: Send {
    /// What it is about.
    fn key(&self) -> &[u8];
    /// The slot in which it runs.
    fn slot(&self, splits: &Splits) -> Slot;
    /// The scan that answers it, if what it asks for lies in several slots.
    fn spread(&self, splits: &Splits) -> Option<Box<dyn ScanCall>>;
    /// Names the rows it will read.
    fn reads(&self, reads: &mut Reads<'_>);
    /// Most letters that it sends.
    fn letters(&self) -> usize;
    /// Most bytes of each of them.
    fn letter_bytes(&self) -> usize;
    /// Most calls to the outside that it makes.
    fn calls(&self) -> usize;
    /// Most bytes that its rows take in the log.
    fn writes(&self) -> usize;
    /// How long its answer may wait.
    fn waits_ms(&self) -> u64;
    /// What it waits to be told of.
    fn awaits(&self) -> Cow<'_, str>;
    /// Where it looks, if it has several places.
    fn round(&self, splits: &Splits, nth: u64) -> Option<Vec<Place>>;
    /// Its works, if it divides.
    fn divide(&mut self, splits: &Splits, nth: u64) -> Option<Divided>;
    /// Renders what is answered at the edge; `None` if its partition is to be asked. With the code of the
    /// refusal if it is one.
    fn glance(
        &self,
        edge: &Edge<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Option<(Status, Option<&'static str>)>;
    /// Runs it and renders what came of it; `None` if it is answered later, which is no answer to its
    /// last run.
    ///
    /// # Errors
    /// A row has to be fetched first; nothing was rendered.
    fn run(
        &self,
        tx: &mut Tx<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Result<Option<Status>, Missing>;
    /// The command itself, if it may be done as one with others of its type.
    fn joins(&self) -> Option<&dyn Any>;
    /// Does those as one, of which it is one: what came of them, for [`Self::tell_joined`]. `None` if each is to be done by
    /// itself.
    ///
    /// # Errors
    /// A row has to be fetched first.
    fn run_joined(
        &self,
        these: &[&dyn Any],
        tx: &mut Tx<'_>,
    ) -> Result<Option<Box<dyn Any>>, Missing>;
    /// Renders what came of it, as that of this place among them; with the code of the refusal if it is one.
    fn tell_joined(
        &self,
        ends: &mut dyn Any,
        at: usize,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> (Status, Option<&'static str>);
    /// Renders that it does not run.
    fn turn_away(&self, fault: Fault, renderer: &dyn Renderer, out: &mut Vec<u8>) -> Status;
    /// Bytes it takes while it waits.
    fn weight(&self) -> usize;
    /// Whether it is answered that it is pending, if it cannot wait.
    fn pends(&self) -> bool;
}

impl<C: Apply> Call for C {
    fn key(&self) -> &[u8] {
        Apply::key(self).as_bytes()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        Apply::slot(self, splits)
    }

    fn spread(&self, splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Apply::spread(self, splits)
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        Apply::reads(self, reads);
    }

    fn letters(&self) -> usize {
        Apply::letters(self)
    }

    fn letter_bytes(&self) -> usize {
        Apply::letter_bytes(self)
    }

    fn calls(&self) -> usize {
        Apply::calls(self)
    }

    fn writes(&self) -> usize {
        Apply::writes(self)
    }

    fn waits_ms(&self) -> u64 {
        Apply::waits_ms(self)
    }

    fn awaits(&self) -> Cow<'_, str> {
        Apply::awaits(self)
    }

    fn round(&self, splits: &Splits, nth: u64) -> Option<Vec<Place>> {
        Apply::round(self, splits, nth)
    }

    fn divide(&mut self, splits: &Splits, nth: u64) -> Option<Divided> {
        Apply::divide(self, splits, nth).map(Division::untyped)
    }

    fn glance(
        &self,
        edge: &Edge<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Option<(Status, Option<&'static str>)> {
        let answer = Apply::glance(self, edge)?;
        let (outcome, code) = match &answer {
            Ok(reply) => (Outcome::Reply(reply), None),
            Err(refusal) => {
                debug_assert!(C::REFUSALS.contains(refusal.def()), "{:?}", refusal.def());
                (Outcome::Refused(refusal), Some(refusal.def().code))
            }
        };
        renderer.render(&outcome, out);
        Some((outcome.status(), code))
    }

    fn run(
        &self,
        tx: &mut Tx<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Result<Option<Status>, Missing> {
        let Some(end) = end_of(self, tx)? else {
            return Ok(None);
        };
        let outcome = end.outcome(Apply::key(self));
        renderer.render(&outcome, out);
        Ok(Some(outcome.status()))
    }

    fn joins(&self) -> Option<&dyn Any> {
        C::JOINS.then_some(self as &dyn Any)
    }

    fn run_joined(
        &self,
        these: &[&dyn Any],
        tx: &mut Tx<'_>,
    ) -> Result<Option<Box<dyn Any>>, Missing> {
        joined::<C>(these, tx)
    }

    fn tell_joined(
        &self,
        ends: &mut dyn Any,
        at: usize,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> (Status, Option<&'static str>) {
        let end = take_end::<C>(ends, at);
        let outcome = end.outcome(Apply::key(self));
        renderer.render(&outcome, out);
        (outcome.status(), end.code())
    }

    fn turn_away(&self, fault: Fault, renderer: &dyn Renderer, out: &mut Vec<u8>) -> Status {
        let outcome = Outcome::Fault(&fault);
        renderer.render(&outcome, out);
        outcome.status()
    }

    fn weight(&self) -> usize {
        Request::bytes(self)
    }

    fn pends(&self) -> bool {
        C::PENDS
    }
}
