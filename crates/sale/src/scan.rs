//! `SALE.ENTRIES`: the list of a draw, in the order of the numbers. `SALE.GOODS`: what is sold.

use std::collections::BTreeMap;

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};

use crate::Refusal;
use crate::command::{Entries, Goods};
use crate::refusal::UNKNOWN_SALE;
use crate::reply::{EntryInfo, GoodInfo};
use crate::standing::{Place, position_in, shown_entry};
use crate::table::{GOODS, GROUPS, Group, SALES, SKUS, Sale};
use crate::ticket::ticket_of;

impl Scan for Entries {
    type Item = EntryInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_SALE];
    const TABLES: &'static [u16] = &[SALES.id(), GROUPS.id()];

    fn key(&self) -> Option<&str> {
        Some(self.id.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<EntryInfo>, Refusal> {
        let sale = context.get(&SALES, self.id.as_str());
        let sale = sale.ok_or(Refusal::UnknownSale)?;
        let after = self.after.map_or(0, |after| after.get());
        let listed = sale.listed().unwrap_or(0);
        let mut groups = BTreeMap::new();
        let entries = (after.saturating_add(1)..=listed)
            .take(self.limit() + 1)
            .map(|number| self.entry(context, &sale, number, &mut groups));
        Ok(Page::cut(entries.collect(), self.limit()))
    }
}

impl Entries {
    /// An entry; the groups of the order that were read are kept.
    fn entry(
        &self,
        context: &ScanContext,
        sale: &Sale,
        number: u64,
        groups: &mut BTreeMap<u64, Group>,
    ) -> EntryInfo {
        let name = self.id.as_str();
        let position = match sale.place_of(name, number) {
            Place::Undrawn => None,
            Place::Behind(position) => Some(position),
            Place::Drawn { group: at, lot } => {
                let group = groups.entry(at).or_insert_with(|| {
                    let group = context.get(&GROUPS, (name, at));
                    group.expect("because a draw that is over has all its groups")
                });
                Some(position_in(group, lot))
            }
        };
        EntryInfo {
            number,
            entry: shown_entry(&ticket_of(&sale.key, name, number)),
            position,
        }
    }
}

impl Scan for Goods {
    type Item = GoodInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_SALE];
    const TABLES: &'static [u16] = &[SALES.id(), GOODS.id(), SKUS.id()];

    fn key(&self) -> Option<&str> {
        Some(self.id.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<GoodInfo>, Refusal> {
        let sale = context.get(&SALES, self.id.as_str());
        let sale = sale.ok_or(Refusal::UnknownSale)?;
        let after = self.after.map_or(0, |after| after.get());
        let last = sale.shop.map_or(0, |shop| shop.goods);
        let goods = (after.saturating_add(1)..=last).take(self.limit() + 1);
        let goods = goods.filter_map(|number| self.good(context, number));
        Ok(Page::cut(goods.collect(), self.limit()))
    }
}

impl Goods {
    fn good(&self, context: &ScanContext, number: u64) -> Option<GoodInfo> {
        let name = self.id.as_str();
        let sku = context.get(&SKUS, (name, number))?.sku;
        let good = context.get(&GOODS, (name, sku.as_str()))?;
        Some(GoodInfo {
            number,
            sku,
            unit_price: good.unit_price,
            available: good.units.map(|units| units.available),
            held: good.units.map(|units| units.held),
            sold: good.units.map(|units| units.sold),
        })
    }
}
