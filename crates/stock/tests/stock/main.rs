//! Stock, from a stepped engine. One binary: to link takes longer than to run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;
mod commands;
mod edge;
mod model;
mod mutations;
mod split;
mod split_races;
