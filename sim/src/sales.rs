//! Sales beside an engine: what people were told holds from then on, whatever happens.
//!
//! Who enters when, and whether before the start, the disk decides with every crash. So what is checked is
//! what was told: a ticket stays its buyer's, a position is told once and never another one, who was admitted
//! stays so, and commitment, list, nonce and secret are each told once.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

/// People who come to a sale.
const BUYERS: u64 = 7;

/// Commands about sales that may be under way.
const ASKED_MAX: usize = 4;

/// Sales that commands are about: older ones are left as they are.
const RECENT: u64 = 2;

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
    asked: Vec<(u64, (u64, Option<u64>))>,
}

impl Sales {
    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    /// Asks something about one of the last sales, or announces one more.
    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        if self.count == 0 || random.chance(1, 60) {
            self.count += 1;
            let starts_ms = engine.now_ms() + random.below(30_000);
            let ends_ms = starts_ms + 1 + random.below(60_000);
            let beacon = ["", " BEACON stars"][random.below(2) as usize];
            let create = format!(
                "SALE.CREATE drop{} {starts_ms} {ends_ms} RATE {}{beacon}",
                self.count,
                1 + random.below(3)
            );
            self.announced.insert(self.count, create);
        }
        let sale = self.count.saturating_sub(random.below(RECENT)).max(1);
        let buyer = random.below(BUYERS);
        let (about, command) = match random.below(12) {
            0 => (None, self.announced[&sale].clone()),
            1 => (None, format!("SALE.GET drop{sale}")),
            2 => (None, format!("SALE.START drop{sale}")),
            3 => (None, format!("SALE.BEACON drop{sale} sky")),
            4..9 => (Some(buyer), join(sale, buyer)),
            _ => match self.ticket(sale, buyer) {
                Some(ticket) => (Some(buyer), format!("SALE.POSITION drop{sale} {ticket}")),
                None => (Some(buyer), join(sale, buyer)),
            },
        };
        let token = engine.submit(&command);
        let token = token.expect("because the command is well formed");
        self.asked.push((token, (sale, about)));
    }

    fn ticket(&self, sale: u64, buyer: u64) -> Option<&String> {
        self.known.get(&(sale, Some(buyer)))?.get("ticket")
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
            if status == Status::Done {
                self.note(about, &answer)?;
            }
        }
        Ok(answers)
    }

    /// What was told once is told again, and nothing else in its place.
    fn note(&mut self, about: (u64, Option<u64>), answer: &str) -> Result<(), String> {
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
            Some("early" | "drawing" | "waiting") if known.contains_key("admitted") => {
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
        Ok(())
    }
}

fn join(sale: u64, buyer: u64) -> String {
    format!("SALE.JOIN drop{sale} buyer{buyer}")
}

/// What an answer says under a name.
fn word<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut words = answer.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}
