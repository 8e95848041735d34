//! The `tidegate` binary.

mod replay;

fn main() {}
