//! Payments and refunds beside their orders: every amount that was paid is the order's, on its way back, or
//! in the hands of a person, once.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::contract::{Audit, Books, CallUnderWay};
use tidegate_engine::{Row, RowKey, Table};

use super::not_a_key;
use crate::apply::ASK;
use crate::mail::ProviderSaid;
use crate::payments::{Money, PAYMENTS, Payment, REFUNDS, REVIEWS, Refund, Review, ReviewState};
use crate::table::{Order, State};

/// The rows about money of one slot, by order.
pub(super) struct Rows {
    payments: Named<Payment>,
    refunds: Named<Refund>,
    reviews: BTreeMap<CompactString, BTreeMap<u64, Review>>,
    /// Calls to providers that are under way.
    calls: BTreeMap<CompactString, Vec<CallUnderWay>>,
    latest_ms: u64,
    /// When timers to ask are due; those that were set aside at no time.
    asks: BTreeMap<(CompactString, CompactString), Vec<Option<u64>>>,
}

/// By order and name.
type Named<R> = BTreeMap<CompactString, BTreeMap<CompactString, R>>;

impl Rows {
    pub(super) fn read(books: &Books<'_>, audit: &mut Audit) -> Self {
        let mut reviews: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (key, review) in books.rows(&REVIEWS) {
            let mut parts = key.parts();
            match parts.number() {
                Some(number) if parts.rest().is_empty() => {
                    let of_order: &mut BTreeMap<_, _> =
                        reviews.entry(review.order.clone()).or_default();
                    of_order.insert(number, review);
                }
                _ => audit.faults.push(not_a_key(REVIEWS.def().name(), &key)),
            }
        }
        Self {
            payments: named(books, &PAYMENTS, audit),
            refunds: named(books, &REFUNDS, audit),
            reviews,
            calls: calls_of(books),
            latest_ms: books.clock_up_to_ms(),
            asks: asks_of(books),
        }
    }

    /// Checks the money of an order, and takes its rows out.
    pub(super) fn check(&mut self, id: &str, order: &Order, audit: &mut Audit) {
        let mut of = OfOrder {
            id,
            order,
            payments: self.payments.remove(id).unwrap_or_default(),
            refunds: self.refunds.remove(id).unwrap_or_default(),
            reviews: self.reviews.remove(id).unwrap_or_default(),
            audit,
        };
        of.names();
        of.open();
        of.places();
        of.refunded();
        of.reviewed();
        let calls = self.calls.remove(id).unwrap_or_default();
        of.details(&calls, self.latest_ms);
        for (name, payment) in &of.payments {
            let due = self.asks.remove(&(id.into(), name.clone()));
            let due = due.unwrap_or_default();
            let is_timed = match due.as_slice() {
                [] => payment.next_ask_ms.is_none(),
                [None] => true,
                [due_ms] => *due_ms == payment.next_ask_ms,
                _ => false,
            };
            if !is_timed {
                let next_ms = payment.next_ask_ms;
                of.audit.faults.push(format!(
                    "order {id}, payment {name}: asked next at {next_ms:?}, with timers {due:?}"
                ));
            }
        }
    }

    /// What is of no order.
    pub(super) fn end(self, audit: &mut Audit) {
        let payments = self.payments.into_keys().map(|id| ("payments", id));
        let refunds = self.refunds.into_keys().map(|id| ("refunds", id));
        let reviews = self.reviews.into_keys().map(|id| ("reviews", id));
        let asks = self.asks.into_keys().map(|(id, _)| ("timers to ask", id));
        let calls = self.calls.into_keys().map(|id| ("calls", id));
        let all = payments.chain(refunds).chain(reviews);
        for (what, id) in all.chain(asks).chain(calls) {
            audit
                .faults
                .push(format!("{what} of order {id}, of which there is none so"));
        }
    }
}

fn named<R: Row>(books: &Books<'_>, table: &Table<R>, audit: &mut Audit) -> Named<R> {
    let mut all: Named<R> = BTreeMap::new();
    for (key, row) in books.rows(table) {
        match names_of(&key) {
            Some((id, name)) if books.is_home_of(&id) => {
                all.entry(id).or_default().insert(name, row);
            }
            _ => audit.faults.push(not_a_key(table.def().name(), &key)),
        }
    }
    all
}

fn names_of(key: &RowKey) -> Option<(CompactString, CompactString)> {
    let mut parts = key.parts();
    let names = (parts.text()?.into(), parts.text()?.into());
    parts.rest().is_empty().then_some(names)
}

fn calls_of(books: &Books<'_>) -> BTreeMap<CompactString, Vec<CallUnderWay>> {
    let mut calls: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for call in books.calls::<ProviderSaid>() {
        calls.entry(call.to.clone()).or_default().push(call);
    }
    calls
}

fn asks_of(books: &Books<'_>) -> BTreeMap<(CompactString, CompactString), Vec<Option<u64>>> {
    let mut asks: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let set = books.timers(&ASK);
    let set = set
        .iter()
        .map(|timer| (timer.owner(), Some(timer.due_ms())));
    let aside = books.timers_set_aside(&ASK);
    let aside = aside.iter().map(|timer| (timer.owner(), None));
    for (mut owner, due_ms) in set.chain(aside) {
        let id = owner.text().unwrap_or_default().into();
        let name = owner.text().unwrap_or_default().into();
        asks.entry((id, name)).or_default().push(due_ms);
    }
    asks
}

