//! One SKU's way through its lines: what to ask next, and what an answer means.
//!
//! Why so few commands of one SKU are in flight (a hold, and the confirmation of the one before):
//! a server under load answers BUSY to a hold and takes the next one a moment later. Two holds in
//! flight could thus swap, and with few units left a swap changes who gets them. A confirmation
//! changes nothing for the holds behind it, so it may travel with the next one. A return frees
//! units: it is wanted only when every earlier line is answered, and nothing else is wanted with
//! it. Speed comes from having many SKUs under way instead.

use std::collections::{HashMap, VecDeque};

use super::course::{Course, Unasked, Verdict};
use super::journal::Asked;
use super::plan::{Kind, Line, Plan, Sku};
use super::tally::Tally;
use super::wire::{self, Meaning};
use crate::client::{Connection, Reply};

/// Refusals of a SKU kept to be shown; the rest is only counted.
const REFUSALS_SHOWN_MAX: usize = 5;

/// Something to ask the server about one SKU. Lines are indexes into the plan's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Declare the SKU with its total.
    Declare,
    /// Hold the units of an order line.
    Hold { line: u32 },
    /// Sell what an order line holds.
    Confirm { line: u32 },
    /// Take back units of an order line: the `part`th return of a return line, from 1.
    Return {
        line: u32,
        part: u32,
        order: u32,
        units: u32,
    },
}

/// The state of one SKU.
pub(super) struct SkuCourse<'p> {
    plan: &'p Plan,
    sku: u32,
    declared: bool,
    /// How many of the SKU's lines are behind us, confirmations apart.
    next: usize,
    /// Order lines held, in order, whose confirmation is not answered.
    unconfirmed: VecDeque<u32>,
    /// Confirmed orders of which something is left, by customer, newest last.
    sold: HashMap<u32, Vec<Order>>,
    /// Parts answered of the return line at `next`.
    parts: u32,
    /// Units asked for in those parts.
    asked: u32,
    /// Units taken back in those parts.
    returned: u32,
    tally: Tally,
    known_before: u64,
    refusals: Vec<(u32, Box<str>)>,
}

#[derive(Clone, Copy)]
struct Order {
    line: u32,
    left: u32,
}

impl<'p> SkuCourse<'p> {
    pub(super) fn new(plan: &'p Plan, sku: u32) -> Self {
        let mut course = Self {
            plan,
            sku,
            declared: false,
            next: 0,
            unconfirmed: VecDeque::new(),
            sold: HashMap::new(),
            parts: 0,
            asked: 0,
            returned: 0,
            tally: Tally::default(),
            known_before: 0,
            refusals: Vec::new(),
        };
        course.pass_unmatched();
        course
    }

