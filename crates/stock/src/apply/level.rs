//! Those who watch a SKU are told how many units of it there are.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use crate::table::{DOMAIN, SKUS, Sku};
use crate::within::Level;
use crate::{LEVEL_MS, SHARD_LEVEL_MS};

/// Set with a SKU that has changed and is watched, due when that is told.
pub(crate) const TELL_LEVEL: Timer = Timer::new(DOMAIN, 5, tell_level, tell_level_reads);

/// What has changed is told soon, and what changes until then with it.
pub(crate) fn tell_level_soon(tx: &mut Tx<'_>, name: &str, sku: &mut Sku) {
    if sku.watchers.is_empty() || sku.level_told_at_ms > 0 {
        return;
    }
    let soon_ms = if sku.is_lent() {
        SHARD_LEVEL_MS
    } else {
        LEVEL_MS
    };
    sku.level_told_at_ms = tx.now_ms() + soon_ms;
    tx.wake_at(&TELL_LEVEL, sku.level_told_at_ms, name);
}

fn name_of<'a>(owner: &mut KeyReader<'a>) -> &'a str {
    let name = owner.text();
    name.expect("because the timer is set with a SKU")
}

fn tell_level_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(&SKUS, name_of(&mut owner));
}

fn tell_level(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let name = name_of(&mut owner);
    let Some(mut sku) = tx.get(&SKUS, name)? else {
        return Ok(());
    };
    let level = Level::of(name, &sku);
    for watcher in &sku.watchers {
        tx.send_to(watcher, &level);
    }
    sku.level_told_at_ms = 0;
    tx.put(&SKUS, name, sku);
    Ok(())
}
