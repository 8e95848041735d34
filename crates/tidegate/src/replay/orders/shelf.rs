//! What reserved orders hold of each SKU, by the answers alone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Units held of every SKU of a plan, shared by all connections.
pub(super) struct Shelf {
    held: Vec<AtomicU64>,
    /// Somebody else has placed orders of this file on the server.
    is_shared: AtomicBool,
}

impl Shelf {
    pub(super) fn new(skus: usize) -> Self {
        Self {
            held: (0..skus).map(|_| AtomicU64::new(0)).collect(),
            is_shared: AtomicBool::new(false),
        }
    }

    /// An order has these units of these SKUs.
    pub(super) fn take(&self, parts: &[(u32, u64)]) {
        for (sku, units) in parts {
            self.held[*sku as usize].fetch_add(*units, Ordering::Relaxed);
        }
    }

    /// An order has them no more.
    pub(super) fn give_back(&self, parts: &[(u32, u64)]) {
        for (sku, units) in parts {
            self.held[*sku as usize].fetch_sub(*units, Ordering::Relaxed);
        }
    }

    /// Units of a SKU that reserved orders have.
    pub(super) fn held(&self, sku: u32) -> u64 {
        self.held[sku as usize].load(Ordering::Relaxed)
    }

    /// The server's counts are not those of this replay alone.
    pub(super) fn is_shared_from_now_on(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    /// Whether a server that says so many units are held has got back all that was cancelled.
    pub(super) fn has_all_back(&self, sku: u32, held: u64) -> bool {
        held <= self.held(sku) || self.is_shared.load(Ordering::Relaxed)
    }
}
