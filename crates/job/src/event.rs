//! Facts that the domain emits.

use compact_str::CompactString;
use tidegate_engine::contract::{Event, EventDef};
use tidegate_engine::reply;

reply! {
    /// A job has failed for good: it waits for people.
    pub struct JobDied {
        /// The job.
        id: CompactString,
        /// How often it was tried.
        tries: u64,
        /// Why the last try has failed.
        error: Option<CompactString>,
    }
}

impl Event for JobDied {
    const DEF: EventDef = EventDef::new(
        "job",
        "job_died",
        "A job has failed for good: it is replayed or dropped by people.",
    );
}
