//! The money of an order as it tells it, beside what the bank has.

use std::collections::{BTreeMap, BTreeSet};

use crate::bank::{Bank, Payment};

/// An order with its payments and refunds, as `ORDER.GET` tells them.
pub(crate) struct Account {
    shown: String,
    id: String,
    state: String,
    payments: Vec<Paid>,
    refunds: Vec<Refund>,
}

struct Paid {
    name: String,
    number: u64,
    state: String,
    amount: u64,
    refunded: u64,
}

struct Refund {
    name: String,
    payment: String,
    state: String,
    amount: u64,
    is_asked_for: bool,
}

impl Account {
    pub(crate) fn of(shown: &str) -> Self {
        let payment = |item: &str| Paid {
            name: value(item, "payment").to_owned(),
            number: number(item, "number"),
            state: value(item, "state").to_owned(),
            amount: number(item, "amount"),
            refunded: number(item, "refunded"),
        };
        let refund = |item: &str| Refund {
            name: value(item, "refund").to_owned(),
            payment: value(item, "payment").to_owned(),
            state: value(item, "state").to_owned(),
            amount: number(item, "amount"),
            is_asked_for: value(item, "why") == "-",
        };
        Self {
            shown: shown.to_owned(),
            id: value(shown, "id").to_owned(),
            state: value(shown, "state").to_owned(),
            payments: items(shown, "payments").map(payment).collect(),
            refunds: items(shown, "refunds").map(refund).collect(),
        }
    }

    /// By which the bank knows its payments.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.payments.iter().map(|payment| payment.number)
    }

    fn states(&self) -> Vec<&str> {
        let steps = items(&self.shown, "history");
        steps.map(|step| value(step, "state")).collect()
    }

    /// Whether its units were sold.
    pub(crate) fn was_paid(&self) -> bool {
        self.states().contains(&"paid")
    }

    /// What was refunded while the goods were here, oldest first.
    pub(crate) fn refunds_before_fulfilled(&self) -> impl Iterator<Item = &str> {
        let states = self.states();
        let mut before = states.split(|state| *state == "fulfilled");
        let before = before.next().unwrap();
        // Each refund that is asked for is one step; others begin before it is paid, or are none.
        let paid_at = before.iter().position(|state| *state == "paid");
        let since = paid_at.map_or(&before[..0], |at| &before[at..]);
        let count = since.iter().filter(|state| **state == "refunding").count();
        let asked_for = self.refunds.iter().filter(|refund| refund.is_asked_for);
        asked_for.map(|refund| &*refund.name).take(count)
    }

    /// Everything that the bank was paid for it is the order's, back, or in the hands of a person.
    pub(crate) fn check(&self, bank: &Bank, reviews: &[String], decided: &BTreeSet<u64>) {
        let of_order = self.payments.iter().filter(|it| it.state == "paid");
        let of_order = of_order.count();
        let shown = &self.shown;
        match &*self.state {
            "paid" | "fulfilled" => assert_eq!(of_order, 1, "{shown}"),
            "refunding" => assert!(of_order <= 1, "{shown}"),
            "refused" | "busy" | "cancelled" | "expired" | "refunded" => {
                assert_eq!(of_order, 0, "{shown}");
            }
            _ => panic!("it comes to no end: {shown}"),
        }
        let refunding = self.state == "refunding";
        let mut in_review = BTreeMap::new();
        for review in reviews.iter().filter(|it| value(it, "id") == self.id) {
            *in_review.entry(value(review, "payment")).or_insert(0u64) += number(review, "amount");
        }
        assert!(
            !refunding || !in_review.is_empty(),
            "nobody looks at {shown}"
        );
        for payment in &self.payments {
            let at_bank = bank.payments.get(&payment.number);
            let is_reviewed = in_review.contains_key(&*payment.name);
            self.check_payment(payment, at_bank, (is_reviewed, decided));
        }
    }

    fn check_payment(
        &self,
        payment: &Paid,
        at_bank: Option<&Payment>,
        (is_reviewed, decided): (bool, &BTreeSet<u64>),
    ) {
        let shown = &self.shown;
        let of_it = self.refunds.iter().filter(|it| it.payment == payment.name);
        let of_it: Vec<&Refund> = of_it.collect();
        let is_closed = of_it.iter().any(|refund| refund.state == "closed");
        let done = of_it.iter().filter(|refund| refund.state == "refunded");
        let done: u64 = done.map(|refund| refund.amount).sum();
        let back = at_bank.map_or(0, |it| it.sum_of("done"));
        let paid = at_bank.and_then(|it| it.paid);
        // It costs nothing: the bank has never heard of it.
        let paid = paid.or((payment.amount == 0).then_some(0));
        assert!(
            done == back || is_closed && done <= back,
            "the bank has given {back} back: {shown}"
        );
        let Some(paid) = paid else {
            let is_decided = decided.contains(&payment.number);
            let is_unpaid = payment.state == "failed" || is_reviewed;
            assert!(is_unpaid || is_decided, "the bank has nothing: {shown}");
            return;
        };
        match &*payment.state {
            "paid" => assert!(payment.refunded <= paid, "{shown}"),
            "refunded" => assert!(
                payment.refunded == paid && (done == paid || is_closed),
                "{shown}"
            ),
            "review" => assert!(is_reviewed, "nobody looks at it: {shown}"),
            "closed" => {
                let refunds = of_it.iter().any(|it| it.state == "closed");
                assert!(refunds || decided.contains(&payment.number), "{shown}");
            }
            _ => panic!("the bank has {paid}, and nobody knows: {shown}"),
        }
    }
}

/// The items of a list of this name.
pub(crate) fn items<'a>(told: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (_, list) = told.split_once(&format!("{name}=[")).unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split('{')
        .skip(1)
        .map(|item| item.trim_end_matches(['}', ' ']))
}

/// The first value of this name.
pub(crate) fn value<'a>(told: &'a str, name: &str) -> &'a str {
    let mut words = told.split_whitespace();
    let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {told}"))
}

pub(crate) fn number(told: &str, name: &str) -> u64 {
    value(told, name).parse().unwrap()
}
