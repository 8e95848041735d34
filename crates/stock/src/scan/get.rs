//! `STOCK.GET` of a SKU that is split: what all its shards have, each as it was when it was asked.

use std::any::Any;

use compact_str::CompactString;
use tidegate_engine::contract::{Outcome, Renderer, ScanCall, ScanContext, Status};
use tidegate_engine::{Slot, Splits};

use crate::reply::SkuInfo;
use crate::table::{DOMAIN, SKUS, Sku};

/// Asks every shard of this SKU.
pub(crate) struct GetAll(pub(crate) CompactString);

impl ScanCall for GetAll {
    fn key(&self) -> Option<&[u8]> {
        Some(self.0.as_bytes())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, &self.0))
    }

    fn tables(&self) -> &'static [u16] {
        const { &[SKUS.id()] }
    }

    fn page(&self, context: &ScanContext) -> Box<dyn Any + Send> {
        let shard = context.shard(DOMAIN, &self.0).key_of(&self.0);
        Box::new(context.get(&SKUS, shard.as_str()))
    }

    fn render(
        &self,
        pages: Vec<Box<dyn Any + Send>>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Status {
        let page = |page: Box<dyn Any + Send>| {
            let row = page.downcast::<Option<Sku>>();
            *row.expect("because `page` above made it")
        };
        let shards: Vec<Sku> = pages.into_iter().filter_map(page).collect();
        let info = self.sum(&shards);
        let outcome = Outcome::Reply(&info);
        renderer.render(&outcome, out);
        outcome.status()
    }
}

impl GetAll {
    fn sum(&self, shards: &[Sku]) -> SkuInfo {
        let held = shards.iter().map(|shard| shard.held).sum();
        let sold = shards.iter().map(|shard| shard.sold).sum();
        let first = shards.iter().find_map(|shard| Some((shard, shard.home()?)));
        let (total, version) = first.map_or((0, 0), |(first, home)| (home.units, first.version));
        SkuInfo {
            sku: self.0.clone(),
            total,
            available: total.saturating_sub(held + sold),
            held,
            sold,
            version,
        }
    }
}
