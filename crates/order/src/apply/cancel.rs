//! `ORDER.CANCEL`: given up by the caller; everything goes back.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::claims::LETTERS_MAX;
use super::course::{end, file};
use super::{order_of, receipt_of};
use crate::Refusal;
use crate::command::Cancel;
use crate::refusal::{UNKNOWN_ORDER, WRONG_STATE};
use crate::reply::OrderReceipt;
use crate::table::{ORDERS, State};

impl Apply for Cancel {
    type Reply = OrderReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_ORDER, WRONG_STATE];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, self.id.as_str());
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<OrderReceipt, Stop<Refusal>> {
        let mut order = order_of(tx, &self.id)?;
        let state = order.state_at(tx.now_ms());
        let repeated = match state {
            State::Placing | State::Reserved | State::Open | State::Paying | State::Busy => {
                end(tx, self.id.as_str(), &mut order, (State::Cancelled, None));
                file(tx, self.id.as_str(), order.clone());
                false
            }
            State::Cancelled => true,
            State::Refused
            | State::Expired
            | State::Taking
            | State::Paid
            | State::Fulfilled
            | State::Refunding
            | State::Refunded => return Err(Refusal::WrongState { state }.into()),
        };
        let id = self.id.compact();
        Ok(receipt_of(id, &order, tx.now_ms(), repeated))
    }
}
