//! Faults that a machine, a disk, a clock or a peer may have, each provoked on the real binary:
//! who cannot be served is told why, the others are served, and nothing acknowledged is lost.

#[path = "../support/mod.rs"]
mod support;

mod absent_readers;
mod bad_disk;
mod clock;
mod connections;
mod damaged_base;
mod damaged_log;
mod disk;
mod full_disk;
mod locked_folder;
mod machine;
mod repair;
mod slow_writers;
mod small_disk;
mod unusable_file;
mod work;
