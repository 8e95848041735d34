//! A small RESP client: blocking, pipelining, bounded.
//!
//! It exists because replays and ingestion must see every answer in order, error replies included, and must
//! know which command an answer belongs to when a connection breaks in the middle. It reads RESP2
//! and the parts of RESP3 that the server sends.

mod address;
mod connection;
mod http;
mod patience;
mod reply;

pub(crate) use address::Address;
pub(crate) use connection::{Connection, Lost};
pub(crate) use http::{HttpAddress, HttpError, get, path_segment, post};
#[cfg(test)]
pub(crate) use patience::RETRY_DEFAULT;
pub(crate) use patience::{Halt, Patience, Peer, Unserved, asked_again};
pub(crate) use reply::{PASSWORD_WANTED, Reply};
