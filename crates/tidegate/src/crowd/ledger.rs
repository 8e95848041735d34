//! The ledger: what everybody was told beside what the server and the provider say at the end. No IO.
//!
//! - **oversold**: units held and sold beyond the total, units that do not add up to it, and units of living orders
//!   that the stock does not know of.
//! - **undersold**: units that the stock says are held or sold and no order has, and units that are left although
//!   people were told that nothing is, and will be.
//! - **lost**: orders, tickets and tokens that were given and are not known any more.
//! - **paid without goods**: payments for which there is neither a paid order, nor a refund, nor an open review.
//!
//! Beyond these: no buyer has more than the sale's limit, no purchase that was made is refused when it is sent
//! again or makes two orders, nothing forged is taken, and every order costs what was said.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde::Serialize;

use super::answer::{Order, Payment, Review, Units};
use super::tally::Wrong;
use super::world::Told;

/// What there is to compare.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) goods: Vec<Stock>,
    /// Everything that somebody was told they have, and the order as it is now; nothing if there is none.
    pub(super) orders: Vec<(Told, Option<Order>)>,
    /// What the provider says of payments, if it was asked.
    pub(super) payments: Option<Vec<Paid>>,
    pub(super) reviews: HashSet<Review>,
    /// Units that a buyer may have.
    pub(super) max: u64,
    /// People who were told that nothing is left and nothing will come back.
    pub(super) turned_away: u64,
    /// Tickets that are not known any more.
    pub(super) tickets_lost: u64,
    /// What the crowd has seen itself.
    pub(super) wrong: Wrong,
}

/// A good, before the crowd came and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stock {
    pub(super) sku: Rc<str>,
    pub(super) before: Units,
    pub(super) now: Units,
}

/// A payment as the provider has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) struct Paid {
    pub(super) id: Box<str>,
    pub(super) order: Box<str>,
    pub(super) paid_amount: Option<u64>,
    pub(super) refunds: Vec<GivenBack>,
}

/// A refund as the provider has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) struct GivenBack {
    pub(super) amount: u64,
    pub(super) status: Box<str>,
}

/// What the comparison comes to. Every figure but the last three counts what must not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Ledger {
    pub(crate) oversold: u64,
    pub(crate) undersold: u64,
    pub(crate) lost: u64,
    pub(crate) paid_without_goods: u64,
    pub(crate) over_limit: u64,
    pub(crate) winners_refused: u64,
    pub(crate) bought_twice: u64,
    pub(crate) forgeries_taken: u64,
    pub(crate) wrong_totals: u64,
    /// Orders that are still on their way; nothing can be said of them.
    pub(crate) unsettled: u64,
    /// Units of orders that are paid, and of others that live.
    pub(crate) units_sold: u64,
    pub(crate) units_held: u64,
    /// Units that nobody has.
    pub(crate) units_left: u64,
}

/// States in which an order has its units, and those in which it has been paid for them.
const HELD: [&str; 4] = ["placing", "reserved", "paying", "taking"];
const SOLD: [&str; 2] = ["paid", "fulfilled"];

/// States in which nothing is to become of an order by itself.
const AT_REST: [&str; 6] = [
    "refused",
    "paid",
    "fulfilled",
    "cancelled",
    "expired",
    "refunded",
];

impl Order {
    /// Whether nothing is under way, neither of the order nor of its money.
    pub(super) fn is_at_rest(&self) -> bool {
        let is_open = |state: &str| matches!(state, "open" | "refunding");
        AT_REST.contains(&&*self.state)
            && !self.payments.iter().any(|payment| is_open(&payment.state))
            && !self.refunds.iter().any(|refund| is_open(&refund.state))
    }

    fn is_sold(&self) -> bool {
        SOLD.contains(&&*self.state)
    }

    /// Units that it holds or has bought of a SKU.
    fn units(&self, sku: &str) -> u64 {
        if !self.is_sold() && !HELD.contains(&&*self.state) {
            return 0;
        }
        let lines = self.lines.iter().filter(|line| *line.sku == *sku);
        lines.map(|line| line.quantity - line.refunded).sum()
    }
}

impl Ledger {
    /// Draws the ledger up.
    pub(super) fn of(facts: &Facts) -> Self {
        let mut ledger = Self {
            lost: facts.tickets_lost + facts.wrong.tickets_lost + facts.wrong.tokens_lost,
            winners_refused: facts.wrong.winners_refused,
            bought_twice: facts.wrong.bought_twice,
            forgeries_taken: facts.wrong.forgeries_taken,
            over_limit: over_limit(facts),
            paid_without_goods: paid_without_goods(facts),
            ..Self::default()
        };
        for stock in &facts.goods {
            ledger.units(facts, stock);
        }
        ledger.undersold += ledger.units_left.min(facts.turned_away);
        for (told, order) in &facts.orders {
            ledger.order(told, order.as_ref());
        }
        ledger
    }

