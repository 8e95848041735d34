//! The real binary as a child process, and the smallest clients that can talk to it.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of this"
)]

mod client;
mod http;
mod process;
mod receiver;
mod stock;

use std::time::{Duration, Instant};

pub(crate) use client::{Client, Reply, words};
pub(crate) use http::{Answer, http};
pub(crate) use process::{Server, end_of, figure, finish, pid_of, signal, tidegate};
pub(crate) use receiver::{Brought, SECRET, names_receiver, names_slow_receiver, receiver};
pub(crate) use stock::{all_pages, units_of};

/// How long anything here may take before it counts as hung.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Ten days of orders.
pub(crate) const SAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/data/online-retail-sample.csv.gz"
);

/// A folder of its own for a test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Looks again and again until there is something to see; never takes time for a sign of it.
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(DEADLINE, what, look)
}

/// The same, for what may take longer.
pub(crate) fn wait_within<T>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < deadline, "waited in vain for {what}");
        // Not a sign of anything: it leaves the processor to those who are waited for.
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Numbers that a seed decides (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `bound` − 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
