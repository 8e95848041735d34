//! What each command does, one file per command; and what letters and time do to an order.

mod cancel;
mod course;
mod get;
mod place;

pub(crate) use course::{DUE, LETTERS_MAX, keep, listed_as, refused, reserved, segment_claimed};
pub(crate) use place::total_of;

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

fn receipt_of(id: CompactString, order: &Order, now_ms: u64, repeated: bool) -> OrderReceipt {
    let state = order.state_at(now_ms);
    OrderReceipt {
        id,
        state: state.word(),
        version: order.version,
        total: order.total,
        currency: order.currency.clone(),
        expires_at_ms: order.until_ms.filter(|_| state == State::Reserved),
        repeated,
    }
}
