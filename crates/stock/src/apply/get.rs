//! `STOCK.GET`: the units of a SKU now.

use tidegate_engine::contract::{Apply, RefusalDef, ScanCall};
use tidegate_engine::{Reads, Splits, Stop, Tx};

use super::{info_of, sku_of};
use crate::Refusal;
use crate::command::Get;
use crate::refusal::UNKNOWN_SKU;
use crate::reply::SkuInfo;
use crate::scan::GetAll;
use crate::table::{DOMAIN, SKUS};

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

    fn spread(&self, splits: &Splits) -> Option<Box<dyn ScanCall>> {
        splits.of(DOMAIN, self.sku.as_str())?;
        Some(Box::new(GetAll(self.sku.compact())))
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SkuInfo, Stop<Refusal>> {
        let sku = sku_of(tx, self.sku.as_str())?;
        Ok(info_of(&self.sku, &sku))
    }
}
