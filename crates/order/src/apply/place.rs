//! `ORDER.PLACE`: claims all that an order wants, and answers once it is known what came of it.

use tidegate_engine::contract::{Apply, Name, RefusalDef, Request};
use tidegate_engine::{Reads, Stop, Tx};

use super::claims::begin;
use super::course::file;
use super::receipt_of;
use crate::command::Place;
use crate::refusal::{AMOUNT_OVERFLOW, ID_CONFLICT, INVALID_CURRENCY, INVALID_QUANTITY, REFUSED};
use crate::reply::OrderReceipt;
use crate::table::{Deduct, Line, ORDERS, Order, State};
use crate::{QUANTITY_MAX, Refusal, TOTAL_MAX};

/// No currency, in ISO 4217.
const NO_CURRENCY: &str = "XXX";

impl Apply for Place {
    type Reply = OrderReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        INVALID_CURRENCY,
        INVALID_QUANTITY,
        AMOUNT_OVERFLOW,
        ID_CONFLICT,
        REFUSED,
    ];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, self.id.as_str());
    }

    fn letters(&self) -> usize {
        1
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<OrderReceipt, Stop<Refusal>> {
        let id = self.id.as_str();
        let Some(order) = tx.get(&ORDERS, id)? else {
            let mut order = self.order(tx)?;
            begin(tx, id, &mut order);
            file(tx, id, order);
            return Err(Stop::Wait);
        };
        // An order is never removed and its content stays: in a further run it is the same.
        if !tx.runs_again() && order.content != self.content().0 {
            return Err(Refusal::IdConflict.into());
        }
        let state = order.state_at(tx.now_ms());
        // Without a cause it is damaged, and `tidegate check` names it.
        if let (State::Refused, Some(cause)) = (state, &order.cause) {
            return Err(Refusal::of(cause).into());
        }
        match state {
            State::Placing => Err(Stop::Wait),
            State::Busy => Err(self.again(tx, order)),
            State::Refused
            | State::Reserved
            | State::Open
            | State::Paying
            | State::Taking
            | State::Paid
            | State::Fulfilled
            | State::Refunding
            | State::Refunded
            | State::Cancelled
            | State::Expired => {
                let repeated = !tx.has_acted();
                let id = self.id.compact();
                Ok(receipt_of(id, &order, tx.now_ms(), repeated))
            }
        }
    }
}

impl Place {
    /// There was no room or no time: who asks again has it tried again.
    fn again(&self, tx: &mut Tx<'_>, mut order: Order) -> Stop<Refusal> {
        // Its time may be over before its timer has fired.
        if tx.runs_again() || order.state != State::Busy {
            return Stop::Busy;
        }
        begin(tx, self.id.as_str(), &mut order);
        file(tx, self.id.as_str(), order);
        Stop::Wait
    }

    /// The order, before anything is claimed for it.
    fn order(&self, tx: &mut Tx<'_>) -> Result<Order, Refusal> {
        let currency = currency_of(self.currency.as_ref()).ok_or(Refusal::InvalidCurrency)?;
        let line = |line: &crate::Line| Line {
            sku: line.sku.compact(),
            quantity: line.quantity.get(),
            unit_price: line.unit_price.get(),
            refunded: None,
        };
        let lines: Vec<_> = self.lines.items().iter().map(line).collect();
        let order = Order {
            content: self.content().0,
            buyer: self.buyer.compact(),
            currency: currency.into(),
            total: total_of(&lines).ok_or(Refusal::AmountOverflow)?,
            lines,
            ttl_ms: self.ttl_ms.get(),
            ..Order::new(tx.mint(), self.deduct.unwrap_or(Deduct::Place))
        };
        if order
            .things()
            .iter()
            .any(|thing| thing.units > QUANTITY_MAX)
        {
            return Err(Refusal::InvalidQuantity);
        }
        Ok(order)
    }
}

/// The currency that a caller names, or none; `None` if it is none of ISO 4217's form.
#[must_use]
pub fn currency_of(named: Option<&Name>) -> Option<&str> {
    let currency = named.map_or(NO_CURRENCY, Name::as_str);
    let is_one = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    is_one.then_some(currency)
}

/// What lines cost, if an order may cost that.
pub(crate) fn total_of(lines: &[Line]) -> Option<u64> {
    let cost = |line: &Line| line.quantity.checked_mul(line.unit_price);
    let total = lines
        .iter()
        .try_fold(0u64, |sum, line| sum.checked_add(cost(line)?))?;
    (total <= TOTAL_MAX).then_some(total)
}
