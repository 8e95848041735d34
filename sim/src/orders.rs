//! Orders beside an engine: what each was answered holds from then on, whatever happens.
//!
//! An order goes over several slots, and the disk decides which letters have left: no model says which of
//! two gets the last unit. So what is checked is what was told: an order that was answered `reserved` is
//! that until its time is over or somebody has cancelled it, one that was refused stays so, and once
//! nothing is on its way no order is still being placed.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

/// SKUs of orders, with few units each.
const SKUS: u64 = 4;
const UNITS: u64 = 5;

/// Buyers.
const BUYERS: u64 = 3;

/// Orders that commands are about: older ones are left to time.
const RECENT: u64 = 6;

/// Commands about orders that may be under way.
const ASKED_MAX: usize = 3;

/// What is known of an order.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The state that was last answered, and until when that holds at the latest.
    told: Option<(String, Option<u64>)>,
    /// Somebody may have cancelled it.
    perhaps_cancelled: bool,
    /// Somebody may have begun to pay it: what becomes of it then is between it and the bank.
    perhaps_paid: bool,
}

#[derive(Default)]
pub(crate) struct Orders {
    /// Orders placed so far.
    count: u64,
    known: BTreeMap<u64, Known>,
    asked: Vec<(u64, u64)>,
}

impl Orders {
    pub(crate) fn declare(engine: &mut Stepper) {
        for sku in 0..SKUS {
            engine.call(&format!("STOCK.SET thing{sku} {UNITS}"));
        }
        engine.call("STOCK.SPLIT thing1 4"); // They take from its first shard what others lend.
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    /// Asks something about one of the last orders, or places one more.
    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        let order = match random.below(3) {
            0 => {
                self.count += 1;
                self.count
            }
            _ => self.count.saturating_sub(random.below(RECENT)).max(1),
        };
        let command = match random.below(10) {
            0 => format!("ORDER.CANCEL o{order}"),
            1 => format!("ORDER.GET o{order} WAIT {}", random.below(2) * 700),
            2..5 => {
                let wait_ms = random.below(2) * 700;
                format!(
                    "ORDER.PAY o{order} p{} bank WAIT {wait_ms}",
                    random.below(3)
                )
            }
            5 if random.chance(1, 2) => format!("ORDER.FULFIL o{order}"),
            5 => format!(
                "ORDER.REFUND o{order} r{}{}",
                random.below(3),
                part(order, random)
            ),
            _ => place(order),
        };
        let known = self.known.entry(order).or_default();
        known.perhaps_cancelled |= command.starts_with("ORDER.CANCEL");
        known.perhaps_paid |= command.starts_with("ORDER.PAY");
        let token = engine.submit(&command);
        let token = token.expect("because the command is well formed");
        self.asked.push((token, order));
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(crate) fn collect(&mut self, engine: &Stepper) -> Result<u64, String> {
        let mut answers = 0;
        for (token, order) in std::mem::take(&mut self.asked) {
            let Some((status, answer)) = engine.answer(token) else {
                self.asked.push((token, order));
                continue;
            };
            answers += 1;
            let known = self.known.entry(order).or_default();
            match told(status, &answer) {
                Told::Nothing => {}
                Told::State(state, until_ms) => {
                    known.told = Some((state, until_ms));
                }
                Told::Unknown if known.told.is_none() => {}
                Told::Unknown => {
                    let told = &known.told;
                    return Err(format!("order o{order}: {answer}, and {told:?} before"));
                }
            }
        }
        Ok(answers)
    }

    /// The process has ended: nobody will be answered.
    pub(crate) fn break_off(&mut self) {
        self.asked.clear();
    }

    /// Nothing is on its way: no order is being placed, each is what was told of it, and what is held of a
    /// SKU is what living orders have of it. What has ended and nobody asks about any more is forgotten.
    pub(crate) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        let now_ms = engine.now_ms();
        let mut living = [0; SKUS as usize];
        let mut ended = Vec::new();
        for (order, known) in &self.known {
            let answer = engine.call(&format!("ORDER.GET o{order}"));
            let state = word(&answer, "state=").unwrap_or(&answer);
            if !known.may_be(state, now_ms) {
                return Err(format!("order o{order}: {answer}, and {known:?} is known"));
            }
            let has_units = state == "reserved" || state == "paying";
            if has_units && !takes_units_late(*order) {
                lines(*order).for_each(|(sku, units)| living[sku as usize] += units);
            } else if order + RECENT < self.count {
                ended.push(*order);
            }
        }
        ended
            .iter()
            .for_each(|order| drop(self.known.remove(order)));
        for (sku, units) in (0u64..).zip(living) {
            let answer = engine.call(&format!("STOCK.GET thing{sku}"));
            if word(&answer, "held=") != Some(&units.to_string()) {
                return Err(format!("{answer}, and living orders have {units}"));
            }
        }
        Ok(())
    }
}

