//! The front over a real engine: a toy domain of a few requests, asked over HTTP.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]
#![allow(unreachable_pub, reason = "a domain's types stand in public traits")]

mod address;
mod beacons;
mod bytes;
mod divided;
mod events;
mod glance;
mod harness;
mod ids;
mod lists;
mod openapi;
mod packed;
mod pages;
mod problems;
mod requests;
mod service;
mod shed;
mod toy;
mod watch;
mod webhooks;
mod whence;
mod wire;
