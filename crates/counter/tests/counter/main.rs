//! Counters, from a stepped engine. One binary: to link takes longer than to run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cold;
mod commands;
mod corrections;
mod drop_mutations;
mod drops;
mod fact_mutations;
mod facts;
mod leading;
mod leading_with;
mod many;
mod model;
mod mutations;
mod of_topics;
mod raw;
mod sources;
mod talk;
mod unique_mutations;
mod uniques;
