//! The program as a whole, most of it as a process that is asked over its wires. One binary: to link takes longer than
//! most of its tests.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod admin_listen;
mod archives;
mod backup;
mod bench;
mod check_command;
mod counter_samples;
mod counter_sources;
mod crowd;
mod dead;
mod demo;
mod event_stream;
mod events;
mod hooks;
mod hot_sku;
mod ingest;
mod interrupt;
mod isolation;
mod job_batches;
mod larger_than_memory;
mod moves;
mod output;
mod passwords;
mod pay_sandbox;
mod push_jobs;
mod push_topics;
mod recount;
mod replay;
mod replay_orders;
mod sale;
mod serve_settings;
mod sold_out;
mod topics;
mod toy_domain;
mod trust_proxy;
mod upgrades;
