//! What the edge knows of sales, so that a poll needs no row.

use tidegate_engine::{Flag, Told, Tx};

use crate::guard::Guard;
use crate::table::{DOMAIN, Group, Sale, Shelf};

/// By sale: its row.
pub(crate) const SHOWN: Flag<Sale> = Flag::new(DOMAIN, 1);
/// By sale and group: a part of its order, which never changes.
pub(crate) const DRAWN: Flag<Group> = Flag::new(DOMAIN, 2);

/// By SKU and sale: what is sold there, and how it is known who may buy it. Never changes.
pub(crate) const SOLD: Flag<Shelf> = Flag::new(DOMAIN, 3);

/// How old what the edge says about a sale may be.
const SHOWN_MS: u64 = 1_000;

/// What a sale says of its shop beside its row: some visits.
const SHOP_BYTES_MAX: usize = 1_024;

/// A part of an order is asked for again after so long, and so is what is sold.
const DRAWN_MS: u64 = 60_000;

impl Told for Sale {
    fn bytes(&self) -> usize {
        let beacon = self.beacon.as_ref().map_or(0, String::len);
        let name = self.beacon_name.as_ref().map_or(0, String::len);
        let question = self.guard.as_ref().map_or(0, Guard::text_bytes);
        let hook = self.checks.as_ref().map_or(0, |checks| checks.hook.len());
        size_of::<Self>() + beacon + name + question + hook + SHOP_BYTES_MAX
    }
}

impl Told for Shelf {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.currency.len()
    }
}

impl Told for Group {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.drawn.0.len()
    }
}

/// Tells the edge of a sale.
pub(crate) fn show(tx: &mut Tx<'_>, name: &str, sale: &Sale) {
    tx.raise(&SHOWN, name, sale.clone().into(), SHOWN_MS);
}

/// Tells it of a part of an order.
pub(crate) fn show_group(tx: &mut Tx<'_>, name: &str, number: u64, group: &Group) {
    tx.raise(&DRAWN, (name, number), group.clone().into(), DRAWN_MS);
}

/// Tells it what is sold, though who has asked is refused.
pub(crate) fn show_shelf(tx: &mut Tx<'_>, sku: &str, sale: &str, shelf: &Shelf) {
    tx.raise_though_refused(&SOLD, (sku, sale), shelf.clone().into(), DRAWN_MS);
}
