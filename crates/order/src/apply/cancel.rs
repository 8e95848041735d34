//! `ORDER.CANCEL`: given up by the caller; everything goes back, and that is answered once it is.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::claims::{LETTERS_MAX, release_and_hear};
use super::course::{close, file};
use super::{order_of, receipt_of};
use crate::Refusal;
use crate::command::Cancel;
use crate::refusal::{UNKNOWN_ORDER, WRONG_STATE};
use crate::reply::OrderReceipt;
use crate::table::{ORDERS, Order, State};

impl Apply for Cancel {
    type Reply = OrderReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_ORDER, WRONG_STATE];
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&ORDERS, self.id.as_str());
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn waits_ms(&self) -> u64 {
        self.wait_ms.get()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<OrderReceipt, Stop<Refusal>> {
        let mut order = order_of(tx, &self.id)?;
        // It has been given up by then, though it may be on its way elsewhere: paid all the same.
        let repeated = if tx.runs_again() {
            !tx.has_acted()
        } else {
            self.give_up(tx, &mut order)?
        };
        if order.releasing > 0 {
            return Err(Stop::Wait);
        }
        let id = self.id.compact();
        Ok(receipt_of(id, &order, tx.now_ms(), repeated))
    }
}

impl Cancel {
    /// Gives the order up; tells whether it was before.
    fn give_up(&self, tx: &mut Tx<'_>, order: &mut Order) -> Result<bool, Refusal> {
        let state = order.state_at(tx.now_ms());
        match state {
            State::Placing | State::Reserved | State::Open | State::Paying | State::Busy => {
                let id = self.id.as_str();
                // What time has let go before may be on its way still: that is heard of, too.
                release_and_hear(tx, id, order);
                close(tx, id, order, (State::Cancelled, None));
                file(tx, id, order.clone());
                Ok(false)
            }
            State::Cancelled => Ok(true),
            State::Refused
            | State::Expired
            | State::Taking
            | State::Paid
            | State::Fulfilled
            | State::Refunding
            | State::Refunded => Err(Refusal::WrongState { state }),
        }
    }
}
