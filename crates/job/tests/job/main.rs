//! Queues of jobs, from a stepped engine. One binary: to link takes longer than to run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batches;
mod commands;
mod family;
mod leases;
mod limits;
mod lists;
mod model;
mod mutations;
mod pushes;
mod recurring;
mod support;
mod waits;
