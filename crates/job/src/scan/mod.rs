//! Lists, read from a snapshot.

mod list;
mod pushes;
mod queues;
