//! `STOCK.GET`: the units of a SKU now.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{info_of, sku_of};
use crate::Refusal;
use crate::command::Get;
use crate::refusal::UNKNOWN_SKU;
use crate::reply::SkuInfo;
use crate::table::SKUS;

impl Apply for Get {
    type Reply = SkuInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_SKU];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SKUS, self.sku.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SkuInfo, Stop<Refusal>> {
        let sku = sku_of(tx, &self.sku)?;
        Ok(info_of(&self.sku, &sku))
    }
}
