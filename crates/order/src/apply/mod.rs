//! What each command does, one file per command; and what letters and time do to an order.

mod asks;
mod cancel;
mod case;
mod claims;
mod course;
mod fulfil;
mod get;
mod money;
mod pay;
mod place;
mod refund;
mod resolve;
mod take;
mod webhook;

pub(crate) use asks::action_of;
pub(crate) use case::ASK;
pub(crate) use claims::{
    LETTERS_MAX, all_claimed, keep, refused, released, segment_claimed, settle,
};
pub(crate) use course::{DUE, begin_bought, listed_as};
pub(crate) use money::said;
pub use place::currency_of;
pub(crate) use place::total_of;
pub(crate) use webhook::{WEBHOOK_APPLIED, WEBHOOK_REPEATED};

use compact_str::CompactString;
use tidegate_engine::contract::Name;
use tidegate_engine::{Stop, Tx};

use crate::Refusal;
use crate::reply::OrderReceipt;
use crate::table::{ORDERS, Order, State};

/// Reads an order, or refuses.
fn order_of(tx: &mut Tx<'_>, id: &Name) -> Result<Order, Stop<Refusal>> {
    let row = tx.get(&ORDERS, id.as_str())?;
    Ok(row.ok_or(Refusal::UnknownOrder)?)
}

/// When an order expires, as long as that matters.
fn receipt_expires_ms(order: &Order, state: State) -> Option<u64> {
    order.expires_ms.filter(|_| state.is_awaiting_payment())
}

fn receipt_of(id: CompactString, order: &Order, now_ms: u64, repeated: bool) -> OrderReceipt {
    let state = order.state_at(now_ms);
    OrderReceipt {
        id,
        state: state.word(),
        version: order.version,
        total: order.total,
        currency: order.currency.clone(),
        expires_at_ms: receipt_expires_ms(order, state),
        repeated,
    }
}
