//! What each request does.

mod beacon;
mod create;
mod draw;
mod get;
mod join;
mod position;
mod start;

pub(crate) use draw::DRAW;
pub(crate) use start::START;
use tidegate_engine::{Stop, Tx};

use crate::Refusal;
use crate::table::{SALES, Sale};

fn sale_of(tx: &mut Tx<'_>, name: &str) -> Result<Sale, Stop<Refusal>> {
    let sale = tx.get(&SALES, name)?;
    sale.ok_or_else(|| Refusal::UnknownSale.into())
}
