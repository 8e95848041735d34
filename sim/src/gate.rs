//! A hook outside that says who may enter a sale: late, twice, wrongly or not at all. Some it never lets in.

use std::collections::BTreeSet;

use tidegate_engine::testing::Stepper;
use tidegate_engine::{Random, Report, Said, Try};
use tidegate_sale::HOOK_ACTION;

/// How sales name it.
pub(crate) const GATE: &str = "gate";

/// Of so many buyers one is never let in.
const REFUSED_EVERY: u64 = 4;

/// What it is asked in hand, of which some is answered in each step.
const ANSWERED_AT_ONCE: u64 = 4;

#[derive(Default)]
pub(crate) struct Gate {
    in_hand: Vec<Try>,
    /// Of whom it has said that they may enter, by sale and buyer.
    let_in: BTreeSet<(String, String)>,
    /// What it was asked so far.
    pub(crate) asked: u64,
}

/// Whether it is the hook that is asked.
pub(crate) fn is_asked(one: &Try) -> bool {
    one.action == HOOK_ACTION
}

impl Gate {
    /// It is asked this.
    pub(crate) fn take(&mut self, tries: Vec<Try>) {
        self.asked += tries.len() as u64;
        self.in_hand.extend(tries);
    }

    /// Some of what it was asked is answered.
    pub(crate) fn step(&mut self, engine: &mut Stepper, random: &mut Random) {
        for _ in 0..random.below(ANSWERED_AT_ONCE) {
            if self.in_hand.is_empty() {
                return;
            }
            let at = random.below(self.in_hand.len() as u64) as usize;
            let one = self.in_hand.swap_remove(at);
            let report = match random.below(8) {
                0 => Report::Nothing {
                    why: "it never came".to_owned(),
                    retry_after_ms: None,
                },
                1 => said(500, "false"),
                2 => said(200, "what?"),
                _ => self.answer(&one),
            };
            if random.chance(1, 8) {
                self.in_hand.push(one.clone()); // It answers twice.
            }
            engine.courier.report(&one, report);
        }
    }

    fn answer(&mut self, one: &Try) -> Report {
        let sent = String::from_utf8_lossy(&one.body);
        let (sale, buyer) = (text(&sent, "sale"), text(&sent, "buyer"));
        if is_refused(&buyer) {
            return said(200, r#"{"eligible":false}"#);
        }
        self.let_in.insert((sale, buyer));
        said(200, r#"{"eligible":true}"#)
    }

    /// Whether it has let a buyer in, as far as it knows.
    pub(crate) fn has_let_in(&self, sale: &str, buyer: &str) -> bool {
        self.let_in.contains(&(sale.to_owned(), buyer.to_owned()))
    }

    /// The engine's process has ended: nobody hears what it would have answered.
    pub(crate) fn break_off(&mut self) {
        self.in_hand.clear();
    }
}

fn is_refused(buyer: &str) -> bool {
    let number = buyer.trim_start_matches(|one: char| !one.is_ascii_digit());
    number
        .parse()
        .is_ok_and(|number: u64| number % REFUSED_EVERY == 1)
}

fn said(status: u16, body: &str) -> Report {
    let body = body.as_bytes().to_vec().into();
    Report::Answer(Said { status, body })
}

fn text(sent: &str, name: &str) -> String {
    let value = sent.split_once(&format!("\"{name}\":\""));
    let (_, value) = value.expect("because it was asked so");
    value.split('"').next().unwrap_or_default().to_owned()
}
