//! A payment provider by the name of bank, as tests play it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::{Stepper, keeping};
use tidegate_engine::{Report, Retention, Said, Settings, Try};
use tidegate_order::{ORDER, Provider, Providers, SigningKey};
use tidegate_stock::STOCK;

/// A shop with ten units of a, b and c, and a provider by the name of bank.
pub(crate) fn shop() -> Stepper {
    shop_of(STOCK)
}

/// The same, whose stock keeps what is finished so long.
pub(crate) fn shop_keeping(retention: Retention) -> Stepper {
    shop_of(keeping(STOCK, retention))
}

fn shop_of(stock: Domain) -> Stepper {
    let bank = Provider {
        secrets: vec![SigningKey::new(b"a secret".to_vec())],
        ..Provider::default()
    };
    let providers = Providers([("bank".to_owned(), bank)].into());
    let settings = Settings::default().with(providers);
    let mut shop = Stepper::fresh_told(&[stock, ORDER], settings);
    for sku in ["a", "b", "c"] {
        shop.call(&format!("STOCK.SET {sku} 10"));
    }
    shop
}

/// The provider, as the test has it.
#[derive(Default)]
pub(crate) struct Bank {
    pub(crate) payments: BTreeMap<u64, Payment>,
    /// What it was asked and has not answered.
    pub(crate) asked: Vec<Try>,
    /// What becomes of a refund that it is asked for, but `done`.
    pub(crate) refunds_are: Option<&'static str>,
}

