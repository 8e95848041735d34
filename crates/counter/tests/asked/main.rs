//! What counters are asked, one file for each kind of question.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod drop_mutations;
mod drops;
mod fact_mutations;
mod facts;
mod leading;
mod many;
mod sources;
mod talk;
