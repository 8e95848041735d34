//! `STOCK.SET`: declares a SKU, or changes its total and alert.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::{info_of, put_sku};
use crate::command::Set;
use crate::refusal::{BELOW_COMMITTED, INVALID_QUANTITY, VERSION_CHANGED};
use crate::reply::SkuInfo;
use crate::table::{Kind, SKUS, Sku};
use crate::{QUANTITY_MAX, Refusal};

const NEW: Sku = Sku {
    total: 0,
    held: 0,
    sold: 0,
    version: 0,
    alert: None,
    holds: 0,
    changes: 0,
    flow_left: 0,
    claims: None,
    watchers: Vec::new(),
    level_told_at_ms: 0,
};

impl Apply for Set {
    type Reply = SkuInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[INVALID_QUANTITY, VERSION_CHANGED, BELOW_COMMITTED];

    fn key(&self) -> &str {
        self.sku.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SKUS, self.sku.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SkuInfo, Stop<Refusal>> {
        if !(0..=QUANTITY_MAX).contains(&self.total) {
            return Err(Refusal::InvalidQuantity { min: 0 }.into());
        }
        let total = self.total.unsigned_abs();
        let alert = self.alert.map(|alert| alert.get());
        let row = tx.get(&SKUS, self.sku.as_str())?;
        let before = row.map_or(NEW, |row| Sku::clone(&row));
        let same = before.version > 0 && before.total == total && before.alert == alert;
        if let Some(version) = self.if_version {
            // A retry finds the version that its first try has made.
            let retried = same && before.version == version.get() + 1;
            if before.version != version.get() && !retried {
                return Err(Refusal::VersionChanged {
                    version: before.version,
                }
                .into());
            }
        }
        let committed = before.held + before.sold;
        if total < committed {
            return Err(Refusal::BelowCommitted { committed }.into());
        }
        if same {
            return Ok(info_of(&self.sku, &before));
        }
        let after = Sku {
            total,
            alert,
            version: before.version + 1,
            ..before.clone()
        };
        let info = info_of(&self.sku, &after);
        put_sku(
            tx,
            self.sku.as_str(),
            &before,
            after,
            (Kind::Set, "", self.total),
        );
        Ok(info)
    }
}
