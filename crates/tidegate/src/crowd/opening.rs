//! A sale to come to, on a server that has none: its goods are declared, and it is announced.

use super::answer::{Answer, Yes};
use super::ask::Ask;
use super::drive::{clock, connect};
use super::{Error, Options};
use crate::replay::products::Product;

/// A sale that is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewSale {
    pub(crate) goods: Vec<Product>,
    /// Units of all goods: as many of each, but for the first ones, which have one more.
    pub(crate) units: u64,
    pub(crate) starts_in_ms: u64,
    pub(crate) lasts_ms: u64,
    /// How many are admitted a second.
    pub(crate) rate: u64,
    /// Units that a buyer may have over all goods.
    pub(crate) max: u64,
    /// How long what was bought waits for payment.
    pub(crate) ttl_ms: u64,
    /// After how long somebody who was admitted counts as gone.
    pub(crate) visit_ms: u64,
}

/// Declares the goods and announces the sale where the crowd will come to it.
pub(crate) fn open(options: &Options, new: &NewSale) -> Result<(), Error> {
    let mut pool = connect(options)?;
    let count = new.goods.len() as u64;
    let declare = |(place, product): (u64, &Product)| Ask::Declare {
        sku: product.sku.as_str().into(),
        total: new.units / count + u64::from(place < new.units % count),
    };
    let declared = pool.ask_all((0..).zip(&new.goods).map(declare).collect())?;
    for answer in declared {
        let Answer::Yes(Yes::Stock(_)) = answer else {
            return Err(Error::unexpected("stock of its own", &answer));
        };
    }
    let now_ms = clock(&mut pool, options)?.now_ms();
    let announced = pool.ask(new.announcement(options, now_ms))?;
    if let Answer::Yes(Yes::Sale(_)) = announced {
        Ok(())
    } else {
        Err(Error::unexpected("a new sale", &announced))
    }
}

impl NewSale {
    fn announcement(&self, options: &Options, now_ms: u64) -> Ask {
        let starts_at_ms = now_ms + self.starts_in_ms;
        let goods = self.goods.iter().map(|Product { sku, unit_price }| {
            serde_json::json!({ "sku": sku, "unit_price": unit_price })
        });
        let body = serde_json::json!({
            "id": options.sale,
            "starts_at_ms": starts_at_ms,
            "ends_at_ms": starts_at_ms + self.lasts_ms,
            "rate": self.rate,
            "goods": goods.collect::<Vec<_>>(),
            "currency": "GBP",
            "max": self.max,
            "ttl_ms": self.ttl_ms,
            "visit_ms": self.visit_ms,
        });
        Ask::Announce {
            body: body.to_string().into(),
        }
    }
}