impl Known {
    /// Whether an order of which this is known may be in this state.
    fn may_be(&self, state: &str, now_ms: u64) -> bool {
        if self.perhaps_paid {
            return state != "placing";
        }
        let is_cancelled = state == "cancelled" && self.perhaps_cancelled;
        let is_expected = match &self.told {
            None => state != "placing",
            Some((told, until_ms)) if told == "reserved" || told == "open" => {
                let is_over = until_ms.is_none_or(|until_ms| now_ms >= until_ms);
                state == if is_over { "expired" } else { told }
            }
            Some((told, _)) => state == told,
        };
        is_cancelled || is_expected
    }
}

/// The lines of an order: SKUs, of which one may come twice, and units.
fn lines(order: u64) -> impl Iterator<Item = (u64, u64)> {
    let count = 1 + order % 3;
    (0..count).map(move |at| ((order + at * (1 + order % 2)) % SKUS, 1 + (order + at) % 3))
}

/// The same whenever an order is placed again.
fn place(order: u64) -> String {
    let lines: Vec<_> = lines(order).collect();
    let ttl_ms = [400, 4_000, 40_000][(order % 3) as usize];
    let buyer = order % BUYERS;
    let count = lines.len();
    let lines = lines
        .iter()
        .map(|(sku, units)| format!(" thing{sku} {units} 10"));
    let lines: String = lines.collect();
    let deduct = if takes_units_late(order) {
        "pay"
    } else {
        "place"
    };
    format!(
        "ORDER.PLACE o{order} buyer{buyer} {count}{lines} TTL {ttl_ms} CURRENCY EUR DEDUCT {deduct}"
    )
}

/// Some have no units before they are paid.
fn takes_units_late(order: u64) -> bool {
    order.is_multiple_of(5)
}

/// All of an order is refunded, or a unit of its first line.
fn part(order: u64, random: &mut Random) -> String {
    match lines(order).next() {
        Some((sku, _)) if random.chance(1, 2) => format!(" 1 thing{sku} 1"),
        Some(_) | None => String::new(),
    }
}

/// What an answer says of an order for good.
enum Told {
    /// Nothing: it is being placed, or there was no room.
    Nothing,
    /// There is none.
    Unknown,
    State(String, Option<u64>),
}

fn told(status: Status, answer: &str) -> Told {
    match status {
        Status::Busy | Status::Pending | Status::Unavailable => Told::Nothing,
        Status::NotFound => Told::Unknown,
        Status::Done => match word(answer, "state=") {
            None | Some("placing" | "busy") => Told::Nothing,
            Some(state) => {
                let until_ms = word(answer, "expires_at_ms=").and_then(|at| at.parse().ok());
                Told::State(state.to_owned(), until_ms)
            }
        },
        Status::Conflict if answer.starts_with("refused") => {
            Told::State("refused".to_owned(), None)
        }
        Status::Conflict
        | Status::OutOfRange
        | Status::Unreadable
        | Status::Unauthorized
        | Status::TooMany => Told::Nothing,
    }
}

/// A word of an answer behind its name.
fn word<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer
        .split_whitespace()
        .find_map(|word| word.strip_prefix(name))
}
