//! `STOCK.SET`: declares a SKU, or changes its total and alert.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::shards::{Wanted, want};
use super::{info_of, put_sku};
use crate::command::Set;
use crate::refusal::{BELOW_COMMITTED, INVALID_QUANTITY, VERSION_CHANGED};
use crate::reply::SkuInfo;
use crate::table::{Kind, SKUS, Sku};
use crate::{HOLD_WAIT_MS, QUANTITY_MAX, Refusal};

pub(super) const NEW: Sku = Sku {
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
    share: None,
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

    fn waits_ms(&self) -> u64 {
        HOLD_WAIT_MS
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SkuInfo, Stop<Refusal>> {
        if !(0..=QUANTITY_MAX).contains(&self.total) {
            return Err(Refusal::InvalidQuantity { min: 0 }.into());
        }
        let total = self.total.unsigned_abs();
        let alert = self.alert.map(|alert| alert.get());
        let row = tx.get(&SKUS, self.sku.as_str())?;
        let before = row.map_or(NEW, |row| Sku::clone(&row));
        let units = before.in_all().total;
        let same = before.version > 0 && units == total && before.alert == alert;
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
        let name = self.sku.as_str();
        let delta = total.cast_signed() - units.cast_signed();
        let mut after = changed(tx, name, &before, delta)?;
        if same {
            return Ok(info_of(&self.sku, &before));
        }
        after.alert = alert;
        let info = info_of(&self.sku, &after);
        let own = after.total.cast_signed();
        put_sku(tx, name, &before, after, (Kind::Set, "", own));
        Ok(info)
    }
}

/// A SKU with so many units more, or less: of these none is held or sold. Of one that is split they may lie in other
/// shards.
pub(super) fn changed(
    tx: &mut Tx<'_>,
    name: &str,
    before: &Sku,
    delta: i64,
) -> Result<Sku, Stop<Refusal>> {
    let units = before.in_all();
    let fewer = if delta < 0 { delta.unsigned_abs() } else { 0 };
    let is_here = before.share.is_none() && fewer <= before.available();
    if fewer > 0
        && !is_here
        && let Wanted::None { available } = want(tx, name, before.clone(), fewer)?
    {
        // Others who waited for the same answer may have taken some away since.
        let committed = units.total.saturating_sub(available);
        return Err(Refusal::BelowCommitted { committed }.into());
    }
    let mut after = Sku {
        total: before.total.saturating_add_signed(delta),
        version: before.version + 1,
        ..before.clone()
    };
    if let Some(home) = after.home_mut() {
        home.units = home.units.saturating_add_signed(delta);
    }
    Ok(after)
}
