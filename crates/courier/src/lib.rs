//! The courier: the one door of Tidegate to the outside.
//!
//! The engine decides what is called, when it is tried again, and what is given up
//! ([`tidegate_engine::Call`]). The courier makes one try at a time, over HTTP, and reports what it has
//! brought. It keeps nothing: what it does not report is tried again by the next start.
//!
//! Beside calls it brings parcels ([`Outlet`]) to receivers, for whoever judges their answers, and says when they are
//! brought again, by themselves.
//!
//! What bounds it, per host (an authority of a URL, as `pay.example:443`):
//! - so many calls at once; others wait, first come first served, for [`WAIT_MS_MAX`] at most;
//! - so much time for each, and [`tidegate_engine::limits::CALL_ANSWER_BYTES_MAX`] bytes of an answer;
//! - a budget of retries, so that they do not drown what is new (`budget.rs`);
//! - a circuit breaker: after some failures in a row nothing is sent for a while, then one call, whose end
//!   decides (`breaker.rs`).
//!
//! Where it goes: only to the URLs that the settings name. A redirect is not followed. A name that stands
//! for an address of a private network is not called unless the settings say so; nor is anything sent
//! unencrypted beyond such networks.
//!
//! Start reading at [`run`], then `host.rs`.

mod address;
mod breaker;
mod budget;
mod client;
mod drive;
mod host;
mod parcel;
mod service;
mod webhook;
mod wire;

pub use drive::{run, run_over};
pub use parcel::{Delivery, Outlet, Parcel, Parcels, outlet};
pub use service::{
    Action, Limits, Method, PUSH_ACTION, Secret, Service, Services, SettingsError, Signed,
};
pub use webhook::{NotASecret, WebhookSecret};
pub use wire::{Carried, Wire};

/// How long a try waits for its turn at most: then it has brought nothing, and rests.
pub const WAIT_MS_MAX: u64 = 30_000;
