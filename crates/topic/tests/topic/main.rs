//! Topics and streams, from a stepped engine. One binary: to link takes longer than to run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod catch_up;
mod commands;
mod delete_mutations;
mod deletes;
mod model;
mod mutations;
mod parts;
mod pushes;
mod schema;
mod stream_extremes;
mod stream_model;
mod stream_mutations;
mod streams;
mod support;
mod waiting;
