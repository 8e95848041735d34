//! What the domain answers.

use compact_str::CompactString;
use tidegate_engine::contract::PageItem;
use tidegate_engine::reply;

reply! {
    /// An order, after a command about it.
    pub struct OrderReceipt {
        /// The order.
        id: CompactString,
        /// placing, reserved, refused, cancelled, expired or busy.
        state: &'static str,
        /// Counts its states.
        version: u64,
        /// What it costs, in minor units of the currency.
        total: u64,
        /// The currency.
        currency: CompactString,
        /// When it expires, in milliseconds since 1970; null once that does not matter any more.
        expires_at_ms: Option<u64>,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A line of an order.
    pub struct OrderLine {
        /// The SKU.
        sku: CompactString,
        /// Units.
        quantity: u64,
        /// The price of one, in minor units of the currency.
        unit_price: u64,
    }
}

reply! {
    /// A state that an order has come into.
    pub struct HistoryStep {
        /// placing, reserved, refused, cancelled, expired or busy.
        state: &'static str,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
}

reply! {
    /// One order, with its lines and its history.
    pub struct OrderInfo {
        /// The order.
        id: CompactString,
        /// Who ordered.
        buyer: CompactString,
        /// placing, reserved, refused, cancelled, expired or busy.
        state: &'static str,
        /// Counts its states.
        version: u64,
        /// What it costs, in minor units of the currency.
        total: u64,
        /// The currency.
        currency: CompactString,
        /// When it expires, in milliseconds since 1970; null unless it is reserved.
        expires_at_ms: Option<u64>,
        /// Why it was refused; null if it was not.
        cause: Option<CompactString>,
        /// What was ordered.
        lines: Vec<OrderLine>,
        /// The states that it has had, oldest first, at most 64.
        history: Vec<HistoryStep>,
    }
}

reply! {
    /// An order in its buyer's list.
    pub struct OrderSummary {
        /// The order.
        id: CompactString,
        /// Its place in the list.
        place: CompactString,
        /// reserved, refused, cancelled or expired.
        state: &'static str,
        /// What it costs, in minor units of the currency.
        total: u64,
        /// The currency.
        currency: CompactString,
        /// When it was placed, in milliseconds since 1970.
        placed_at_ms: u64,
    }
}

impl PageItem for OrderSummary {
    type Place = u64;

    fn place(&self) -> u64 {
        // As it was written, from a number.
        self.place.parse().unwrap_or_default()
    }
}
