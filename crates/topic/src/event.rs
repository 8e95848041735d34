//! Facts that the domain emits.

use compact_str::CompactString;
use tidegate_engine::contract::{Event, EventDef};
use tidegate_engine::reply;

reply! {
    /// The oldest message that a group has not settled is older than it is to be. Of a topic of several parts this is told
    /// when one of them is behind and none was, and what follows is of that part.
    pub struct TopicLagging {
        /// The group.
        group: CompactString,
        /// Messages that are not settled.
        lag: u64,
        /// How long ago the oldest of them was published, in milliseconds.
        lag_ms: u64,
        /// How long it is to be at most.
        max_lag_ms: u64,
    }
}

impl Event for TopicLagging {
    const DEF: EventDef = EventDef::new(
        "topic",
        "topic_lagging",
        "The oldest message that a group has not settled is older than `MAXLAG_MS`.",
    );
}

reply! {
    /// A group that was behind is so no more: in no part, if there are several; what follows is of the last one.
    pub struct TopicCaughtUp {
        /// The group.
        group: CompactString,
        /// Messages that are not settled.
        lag: u64,
    }
}

impl Event for TopicCaughtUp {
    const DEF: EventDef = EventDef::new(
        "topic",
        "topic_caught_up",
        "No message that a group has not settled is older than `MAXLAG_MS` any more.",
    );
}
