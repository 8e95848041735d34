//! Orders and payments, from a stepped engine. One binary: to link takes longer than to run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bank;
mod commands;
mod ledger;
mod model;
mod money_model;
mod mutations;
mod payments;
mod refunds;
mod states;
