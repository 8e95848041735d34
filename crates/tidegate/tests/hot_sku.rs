//! One SKU with 10,000 units and far more holds than that, over 64 pipelining connections.

mod support;

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use support::{Client, Server, all_pages, figure, finish, tidegate, units_of, wait_for};

const UNITS: u64 = 10_000;
const CONNECTIONS: u64 = 64;

/// Holds that one connection sends at once.
const PIPELINE: usize = 256;

/// Holds in all, unless the environment says otherwise. The whole is a million:
/// `TIDEGATE_HOT_HOLDS=1000000 cargo test -p tidegate --test hot_sku -- --nocapture`.
const HOLDS: u64 = 200_000;
const HOLDS_VARIABLE: &str = "TIDEGATE_HOT_HOLDS";

/// A connection's share of the holds.
struct Buyer {
    name: u64,
    next: u64,
    end: u64,
    /// Holds to ask for again: BUSY, or in doubt because the server went away.
    again: VecDeque<u64>,
    /// Holds that were placed.
    placed: Vec<u64>,
}

/// What all connections have seen so far.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    placed: AtomicU64,
}

impl Seen {
    fn wait(&self, what: &str, counter: &AtomicU64, enough: u64) {
        wait_for(what, || (counter.load(Ordering::Relaxed) >= enough).then_some(()));
    }
}

impl Buyer {
    fn id(&self, number: u64) -> String {
        format!("h{}-{number}", self.name)
    }

    /// Asks for its holds until all were answered, or the server is gone.
    fn run(&mut self, addr: &str, (sku, ttl_ms): (&str, u64), seen: &Seen) {
        let Ok(mut client) = Client::connect(addr) else {
            return;
        };
        loop {
            let fresh = self.next..self.end;
            let asked: Vec<_> = self.again.drain(..).chain(fresh).take(PIPELINE).collect();
            self.next = self.next.max(asked.last().map_or(0, |last| last + 1));
            todo!()
        }
    }
}
