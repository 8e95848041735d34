//! The stream commands of Redis, over topics: an entry is a message, and its id is read from that.
//!
//! Groups of streams are not the groups of `TOPIC.GROUP`: these lease messages, until a time, and try again. A group of
//! a stream has no times. What a consumer was given is pending until somebody acknowledges it, and another consumer
//! takes it over when that one says so.
//!
//! It is a domain of its own, with the rows of its groups, that publishes, drops and deletes messages of topics as these
//! do.
//!
//! Laws, checked from the rows themselves:
//! 1. The groups of a stream are those that it names, and its topic is there.
//! 2. What is pending of a group lies in the chunks that it names, each of which has some, by position, in the chunk of
//!    that, and by id; the group counts it.
//! 3. Each of it is one of a consumer's, who counts his own, and whose number no other one has; and has the id that its
//!    message has, if that is kept.
//! 4. A group goes on behind the last message at most, and no message before has a greater id than the last one that it
//!    was given.

mod answer;
mod apply;
mod audit;
mod command;
mod desk;
mod entry;
mod id;
mod look;
mod refusal;
mod row;
mod surface;
mod trim;
mod words;

pub(crate) use apply::{drop_last_group, reads_of_last_group};
pub(crate) use id::StreamId;
pub use surface::STREAM;