/// An order with all that is about its money.
pub(super) struct OfOrder<'a> {
    id: &'a str,
    pub(super) order: &'a Order,
    pub(super) payments: BTreeMap<CompactString, Payment>,
    pub(super) refunds: BTreeMap<CompactString, Refund>,
    pub(super) reviews: BTreeMap<u64, Review>,
    audit: &'a mut Audit,
}

impl OfOrder<'_> {
    pub(super) fn fault(&mut self, what: String) {
        let id = self.id;
        self.audit.faults.push(format!("order {id}: {what}"));
    }

    /// It names its payments and refunds, each once.
    fn names(&mut self) {
        let mut payments = self.order.payments.clone();
        payments.sort_unstable();
        let mut refunds = self.order.refunds.clone();
        refunds.sort_unstable();
        let are_named = payments.iter().eq(self.payments.keys());
        if !are_named || !refunds.iter().eq(self.refunds.keys()) {
            self.fault(format!(
                "names the payments {payments:?} and the refunds {refunds:?}, and has others"
            ));
        }
    }

    /// It counts those that may still be paid.
    fn open(&mut self) {
        let refunds = self.refunds.values();
        let under_way = refunds.filter(|refund| refund.state == Money::Refunding);
        let under_way = under_way.count() as i64;
        self.audit.add("order.refunds_under_way", under_way);
        self.audit.add(
            "order.payments_open",
            self.order.open_payments.cast_signed(),
        );
        let open = self.payments.values().filter(|it| it.money == Money::Open);
        let (open, after) = open.fold((0, 0), |(open, after), payment| {
            (open + 1, after + u64::from(payment.is_unpaid_after))
        });
        let counted = (self.order.open_payments, self.order.unpaid_after);
        if counted != (open, after) {
            self.fault(format!(
                "counts {counted:?} payments that are open, and unpaid after its time: {open}, {after}"
            ));
        }
        let stray = |payment: &Payment| payment.is_unpaid_after && payment.money != Money::Open;
        if self.payments.values().any(stray) {
            self.fault("a payment that is over is unpaid after its time".to_owned());
        }
        let is_paying = self.order.state == State::Paying;
        if is_paying && open == 0 {
            self.fault("is paying, and no payment is open".to_owned());
        }
    }

    /// The money of one payment, and of no other, is the order's if it is paid.
    fn places(&mut self) {
        let of_order = self.payments.values().filter(|it| it.money == Money::Paid);
        let of_order = of_order.count();
        let expected = match self.order.state {
            State::Taking | State::Paid | State::Fulfilled => 1..=1,
            // What is refunded in part, or is about to be.
            State::Refunding => 0..=1,
            State::Placing
            | State::Refused
            | State::Busy
            | State::Reserved
            | State::Open
            | State::Paying
            | State::Cancelled
            | State::Expired
            | State::Refunded => 0..=0,
        };
        if !expected.contains(&of_order) {
            let state = self.order.state;
            self.fault(format!("is {state:?}, by {of_order} payments"));
        }
        for (name, payment) in self.payments.clone() {
            let was_paid = payment.paid_amount.is_some();
            let fits = match payment.money {
                Money::Open | Money::Failed => !was_paid && payment.refunded == 0,
                Money::Paid => payment
                    .paid_amount
                    .is_some_and(|paid| payment.refunded <= paid),
                Money::Refunding | Money::Refunded => payment.paid_amount == Some(payment.refunded),
                Money::Review | Money::Closed => true,
            };
            if !fits {
                self.fault(format!("payment {name} cannot be so: {payment:?}"));
            }
        }
    }

    /// What went back of a payment is what its refunds say.
    fn refunded(&mut self) {
        for (name, payment) in self.payments.clone() {
            let of_it = self.refunds.values().filter(|it| it.payment == name);
            let (sum, pending) = of_it.fold((0u64, 0), |(sum, pending), refund| {
                let sum = sum.saturating_add(refund.amount);
                (sum, pending + u64::from(refund.is_pending))
            });
            if payment.refunded != sum || payment.refunds_pending != pending {
                let says = (payment.refunded, payment.refunds_pending);
                self.fault(format!(
                    "payment {name}: {says:?} refunded and pending, its refunds say {sum}, {pending}"
                ));
            }
        }
        let under_way = |refund: &Refund| {
            refund.is_of_order && matches!(refund.state, Money::Refunding | Money::Review)
        };
        let under_way = self.refunds.values().any(under_way);
        if under_way != (self.order.state == State::Refunding) {
            let state = self.order.state;
            self.fault(format!(
                "is {state:?}, a refund of it under way: {under_way}"
            ));
        }
    }

    /// A person is to look at what is in review, and at nothing else.
    fn reviewed(&mut self) {
        let open = self.reviews.iter();
        let open = open.filter(|(_, review)| review.state == ReviewState::Open);
        let open: Vec<u64> = open.map(|(number, _)| *number).collect();
        let refunds = self.refunds.values();
        let refunds = refunds.filter(|refund| refund.state == Money::Review);
        let refunds: Vec<_> = refunds
            .map(|refund| (&refund.payment, refund.number))
            .collect();
        let payments = self.payments.iter();
        // One whose refund is looked at is in review with it.
        let payments = payments.filter(|(name, payment)| {
            payment.money == Money::Review && !refunds.iter().any(|(of, _)| of == name)
        });
        let mut due: Vec<u64> = payments.map(|(_, payment)| payment.number).collect();
        due.extend(refunds.iter().map(|(_, number)| *number));
        due.sort_unstable();
        if open != due {
            self.fault(format!(
                "a person is to look at {open:?}, in review are {due:?}"
            ));
        }
    }
}
