//! Sales beside an engine: what people were told holds from then on, whatever happens.
//!
//! Who enters when, and whether before the start, the disk decides with every crash. So what is checked is
//! what was told: a ticket stays its buyer's, a position is told once and never another one, who was admitted
//! stays so, and commitment, list, nonce and secret are each told once. By a token one order is bought and never
//! another one; who has bought is told so whenever they ask again; and no buyer has more than the limit.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use crate::gate::{GATE, Gate};

/// People who come to a sale.
const BUYERS: u64 = 7;

/// Commands about sales that may be under way.
const ASKED_MAX: usize = 4;

/// Of so many sales one asks a hook who may enter.
const CHECKED_EVERY: u64 = 3;

/// Sales that commands are about: older ones are left as they are.
const RECENT: u64 = 2;

/// Goods of all sales, with few units each.
const GOODS: u64 = 2;
const UNITS: u64 = 3;

/// Units that a buyer may have in a sale.
const MAX: u64 = 2;

/// What is told once, of a sale or of a buyer.
const TOLD_ONCE: [&str; 9] = [
    "ticket",
    "entry",
    "number",
    "position",
    "commitment",
    "list_hash",
    "secret",
    "nonce",
    "starts_at_ms",
];

/// What is known of a sale or of a buyer: by name, what was told.
type Known = BTreeMap<&'static str, String>;

#[derive(Default)]
pub(crate) struct Sales {
    /// Sales announced so far.
    count: u64,
    /// How each was announced.
    announced: BTreeMap<u64, String>,
    /// By sale, and by buyer if it is about one.
    known: BTreeMap<(u64, Option<u64>), Known>,
    asked: Vec<(u64, About)>,
    tokens: Vec<Token>,
}

/// What a command is about.
type About = (u64, Option<u64>, Option<usize>);

/// A token that a buyer of a sale was given.
struct Token {
    of: (u64, u64),
    quantity: u64,
    /// How it is spent.
    buy: String,
    /// The order that was bought by it.
    order: Option<String>,
}

impl Sales {
    pub(crate) fn declare(engine: &mut Stepper) {
        for good in 0..GOODS {
            engine.call(&format!("STOCK.SET good{good} {UNITS}"));
        }
        engine.call("STOCK.SPLIT good1 3"); // Orders take from its first shard what others lend.
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    /// Asks something about one of the last sales, or announces one more.
    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        if self.count == 0 || random.chance(1, 60) {
            self.count += 1;
            let starts_ms = engine.now_ms() + random.below(4_000);
            let ends_ms = starts_ms + 1 + random.below(120_000);
            let beacon = ["", " BEACON stars"][random.below(2) as usize];
            let ttl_ms = [400, 4_000, 40_000][random.below(3) as usize];
            let hook = if is_checked(self.count) {
                format!(" HOOK {GATE}")
            } else {
                String::new()
            };
            let create = format!(
                "SALE.CREATE drop{} {starts_ms} {ends_ms} RATE {}{beacon} GOODS 2 good0 10 good1 20 \
                 MAX {MAX} TTL {ttl_ms} VISIT 2000 CURRENCY EUR{hook}",
                self.count,
                1 + random.below(3)
            );
            self.announced.insert(self.count, create.clone());
            return self.submit(engine, (self.count, None, None), &create);
        }
        let sale = self.count.saturating_sub(random.below(RECENT)).max(1);
        let (about, command) = match random.below(12) {
            6..12 => self.visit(sale, random),
            0 => ((sale, None, None), self.announced[&sale].clone()),
            1 => ((sale, None, None), format!("SALE.GET drop{sale}")),
            2 => ((sale, None, None), format!("SALE.START drop{sale}")),
            3 => ((sale, None, None), format!("SALE.BEACON drop{sale} sky")),
            _ => {
                let buyer = random.below(BUYERS);
                ((sale, Some(buyer), None), join(sale, buyer))
            }
        };
        self.submit(engine, about, &command);
    }

    fn submit(&mut self, engine: &mut Stepper, about: About, command: &str) {
        let token = engine.submit(command);
        let token = token.expect("because the command is well formed");
        self.asked.push((token, about));
    }

