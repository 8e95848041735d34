//! What each stream command does.

mod ack;
mod add;
mod claim;
mod group;
mod info;
mod pending;
mod range;
mod read;
mod read_group;

pub(crate) use group::{drop_last_group, reads_of_last_group};
