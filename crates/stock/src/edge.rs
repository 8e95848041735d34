//! What the edge knows of stock: which SKUs are sold out, so that a storm of those who come too late costs
//! their partition nothing.

use tidegate_engine::{Edge, Flag, Shard, Told, Tx};

use crate::table::{DOMAIN, Sku};

/// By SKU: nothing of it is available, in doubt or awaited; of one that is split, as of a gathering.
const SOLD_OUT: Flag<Gone> = Flag::new(DOMAIN, 1);

/// By shard of a split SKU: it has given back all it had for a gathering, and has got nothing since.
const EMPTY: Flag<Gone> = Flag::new(DOMAIN, 2);

/// For how long the edge believes it: then the next one who asks is told by the partition, and the edge knows
/// it again.
const SOLD_OUT_MS: u64 = 1_000;

/// Nothing is there, as of a gathering of this number.
struct Gone(u64);

impl Told for Gone {
    fn bytes(&self) -> usize {
        0
    }
}

/// Whether the edge knows that no unit of this SKU is available, and that none may come back in a moment. No
/// answer but a "no" to somebody new rests on it: who may have units already is to ask the partition.
#[must_use]
pub fn is_sold_out(edge: &Edge<'_>, sku: &str) -> bool {
    let gone = edge.get(&SOLD_OUT, sku, sku);
    gone.is_some_and(|gone| are_empty(edge, sku, gone.0))
}

/// Whether all shards of a SKU but the first one, which has said that all is gone, have told that they are empty. What
/// one has given back for a later gathering may be on its way.
fn are_empty(edge: &Edge<'_>, sku: &str, round: u64) -> bool {
    let mut others = Shard::all(edge.splits().of(DOMAIN, sku).unwrap_or(1)).skip(1);
    others.all(|shard| {
        let name = &*shard.key_of(sku);
        edge.get(&EMPTY, name, name)
            .is_some_and(|empty| empty.0 <= round)
    })
}

/// Tells the edge what became of a SKU that was stored.
pub(crate) fn tell(tx: &mut Tx<'_>, name: &str, before: &Sku, after: &Sku) {
    if after.is_lent() && after.available() > 0 {
        tx.lower(&EMPTY, name);
    }
    match (before.is_gone(), after.is_gone()) {
        (false, true) => tx.raise(&SOLD_OUT, name, Gone(after.round()).into(), SOLD_OUT_MS),
        (true, false) => tx.lower(&SOLD_OUT, name),
        (false, false) | (true, true) => {}
    }
}

/// A shard has given back all that it had. That is believed until the first one has heard it, and for as long as that
/// one is believed.
pub(crate) fn tell_empty(tx: &mut Tx<'_>, name: &str, emptied: u64) {
    tx.raise(&EMPTY, name, Gone(emptied).into(), 2 * SOLD_OUT_MS);
}

/// All shards of a SKU were heard, as it says.
pub(crate) fn tell_dry(tx: &mut Tx<'_>, name: &str, sku: &Sku) {
    if sku.is_gone() {
        tx.raise(&SOLD_OUT, name, Gone(sku.round()).into(), SOLD_OUT_MS);
    }
}

/// Tells it of a SKU, as it was found by somebody who is refused.
pub(crate) fn tell_refused(tx: &mut Tx<'_>, name: &str, sku: &Sku) {
    if sku.is_gone() {
        tx.raise_though_refused(&SOLD_OUT, name, Gone(sku.round()).into(), SOLD_OUT_MS);
    }
}
