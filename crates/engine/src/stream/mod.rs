//! Events on their way to whoever subscribes.
//!
//! What a transaction emits waits at the gate like an answer and then comes here, to the [`Streams`]
//! of the process. There it waits a little more, until every partition has said that nothing before
//! it can come: so a subscriber gets events in the order of their numbers, over all partitions, and the
//! number of the last one is all that it needs to go on after a break.
//!
//! - `streams.rs`: what executors do here (add to a list under a lock), and what a thread beside them
//!   does: give every subscriber what it wants.
//! - `subscriber.rs`: what waits for one subscriber, bounded.
//! - `subscription.rs`: the subscriber's end, which joins stored events and new ones without a gap.
//! - `replay.rs`: pages of stored events.
//! - `request.rs`: how fronts offer it.
//! - `marks.rs`: up to which event each partition had come when something was read there.
//!
//! Without subscribers nothing of this is done: no event is copied, no time is asked for.

mod marks;
mod replay;
mod request;
mod streams;
mod subscriber;
mod subscription;
mod told;

pub(crate) use marks::Marks;
pub(crate) use request::Stream;
pub(crate) use streams::Streams;
pub use subscriber::Bell;
pub use subscription::{Begin, Subscription, Taken};
pub(crate) use told::Emitted;
pub use told::ToldEvent;
