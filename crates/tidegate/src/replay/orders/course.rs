//! One order's way: placed, perhaps cancelled, and its units back on the shelf.
//!
//! `ORDER.CANCEL` is answered once the units of the order are back, so whoever places the next one then finds
//! them. With one order in flight the replay looks at each SKU of a cancelled order whether that is so, and
//! only then goes on: what came of each order depends on the file and the shares alone. With more in
//! flight it depends on who comes first anyway.

use super::Ground;
use super::list::Order;
use super::tally::OrderTally;
use super::wire;
use crate::client::{Connection, Reply};
use crate::replay::course::{Course, Unasked, Verdict};
use crate::replay::journal::Asked;
use crate::replay::wire::Meaning;

/// Something to ask the server about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Place,
    Cancel,
    /// Look whether the units of its part of this number are back.
    Back {
        part: u32,
    },
}

/// The state of one order, by the answers.
pub(super) struct OrderCourse<'p> {
    pub(super) ground: &'p Ground<'p>,
    number: u32,
    state: State,
    /// Parts whose units were not seen back, after it was cancelled on its way.
    away: Vec<u32>,
    /// Whether an earlier run had come so far that it may have placed it.
    placed_before: bool,
    /// Whether it is cancelled although it was not chosen for that: at the very end.
    gives_up: bool,
    known_before: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Unplaced,
    SoldOut,
    /// For another reason, in the server's words.
    Refused(Box<str>),
    Reserved,
    Cancelled,
    /// Its cancellation was refused, in the server's words.
    Stuck(Box<str>),
}

impl<'p> OrderCourse<'p> {
    pub(super) fn new(ground: &'p Ground<'p>, number: u32) -> Self {
        Self {
            ground,
            number,
            state: State::Unplaced,
            away: Vec::new(),
            placed_before: false,
            gives_up: false,
            known_before: 0,
        }
    }

    pub(super) fn order(&self) -> &'p Order {
        &self.ground.orders.list[self.number as usize]
    }

    /// Its id: that of the invoice.
    pub(super) fn id(&self) -> &'p str {
        let plan = self.ground.plan;
        plan.invoice(self.order().first(plan))
    }

    /// An earlier run may have placed it.
    pub(super) fn perhaps_placed(&mut self) {
        self.placed_before = true;
    }

    /// From now on it is cancelled if it is reserved.
    pub(super) fn give_up(&mut self) {
        self.gives_up = true;
    }

    /// Answers that show that the server had the id before this replay.
    pub(super) fn known_before(&self) -> u64 {
        self.known_before
    }

    /// Why it was refused, if not for lack of units, and the record of its first line.
    pub(super) fn refusal(&self) -> Option<(u32, &str)> {
        match &self.state {
            State::Refused(why) | State::Stuck(why) => Some((self.order().record, why)),
            State::Unplaced | State::SoldOut | State::Reserved | State::Cancelled => None,
        }
    }

    /// The state in which the server has it, by the answers; nothing where they do not tell.
    pub(super) fn standing(&self) -> Option<&'static str> {
        match self.state {
            State::SoldOut => Some("refused"),
            State::Reserved => Some("reserved"),
            State::Cancelled => Some("cancelled"),
            State::Unplaced | State::Refused(_) | State::Stuck(_) => None,
        }
    }

    fn placed(&mut self, verdict: Verdict) {
        self.state = match verdict {
            Verdict::Done | Verdict::DoneBefore => {
                self.ground.shelf.take(&self.order().parts);
                State::Reserved
            }
            Verdict::SoldOut => State::SoldOut,
            Verdict::Refused(why) => State::Refused(why),
        };
    }

    fn cancelled(&mut self, verdict: Verdict) {
        self.state = match verdict {
            Verdict::Done | Verdict::DoneBefore => {
                let order = self.order();
                self.ground.shelf.give_back(&order.parts);
                if order.is_to_cancel {
                    self.away = (0..order.parts.len() as u32).collect();
                }
                State::Cancelled
            }
            Verdict::SoldOut => State::Stuck("SOLDOUT".into()),
            Verdict::Refused(why) => State::Stuck(why),
        };
    }

    /// How often it was done: once its way is over, and once more at the very end.
    fn done(&self) -> u64 {
        let is_to_cancel = self.order().is_to_cancel;
        match self.state {
            State::Unplaced => 0,
            State::SoldOut | State::Refused(_) => 1,
            State::Reserved => u64::from(!is_to_cancel),
            State::Cancelled | State::Stuck(_) if !is_to_cancel => 2,
            State::Cancelled | State::Stuck(_) => u64::from(self.looks_for().is_empty()),
        }
    }

    fn looks_for(&self) -> &[u32] {
        if self.ground.one_in_flight {
            &self.away
        } else {
            &[]
        }
    }
}

impl Course for OrderCourse<'_> {
    type Command = Command;
    type Tally = OrderTally;

    fn tally(&self) -> OrderTally {
        let mut tally = OrderTally {
            done: self.done(),
            ..OrderTally::default()
        };
        let count = self.order().count();
        match self.state {
            State::Unplaced => {}
            State::SoldOut => tally.sold_out = count,
            State::Refused(_) => tally.refused = count,
            State::Reserved => tally.reserved = count,
            State::Cancelled => (tally.reserved, tally.cancelled) = (count, count),
            State::Stuck(_) => (tally.reserved, tally.refused) = (count, count),
        }
        tally
    }

    /// At the very end the file has been walked: there is nothing to wait for.
    fn at(&self) -> Option<u32> {
        let record = if self.gives_up {
            0
        } else {
            self.order().record
        };
        (!self.wants().is_empty()).then_some(record)
    }

    fn wants(&self) -> Vec<Command> {
        match self.state {
            State::Unplaced => vec![Command::Place],
            State::Reserved if self.order().is_to_cancel || self.gives_up => vec![Command::Cancel],
            State::Cancelled => {
                let back = |part: &u32| Command::Back { part: *part };
                self.looks_for().iter().map(back).collect()
            }
            State::Reserved | State::SoldOut | State::Refused(_) | State::Stuck(_) => Vec::new(),
        }
    }

    fn perhaps_sent(&self) -> Vec<Command> {
        if self.placed_before || self.state != State::Unplaced {
            self.wants()
        } else {
            Vec::new()
        }
    }

    /// A journal may have more than is wanted: looks of a run with one order in flight, and
    /// cancellations at the very end.
    fn record(&mut self, command: Command, verdict: Verdict) -> Result<(), Unasked> {
        if verdict.is_of_another() {
            self.known_before += 1;
            self.ground.shelf.is_shared_from_now_on();
        }
        match (command, &self.state) {
            (Command::Place, State::Unplaced) => self.placed(verdict),
            (Command::Cancel, State::Reserved) => self.cancelled(verdict),
            (Command::Back { part }, State::Cancelled) if self.away.contains(&part) => {
                self.away.retain(|away| *away != part);
            }
            (Command::Place | Command::Cancel | Command::Back { .. }, _) => return Err(Unasked),
        }
        Ok(())
    }

    fn journaled(&self, command: Command) -> (u32, Asked) {
        let asked = match command {
            Command::Place => Asked::Place,
            Command::Cancel => Asked::Cancel,
            Command::Back { part } => Asked::Back { part },
        };
        (self.order().record, asked)
    }

    fn push(&self, command: Command, connection: &mut Connection) {
        wire::push(self, command, connection);
    }

    fn meaning(&self, command: Command, reply: &Reply<'_>, again: bool) -> Meaning {
        wire::meaning(self, command, reply, again)
    }

    fn is_timed(command: Command) -> bool {
        command == Command::Place
    }
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
