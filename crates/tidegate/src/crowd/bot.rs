//! A bot: floods, forges, or takes what belongs to others. No IO, as for people.

use std::rc::Rc;

use tidegate_engine::Random;

use super::answer::{Answer, Yes};
use super::ask::Ask;
use super::dice::between;
use super::person::Sent;
use super::world::{Purchase, World};

/// How often a bot asks for something, whatever it is told, in milliseconds.
const PAUSE_MS: (u64, u64) = (100, 400);

/// How long a forged token and the second part of a forged ticket are, in digits of hex.
const FORGED_DIGITS: usize = 32;

/// What a bot is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Enters and polls far faster than it is told, and buys whatever it can.
    Floods,
    /// Makes up tickets and tokens.
    Forges,
    /// Buys with what was given to somebody else.
    Steals,
}

/// A bot of the crowd.
#[derive(Debug)]
pub(super) struct Bot {
    buyer: Rc<str>,
    kind: Kind,
    dice: Random,
    /// What it has done so far decides what it does next.
    acts: u32,
    /// Copies of what it asked that are not answered.
    under_way: u8,
    ticket: Option<Rc<str>>,
    purchase: Option<Rc<Purchase>>,
    /// The order that its purchase made.
    order: Option<Rc<str>>,
}

impl Bot {
    pub(super) fn new(buyer: Rc<str>, mut dice: Random) -> Self {
        let kind = match dice.below(3) {
            0 => Kind::Floods,
            1 => Kind::Forges,
            _ => Kind::Steals,
        };
        Self {
            buyer,
            kind,
            dice,
            acts: 0,
            under_way: 0,
            ticket: None,
            purchase: None,
            order: None,
        }
    }

    /// What it does now.
    pub(super) fn act(&mut self, world: &mut World) -> Sent {
        self.acts += 1;
        let ask = match self.kind {
            Kind::Floods => self.flood(world),
            Kind::Forges => self.forge(world),
            Kind::Steals => self.steal(world),
        };
        let is_purchase = matches!(ask, Ask::Buy { .. });
        self.under_way = 1 + u8::from(is_purchase);
        world.tally.bots.requests += u64::from(self.under_way);
        Sent {
            ask,
            copies: self.under_way,
            is_cut: false,
        }
    }

    fn flood(&mut self, world: &World) -> Ask {
        let buyer = Rc::clone(&self.buyer);
        let Some(ticket) = self
            .ticket
            .clone()
            .filter(|_| !self.acts.is_multiple_of(16))
        else {
            return Ask::Join { buyer };
        };
        if let Some(purchase) = self
            .purchase
            .as_ref()
            .filter(|_| self.acts.is_multiple_of(2))
        {
            return purchase.ask(buyer);
        }
        let sku = world.shelf.any(&mut self.dice);
        match sku.filter(|_| self.acts.is_multiple_of(3)) {
            Some(sku) => Ask::Token {
                buyer,
                ticket,
                sku,
                quantity: world.max,
            },
            None => Ask::Position { ticket },
        }
    }

    fn forge(&mut self, world: &mut World) -> Ask {
        world.tally.bots.forgeries += 1;
        let buyer = Rc::clone(&self.buyer);
        let number = 1 + self.dice.below(1_000);
        let ticket = format!("{number}.{}", self.digits()).into();
        let sku = world.shelf.any(&mut self.dice);
        match (self.acts % 3, sku) {
            (1, Some(sku)) => Ask::Token {
                buyer,
                ticket,
                sku,
                quantity: 1,
            },
            (2, Some(sku)) => self.forged(world, sku).ask(buyer),
            _ => Ask::Position { ticket },
        }
    }

    /// A purchase with somebody's token of which a sign was changed, or one made up.
    fn forged(&mut self, world: &World, sku: Rc<str>) -> Purchase {
        match &world.overheard {
            Some(overheard) if self.acts.is_multiple_of(2) => Purchase {
                token: changed(&overheard.token).into(),
                ..Purchase::clone(overheard)
            },
            overheard => Purchase {
                sku,
                token: self.digits().into(),
                nonce: match overheard {
                    Some(overheard) => Rc::clone(&overheard.nonce),
                    None => self.digits().into(),
                },
            },
        }
    }

    fn steal(&mut self, world: &mut World) -> Ask {
        match &world.overheard {
            Some(overheard) => {
                world.tally.bots.thefts += 1;
                overheard.ask(Rc::clone(&self.buyer))
            }
            None => self.forge(world),
        }
    }

    fn digits(&mut self) -> String {
        let digits = format!("{:016x}{:016x}", self.dice.next_u64(), self.dice.next_u64());
        digits[..FORGED_DIGITS].to_owned()
    }

    /// Something came back to what it asked. Gives when it asks for the next thing, once all copies are answered.
    pub(super) fn hear(&mut self, ask: &Ask, answer: Answer, world: &mut World) -> Option<u64> {
        self.under_way = self.under_way.saturating_sub(1);
        self.take(ask, answer, world);
        let (min_ms, max_ms) = PAUSE_MS;
        (self.under_way == 0).then(|| world.now_ms + between(&mut self.dice, min_ms, max_ms))
    }

