//! What the edge knows of stock: which SKUs are sold out, so that a storm of those who come too late costs
//! their partition nothing.

use tidegate_engine::{Edge, Flag, Told, Tx};

use crate::table::{DOMAIN, Sku};

/// By SKU: nothing of it is available, in doubt or awaited.
const SOLD_OUT: Flag<Gone> = Flag::new(DOMAIN, 1);

/// For how long the edge believes it: then the next one who asks is told by the partition, and the edge knows
/// it again.
const SOLD_OUT_MS: u64 = 1_000;

struct Gone;

impl Told for Gone {
    fn bytes(&self) -> usize {
        0
    }
}

/// Whether the edge knows that no unit of this SKU is available, and that none may come back in a moment. No
/// answer but a "no" to somebody new rests on it: who may have units already is to ask the partition.
#[must_use]
pub fn is_sold_out(edge: &Edge<'_>, sku: &str) -> bool {
    edge.get(&SOLD_OUT, sku, sku).is_some()
}

/// Tells the edge what became of a SKU that was stored.
pub(crate) fn tell(tx: &mut Tx<'_>, name: &str, before: &Sku, after: &Sku) {
    match (before.is_gone(), after.is_gone()) {
        (false, true) => tx.raise(&SOLD_OUT, name, Gone.into(), SOLD_OUT_MS),
        (true, false) => tx.lower(&SOLD_OUT, name),
        (false, false) | (true, true) => {}
    }
}

/// Tells it of a SKU, as it was found by somebody who is refused.
pub(crate) fn tell_refused(tx: &mut Tx<'_>, name: &str, sku: &Sku) {
    if sku.is_gone() {
        tx.raise_though_refused(&SOLD_OUT, name, Gone.into(), SOLD_OUT_MS);
    }
}
