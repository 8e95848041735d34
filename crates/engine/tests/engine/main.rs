//! The engine, stepped: one binary, since each that is linked takes as long as all of these tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archives;
mod backup;
mod base;
mod bytes;
mod checkpoints;
mod courier;
mod dead;
mod divided;
mod edge;
mod engine;
mod events;
mod events_of;
mod hot;
mod joined;
mod late_reads;
mod later_answers;
mod mail;
mod other_versions;
mod repair;
mod rounds;
mod shedding;
mod subscriptions;
