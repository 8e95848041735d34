//! A person: what it does next, given what it was told. No IO: the clock, the shelf and the answers are given.
//!
//! ```text
//! joining ─▶ in line ─admitted─▶ choosing ─▶ asking ─token─▶ buying ─▶ owning ─▶ gone
//!               ▲                   ▲──────── sold out ────────┘
//!               └── nothing left ───┘
//! ```
//!
//! What was asked and not answered is asked again as it was, with the same ticket or token, until there is an
//! answer. Of several copies of a request any yes counts, and a no only once all of them are answered.

mod course;
mod owner;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use owner::Owned;
use tidegate_engine::Random;

use super::answer::{Answer, Yes};
use super::ask::Ask;
use super::dice::between;
use super::habits::Habits;
use super::world::{Purchase, World};

/// How long people think before they click, in milliseconds.
const THINK_MS: (u64, u64) = (100, 1_500);

/// How often those ask who do not wait as they are told.
const REFRESH_MS: (u64, u64) = (500, 2_000);

/// How long somebody waits before what was not answered is asked again: longer each time, up to 16 times that.
const RETRY_MS: (u64, u64) = (50, 250);
const RETRY_DOUBLINGS_MAX: u8 = 4;

/// Of 100 requests so many are sent over a connection that breaks before they are answered.
const CUT: u64 = 1;

/// Somebody in the crowd.
#[derive(Debug)]
pub(super) struct Person {
    buyer: Rc<str>,
    habits: Habits,
    dice: Random,
    ticket: Option<Rc<str>>,
    stage: Stage,
    /// Copies of what the stage asks that are not answered.
    under_way: u8,
    /// What one of them was told, while others are under way.
    no: Option<Box<str>>,
    /// Times in a row that there was no answer.
    unanswered: u8,
    /// Choices in a row that came to nothing.
    in_vain: u8,
    was_admitted: bool,
    has_cancelled: bool,
    /// Set once it has seen that nothing is left.
    stays_until_ms: Option<u64>,
}

#[derive(Debug)]
enum Stage {
    Joining,
    InLine,
    Choosing,
    Asking { sku: Rc<str>, quantity: u64 },
    Buying(Rc<Purchase>),
    Owning(Owned),
    Gone,
}

/// What somebody sends: so many copies at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) ask: Ask,
    pub(super) copies: u8,
    /// One of them is sent over a connection that breaks: nobody hears what is answered.
    pub(super) is_cut: bool,
}

impl Person {
    /// Somebody who is about to come.
    pub(super) fn new(buyer: Rc<str>, habits: Habits, dice: Random) -> Self {
        Self {
            buyer,
            habits,
            dice,
            ticket: None,
            stage: Stage::Joining,
            under_way: 0,
            no: None,
            unanswered: 0,
            in_vain: 0,
            was_admitted: false,
            has_cancelled: false,
            stays_until_ms: None,
        }
    }

    /// The ticket, if it has one.
    pub(super) fn ticket(&self) -> Option<&Rc<str>> {
        self.ticket.as_ref()
    }

    /// It is time to do something: what?
    pub(super) fn act(&mut self, world: &mut World) -> Option<Sent> {
        if matches!(self.stage, Stage::Choosing) {
            self.choose(world);
        }
        if matches!(self.stage, Stage::Joining) && self.unanswered == 0 && self.under_way == 0 {
            world.tally.arrived += 1;
        }
        let ask = self.ask()?;
        let copies = self.copies(&ask);
        if let Stage::Buying(purchase) = &self.stage {
            world.overheard = Some(Rc::clone(purchase));
        }
        self.under_way = copies;
        Some(Sent {
            ask,
            copies,
            is_cut: self.dice.chance(CUT, 100),
        })
    }

