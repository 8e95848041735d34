//! Sketches against what they claim. One binary: to link takes longer than to run.

mod error;
mod golden;
mod laws;