    pub(super) fn sku(&self) -> &'p Sku {
        &self.plan.skus[self.sku as usize]
    }

    /// Whether the server was told of the SKU.
    pub(super) fn declared(&self) -> bool {
        self.declared
    }

    /// Answers that show that the server had the ids before this replay: with other commands
    /// behind its rows, they cannot be compared with the answers.
    pub(super) fn known_before(&self) -> u64 {
        self.known_before
    }

    /// The first few refusals other than sold out, each with the number of its record.
    pub(super) fn refusals(&self) -> &[(u32, Box<str>)] {
        &self.refusals
    }

    /// The command of the line at `next`. [`Self::pass_unmatched`] has passed all return lines
    /// that need none.
    fn step(&self) -> Option<Command> {
        let index = self.line_at(self.next)?;
        let line = self.line(index);
        match line.kind {
            Kind::Order if !self.declared => Some(Command::Declare),
            Kind::Order => Some(Command::Hold { line: index }),
            Kind::Return if !self.unconfirmed.is_empty() => None,
            Kind::Return => {
                let order = self.newest_order(line)?;
                let units = order.left.min(line.units - self.asked);
                let part = self.parts + 1;
                Some(Command::Return {
                    line: index,
                    part,
                    order: order.line,
                    units,
                })
            }
        }
    }

    fn hold_answered(&mut self, line: u32, verdict: Verdict) {
        self.next += 1;
        let units = u64::from(self.line(line).units);
        match verdict {
            Verdict::Done | Verdict::DoneBefore => self.unconfirmed.push_back(line),
            Verdict::SoldOut => {
                self.tally.sold_out.line(units);
                self.tally.done += 1;
            }
            Verdict::Refused(why) => self.order_refused(line, why),
        }
    }

    fn confirm_answered(&mut self, line: u32, verdict: Verdict) {
        self.unconfirmed.retain(|waiting| *waiting != line);
        match verdict {
            Verdict::Done | Verdict::DoneBefore => self.order_sold(line),
            Verdict::SoldOut => self.order_refused(line, "SOLDOUT".into()),
            Verdict::Refused(why) => self.order_refused(line, why),
        }
    }

    fn order_sold(&mut self, index: u32) {
        let line = *self.line(index);
        self.tally.held.line(u64::from(line.units));
        self.tally.done += 1;
        if let Some(customer) = line.customer {
            let orders = self.sold.entry(customer).or_default();
            // Confirmations may be answered out of order; "newest" goes by the file.
            let place = orders.partition_point(|order| order.line < index);
            orders.insert(
                place,
                Order {
                    line: index,
                    left: line.units,
                },
            );
        }
    }

    fn order_refused(&mut self, line: u32, why: Box<str>) {
        self.tally.refused.line(u64::from(self.line(line).units));
        self.tally.done += 1;
        self.note(line, why);
    }

    fn return_answered(&mut self, index: u32, order: u32, units: u32, verdict: Verdict) {
        self.parts += 1;
        self.asked += units;
        match verdict {
            Verdict::Done | Verdict::DoneBefore => {
                self.returned += units;
                self.tally.returned.units += u64::from(units);
                self.take(index, order, units);
            }
            Verdict::SoldOut => self.return_refused(index, order, units, "SOLDOUT".into()),
            Verdict::Refused(why) => self.return_refused(index, order, units, why),
        }
    }

    /// Nothing more is asked of an order that refused to take units back.
    fn return_refused(&mut self, index: u32, order: u32, units: u32, why: Box<str>) {
        self.tally.refused.line(u64::from(units));
        self.take(index, order, u32::MAX);
        self.note(index, why);
    }

    fn take(&mut self, index: u32, order: u32, units: u32) {
        let customer = self.line(index).customer;
        let Some(orders) = customer.and_then(|customer| self.sold.get_mut(&customer)) else {
            return;
        };
        if let Some(order) = orders.iter_mut().find(|known| known.line == order) {
            order.left = order.left.saturating_sub(units);
        }
        orders.retain(|order| order.left > 0);
    }

    /// Passes return lines, or what is left of them, for which there is nothing to ask.
    fn pass_unmatched(&mut self) {
        while self.unconfirmed.is_empty()
            && let Some(index) = self.line_at(self.next)
        {
            let line = *self.line(index);
            let matched = self.asked < line.units && self.newest_order(&line).is_some();
            if line.kind == Kind::Order || matched {
                return;
            }
            self.finish_return(&line);
        }
    }

    fn finish_return(&mut self, line: &Line) {
        let rest = u64::from(line.units - self.asked);
        if self.returned > 0 {
            self.tally.returned.lines += 1;
        }
        match line.customer {
            None => self.tally.unmatched_guests.line(rest),
            Some(_) if rest > 0 => self.tally.unmatched.line(rest),
            Some(_) => {}
        }
        self.tally.done += 1;
        self.tally.not_sent += u64::from(self.parts == 0);
        self.next += 1;
        (self.parts, self.asked, self.returned) = (0, 0, 0);
    }

    fn newest_order(&self, line: &Line) -> Option<Order> {
        self.sold.get(&line.customer?)?.last().copied()
    }

    fn note(&mut self, line: u32, why: Box<str>) {
        if self.refusals.len() < REFUSALS_SHOWN_MAX {
            self.refusals.push((self.line(line).record, why));
        }
    }

    fn line_at(&self, position: usize) -> Option<u32> {
        self.sku().lines.get(position).copied()
    }

    fn line(&self, index: u32) -> &'p Line {
        &self.plan.lines[index as usize]
    }
}

impl Course for SkuCourse<'_> {
    type Command = Command;
    type Tally = Tally;

    fn tally(&self) -> Tally {
        self.tally
    }

    fn at(&self) -> Option<u32> {
        let line = self
            .unconfirmed
            .front()
            .copied()
            .or_else(|| self.line_at(self.next))?;
        Some(self.line(line).record)
    }

    fn wants(&self) -> Vec<Command> {
        let mut wants: Vec<_> = self
            .unconfirmed
            .iter()
            .map(|line| Command::Confirm { line: *line })
            .collect();
        // With two waiting, a confirmation had to be asked again: catch up first.
        if wants.len() < 2 {
            wants.extend(self.step());
        }
        wants
    }

    fn record(&mut self, command: Command, verdict: Verdict) -> Result<(), Unasked> {
        if !self.wants().contains(&command) {
            return Err(Unasked);
        }
        self.known_before += u64::from(verdict.is_of_another());
        match command {
            Command::Declare => self.declared = true,
            Command::Hold { line } => self.hold_answered(line, verdict),
            Command::Confirm { line } => self.confirm_answered(line, verdict),
            Command::Return {
                line, order, units, ..
            } => {
                self.return_answered(line, order, units, verdict);
            }
        }
        self.pass_unmatched();
        Ok(())
    }

    fn journaled(&self, command: Command) -> (u32, Asked) {
        let line = match command {
            Command::Declare => self.sku().lines[0],
            Command::Hold { line } | Command::Confirm { line } => line,
            Command::Return { line, .. } => line,
        };
        (self.line(line).record, command.into())
    }

    fn push(&self, command: Command, connection: &mut Connection) {
        wire::push(connection, self.plan, self.sku, command);
    }

    fn meaning(&self, _: Command, reply: &Reply<'_>, again: bool) -> Meaning {
        wire::meaning(reply, ("sku", &self.sku().name), again)
    }
}

#[cfg(test)]
#[path = "sku_course_tests.rs"]
mod tests;
