//! Lists, read from a snapshot.

mod list;
mod queues;
