//! The HTTP/JSON front of Tidegate: turns requests into [`Work`](tidegate_engine::contract::Work),
//! submits it at the [`Door`](tidegate_engine::Door), and turns outcomes into JSON.
//!
//! It knows no domain. Routes, readers, the OpenAPI document and the documentation page are made
//! from the declarations in [`Door::domains`](tidegate_engine::Door::domains), and a new domain
//! changes nothing here.
//!
//! Laws:
//! 1. Nothing is guessed: a field, type or header that is not declared is refused by name.
//! 2. Every "no" is a problem (RFC 9457) with a stable `code`; overload is 503 with `Retry-After`,
//!    at once, and never a business "no".
//! 3. An answer that did not come in time is *unknown*, and the problem says so.
//! 4. Whatever a client can make grow has a named bound ([`limits`]).
//! 5. With credentials set, only what holds no data answers without them: `/healthz`, `/readyz`,
//!    the documentation, and pages that the program hands over; and webhooks, whose signature, which their domain checks, is their own.
//! 6. Without credentials, no other site's page gets at data through a visitor's browser: the server
//!    answers as `localhost` or as an address, and to its own pages. A webhook may name it as it likes.
//!    Beacons, of which no page reads an answer, come from its own pages, and from those it was told of
//!    ([`Options::beacon_origins`]), which need no credentials.
//! 7. Where a request comes from its connection says, or a proxy that is trusted; nobody says it of themselves.
//!
//! What it does not do: no TLS, no HTTP/2, no CORS, no sessions (a proxy in front does those); no
//! routing by content; no request is changed or repeated on the client's behalf.
//!
//! Start reading at [`router()`], then `route.rs`: the life of a request.

mod address;
mod admission;
mod answer;
mod backup;
mod beacon;
mod body;
mod browser;
mod docs;
mod encoding;
mod events;
mod guard;
mod health;
mod json;
mod latency;
pub mod limits;
mod lists;
mod members;
mod metrics;
mod openapi;
mod options;
mod origins;
mod pages;
mod paths;
mod problem;
mod prose;
mod query;
mod render;
mod route;
mod router;
mod serve;
mod sink;
mod tag;
mod values;
mod watch;
mod webhook;

pub use address::{Network, NotANetwork};
pub use answer::Body;
pub use openapi::openapi;
pub use options::{Ending, Options, Readiness, Token};
pub use origins::{NotAnOrigin, Origin};
pub use pages::Page;
pub use route::RequestBody;
pub use router::{Router, divided, router, starting_router};
pub use serve::serve;
