//! Shelves: goods are on sale where their SKUs are, from the start of the sale on.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};
use tidegate_order::owner_of;
use tidegate_stock::within::{taken_before, unwatch, watch};

use crate::KEPT_MS;
use crate::mail::{MakeVoid, OpenShelf, TokenOf, VoidOrNot, levels_of};
use crate::table::{DOMAIN, GOODS, SALES, SHELVES, SKUS, Sale, Shelf, VOIDS, Void};

/// Set with a sale that has started, and how many of its goods are on sale.
pub(crate) const OPEN: Timer = Timer::new(DOMAIN, 3, open, open_reads);
/// Set with a SKU and a sale: the SKU could not be watched, and it is tried again.
pub(crate) const WATCH: Timer = Timer::new(DOMAIN, 5, watch_again, shelf_reads);
/// Set with a SKU and a sale, due when the sale is over, and once more when nobody asks any more what was bought.
pub(crate) const CLOSE: Timer = Timer::new(DOMAIN, 6, close_shelf, shelf_reads);
/// Set with a SKU, a sale and a serial, due when the token would have expired.
pub(crate) const UNVOID: Timer = Timer::new(DOMAIN, 7, unvoid, unvoid_reads);

/// Goods that are put on sale in one step: each is a letter.
const OPENED_AT_ONCE: u64 = 64;

/// A SKU that cannot be watched is asked again after so long.
const WATCH_AGAIN_MS: u64 = 1_000;

/// Goods of a sale are put on sale from now on, some in each step.
pub(super) fn open_soon(tx: &mut Tx<'_>, name: &str, sale: &Sale) {
    if let Some(shop) = &sale.shop {
        tx.wake_at(&OPEN, tx.now_ms(), (name, shop.opened));
    }
}

fn open_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, u64) {
    let set = owner.text().zip(owner.number());
    set.expect("because the timer is set with a sale and a number")
}

fn open_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, opened) = open_of(&mut owner);
    reads.row(&SALES, name);
    for number in opened + 1..=opened + OPENED_AT_ONCE {
        reads.row(&SKUS, (name, number));
    }
}

fn open(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, _) = open_of(&mut owner);
    let Some(mut sale) = tx.get(&SALES, name)? else {
        return Ok(());
    };
    let (Some(shop), Some(start)) = (&mut sale.shop, &sale.start) else {
        return Ok(());
    };
    let last = shop.goods.min(shop.opened + OPENED_AT_ONCE);
    for number in shop.opened + 1..=last {
        let Some(sku) = tx.get(&SKUS, (name, number))? else {
            continue;
        };
        let Some(good) = tx.get(&GOODS, (name, sku.sku.as_str()))? else {
            continue;
        };
        let shelf = Shelf {
            key: sale.key,
            nonce: start.nonce,
            unit_price: good.unit_price,
            currency: shop.currency.clone(),
            ttl_ms: shop.ttl_ms,
            ends_ms: sale.ends_ms,
        };
        let sale = name.into();
        tx.send(&sku.sku, &OpenShelf { sale, shelf });
    }
    shop.opened = last;
    if shop.opened < shop.goods {
        open_soon(tx, name, &sale);
    }
    tx.put(&SALES, name, sale);
    Ok(())
}

/// A good is on sale here.
pub(crate) fn open_shelf(tx: &mut Tx<'_>, sku: &str, open: OpenShelf) -> Result<(), Missing> {
    let OpenShelf { sale, shelf } = open;
    look_at(tx, sku, &sale)?;
    tx.wake_at(&CLOSE, shelf.ends_ms, (sku, sale.as_str()));
    tx.put(&SHELVES, (sku, sale.as_str()), shelf);
    Ok(())
}

/// Has the sale told how many units there are; later, if that cannot be now.
fn look_at(tx: &mut Tx<'_>, sku: &str, sale: &str) -> Result<(), Missing> {
    if !watch(tx, sku, &levels_of(sale))? {
        tx.wake_at(&WATCH, tx.now_ms() + WATCH_AGAIN_MS, (sku, sale));
    }
    Ok(())
}

fn shelf_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str) {
    let set = owner.text().zip(owner.text());
    set.expect("because the timer is set with a SKU and a sale")
}

fn shelf_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (sku, sale) = shelf_of(&mut owner);
    reads.row(&SHELVES, (sku, sale));
    tidegate_stock::within::reads_of_watch(reads, sku);
}

fn watch_again(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (sku, sale) = shelf_of(&mut owner);
    let shelf = tx.get(&SHELVES, (sku, sale))?;
    if shelf.is_some_and(|shelf| tx.now_ms() < shelf.ends_ms) {
        look_at(tx, sku, sale)?;
    }
    Ok(())
}

fn close_shelf(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (sku, sale) = shelf_of(&mut owner);
    let Some(shelf) = tx.get(&SHELVES, (sku, sale))? else {
        return Ok(());
    };
    let until_ms = shelf.kept_until_ms();
    if tx.now_ms() < until_ms {
        unwatch(tx, sku, &levels_of(sale))?;
        tx.wake_at(&CLOSE, until_ms, (sku, sale));
    } else {
        tx.remove(&SHELVES, (sku, sale));
    }
    Ok(())
}

impl Shelf {
    /// Until when retries are answered.
    pub(crate) fn kept_until_ms(&self) -> u64 {
        self.ends_ms.saturating_add(KEPT_MS)
    }
}

/// A token is not to be spent any more, if it was not.
pub(crate) fn make_void(tx: &mut Tx<'_>, sku: &str, void: &MakeVoid) -> Result<(), Missing> {
    let TokenOf { sale, serial, .. } = &void.token;
    let owner = owner_of(&void.order);
    let is_void = taken_before(tx, sku, &owner)?.is_none();
    let until_ms = void.expires_ms;
    if is_void && tx.now_ms() < until_ms {
        let of = (sku, sale.as_str(), *serial);
        tx.wake_at(&UNVOID, until_ms, of);
        tx.put(&VOIDS, of, Void { until_ms });
    }
    let token = void.token.clone();
    tx.send(sale, &VoidOrNot { token, is_void });
    Ok(())
}

fn void_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str, u64) {
    let set = owner.text().zip(owner.text()).zip(owner.number());
    let ((sku, sale), serial) =
        set.expect("because the timer is set with a SKU, a sale and a serial");
    (sku, sale, serial)
}

fn unvoid_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&VOIDS, void_of(&mut owner));
}

/// Time alone makes it void from now on.
fn unvoid(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    tx.remove(&VOIDS, void_of(&mut owner));
    Ok(())
}