#[derive(Clone)]
pub(crate) struct Payment {
    pub(crate) order: String,
    pub(crate) amount: u64,
    pub(crate) paid: Option<u64>,
    pub(crate) status: &'static str,
    pub(crate) refunds: Vec<(u64, u64, &'static str)>,
}

impl Payment {
    pub(crate) fn json(&self, number: u64) -> String {
        let Self {
            order,
            amount,
            status,
            ..
        } = self;
        let paid = self.paid.map_or("null".to_owned(), |paid| paid.to_string());
        let refund = |(id, amount, status): &(u64, u64, &str)| {
            format!(r#"{{"id":"{id}","amount":{amount},"status":"{status}"}}"#)
        };
        let refunds: Vec<_> = self.refunds.iter().map(refund).collect();
        let refunds = refunds.join(",");
        format!(
            r#"{{"id":"{number}","order":"{order}","status":"{status}","amount":{amount},"currency":"EUR","paid_amount":{paid},"paid_at_ms":1,"checkout_url":"https://bank.example/{number}","refunds":[{refunds}]}}"#
        )
    }

    /// What its refunds of this status come to.
    pub(crate) fn sum_of(&self, status: &str) -> u64 {
        let refunds = self.refunds.iter().filter(|(.., it)| *it == status);
        refunds.map(|(_, amount, _)| amount).sum()
    }

    /// Makes a refund, unless it has: one that has failed may be tried again.
    fn refund(&mut self, number: u64, amount: u64, status: &'static str) -> &'static str {
        self.refunds
            .retain(|(id, _, status)| *id != number || *status != "failed");
        if let Some((_, _, status)) = self.refunds.iter().find(|(id, ..)| *id == number) {
            return status;
        }
        let back = self.sum_of("done") + self.sum_of("pending");
        assert!(amount > 0, "a refund of nothing");
        assert!(back + amount <= self.paid.unwrap(), "more than was paid");
        self.refunds.push((number, amount, status));
        status
    }
}

impl Bank {
    /// Takes what it is asked.
    pub(crate) fn hear(&mut self, shop: &Stepper) -> usize {
        self.asked.extend(shop.courier.take());
        self.asked.len()
    }

    /// Answers the last thing that it was asked with this.
    pub(crate) fn says(&mut self, shop: &Stepper, (status, body): (u16, &str)) {
        self.hear(shop);
        let one = self.asked.pop().unwrap();
        let body = body.as_bytes().to_vec().into();
        shop.courier
            .report(&one, Report::Answer(Said { status, body }));
    }

    /// Answers everything as it stands.
    pub(crate) fn answer(&mut self, shop: &mut Stepper) {
        loop {
            if self.hear(shop) == 0 {
                return;
            }
            for one in std::mem::take(&mut self.asked) {
                let (status, body) = self.answer_to(&one);
                let body = body.into_bytes().into();
                shop.courier
                    .report(&one, Report::Answer(Said { status, body }));
            }
            shop.settle();
        }
    }

    /// Does what is asked first, and says that it refuses to.
    pub(crate) fn refuse(&mut self, shop: &mut Stepper) {
        self.hear(shop);
        let one = self.asked.remove(0);
        self.answer_to(&one);
        let body = b"{}".to_vec().into();
        let refused = Report::Answer(Said { status: 422, body });
        shop.courier.report(&one, refused);
        shop.settle();
    }

    /// What it says to this, and does.
    pub(crate) fn answer_to(&mut self, one: &Try) -> (u16, String) {
        let about: u64 = one.about.parse().unwrap();
        match (&*one.action, self.payments.get_mut(&about)) {
            ("create", None) => {
                let payment = Payment {
                    order: sent(one, "order"),
                    amount: sent(one, "amount").parse().unwrap(),
                    paid: None,
                    status: "pending",
                    refunds: Vec::new(),
                };
                let said = payment.json(about);
                self.payments.insert(about, payment);
                (201, said)
            }
            ("create", Some(payment)) => (201, payment.json(about)),
            ("query", Some(payment)) => (200, payment.json(about)),
            ("refund", Some(payment)) if payment.paid.is_some() => {
                let number = sent(one, "id").parse().unwrap();
                let amount = sent(one, "amount").parse().unwrap();
                let status = payment.refund(number, amount, self.refunds_are.unwrap_or("done"));
                (
                    201,
                    format!(r#"{{"id":"{number}","amount":{amount},"status":"{status}"}}"#),
                )
            }
            ("query" | "refund", _) => (404, "{}".to_owned()),
            (action, _) => panic!("it is asked to {action}"),
        }
    }

    /// The buyer pays the only open payment of an order, or so much.
    pub(crate) fn pay(&mut self, order: &str, amount: Option<u64>) -> u64 {
        let open = self.payments.iter_mut();
        let mut open = open.filter(|(_, it)| it.order == order && it.status == "pending");
        let (number, payment) = open.next().unwrap();
        payment.status = "paid";
        payment.paid = Some(amount.unwrap_or(payment.amount));
        *number
    }

    pub(crate) fn refunded(&self) -> u64 {
        let payments = self.payments.values();
        payments.map(|payment| payment.sum_of("done")).sum()
    }

    /// Refunds that it has taken in come to this end.
    pub(crate) fn end_refunds(&mut self, status: &'static str) {
        let refunds = self.payments.values_mut();
        let refunds = refunds.flat_map(|payment| &mut payment.refunds);
        for (.., it) in refunds.filter(|(.., it)| *it == "pending") {
            *it = status;
        }
    }
}

/// A field of what it is sent.
pub(crate) fn sent(one: &Try, name: &str) -> String {
    let body = std::str::from_utf8(&one.body).unwrap();
    let (_, value) = body.split_once(&format!("\"{name}\":")).unwrap();
    let value = value.split([',', '}']).next().unwrap();
    value.trim_matches('"').to_owned()
}

/// Begins a payment, and has the bank take it in.
pub(crate) fn begin(shop: &mut Stepper, bank: &mut Bank, order: &str, payment: &str) {
    let token = shop
        .submit(&format!("ORDER.PAY {order} {payment} bank"))
        .unwrap();
    shop.settle();
    bank.answer(shop);
    let (_, answer) = shop.answer(token).unwrap();
    assert!(
        answer.contains("state=paying") && answer.contains("payment_state=open"),
        "{answer}"
    );
}

/// Places an order of two of a and one of b, for 25.
pub(crate) fn place(shop: &mut Stepper, id: &str) {
    let placed = shop.call(&format!(
        "ORDER.PLACE {id} buyer 2 a 2 10 b 1 5 CURRENCY EUR"
    ));
    assert!(placed.contains("state=reserved"), "{placed}");
}

pub(crate) fn state(shop: &mut Stepper, order: &str) -> String {
    assert_eq!(shop.audit().faults, Vec::<String>::new());
    let shown = shop.call(&format!("ORDER.GET {order}"));
    let (_, state) = shown.split_once(" state=").unwrap();
    state.split(' ').next().unwrap().to_owned()
}

pub(crate) fn stock(shop: &mut Stepper, sku: &str) -> String {
    let shown = shop.call(&format!("STOCK.GET {sku}"));
    let field = |name: &str| {
        let (_, value) = shown.split_once(&format!("{name}=")).unwrap();
        value.split(' ').next().unwrap().to_owned()
    };
    format!("{} {} {}", field("available"), field("held"), field("sold"))
}

/// A shop, and an order of it whose payment has begun.
pub(crate) fn begun() -> (Stepper, Bank) {
    let (mut shop, mut bank) = (shop(), Bank::default());
    place(&mut shop, "o");
    begin(&mut shop, &mut bank, "o", "p");
    (shop, bank)
}

/// The same, and it is paid.
pub(crate) fn paid() -> (Stepper, Bank) {
    let (mut shop, mut bank) = begun();
    bank.pay("o", None);
    pass(&mut shop, &mut bank, 10_000);
    (shop, bank)
}

/// The number of the first thing that was told of.
pub(crate) fn number_in(told: &str) -> String {
    let (_, number) = told.split_once("number=").unwrap();
    number.split(' ').next().unwrap().to_owned()
}

/// Lets time pass, as long as the bank is asked now and then.
pub(crate) fn pass(shop: &mut Stepper, bank: &mut Bank, ms: u64) {
    let mut left = ms;
    while left > 0 {
        let step = left.min(5_000);
        shop.pass_ms(step);
        bank.answer(shop);
        left -= step;
    }
}

/// The words of a webhook: signed with this secret, sent so many seconds from now.
pub(crate) fn webhook(
    shop: &Stepper,
    secret: &[u8],
    (message, seconds): (&str, i64),
    body: &str,
) -> String {
    let now = i64::try_from(shop.now_ms() / 1_000).unwrap();
    let timestamp = (now + seconds).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(format!("{message}.{timestamp}.{body}").as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    format!("ORDER.WEBHOOK bank {message} {timestamp} v1,{signature} {body}")
}

pub(crate) fn told(bank: &Bank, number: u64) -> String {
    let payment = bank.payments[&number].json(number);
    format!(r#"{{"type":"payment.paid","data":{payment}}}"#)
}
