//! The front over real sockets, with a real engine on a disk that keeps only what was synced.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod builtins;
mod harness;
mod limits;
mod requests;
#[allow(
    unreachable_pub,
    reason = "`request!` makes its types public, and what they name"
)]
mod toy;
