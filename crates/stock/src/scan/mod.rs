//! Requests that read many rows; one file per request.

mod flow;
mod get;
mod holds;
mod list;

pub(crate) use get::GetAll;
use tidegate_engine::Shard;
use tidegate_engine::contract::ScanContext;

use crate::Refusal;
use crate::table::{SKUS, Sku};

/// The row of the shard that is read: none if it is one that was not lent anything yet.
fn sku_of(context: &ScanContext, name: &str, shard: Shard) -> Result<Option<Sku>, Refusal> {
    match context.get(&SKUS, name) {
        None if shard.at == 0 => Err(Refusal::UnknownSku),
        row => Ok(row),
    }
}
