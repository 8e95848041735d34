//! Sales, from a stepped engine. One binary: to link takes longer than to run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod checks;
mod commands;
mod draw;
mod limits;
mod mutations;
mod shop;
mod support;
