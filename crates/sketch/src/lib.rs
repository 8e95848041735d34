//! How many different ones there were, in little room: HyperLogLog, kept in parts that are rows.
//!
//! ```text
//! who ─ xxh3 ─▶ 64 bits:  6 chunk │ 8 register │ 12 more of the coupon │ 38, of which the rank counts zeros
//!
//! head    at most 64 coupons, and then a mark: it is split
//! chunk   64 of them: at most 48 coupons each, and then 256 registers of 6 bits
//! ```
//!
//! A [`Coupon`] is what is kept of one: two differ unless their hashes begin with the same 26 bits. So a
//! sketch of few is exact for all purposes. It gets denser part by part: a [`Head`] that is full is split
//! into chunks, a [`Chunk`] that is full goes over to registers. No part is longer than [`PART_BYTES_MAX`],
//! so what changes one puts one row of about 200 bytes; the 12 KiB of all are never written at once.
//! [`Sketch`] is the parts together, for asking and for unions.
//!
//! What it is not: it knows no table and no time; it does no IO; it has no randomness, so who knows the hash
//! may choose names that count for much.
//!
//! Laws:
//! 1. A sketch is a function of the set that was put in: neither order nor repetition nor the way of merging
//!    changes a byte of it.
//! 2. Merging is the union: of sets it is commutative, associative and idempotent.
//! 3. A change never makes the estimate smaller by forgetting: parts only get denser, registers only grow.
//!
//! The estimate is P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog" (2007) with the estimator of
//! O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284, 2017),
//! algorithm 6, which needs no tables of bias and no other estimator for small sets.
//!
//! Start with `coupon.rs`, then `chunk.rs`, `head.rs`, `sketch.rs` and `estimate.rs`.

mod chunk;
mod coupon;
mod estimate;
mod head;
mod list;
mod part;
mod registers;
mod sketch;

pub use chunk::Chunk;
pub use coupon::{CHUNKS, Coupon};
pub use estimate::{Estimate, STANDARD_ERROR};
pub use head::{Head, Put};
pub use part::{Malformed, PART_BYTES_MAX};
pub use sketch::Sketch;
