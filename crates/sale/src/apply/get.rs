//! `SALE.GET` and `SALE.START`: how a sale stands.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Edge, Reads, Stop, Tx};

use super::sale_of;
use crate::Refusal;
use crate::command::{Get, StartOf};
use crate::edge::{SHOWN, show};
use crate::refusal::UNKNOWN_SALE;
use crate::reply::{SaleInfo, StartInfo};
use crate::table::SALES;

impl Apply for Get {
    type Reply = SaleInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_SALE];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SALES, self.id.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SaleInfo, Stop<Refusal>> {
        let sale = sale_of(tx, self.id.as_str())?;
        Ok(sale.info(self.id.compact(), tx.now_ms(), false))
    }
}

impl Apply for StartOf {
    type Reply = StartInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_SALE];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SALES, self.id.as_str());
    }

    fn glance(&self, edge: &Edge<'_>) -> Option<Result<StartInfo, Refusal>> {
        let name = self.id.as_str();
        let sale = edge.get(&SHOWN, name, name)?;
        Some(Ok(sale.start_info(self.id.compact(), edge.now_ms()?)))
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<StartInfo, Stop<Refusal>> {
        let name = self.id.as_str();
        let sale = sale_of(tx, name)?;
        show(tx, name, &sale);
        Ok(sale.start_info(self.id.compact(), tx.now_ms()))
    }
}
