//! `SALE.BEACON`: the public value that a draw waits for.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::draw::begin;
use super::sale_of;
use super::start::close;
use crate::Refusal;
use crate::command::Beacon;
use crate::edge::show;
use crate::refusal::{BEACON_TOLD, NO_BEACON, TOO_EARLY, UNKNOWN_SALE};
use crate::reply::SaleInfo;
use crate::table::SALES;

impl Apply for Beacon {
    type Reply = SaleInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_SALE, NO_BEACON, BEACON_TOLD, TOO_EARLY];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SALES, self.id.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SaleInfo, Stop<Refusal>> {
        let name = self.id.as_str();
        let mut sale = sale_of(tx, name)?;
        if sale.beacon_name.is_none() {
            return Err(Refusal::NoBeacon.into());
        }
        let value = self.value.as_str();
        if let Some(told) = &sale.beacon {
            if told != value {
                return Err(Refusal::BeaconTold.into());
            }
            return Ok(sale.info(self.id.compact(), tx.now_ms(), true));
        }
        if tx.now_ms() < sale.starts_ms {
            let starts_at_ms = sale.starts_ms;
            return Err(Refusal::TooEarly { starts_at_ms }.into());
        }
        if sale.start.is_none() {
            close(tx, name, &mut sale); // Its timer was set aside, or is about to fire.
        }
        sale.beacon = Some(value.to_owned());
        begin(tx, name, &mut sale);
        show(tx, name, &sale);
        let info = sale.info(self.id.compact(), tx.now_ms(), false);
        tx.put(&SALES, name, sale);
        Ok(info)
    }
}
