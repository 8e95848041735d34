//! The RESP front of Tidegate: any Redis client, over RESP2 or RESP3, asks an engine's domains.
//!
//! It turns bytes into requests, submits them at the engine's door, and writes the answers back in
//! the order of the requests. It knows no domain: names, fields and documentation come from
//! [`Domain::requests`](tidegate_engine::contract::Domain).
//!
//! Laws:
//! 1. Each request has one reply, and a connection's replies leave in the order of its requests.
//! 2. What a connection takes is bounded ([`limits`]): memory follows what has arrived, never what
//!    a header announces, and a peer that does not read is not read from.
//! 3. Whatever arrives is answered or closed: no bytes stop the process or another connection.
//! 4. Before the password is given, nothing reaches the engine.
//! 5. An error is one line whose first word is stable; arity and syntax are worded as in Redis.
//!
//! What it does not do: it starts no thread and listens on no address ([`Front::serve`] is given
//! its connections), it never blocks its thread, and it decides nothing about a request's content.
//!
//! Start reading at `connection.rs`: the turns of a connection. Then `parse`, `decode.rs`, and
//! `order.rs`, where answers of several threads get into line.

mod budget;
mod builtin;
mod connection;
mod decode;
mod errors;
mod facts;
mod front;
mod input;
pub mod limits;
mod options;
mod order;
mod parse;
mod patience;
mod render;
mod session;
mod table;
mod wire;

pub use front::Front;
pub use options::{Credentials, Homes, Options, Task};