    /// Something came back. Gives the time of its next act, if it does not wait for another answer.
    pub(super) fn hear(&mut self, ask: &Ask, answer: Answer, world: &mut World) -> Option<u64> {
        if let (Ask::Buy { token, .. }, Stage::Owning(owned)) = (ask, &self.stage)
            && owned.is_bought_with(token)
        {
            return self.hear_again(answer, world);
        }
        if self.ask().as_ref() != Some(ask) {
            self.hear_late(ask, &answer, world);
            return None;
        }
        self.under_way = self.under_way.saturating_sub(1);
        let after_ms = match answer {
            Answer::No(code) => {
                self.no = Some(code);
                0
            }
            Answer::Busy { after_ms } => after_ms,
            Answer::Lost | Answer::Nonsense(_) => 0,
            Answer::Yes(yes) => {
                self.heard();
                return self.accept(yes, world);
            }
        };
        if self.under_way > 0 {
            return None;
        }
        match self.no.take() {
            Some(code) => {
                self.heard();
                self.refused(&code, world)
            }
            None => Some(self.again(after_ms, world)),
        }
    }

    /// There is an answer for good.
    fn heard(&mut self) {
        self.under_way = 0;
        self.unanswered = 0;
        self.no = None;
    }

    /// An answer to what it does not ask any more: a copy, which must say the same.
    fn hear_late(&self, ask: &Ask, answer: &Answer, world: &mut World) {
        let (Ask::Join { .. }, Answer::Yes(Yes::Joined(joined))) = (ask, answer) else {
            return;
        };
        // Who has gone home before the first answer has none to compare with.
        let is_other = self
            .ticket
            .as_ref()
            .is_some_and(|ticket| *ticket != joined.ticket);
        world.tally.wrong.tickets_lost += u64::from(is_other);
    }

    /// Asks the same again, after so long at least, and each time later.
    fn again(&mut self, after_ms: u64, world: &World) -> u64 {
        let doublings = self.unanswered.min(RETRY_DOUBLINGS_MAX);
        self.unanswered = self.unanswered.saturating_add(1);
        let (min_ms, max_ms) = RETRY_MS;
        let pause_ms = between(&mut self.dice, min_ms << doublings, max_ms << doublings);
        world.now_ms + after_ms + pause_ms
    }

    fn think(&mut self, world: &World) -> u64 {
        self.within(THINK_MS, world)
    }

    fn within(&mut self, (min_ms, max_ms): (u64, u64), world: &World) -> u64 {
        world.now_ms + between(&mut self.dice, min_ms, max_ms)
    }

    /// What its stage asks.
    fn ask(&self) -> Option<Ask> {
        let buyer = Rc::clone(&self.buyer);
        match &self.stage {
            Stage::Joining => Some(Ask::Join { buyer }),
            Stage::InLine => Some(Ask::Position {
                ticket: self.ticket.clone()?,
            }),
            Stage::Asking { sku, quantity } => Some(Ask::Token {
                buyer,
                ticket: self.ticket.clone()?,
                sku: Rc::clone(sku),
                quantity: *quantity,
            }),
            Stage::Buying(purchase) => Some(purchase.ask(buyer)),
            Stage::Owning(owned) => Some(owned.ask(buyer)),
            Stage::Choosing | Stage::Gone => None,
        }
    }

    fn copies(&self, ask: &Ask) -> u8 {
        let is_click = matches!(ask, Ask::Join { .. } | Ask::Token { .. } | Ask::Buy { .. });
        if is_click && self.habits.double_clicks {
            2
        } else {
            1
        }
    }

    /// Takes something off the shelf; or looks where it stands, if nothing is on it.
    fn choose(&mut self, world: &World) {
        self.stage = match world.shelf.choose(&mut self.dice) {
            Some(sku) => Stage::Asking {
                sku,
                quantity: self.quantity(world.max),
            },
            None => Stage::InLine,
        };
    }

    /// Most want one, some as many as they may have.
    fn quantity(&mut self, max: u64) -> u64 {
        if self.dice.chance(1, 4) {
            1 + self.dice.below(max)
        } else {
            1
        }
    }
}