    /// What somebody does who has entered.
    fn visit(&self, sale: u64, random: &mut Random) -> (About, String) {
        let buyer = random.below(BUYERS);
        let about = (sale, Some(buyer), None);
        let Some(ticket) = self.ticket(sale, buyer) else {
            return (about, join(sale, buyer));
        };
        let recent = self.tokens.len().saturating_sub(8);
        let some = random.below(8) as usize + recent;
        match (random.below(8), self.tokens.get(some)) {
            (0..3, Some(token)) => {
                let (sale, buyer) = token.of;
                ((sale, Some(buyer), Some(some)), token.buy.clone())
            }
            (3, Some(token)) => {
                let order = token.order.as_deref().unwrap_or("nothing");
                let command = match random.below(4) {
                    0 => format!("ORDER.CANCEL {order}"),
                    1 => format!("ORDER.REFUND {order} r0"),
                    _ => format!("ORDER.PAY {order} p0 bank WAIT 0"),
                };
                ((0, None, None), command)
            }
            (3..6, _) => {
                let (good, quantity) = (random.below(GOODS), 1 + random.below(MAX));
                let token = format!("drop{sale} buyer{buyer} {ticket} good{good} {quantity}");
                (
                    about,
                    format!("SALE.TOKEN {token} WAIT {}", random.below(2) * 500),
                )
            }
            (6, _) => {
                let more = format!("STOCK.ADD good{} * 1", random.below(GOODS));
                ((0, None, None), more)
            }
            _ => (about, format!("SALE.POSITION drop{sale} {ticket}")),
        }
    }

    fn ticket(&self, sale: u64, buyer: u64) -> Option<&String> {
        self.known.get(&(sale, Some(buyer)))?.get("ticket")
    }

