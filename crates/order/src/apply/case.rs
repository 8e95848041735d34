//! A payment with its order: what is changed together.

use compact_str::CompactString;
use tidegate_engine::contract::Timer;
use tidegate_engine::{Missing, Tx};

use super::asks::ask;
use super::course::file;
use crate::payments::{Money, PAYMENTS, Payment, REVIEWS, Review, ReviewCause, ReviewState};
use crate::table::{DOMAIN, ORDERS, Order};

/// Set with an order's id and that of a payment, due when its provider is to be asked.
pub(crate) const ASK: Timer = Timer::new(DOMAIN, 2, ask, super::asks::ask_reads);

/// A payment with its order.
pub(super) struct Case<'a> {
    pub(super) id: &'a str,
    pub(super) order: Order,
    pub(super) name: CompactString,
    pub(super) payment: Payment,
    /// The order's row is another one than it was.
    pub(super) is_order_changed: bool,
}

impl<'a> Case<'a> {
    /// Reads both, if there are such.
    pub(super) fn load(tx: &mut Tx<'_>, id: &'a str, name: &str) -> Result<Option<Self>, Missing> {
        let Some(order) = tx.get(&ORDERS, id)? else {
            return Ok(None);
        };
        Self::of(tx, id, order, name)
    }

    /// Reads the payment of an order.
    pub(super) fn of(
        tx: &mut Tx<'_>,
        id: &'a str,
        order: Order,
        name: &str,
    ) -> Result<Option<Self>, Missing> {
        let payment = tx.get(&PAYMENTS, (id, name))?;
        Ok(payment.map(|payment| Self {
            id,
            order,
            name: name.into(),
            payment,
            is_order_changed: false,
        }))
    }

    /// The order, to be changed.
    pub(super) fn order(&mut self) -> &mut Order {
        self.is_order_changed = true;
        &mut self.order
    }

    /// Stores what has changed, and tells those who wait for it.
    pub(super) fn file(self, tx: &mut Tx<'_>) {
        tx.put(&PAYMENTS, (self.id, self.name.as_str()), self.payment);
        if self.is_order_changed {
            file(tx, self.id, self.order);
        } else {
            tx.tell(self.id);
        }
    }

    /// It is known now what became of it, whatever that is.
    pub(super) fn close(&mut self, money: Money) {
        if self.payment.money == Money::Open {
            let was_unpaid_after = std::mem::take(&mut self.payment.is_unpaid_after);
            let order = self.order();
            order.open_payments -= 1;
            order.unpaid_after -= u64::from(was_unpaid_after);
        }
        self.payment.money = money;
    }

    /// A person is to say what becomes of its money, which is of this currency.
    pub(super) fn review(&mut self, tx: &mut Tx<'_>, why: ReviewCause, currency: &str) {
        self.close(Money::Review);
        let review = Review {
            order: self.id.into(),
            payment: self.name.clone(),
            refund: None,
            why,
            amount: self.payment.paid_amount.unwrap_or(self.payment.amount),
            at_ms: tx.now_ms(),
            state: ReviewState::Open,
            currency: shown(currency),
            decision: None,
        };
        tx.put(&REVIEWS, self.payment.number, review);
    }
}

/// Characters of a currency that are shown: what a provider calls one may be anything.
const CURRENCY_CHARS_MAX: usize = 16;

fn shown(currency: &str) -> CompactString {
    let fit = currency.chars().filter(char::is_ascii_graphic);
    fit.take(CURRENCY_CHARS_MAX).collect()
}
