//! `ORDER.FULFIL`: the buyer has the goods.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::course::{enter, file, tell_list};
use super::{order_of, receipt_of};
use crate::Refusal;
use crate::command::Fulfil;
use crate::refusal::{UNKNOWN_ORDER, WRONG_STATE};
use crate::reply::OrderReceipt;
use crate::table::{ORDERS, State};

impl Apply for Fulfil {
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
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<OrderReceipt, Stop<Refusal>> {
        let id = self.id.as_str();
        let mut order = order_of(tx, &self.id)?;
        let repeated = match order.state {
            State::Paid => {
                enter(tx, id, &mut order, State::Fulfilled, None);
                tell_list(tx, id, &order);
                file(tx, id, order.clone());
                false
            }
            State::Fulfilled => true,
            State::Placing
            | State::Refused
            | State::Busy
            | State::Reserved
            | State::Open
            | State::Paying
            | State::Taking
            | State::Cancelled
            | State::Expired
            | State::Refunding
            | State::Refunded => {
                let state = order.state_at(tx.now_ms());
                return Err(Refusal::WrongState { state }.into());
            }
        };
        Ok(receipt_of(self.id.compact(), &order, tx.now_ms(), repeated))
    }
}
