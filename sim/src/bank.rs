//! A payment provider beside an engine, whose processes do not end with the engine's: what it has done stays
//! done. It answers late, twice, wrongly or not at all; buyers pay when they like, or not.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Random, Report, Said, Settings, Try};
use tidegate_order::{Provider, Providers, SigningKey};
use tidegate_sale::Hooks;

use crate::gate::{GATE, is_asked};

const SECRET: &[u8] = b"what webhooks are signed with";

/// How long after a payment has begun it is asked: a run takes a minute.
const ASK_AFTER_MS: [u64; 3] = [300, 1_500, 5_000];

/// Tries that it has in hand, of which some are answered in each step.
const ANSWERED_AT_ONCE: u64 = 4;

/// Rounds in which everything is to come to its end once all is well.
const ROUNDS_MAX: u64 = 400;

/// What the settings tell of it, and of the hook beside it.
pub(crate) fn settings() -> Settings {
    let bank = Provider {
        ask_after_ms: ASK_AFTER_MS.to_vec(),
        secrets: vec![SigningKey::new(SECRET.to_vec())],
        ..Provider::default()
    };
    Settings::default()
        .with(Providers([("bank".to_owned(), bank)].into()))
        .with(Hooks([GATE.to_owned()].into()))
}

#[derive(Default)]
pub(crate) struct Bank {
    payments: BTreeMap<u64, Payment>,
    in_hand: Vec<Try>,
    webhooks: u64,
    /// What it was asked so far.
    pub(crate) asked: u64,
}

struct Payment {
    order: String,
    amount: u64,
    paid: Option<u64>,
    status: &'static str,
    /// When its buyer does something, and what: nothing, pay so much, or give up.
    acts_at_ms: u64,
    pays: Option<u64>,
    refunds: Vec<Refund>,
}

struct Refund {
    number: u64,
    amount: u64,
    status: &'static str,
}

impl Payment {
    fn json(&self, number: u64) -> String {
        let paid = self.paid.map_or("null".to_owned(), |paid| paid.to_string());
        let refunds: Vec<_> = self.refunds.iter().map(Refund::json).collect();
        let (order, status, amount) = (&self.order, self.status, self.amount);
        let refunds = refunds.join(",");
        format!(
            r#"{{"id":"{number}","order":"{order}","status":"{status}","amount":{amount},"currency":"EUR","paid_amount":{paid},"refunds":[{refunds}]}}"#
        )
    }

    fn act(&mut self) {
        if self.status == "pending" {
            self.paid = self.pays;
            self.status = if self.pays.is_some() {
                "paid"
            } else {
                "failed"
            };
        }
    }

    /// What of it went back, or is about to.
    fn refunded(&self) -> u64 {
        let made = self.refunds.iter().filter(|it| it.status != "failed");
        made.map(|refund| refund.amount).sum()
    }
}

impl Refund {
    fn json(&self) -> String {
        let Self {
            number,
            amount,
            status,
        } = self;
        format!(r#"{{"id":"{number}","amount":{amount},"status":"{status}"}}"#)
    }
}

impl Bank {
    /// The engine's process has ended: nobody hears what it would have answered.
    pub(crate) fn break_off(&mut self) {
        self.in_hand.clear();
    }

    /// Buyers act, and some of what it was asked is answered. Gives what others were asked.
    pub(crate) fn step(&mut self, engine: &mut Stepper, random: &mut Random) -> Vec<Try> {
        let others = self.take(engine);
        let now_ms = engine.now_ms();
        for number in self.due(now_ms) {
            self.act(number);
            self.tell(number, engine, random);
        }
        for _ in 0..random.below(ANSWERED_AT_ONCE) {
            if self.in_hand.is_empty() {
                break;
            }
            let at = random.below(self.in_hand.len() as u64) as usize;
            let one = self.in_hand.swap_remove(at);
            let report = match random.below(8) {
                0 => nothing("it never came"),
                1 => {
                    // Done, and nobody hears of it.
                    self.answer(&one, now_ms, random);
                    nothing("no answer")
                }
                2 => Report::Answer(said((200, "what?".to_owned()))),
                _ => Report::Answer(said(self.answer(&one, now_ms, random))),
            };
            engine.courier.report(&one, report);
        }
        others
    }