    fn take(&mut self, ask: &Ask, answer: Answer, world: &mut World) {
        if let Answer::No(code) = &answer {
            *world.tally.bots.refused.entry(code.clone()).or_default() += 1;
        }
        match self.kind {
            Kind::Floods => self.hear_own(ask, answer, world),
            Kind::Forges | Kind::Steals => {
                let is_taken = matches!(answer, Answer::Yes(_));
                world.tally.wrong.forgeries_taken += u64::from(is_taken);
            }
        }
    }

    /// An answer to what it may ask.
    fn hear_own(&mut self, ask: &Ask, answer: Answer, world: &mut World) {
        match (ask, answer) {
            (_, Answer::Yes(Yes::Joined(joined))) => self.ticket = Some(joined.ticket),
            (Ask::Token { sku, .. }, Answer::Yes(Yes::Token(token))) => {
                self.order = None;
                self.purchase = Some(Rc::new(Purchase {
                    sku: Rc::clone(sku),
                    token: token.token,
                    nonce: token.nonce,
                }));
            }
            (Ask::Buy { sku, token, .. }, Answer::Yes(Yes::Bought(bought))) => {
                let is_present = |purchase: &Rc<Purchase>| purchase.token == *token;
                if !self.purchase.as_ref().is_some_and(is_present) {
                    return;
                }
                match &self.order {
                    Some(order) if *order == bought.order => {}
                    Some(_) => world.tally.wrong.bought_twice += 1,
                    None => {
                        self.order = Some(Rc::clone(&bought.order));
                        world.tally.bots.bought += 1;
                        world.tell(&self.buyer, sku, bought);
                    }
                }
            }
            _ => {}
        }
    }
}

/// A token of which the last sign is another.
fn changed(token: &str) -> String {
    let mut signs: Vec<char> = token.chars().collect();
    let last = signs.pop();
    signs.push(if last == Some('0') { '1' } else { '0' });
    signs.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crowd::answer::{Bought, Good, Joined, Token};
    use crate::crowd::shelf::Shelf;
    use crate::crowd::tally::Wrong;
    use crate::crowd::world::Told;

    fn bot(kind: Kind) -> Bot {
        Bot {
            kind,
            ..Bot::new("bot".into(), Random::new(5))
        }
    }

    fn world() -> World {
        let good = Good {
            sku: "A".into(),
            available: Some(9),
        };
        let theirs = Purchase {
            sku: "A".into(),
            token: "abc0".into(),
            nonce: "n".into(),
        };
        World {
            shelf: Shelf::of(vec![good]),
            max: 2,
            overheard: Some(Rc::new(theirs)),
            ..World::default()
        }
    }

    fn bought(order: &str) -> Answer {
        Answer::Yes(Yes::Bought(Bought {
            order: order.into(),
            quantity: 2,
            total: 7,
            pay_by_ms: Some(9),
        }))
    }

    /// What a server says that lets it in.
    fn answer_to(ask: &Ask) -> Answer {
        if let Ask::Join { .. } = ask {
            return Answer::Yes(Yes::Joined(Joined {
                ticket: "1.a".into(),
                ask_after_ms: 1,
            }));
        }
        if let Ask::Token { quantity, .. } = ask {
            assert_eq!(*quantity, 2);
            return Answer::Yes(Yes::Token(Token {
                token: "t".into(),
                nonce: "n".into(),
            }));
        }
        if let Ask::Buy { .. } = ask {
            return bought("o");
        }
        Answer::Busy { after_ms: 1 }
    }

    #[test]
    fn a_flood_enters_and_buys_as_much_as_it_may_twice_at_once() {
        let (mut bot, mut world) = (bot(Kind::Floods), world());
        for _ in 0..12 {
            let Sent { ask, copies, .. } = bot.act(&mut world);
            let answers = vec![answer_to(&ask); usize::from(copies)];
            assert_eq!(copies == 2, matches!(ask, Ask::Buy { .. }));
            for answer in answers {
                bot.hear(&ask, answer, &mut world);
            }
        }
        let named = |told: &Told| (*told.order).to_owned();
        assert!(world.told.iter().map(named).all(|order| order == "o"));
        assert!(!world.told.is_empty());
        assert_eq!(world.tally.wrong, Wrong::default());
    }

    #[test]
    fn a_token_that_buys_a_second_order_is_noticed() {
        let (mut bot, mut world) = (bot(Kind::Floods), world());
        bot.purchase = world.overheard.clone();
        let ask = bot.purchase.as_ref().expect("set").ask("bot".into());
        bot.hear(&ask, bought("o"), &mut world);
        bot.hear(&ask, bought("p"), &mut world);
        assert_eq!(world.tally.wrong.bought_twice, 1);
    }

    #[test]
    fn whatever_a_forger_or_a_thief_gets_is_wrong_and_a_no_is_right() {
        for kind in [Kind::Forges, Kind::Steals] {
            let (mut bot, mut world) = (bot(kind), world());
            for _ in 0..9 {
                let ask = bot.act(&mut world).ask;
                if let Ask::Buy { token, buyer, .. } = &ask {
                    let is_theirs = **token == *"abc0";
                    assert_eq!(is_theirs, kind == Kind::Steals, "{token}");
                    assert_eq!(**buyer, *"bot");
                }
                bot.hear(&ask, Answer::No("bad_token".into()), &mut world);
            }
            assert_eq!(world.tally.wrong.forgeries_taken, 0);
            let ask = bot.act(&mut world).ask;
            bot.hear(&ask, bought("o"), &mut world);
            assert_eq!(world.tally.wrong.forgeries_taken, 1);
        }
    }
}
