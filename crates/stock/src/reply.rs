//! What the domain answers.

use compact_str::CompactString;
use tidegate_engine::contract::PageItem;
use tidegate_engine::reply;

reply! {
    /// The units of a SKU.
    pub struct SkuInfo {
        /// The SKU.
        sku: CompactString,
        /// Units in all.
        total: u64,
        /// Units that can be held.
        available: u64,
        /// Units held.
        held: u64,
        /// Units sold and not returned.
        sold: u64,
        /// Counts changes of the total and of the alert.
        version: u64,
    }
}

impl PageItem for SkuInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.sku.clone()
    }
}

reply! {
    /// A change of a SKU's total.
    pub struct AddReceipt {
        /// The SKU.
        sku: CompactString,
        /// The id of the change.
        id: CompactString,
        /// Units added.
        delta: i64,
        /// Units in all, right after the change.
        total: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A SKU that is split.
    pub struct SplitReceipt {
        /// The SKU.
        sku: CompactString,
        /// Into how many shards.
        shards: u64,
        /// Whether it was so before.
        repeated: bool,
    }
}

reply! {
    /// A hold, after a command about it.
    pub struct HoldReceipt {
        /// The SKU.
        sku: CompactString,
        /// The id of the hold.
        id: CompactString,
        /// held, confirmed, released, expired or returned.
        state: &'static str,
        /// Units.
        quantity: u64,
        /// When it expires, in milliseconds since 1970.
        expires_at_ms: u64,
        /// Units of the SKU that can be held now; of a split one, those of the buyer's shard.
        available: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A return.
    pub struct ReturnReceipt {
        /// The SKU.
        sku: CompactString,
        /// The hold under which the units were sold.
        hold: CompactString,
        /// The id of the return.
        id: CompactString,
        /// Units taken back.
        quantity: u64,
        /// The hold's state now: confirmed, or returned when nothing of it is left.
        state: &'static str,
        /// Units of the hold that can still be returned.
        returnable: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// One step in the life of a hold.
    pub struct HoldStep {
        /// What happened: hold, confirm, release, expire or return.
        kind: &'static str,
        /// Units concerned.
        quantity: u64,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
}

reply! {
    /// One hold, with its history.
    pub struct HoldDetails {
        /// The SKU.
        sku: CompactString,
        /// The id of the hold.
        id: CompactString,
        /// held, confirmed, released, expired or returned.
        state: &'static str,
        /// Units.
        quantity: u64,
        /// Units returned of them.
        returned: u64,
        /// Who holds or bought them.
        buyer: Option<CompactString>,
        /// When it was made, in milliseconds since 1970.
        created_at_ms: u64,
        /// When it expires, in milliseconds since 1970.
        expires_at_ms: u64,
        /// What happened to it, oldest first; at most 64 steps.
        history: Vec<HoldStep>,
    }
}

reply! {
    /// A hold in a list.
    pub struct HoldSummary {
        /// The id of the hold. That of an order's hold names the order and its attempt: it is no caller's, though
        /// one may look the same.
        id: CompactString,
        /// The order that it belongs to; null for a caller's hold.
        owner: Option<CompactString>,
        /// Its position among the holds of the SKU.
        position: u64,
        /// held, confirmed, released, expired or returned.
        state: &'static str,
        /// Units.
        quantity: u64,
        /// Units returned of them.
        returned: u64,
        /// Who holds or bought them.
        buyer: Option<CompactString>,
        /// When it was made, in milliseconds since 1970.
        created_at_ms: u64,
        /// When it expires, in milliseconds since 1970; null for that of an order, which decides about it.
        expires_at_ms: Option<u64>,
    }
}

impl PageItem for HoldSummary {
    type Place = u64;

    fn place(&self) -> u64 {
        self.position
    }
}

reply! {
    /// A change of a SKU.
    pub struct FlowEntry {
        /// Its position in the flow, from 1.
        position: u64,
        /// set, add, hold, confirm, release, expire or return.
        kind: &'static str,
        /// The id of the hold, change or return; null for a set.
        id: Option<CompactString>,
        /// The order to which the hold belongs; null for a caller's.
        owner: Option<CompactString>,
        /// Units concerned; negative for a write-off.
        quantity: i64,
        /// Units available before.
        before: u64,
        /// Units available after.
        after: u64,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
}

impl PageItem for FlowEntry {
    type Place = u64;

    fn place(&self) -> u64 {
        self.position
    }
}
