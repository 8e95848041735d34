//! A SKU that orders ask for, until the server knows how many units it has.

use super::tally::OrderTally;
use crate::client::{Connection, Reply};
use crate::replay::course::{Course, Unasked, Verdict};
use crate::replay::journal::Asked;
use crate::replay::plan::{Plan, Sku};
use crate::replay::sku_course;
use crate::replay::wire::{self, Meaning};

/// The only thing to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Declare;

/// The state of one SKU. All are declared before the first order is placed: an order of an unknown SKU
/// would be refused, and stay so.
pub(super) struct DeclareCourse<'p> {
    plan: &'p Plan,
    pub(super) number: u32,
    pub(super) declared: bool,
}

impl<'p> DeclareCourse<'p> {
    pub(super) fn new(plan: &'p Plan, number: u32) -> Self {
        Self {
            plan,
            number,
            declared: false,
        }
    }

    pub(super) fn sku(&self) -> &'p Sku {
        &self.plan.skus[self.number as usize]
    }
}

impl Course for DeclareCourse<'_> {
    type Command = Declare;
    type Tally = OrderTally;

    /// Of orders nothing has come yet.
    fn tally(&self) -> OrderTally {
        OrderTally::default()
    }

    /// Before any record, whatever the speed.
    fn at(&self) -> Option<u32> {
        (!self.declared).then_some(0)
    }

    fn wants(&self) -> Vec<Declare> {
        self.at().map(|_| Declare).into_iter().collect()
    }

    fn record(&mut self, Declare: Declare, _: Verdict) -> Result<(), Unasked> {
        let was_declared = std::mem::replace(&mut self.declared, true);
        if was_declared { Err(Unasked) } else { Ok(()) }
    }

    fn journaled(&self, Declare: Declare) -> (u32, Asked) {
        let line = self.sku().lines[0];
        (self.plan.lines[line as usize].record, Asked::Declare)
    }

    fn push(&self, Declare: Declare, connection: &mut Connection) {
        let command = sku_course::Command::Declare;
        wire::push(connection, self.plan, self.number, command);
    }

    fn meaning(&self, Declare: Declare, reply: &Reply<'_>, again: bool) -> Meaning {
        wire::meaning(reply, ("sku", &self.sku().name), again)
    }
}