    /// Takes what it is asked, and gives what others are.
    fn take(&mut self, engine: &Stepper) -> Vec<Try> {
        let taken = engine.courier.take();
        let (others, own): (Vec<_>, Vec<_>) = taken.into_iter().partition(is_asked);
        self.asked += own.len() as u64;
        self.in_hand.extend(own);
        others
    }

    fn due(&self, now_ms: u64) -> Vec<u64> {
        let due = self.payments.iter();
        let due = due.filter(|(_, it)| it.status == "pending" && it.acts_at_ms <= now_ms);
        due.map(|(number, _)| *number).collect()
    }

    fn act(&mut self, number: u64) {
        if let Some(payment) = self.payments.get_mut(&number) {
            payment.act();
        }
    }

    /// A webhook, if it is not lost, and perhaps twice.
    fn tell(&mut self, number: u64, engine: &mut Stepper, random: &mut Random) {
        if random.chance(1, 2) {
            return;
        }
        self.webhooks += 1;
        let payment = self.payments[&number].json(number);
        let body = format!(r#"{{"data":{payment}}}"#);
        let (message, seconds) = (format!("m{}", self.webhooks), engine.now_ms() / 1_000);
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("because any key is one");
        mac.update(format!("{message}.{seconds}.{body}").as_bytes());
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        for _ in 0..1 + random.below(2) {
            let told = format!("ORDER.WEBHOOK bank {message} {seconds} v1,{signature} {body}");
            // Whether it is taken in is the engine's affair.
            engine.submit(&told).expect("because it is well formed");
        }
    }

    fn answer(&mut self, one: &Try, now_ms: u64, random: &mut Random) -> (u16, String) {
        let about: u64 = one.about.parse().expect("because payments have numbers");
        let sent = String::from_utf8_lossy(&one.body).into_owned();
        match &*one.action {
            "create" => {
                let new = || Payment {
                    order: field(&sent, "order"),
                    amount: number(&sent, "amount"),
                    paid: None,
                    status: "pending",
                    acts_at_ms: now_ms + random.below(6_000),
                    pays: buyer(number(&sent, "amount"), random),
                    refunds: Vec::new(),
                };
                (
                    201,
                    self.payments.entry(about).or_insert_with(new).json(about),
                )
            }
            "query" => match self.payments.get_mut(&about) {
                Some(payment) => {
                    payment.refunds.iter_mut().for_each(|refund| {
                        if refund.status == "pending" {
                            refund.status = "done";
                        }
                    });
                    (200, payment.json(about))
                }
                None => (404, "{}".to_owned()),
            },
            _ => self.refund(
                about,
                (number(&sent, "id"), number(&sent, "amount")),
                random,
            ),
        }
    }

    fn refund(
        &mut self,
        about: u64,
        (number, amount): (u64, u64),
        random: &mut Random,
    ) -> (u16, String) {
        let payment = self.payments.get_mut(&about);
        let payment = payment.expect("because only what was paid is refunded");
        if let Some(known) = payment.refunds.iter().find(|it| it.number == number) {
            return (200, known.json());
        }
        let left = payment.paid.unwrap_or(0) - payment.refunded();
        assert!(
            amount <= left,
            "{amount} of {about} go back, and {left} are left"
        );
        let status = ["done", "pending", "failed"][random.below(7).saturating_sub(4) as usize];
        let refund = Refund {
            number,
            amount,
            status,
        };
        let told = refund.json();
        payment.refunds.push(refund);
        (201, told)
    }

    /// From here on it is quick and honest, and every buyer decides. Time passes until every payment is known.
    pub(crate) fn drain(
        &mut self,
        engine: &mut Stepper,
        random: &mut Random,
    ) -> Result<(), String> {
        for _ in 0..ROUNDS_MAX {
            drop(self.take(engine)); // Who may enter is not waited for any more.
            for number in self.due(u64::MAX) {
                self.act(number);
            }
            let now_ms = engine.now_ms();
            for one in std::mem::take(&mut self.in_hand) {
                let answer = said(self.answer(&one, now_ms, random));
                engine.courier.report(&one, Report::Answer(answer));
            }
            engine.settle();
            let audit = engine.audit();
            let figure = |name: &str| {
                let figure = audit.figures.iter().find(|figure| figure.name == name);
                figure.map_or(0, |figure| figure.value)
            };
            let open = figure("order.payments_open") + figure("order.refunds_under_way");
            if open == 0 {
                return Ok(());
            }
            engine.pass_ms(1_000 + random.below(2) * 60_000);
        }
        let orders = self.payments.values().map(|payment| &payment.order);
        let orders: BTreeSet<_> = orders.collect();
        let told = orders
            .into_iter()
            .map(|order| engine.call(&format!("ORDER.GET {order}")));
        let open: Vec<_> = told
            .filter(|told| told.contains("state=open") || told.contains("state=refunding"))
            .collect();
        let calls = engine.call("CALL.LIST");
        Err(format!(
            "still open, long after all is well: {open:#?} {calls}"
        ))
    }

    /// Every amount that was paid is with its order, went back, or is in the hands of a person; and none is
    /// two of these.
    pub(crate) fn check(&self, engine: &mut Stepper) -> Result<(), String> {
        for (number, payment) in &self.payments {
            let Some(paid) = payment.paid else {
                continue;
            };
            let order = engine.call(&format!("ORDER.GET {}", payment.order));
            let of_it = order
                .split('{')
                .find(|part| part.contains(&format!("number={number} ")));
            let word = |text: &str, name: &str| {
                let words = text.split_whitespace();
                let mut named = words.filter_map(|word| word.strip_prefix(name));
                named.next().unwrap_or_default().to_owned()
            };
            let of_it = of_it.unwrap_or_default();
            let (state, of_order) = (word(of_it, "state="), word(&order, "state="));
            let done = payment.refunds.iter().filter(|it| it.status == "done");
            let back: u64 = done.map(|refund| refund.amount).sum();
            let balances = match state.as_str() {
                "paid" => {
                    let is_held = ["paid", "fulfilled", "refunding"].contains(&&*of_order);
                    is_held && paid == payment.amount && back < paid.max(1)
                }
                "refunded" => back == paid,
                "review" => back < paid,
                _ => false,
            };
            if !balances {
                return Err(format!(
                    "of payment {number} {paid} were paid and {back} went back; it is {state:?}: {order}"
                ));
            }
        }
        Ok(())
    }
}

/// What a buyer is going to pay, if anything: now and then too little.
fn buyer(amount: u64, random: &mut Random) -> Option<u64> {
    match random.below(20) {
        0..5 => None,
        5 => Some(amount - 1),
        _ => Some(amount),
    }
}

fn nothing(why: &str) -> Report {
    Report::Nothing {
        why: why.to_owned(),
        retry_after_ms: None,
    }
}

fn said((status, body): (u16, String)) -> Said {
    let body = body.into_bytes().into();
    Said { status, body }
}

fn field(sent: &str, name: &str) -> String {
    let value = sent.split_once(&format!("\"{name}\":"));
    let (_, value) = value.expect("because it was asked so");
    let value = value.split([',', '}']).next().unwrap_or_default();
    value.trim_matches('"').to_owned()
}

fn number(sent: &str, name: &str) -> u64 {
    field(sent, name).parse().expect("because it is a number")
}
