//! Facts that the domain emits.

use tidegate_engine::contract::{Event, EventDef};
use tidegate_engine::reply;

reply! {
    /// What is available of a SKU has fallen to its alert.
    pub struct StockLow {
        /// Units available.
        available: u64,
        /// The alert.
        alert: u64,
    }
}

impl Event for StockLow {
    const DEF: EventDef = EventDef::new(
        "stock",
        "stock_low",
        "What is available of a SKU has fallen to its alert.",
    );
}