    /// Who has entered where a hook is asked was let in by it.
    pub(crate) fn check_let_in(&self, gate: &Gate) -> Result<(), String> {
        let entered = self.known.iter().filter_map(|(about, known)| match about {
            (sale, Some(buyer)) if is_checked(*sale) && known.contains_key("ticket") => {
                Some((format!("drop{sale}"), format!("buyer{buyer}")))
            }
            (_, Some(_) | None) => None,
        });
        for (sale, buyer) in entered {
            if !gate.has_let_in(&sale, &buyer) {
                return Err(format!("{sale}: {buyer} has entered, and was not let in"));
            }
        }
        Ok(())
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(crate) fn collect(&mut self, engine: &Stepper) -> Result<u64, String> {
        let mut answers = 0;
        for (token, about) in std::mem::take(&mut self.asked) {
            let Some((status, answer)) = engine.answer(token) else {
                self.asked.push((token, about));
                continue;
            };
            answers += 1;
            let (sale, buyer, token) = about;
            match (status, token) {
                (Status::Done, Some(token)) => self.note_bought(token, &answer)?,
                (Status::Done, None) => self.note((sale, buyer), &answer)?,
                (Status::Conflict | Status::NotFound, Some(token)) => {
                    let token = &self.tokens[token];
                    if let Some(order) = &token.order {
                        return Err(format!(
                            "{}: {answer}, and it has bought {order}",
                            token.buy
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(answers)
    }

    /// How many orders were bought.
    pub(crate) fn bought(&self) -> u64 {
        let bought = self.tokens.iter().filter(|token| token.order.is_some());
        bought.count() as u64
    }

    /// By a token one order is bought, and never another one.
    fn note_bought(&mut self, token: usize, answer: &str) -> Result<(), String> {
        let token = &mut self.tokens[token];
        let order = word(answer, "order").map(ToOwned::to_owned);
        if token.order.is_some() && token.order != order {
            let (buy, before) = (&token.buy, &token.order);
            return Err(format!("{buy}: {answer}, and {before:?} before"));
        }
        token.order = order;
        Ok(())
    }

    fn note_token(&mut self, of: (u64, u64), answer: &str) {
        let fields = ["nonce", "sku", "buyer", "token", "quantity"];
        let told = fields.map(|name| word(answer, name));
        if let [
            Some(nonce),
            Some(sku),
            Some(buyer),
            Some(token),
            Some(quantity),
        ] = told
        {
            let buy = format!("SALE.BUY drop{} {nonce} {sku} {buyer} {token}", of.0);
            if self.tokens.iter().all(|token| token.buy != buy) {
                self.tokens.push(Token {
                    of,
                    quantity: quantity.parse().unwrap_or(0),
                    buy,
                    order: None,
                });
            }
        }
    }

    /// What was told once is told again, and nothing else in its place.
    fn note(&mut self, about: (u64, Option<u64>), answer: &str) -> Result<(), String> {
        if let (sale, Some(buyer)) = about {
            self.note_token((sale, buyer), answer);
        }
        let known = self.known.entry(about).or_default();
        for name in TOLD_ONCE {
            let Some(value) = word(answer, name) else {
                continue;
            };
            match known.get(name) {
                Some(told) if told != value => {
                    return Err(format!("drop{about:?}: {answer}, and {known:?} is known"));
                }
                None if value != "-" => drop(known.insert(name, value.to_owned())),
                Some(_) | None => {}
            }
        }
        let state = word(answer, "state").filter(|_| about.1.is_some());
        match state {
            Some("admitted") => drop(known.insert("admitted", "yes".to_owned())),
            Some("early" | "drawing" | "waiting" | "sold_out")
                if known.contains_key("admitted") =>
            {
                return Err(format!("drop{about:?}: {answer}, after it was admitted"));
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// The process has ended: nobody will be answered.
    pub(crate) fn break_off(&mut self) {
        self.asked.clear();
    }

    /// Everybody is who they were, and nobody stands where another one stands.
    pub(crate) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        let recent = self.count.saturating_sub(RECENT) + 1..=self.count;
        for sale in recent {
            let mut positions = BTreeMap::new();
            for buyer in 0..BUYERS {
                let Some(ticket) = self.ticket(sale, buyer).cloned() else {
                    continue;
                };
                let about = (sale, Some(buyer));
                let joined = engine.call(&join(sale, buyer));
                if word(&joined, "ticket") != Some(&ticket) {
                    return Err(format!("drop{about:?}: {joined}, and it has {ticket}"));
                }
                let answer = engine.call(&format!("SALE.POSITION drop{sale} {ticket}"));
                self.note(about, &answer)?;
                let position = word(&answer, "position").filter(|position| *position != "-");
                let other = position.and_then(|at| positions.insert(at.to_owned(), buyer));
                if let Some(other) = other {
                    return Err(format!("drop{about:?}: {answer}, as buyer {other}"));
                }
            }
        }
        self.check_orders(engine)
    }

    /// Every order that was bought is there, and no buyer has more of a sale than the limit.
    fn check_orders(&mut self, engine: &mut Stepper) -> Result<(), String> {
        let mut has = BTreeMap::new();
        for token in &self.tokens {
            let Some(order) = &token.order else {
                continue;
            };
            let (sale, buyer) = token.of;
            let answer = engine.call(&format!("ORDER.GET {order}"));
            let state = word(&answer, "state").unwrap_or_default();
            let is_theirs = word(&answer, "buyer") == Some(&format!("buyer{buyer}"));
            if !is_theirs {
                return Err(format!(
                    "drop{sale}: {answer}, and buyer{buyer} has bought it"
                ));
            }
            if ["reserved", "paying", "paid", "fulfilled"].contains(&state) {
                *has.entry(token.of).or_insert(0) += token.quantity;
            }
        }
        match has.into_iter().find(|(_, units)| *units > MAX) {
            Some(((sale, buyer), units)) => Err(format!(
                "drop{sale}: {units} units for buyer{buyer}, of {MAX}"
            )),
            None => Ok(()),
        }
    }
}

fn is_checked(sale: u64) -> bool {
    sale.is_multiple_of(CHECKED_EVERY)
}

fn join(sale: u64, buyer: u64) -> String {
    format!("SALE.JOIN drop{sale} buyer{buyer}")
}

/// What an answer says under a name.
pub(crate) fn word<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut words = answer.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}
