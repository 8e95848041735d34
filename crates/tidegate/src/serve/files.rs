//! How the files that the process may open are shared out.

use rustix::process::{Resource, getrlimit};
use tidegate_http::limits::TURNED_AWAY_MAX;

/// Most connections, however many files the process may open.
const CONNECTIONS_MAX: u64 = 100_000;

/// Files of segments, listeners, wakers, the terminal; and of connections beyond the bound that are
/// being told so.
const KEPT: u64 = 64 + TURNED_AWAY_MAX as u64;

/// Files of the base that are held open at least, and at most.
const BASE_MIN: u64 = 16;
const BASE_MAX: u64 = 256;

/// The base's share is one part in so many, within its bounds.
const BASE_PARTS: u64 = 8;

fn most() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn base_of(most: u64) -> u64 {
    (most / BASE_PARTS).clamp(BASE_MIN, BASE_MAX)
}

/// Files of the base that are held open.
pub(super) fn of_base() -> usize {
    usize::try_from(base_of(most())).unwrap_or(usize::MAX)
}

/// Connections of both fronts: what the process may open in all, less what it needs itself.
pub(super) fn connections_max() -> usize {
    let files = most();
    let left = files.saturating_sub(KEPT + base_of(files));
    usize::try_from(left.clamp(1, CONNECTIONS_MAX)).unwrap_or(usize::MAX)
}