    fn units(&mut self, facts: &Facts, stock: &Stock) {
        let Stock { sku, before, now } = stock;
        let gone = now.held + now.sold;
        let taken = gone.saturating_sub(before.held + before.sold);
        let orders = facts.orders.iter().filter(|(told, _)| told.sku == *sku);
        let living = orders.filter_map(|(_, order)| order.as_ref());
        let living: u64 = living.map(|order| order.units(sku)).sum();
        self.oversold += gone.saturating_sub(now.total);
        self.oversold += (gone + now.available).abs_diff(now.total);
        self.oversold += living.saturating_sub(taken);
        self.undersold += taken.saturating_sub(living);
        self.units_left += now.available;
    }

    fn order(&mut self, told: &Told, order: Option<&Order>) {
        let Some(order) = order else {
            self.lost += 1;
            return;
        };
        let units = order.units(&told.sku);
        *if order.is_sold() {
            &mut self.units_sold
        } else {
            &mut self.units_held
        } += units;
        self.wrong_totals += u64::from(order.total != told.total);
        self.unsettled += u64::from(!order.is_at_rest());
    }

    /// Whether nothing is that must not be.
    pub(crate) fn is_sound(&self) -> bool {
        self.wrong().iter().all(|(_, count)| *count == 0)
    }

    /// Everything that must be zero, by its name.
    pub(crate) fn wrong(&self) -> [(&'static str, u64); 10] {
        [
            ("oversold", self.oversold),
            ("undersold", self.undersold),
            ("lost", self.lost),
            ("paid without goods", self.paid_without_goods),
            ("beyond the limit", self.over_limit),
            ("winners refused", self.winners_refused),
            ("bought twice", self.bought_twice),
            ("forgeries taken", self.forgeries_taken),
            ("wrong totals", self.wrong_totals),
            ("unsettled", self.unsettled),
        ]
    }
}

/// Units that buyers have beyond what they may.
fn over_limit(facts: &Facts) -> u64 {
    let mut bought: HashMap<&str, u64> = HashMap::new();
    for (told, order) in &facts.orders {
        let units = order.as_ref().map_or(0, |order| order.units(&told.sku));
        *bought.entry(&told.buyer).or_default() += units;
    }
    let beyond = bought.values().map(|units| units.saturating_sub(facts.max));
    beyond.sum()
}

/// Payments by which somebody has paid and has nothing of it.
fn paid_without_goods(facts: &Facts) -> u64 {
    let orders = facts.orders.iter();
    let known: HashMap<&str, &Order> = orders
        .filter_map(|(told, order)| Some((&*told.order, order.as_ref()?)))
        .collect();
    let by_orders: usize = known
        .iter()
        .map(|(id, order)| order.payments_without_goods(id, &facts.reviews))
        .sum();
    let payments = facts.payments.iter().flatten();
    // Of an order that nobody here was told of somebody else may have paid.
    let of_us = payments.filter_map(|paid| Some((paid, known.get(&*paid.order)?)));
    let by_provider =
        of_us.filter(|(paid, order)| !paid.has_become_something(order, &facts.reviews));
    by_orders as u64 + by_provider.count() as u64
}

impl Order {
    /// Payments that it says were paid, beyond the one for its goods.
    fn payments_without_goods(&self, id: &str, reviews: &HashSet<Review>) -> usize {
        let paid = |payment: &&Payment| {
            &*payment.state == "paid"
                && !is_in(reviews, id, payment)
                && payment.paid_amount > Some(0)
        };
        let paid = self.payments.iter().filter(paid).count();
        paid.saturating_sub(usize::from(self.is_sold()))
    }
}

impl Paid {
    /// Whether money that the provider has taken is the order's, has gone back, or is a person's to look at.
    fn has_become_something(&self, order: &Order, reviews: &HashSet<Review>) -> bool {
        let Some(amount) = self.paid_amount else {
            return true;
        };
        let done = self.refunds.iter().filter(|one| &*one.status == "done");
        if done.map(|refund| refund.amount).sum::<u64>() == amount {
            return true;
        }
        let payment = order.payments.iter().find(|one| one.number == self.id);
        payment.is_some_and(|payment| {
            let is_for_goods = order.is_sold() && &*payment.state == "paid";
            // What is under way counts as unsettled.
            is_for_goods
                || matches!(&*payment.state, "open" | "refunding" | "closed")
                || is_in(reviews, &self.order, payment)
        })
    }
}

fn is_in(reviews: &HashSet<Review>, order: &str, payment: &Payment) -> bool {
    reviews.contains(&Review {
        id: order.into(),
        payment: payment.payment.clone(),
    })
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
