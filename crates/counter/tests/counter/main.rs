//! Counters, from a stepped engine. One binary: to link takes longer than to run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod corrections;
mod model;
mod mutations;
mod raw;
mod unique_mutations;
mod uniques;
