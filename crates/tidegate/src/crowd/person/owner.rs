//! What somebody does with an order: sends the purchase once more, pays soon, late or never, or gives it up.

use std::rc::Rc;

use super::super::answer::{Answer, Bought, Yes};
use super::super::ask::Ask;
use super::super::habits::Pays;
use super::super::world::{Purchase, World};
use super::{Person, Stage};

/// How often an order is looked at that is being paid.
const WATCH_MS: (u64, u64) = (800, 1_600);

/// How long before the end of its time a late one pays, and after it one who never does looks again.
const LAST_MOMENT_MS: u64 = 500;

/// Payments of one order that somebody begins.
const PAYMENTS_MAX: u8 = 3;

/// An order that somebody was told they have.
#[derive(Debug)]
pub(super) struct Owned {
    order: Rc<str>,
    purchase: Rc<Purchase>,
    /// When it was told.
    since_ms: u64,
    pay_by_ms: u64,
    /// Payments begun.
    payments: u8,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Sends the purchase once more.
    Reloading,
    Paying,
    Cancelling,
    Watching,
}

impl Owned {
    pub(super) fn is_bought_with(&self, token: &str) -> bool {
        *self.purchase.token == *token
    }

    /// What it asks now.
    pub(super) fn ask(&self, buyer: Rc<str>) -> Ask {
        let order = Rc::clone(&self.order);
        match self.step {
            Step::Reloading => self.purchase.ask(buyer),
            Step::Paying => Ask::Pay {
                order,
                payment: self.payments + 1,
            },
            Step::Cancelling => Ask::Cancel { order },
            Step::Watching => Ask::Order { order },
        }
    }
}

impl Person {
    /// It has an order.
    pub(super) fn own(&mut self, bought: Bought, world: &mut World) -> Option<u64> {
        let Stage::Buying(purchase) = &self.stage else {
            return None;
        };
        let purchase = Rc::clone(purchase);
        let order = Rc::clone(&bought.order);
        let pay_by_ms = bought.pay_by_ms.unwrap_or(world.now_ms);
        world.tell(&self.buyer, &purchase.sku, bought);
        self.in_vain = 0;
        let step = if self.habits.reloads {
            Step::Reloading
        } else {
            self.after_buying()
        };
        self.stage = Stage::Owning(Owned {
            order,
            purchase,
            since_ms: world.now_ms,
            pay_by_ms,
            payments: 0,
            step,
        });
        Some(self.when(world))
    }

    fn after_buying(&self) -> Step {
        match self.habits.pays {
            Pays::Soon | Pays::Late => Step::Paying,
            Pays::Cancels if !self.has_cancelled => Step::Cancelling,
            Pays::Cancels | Pays::Never => Step::Watching,
        }
    }

    /// When it does the next step with its order.
    fn when(&mut self, world: &World) -> u64 {
        let Stage::Owning(owned) = &self.stage else {
            return self.think(world);
        };
        let pay_by_ms = owned.pay_by_ms;
        let at_ms = match (owned.step, self.habits.pays) {
            (Step::Paying, Pays::Late) if owned.payments == 0 => {
                pay_by_ms.saturating_sub(LAST_MOMENT_MS)
            }
            (Step::Watching, Pays::Never) => pay_by_ms + LAST_MOMENT_MS,
            (Step::Watching, Pays::Soon | Pays::Late | Pays::Cancels) => {
                self.within(WATCH_MS, world)
            }
            (Step::Reloading | Step::Paying | Step::Cancelling, _) => self.think(world),
        };
        // Whoever comes too late for their moment does not do it again and again.
        at_ms.max(world.now_ms + WATCH_MS.0)
    }

    /// The answer to a purchase that was made before: it must be the same order.
    pub(super) fn hear_again(&mut self, answer: Answer, world: &mut World) -> Option<u64> {
        let Stage::Owning(owned) = &self.stage else {
            return None;
        };
        let is_sent_again = owned.step == Step::Reloading && self.under_way > 0;
        let after_ms = match answer {
            Answer::Yes(yes) => {
                let is_same = matches!(&yes, Yes::Bought(bought) if bought.order == owned.order);
                world.tally.wrong.bought_twice += u64::from(!is_same);
                None
            }
            // Of copies sent at once the one refused may have been the first, and units came back in between:
            // what is heard in the same moment tells nothing.
            Answer::No(_) if is_sent_again || world.now_ms > owned.since_ms => {
                world.tally.wrong.winners_refused += 1;
                None
            }
            Answer::Busy { after_ms } => Some(after_ms),
            Answer::Lost | Answer::Nonsense(_) => Some(0),
            Answer::No(_) => None,
        };
        match after_ms {
            _ if !is_sent_again => None,
            Some(after_ms) => Some(self.again(after_ms, world)),
            None => {
                world.tally.sent_again += 1;
                self.heard();
                self.proceed(world)
            }
        }
    }

    /// A step with its order is taken.
    pub(super) fn proceed(&mut self, world: &mut World) -> Option<u64> {
        let after_buying = self.after_buying();
        let Stage::Owning(owned) = &mut self.stage else {
            return self.go(|gone| &mut gone.over, world);
        };
        owned.step = match owned.step {
            Step::Reloading => after_buying,
            Step::Paying => {
                owned.payments += 1;
                Step::Watching
            }
            Step::Watching => Step::Watching,
            Step::Cancelling => return self.cancelled(world),
        };
        Some(self.when(world))
    }

    /// Some who gave an order up think again.
    fn cancelled(&mut self, world: &mut World) -> Option<u64> {
        self.has_cancelled = true;
        if self.dice.chance(1, 2) {
            self.stage = Stage::Choosing;
            return Some(self.think(world));
        }
        self.go(|gone| &mut gone.done, world)
    }

    /// It has looked at its order.
    pub(super) fn watch(&mut self, state: &str, world: &mut World) -> Option<u64> {
        let Stage::Owning(owned) = &mut self.stage else {
            return None;
        };
        match state {
            "paid" | "fulfilled" => {
                world.tally.paid += 1;
                return self.go(|gone| &mut gone.done, world);
            }
            "refused" | "cancelled" | "expired" | "refunded" => {
                return self.go(|gone| &mut gone.done, world);
            }
            // Its payment has failed.
            "reserved" if (1..PAYMENTS_MAX).contains(&owned.payments) => owned.step = Step::Paying,
            _ => {}
        }
        Some(self.when(world))
    }
}
