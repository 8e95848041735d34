//! What is pushed: messages, to the receiver of each group, and jobs.

/// Groups of the topic, named as their order.
pub(super) const GROUPS: [&str; 2] = ["key", "none"];

/// Keys of messages; some messages have none.
pub(super) const KEYS: u64 = 3;

/// Tries of a message, and of a job.
pub(super) const TRIES: u64 = 4;

/// Something that is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Message { group: usize, id: u64 },
    Job { id: u64 },
}

impl Thing {
    /// What headers say that it is.
    pub(super) fn of(header: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| header(name)?.get(1..)?.parse::<u64>().ok();
        if let Some(id) = number("tidegate-job") {
            return Some(Self::Job { id });
        }
        let named = header("tidegate-group")?;
        let group = GROUPS.iter().position(|group| *group == named)?;
        let id = number("tidegate-message")?;
        Some(Self::Message { group, id })
    }

    pub(super) fn payload(self) -> String {
        match self {
            Self::Message { id, .. } => format!("m{id}"),
            Self::Job { id } => format!("j{id}"),
        }
    }

    /// What stands before others of its order until it is settled: a key of a group that keeps the order.
    pub(super) fn line(self) -> Option<u64> {
        match self {
            Self::Message { group: 0, id } => key_of(id),
            Self::Message { .. } | Self::Job { .. } => None,
        }
    }

    /// Whether its receiver never takes it.
    pub(super) fn is_poison(self) -> bool {
        match self {
            Self::Message { id, .. } => id.is_multiple_of(13),
            Self::Job { id } => id.is_multiple_of(9),
        }
    }
}

/// The key of a message, if it has one.
pub(super) fn key_of(id: u64) -> Option<u64> {
    Some(id % (KEYS + 1)).filter(|key| *key < KEYS)
}
