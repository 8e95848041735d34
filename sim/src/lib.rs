//! Random commands, time and faults against the production engine, from a seed, beside a naive
//! model that remembers what was acknowledged.
//!
//! The engine's executors, log writer, recovery and formats run unchanged, stepped on one thread,
//! on a disk that keeps only what was synced. Start reading at `world/mod.rs`.

mod bank;
mod briefs;
mod counters;
mod follower;
mod gate;
mod history;
mod jobs;
mod model;
mod orders;
mod pushes;
mod sales;
mod splits;
mod tally;
mod topics;
mod world;

pub use tally::Tally;
pub use world::{Ran, Violation, run};
