//! Random orders, payments and refunds, with a provider that answers, does not, fails, loses and repeats, and
//! the power failing: every law holds at each step, and at the end money and goods are where they belong.

use std::collections::BTreeSet;

use crate::bank::{Bank, sent, shop, told, webhook};
use crate::ledger::Account;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Random, Report, Said, Try};
use tidegate_order::{PLACING_MS, TAKING_REST_MS};

/// So few, of so few units, that orders are in each other's way.
const SKUS: [&str; 2] = ["a", "b"];
const PRICES: [u64; 2] = [10, 5];
const ORDERS: usize = 3;
const PAYMENTS: usize = 3;
/// Of which the first ones are of all that is left, the others of one unit.
const REFUNDS: usize = 4;
const REFUNDS_OF_ALL: usize = 2;

/// What is ordered: the same by every attempt to place it.
#[derive(Clone, Debug)]
struct Content {
    units: [u64; 2],
    deduct: &'static str,
    ttl_ms: u64,
    is_free: bool,
}

/// How the bank answers to a call.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Honest,
    /// It does what it is asked to, and the answer is lost.
    Lost,
    /// It is not reached.
    Unreached,
    /// It does not do it.
    Refuses,
    /// It does, and says so in words that nobody understands.
    Mumbles,
}

#[derive(Clone, Debug)]
enum Step {
    Place(usize),
    Pay(usize, usize),
    Cancel(usize),
    Fulfil(usize),
    Refund(usize, usize),
    Resolve(usize, &'static str),
    /// Somebody has a call that was given up made again.
    Retry(usize),
    Set(usize, u64),
    /// A buyer pays: as much as is asked for, less, or more.
    Buy(usize, i64),
    /// A payment cannot be paid any more, or so it says.
    Fail(usize),
    /// The bank answers to one of those that have asked, which may have been long ago.
    Answer(usize, Manner),
    AnswerAll,
    /// What becomes of refunds from now on.
    RefundsAre(&'static str),
    /// Refunds that the bank has taken in are done, or have failed.
    RefundsEnd(&'static str),
    /// The bank tells what became of a payment.
    Tell(usize),
    /// A webhook comes once more, or only now.
    Again(usize),
    Pass(u64),
    PassHours(u64),
    Execute,
    Hop,
    Settle,
    Checkpoint,
    Reopen,
    /// The power fails; what was not synced is kept, lost or torn, as this seed has it.
    Crash(u64),
}

fn content() -> impl Strategy<Value = Content> {
    let units = prop_oneof![
        4 => (1u64..3, 1u64..3),
        1 => (2u64..3, 0u64..1),
    ];
    let deduct = select(vec!["place", "pay"]);
    let ttl_ms = select(vec![500, 20_000, 900_000]);
    let is_free = prop_oneof![9 => Just(false), 1 => Just(true)];
    (units, deduct, ttl_ms, is_free).prop_map(|(units, deduct, ttl_ms, is_free)| Content {
        units: units.into(),
        deduct,
        ttl_ms,
        is_free,
    })
}

fn of_order() -> impl Strategy<Value = Step> {
    let order = || 0..ORDERS;
    let pay = (order(), 0..PAYMENTS).prop_map(|(order, payment)| Step::Pay(order, payment));
    let refund = (order(), 0..REFUNDS).prop_map(|(order, refund)| Step::Refund(order, refund));
    let decision = select(vec!["accept", "refund", "close"]);
    prop_oneof![
        4 => order().prop_map(Step::Place),
        8 => pay,
        1 => order().prop_map(Step::Cancel),
        1 => order().prop_map(Step::Fulfil),
        4 => refund,
        2 => (any::<usize>(), decision).prop_map(|(at, decision)| Step::Resolve(at, decision)),
        1 => any::<usize>().prop_map(Step::Retry),
        1 => (0..SKUS.len(), 0u64..6).prop_map(|(sku, total)| Step::Set(sku, total)),
    ]
}

fn of_bank() -> impl Strategy<Value = Step> {
    let which = any::<usize>;
    let manner = prop_oneof![
        4 => Just(Manner::Honest),
        1 => select(vec![
            Manner::Lost, Manner::Unreached, Manner::Refuses, Manner::Mumbles,
        ]),
    ];
    let more = prop_oneof![8 => Just(0), 1 => select(vec![-1, 1, i64::MIN])];
    prop_oneof![
        6 => (which(), more).prop_map(|(at, more)| Step::Buy(at, more)),
        1 => which().prop_map(Step::Fail),
        6 => (which(), manner).prop_map(|(at, manner)| Step::Answer(at, manner)),
        4 => Just(Step::AnswerAll),
        1 => select(vec!["done", "pending", "failed"]).prop_map(Step::RefundsAre),
        1 => select(vec!["done", "failed"]).prop_map(Step::RefundsEnd),
        4 => which().prop_map(Step::Tell),
        1 => which().prop_map(Step::Again),
    ]
}

fn of_server() -> impl Strategy<Value = Step> {
    let passing = prop_oneof![
        8 => select(vec![1, TAKING_REST_MS, PLACING_MS, 10_000, 60_000]).prop_map(Step::Pass),
        1 => Just(Step::Pass(900_000)),
        1 => select(vec![1, 24]).prop_map(Step::PassHours),
    ];
    prop_oneof![
        5 => passing,
        1 => Just(Step::Execute),
        8 => Just(Step::Hop),
        8 => Just(Step::Settle),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        1 => any::<u64>().prop_map(Step::Crash),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![of_order(), of_bank(), of_server()]
}

struct World {
    engine: Option<Stepper>,
    contents: Vec<Content>,
    bank: Bank,
    /// Webhooks that were sent: their ids, when, and what they tell.
    webhooks: Vec<(String, u64, String)>,
    /// Numbers of what a person has decided: the bank alone does not say what became of it.
    decided: BTreeSet<u64>,
}

impl World {
    fn new(contents: Vec<Content>) -> Self {
        let mut engine = shop();
        for sku in SKUS {
            engine.call(&format!("STOCK.SET {sku} 4"));
        }
        Self {
            engine: Some(engine),
            contents,
            bank: Bank::default(),
            webhooks: Vec::new(),
            decided: BTreeSet::new(),
        }
    }

    fn engine(&mut self) -> &mut Stepper {
        self.engine.as_mut().unwrap()
    }

    fn submit(&mut self, words: &str) {
        self.engine().submit(words).unwrap();
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Place(order) => self.submit(&self.place(order)),
            Step::Pay(order, payment) => {
                self.submit(&format!("ORDER.PAY o{order} p{payment} bank"))
            }
            Step::Cancel(order) => self.submit(&format!("ORDER.CANCEL o{order}")),
            Step::Fulfil(order) => self.submit(&format!("ORDER.FULFIL o{order}")),
            Step::Refund(order, refund) => {
                let sku = SKUS[refund % SKUS.len()];
                let of = if refund < REFUNDS_OF_ALL {
                    ""
                } else {
                    &format!(" 1 {sku} 1")
                };
                self.submit(&format!("ORDER.REFUND o{order} r{refund}{of}"));
            }
            Step::Resolve(at, decision) => self.resolve(at, decision),
            Step::Retry(at) => {
                let calls = self.engine().call("CALL.LIST STATE given_up");
                let calls: Vec<_> = crate::ledger::items(&calls, "items").collect();
                if let Some(call) = pick(&calls, at) {
                    let number = crate::ledger::value(call, "id");
                    self.submit(&format!("CALL.RETRY {number}"));
                }
            }
            Step::Set(sku, total) => self.submit(&format!("STOCK.SET {} {total}", SKUS[sku])),
            Step::Buy(at, more) => self.buy(at, more),
            Step::Fail(at) => {
                let payments = self.bank.payments.values_mut();
                let mut open: Vec<_> = payments.filter(|it| it.status == "pending").collect();
                let count = open.len().max(1);
                if let Some(payment) = open.get_mut(at % count) {
                    payment.status = "failed";
                }
            }
            Step::Answer(at, manner) => self.answer(at, manner),
            Step::AnswerAll => self.answer_all(),
            Step::RefundsAre(status) => self.bank.refunds_are = Some(status),
            Step::RefundsEnd(status) => self.bank.end_refunds(status),
            Step::Tell(at) => {
                let numbers: Vec<_> = self.bank.payments.keys().copied().collect();
                if let Some(number) = pick(&numbers, at) {
                    self.tell(*number);
                }
            }
            Step::Again(at) => {
                if let Some((message, at_ms, body)) = pick(&self.webhooks, at).cloned() {
                    self.send(&message, at_ms, &body);
                }
            }
            Step::Pass(ms) => self.engine().clock.advance_ms(ms),
            Step::PassHours(hours) => (0..hours).for_each(|_| self.pass_an_hour()),
            Step::Execute => drop(self.engine().execute()),
            Step::Hop => {
                self.engine().execute();
                self.engine().write().unwrap();
            }
            Step::Settle => self.engine().settle(),
            Step::Checkpoint => {
                self.engine().ask_checkpoint();
                self.engine().checkpoint_step().unwrap();
            }
            Step::Reopen => self.reopen(),
            Step::Crash(seed) => {
                self.engine().disk.crash(&mut Random::new(seed));
                self.reopen();
            }
        }
    }

    /// Something is written meanwhile: a server that has slept for a day asks whether its clock is right.
    fn pass_an_hour(&mut self) {
        self.engine().pass_ms(3_600_000);
        let now_ms = self.engine().now_ms();
        self.engine().call(&format!("STOCK.ADD c hour-{now_ms} 1"));
    }

    fn place(&self, order: usize) -> String {
        let Content {
            units,
            deduct,
            ttl_ms,
            is_free,
        } = &self.contents[order];
        let lines = SKUS.iter().zip(units).zip(PRICES);
        let lines = lines.filter(|((_, units), _)| **units > 0);
        let line = |((sku, units), price)| {
            let price = if *is_free { 0 } else { price };
            format!(" {sku} {units} {price}")
        };
        let lines: Vec<String> = lines.map(line).collect();
        let count = lines.len();
        let lines = lines.concat();
        format!(
            "ORDER.PLACE o{order} buyer {count}{lines} CURRENCY EUR DEDUCT {deduct} TTL {ttl_ms}"
        )
    }

    fn resolve(&mut self, at: usize, decision: &str) {
        let reviews = self.reviews();
        if let Some(review) = pick(&reviews, at) {
            let order = crate::ledger::value(review, "id");
            let number = crate::ledger::value(review, "number");
            self.decided.insert(number.parse().unwrap());
            self.submit(&format!("ORDER.RESOLVE {order} {number} {decision}"));
        }
    }

    /// What a person is to look at.
    fn reviews(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = self
                .engine()
                .call(&format!("ORDER.REVIEWS STATE open{after}"));
            all.extend(crate::ledger::items(&page, "items").map(str::to_owned));
            let (_, next) = page.rsplit_once("next=").unwrap();
            if next == "-" {
                return all;
            }
            after = format!(" AFTER {next}");
        }
    }

    fn buy(&mut self, at: usize, more: i64) {
        let payments = self.bank.payments.values_mut();
        // One that it had called failed may be paid all the same.
        let mut unpaid: Vec<_> = payments.filter(|it| it.paid.is_none()).collect();
        let count = unpaid.len().max(1);
        if let Some(payment) = unpaid.get_mut(at % count) {
            payment.status = "paid";
            payment.paid = Some(payment.amount.saturating_add_signed(more));
        }
    }

    fn answer(&mut self, at: usize, manner: Manner) {
        let courier = self.engine().courier.clone();
        self.bank.asked.extend(courier.take());
        if self.bank.asked.is_empty() {
            return;
        }
        let one = self.bank.asked.remove(at % self.bank.asked.len());
        let report = self.report(&one, manner);
        courier.report(&one, report);
    }

    fn answer_all(&mut self) {
        let courier = self.engine().courier.clone();
        self.bank.asked.extend(courier.take());
        for one in std::mem::take(&mut self.bank.asked) {
            let report = self.report(&one, Manner::Honest);
            courier.report(&one, report);
        }
    }

    fn report(&mut self, one: &Try, manner: Manner) -> Report {
        let nothing = || Report::Nothing {
            why: "no answer".to_owned(),
            retry_after_ms: None,
        };
        let said = |(status, body): (u16, String)| {
            let body = body.into_bytes().into();
            Report::Answer(Said { status, body })
        };
        let refused = (422, "{}".to_owned());
        // It knows when an order expires, and makes no payment of it any more.
        let is_late = one.action == "create"
            && self.engine().now_ms() >= sent(one, "expires_at_ms").parse().unwrap();
        match manner {
            Manner::Unreached => nothing(),
            Manner::Refuses => said(refused),
            Manner::Honest | Manner::Lost | Manner::Mumbles if is_late => said(refused),
            Manner::Honest => said(self.bank.answer_to(one)),
            Manner::Lost => {
                self.bank.answer_to(one);
                nothing()
            }
            Manner::Mumbles => {
                let (status, _) = self.bank.answer_to(one);
                said((status, "{".to_owned()))
            }
        }
    }

    fn tell(&mut self, number: u64) {
        let body = told(&self.bank, number);
        let (message, at_ms) = (format!("m{}", self.webhooks.len()), self.engine().now_ms());
        self.send(&message, at_ms, &body);
        self.webhooks.push((message, at_ms, body));
    }

    fn send(&mut self, message: &str, at_ms: u64, body: &str) {
        let engine = self.engine();
        let ago = i64::try_from(engine.now_ms() / 1_000 - at_ms / 1_000).unwrap();
        let words = webhook(engine, b"a secret", (message, -ago), body);
        self.submit(&words);
    }

    fn reopen(&mut self) {
        // With the process its connections are gone: what was asked is asked anew.
        self.bank.asked.clear();
        let engine = self.engine.take().unwrap();
        self.engine = Some(engine.reopen().unwrap());
    }

    fn faults(&self) -> Vec<String> {
        self.engine.as_ref().unwrap().audit().faults
    }

    /// Time passes, with a bank that answers and tells, until nothing more comes.
    fn drain(&mut self) {
        self.bank.refunds_are = None;
        for hour in 0..60 {
            self.settle_with_bank();
            self.bank.end_refunds("done");
            if hour % 20 == 0 {
                let numbers: Vec<_> = self.bank.payments.keys().copied().collect();
                for number in numbers {
                    self.tell(number);
                }
                self.settle_with_bank();
                // Units are claimed again soon, and a call is made again.
                for _ in 0..20 {
                    self.engine().pass_ms(PLACING_MS);
                    self.settle_with_bank();
                }
            }
            self.engine().pass_ms(3_600_000);
        }
        self.settle_with_bank();
    }

    fn settle_with_bank(&mut self) {
        self.engine().settle();
        loop {
            self.answer_all();
            self.engine().settle();
            let courier = self.engine().courier.clone();
            self.bank.asked.extend(courier.take());
            if self.bank.asked.is_empty() {
                return;
            }
        }
    }

    /// Everything that can happen has happened: compares what is there with what the bank has.
    fn conclude(mut self) {
        self.drain();
        assert_eq!(self.faults(), Vec::<String>::new(), "at the end");
        let reviews = self.reviews();
        let mut sold = [0u64; SKUS.len()];
        let mut known = BTreeSet::new();
        for order in 0..ORDERS {
            let info = self.engine().call(&format!("ORDER.GET o{order}"));
            if info == "unknown_order" {
                continue;
            }
            let account = Account::of(&info);
            account.check(&self.bank, &reviews, &self.decided);
            known.extend(account.numbers());
            let units = self.units_left(order, &account);
            for (sold, units) in sold.iter_mut().zip(units) {
                *sold += units;
            }
        }
        for number in self.bank.payments.keys() {
            assert!(known.contains(number), "the bank has another: {number}");
        }
        for (sku, sold) in SKUS.into_iter().zip(sold) {
            self.check_sku(sku, sold);
        }
    }

    /// How many units the buyer has, or the shop no more: of what was refunded they came back only before
    /// it was fulfilled.
    fn units_left(&self, order: usize, account: &Account) -> [u64; SKUS.len()] {
        if !account.was_paid() {
            return [0; SKUS.len()];
        }
        let mut units = self.contents[order].units;
        for refund in account.refunds_before_fulfilled() {
            let refund: usize = refund[1..].parse().unwrap();
            if refund < REFUNDS_OF_ALL {
                units = [0; SKUS.len()];
            } else {
                units[refund % SKUS.len()] -= 1;
            }
        }
        units
    }

    fn check_sku(&mut self, sku: &str, sold: u64) {
        let told = self.engine().call(&format!("STOCK.GET {sku}"));
        let number = |name| crate::ledger::number(&told, name);
        assert_eq!((number("held"), number("sold")), (0, sold), "{sku}: {told}");
        let parts = number("available") + number("held") + number("sold");
        assert_eq!(parts, number("total"), "{sku}: {told}");
    }
}

/// One of these, however many there are.
fn pick<T>(of: &[T], at: usize) -> Option<&T> {
    of.get(at % of.len().max(1))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn all_money_and_all_units_are_where_they_belong_whatever_the_provider_does(
        contents in vec(content(), ORDERS),
        steps in vec(step(), 1..160),
    ) {
        let mut world = World::new(contents);
        for order in 0..ORDERS {
            world.take(&Step::Place(order));
        }
        for step in &steps {
            world.take(step);
            prop_assert_eq!(world.faults(), Vec::<String>::new(), "after {:?}", step);
        }
        world.conclude();
    }
}
