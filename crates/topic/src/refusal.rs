//! Every "no" of the domain.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::{GROUPS_MAX, PUBLISHED_BYTES_MAX};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such topic.
    UnknownTopic,
    /// No such group of the topic.
    UnknownGroup,
    /// Fields that exclude each other, or of which one is missing.
    ConflictingFields,
    /// The topic or group has another version.
    VersionChanged {
        /// The one it has.
        version: u64,
    },
    /// The topic has as many groups as it may.
    TooManyGroups,
    /// What a group has from its beginning would change.
    GroupFixed,
    /// The id was used for something else.
    IdConflict {
        /// Which message of a list, from 1 on.
        item: Option<u64>,
    },
    /// The key has another last message.
    KeyChanged {
        /// Its position.
        last: u64,
    },
    /// What is published is too much at once.
    TooLarge {
        /// Bytes that it takes.
        bytes: u64,
    },
    /// No message has this id.
    MessageNotFound,
    /// The lease is over.
    LeaseEnded,
    /// The lease has no such message.
    NotLeased {
        /// The position.
        position: u64,
    },
    /// A message of the same key comes first.
    OutOfOrder {
        /// The position.
        position: u64,
        /// That of the one that comes first.
        before: u64,
    },
    /// No such dead letter.
    DeadNotFound,
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

pub(crate) const UNKNOWN_TOPIC: RefusalDef = def(
    "unknown_topic",
    Status::NotFound,
    "No such topic: declare it first.",
);
pub(crate) const UNKNOWN_GROUP: RefusalDef = def(
    "unknown_group",
    Status::NotFound,
    "The topic has no such group: declare it first.",
);
pub(crate) const CONFLICTING_FIELDS: RefusalDef = def(
    "conflicting_fields",
    Status::OutOfRange,
    "`at_ms` and `delay_ms` exclude each other; `last` needs a `key`, and neither of them. A group is moved either `to` a position or `since_ms` a time.",
);
pub(crate) const VERSION_CHANGED: RefusalDef = def(
    "version_changed",
    Status::Conflict,
    "It is at `version`: read it again.",
);
pub(crate) const TOO_MANY_GROUPS: RefusalDef = def(
    "too_many_groups",
    Status::Conflict,
    "The topic has `max` groups, as many as it may.",
);
pub(crate) const GROUP_FIXED: RefusalDef = def(
    "group_fixed",
    Status::Conflict,
    "The order of a group, and where it begins, never change: declare another one.",
);
pub(crate) const ID_CONFLICT: RefusalDef = def(
    "id_conflict",
    Status::Conflict,
    "The id was used with other content: choose another. Of a list, `item` says which message it is.",
);
pub(crate) const KEY_CHANGED: RefusalDef = def(
    "key_changed",
    Status::Conflict,
    "The last message of the key is at `last`, 0 for none: read it, and decide again.",
);
pub(crate) const TOO_LARGE: RefusalDef = def(
    "too_large",
    Status::OutOfRange,
    "The messages take `bytes` of at most `max` with their ids, keys and headers: publish fewer at once.",
);
pub(crate) const MESSAGE_NOT_FOUND: RefusalDef = def(
    "message_not_found",
    Status::NotFound,
    "No message of the topic has an id that was chosen so.",
);
pub(crate) const LEASE_ENDED: RefusalDef = def(
    "lease_ended",
    Status::Conflict,
    "The lease is over: its messages that were not settled are given again.",
);
pub(crate) const NOT_LEASED: RefusalDef = def(
    "not_leased",
    Status::Conflict,
    "The lease does not have the message at `position`, which is not settled.",
);
pub(crate) const OUT_OF_ORDER: RefusalDef = def(
    "out_of_order",
    Status::Conflict,
    "The message at `position` follows that at `before` in its key: settle that one first, or both.",
);
pub(crate) const DEAD_NOT_FOUND: RefusalDef = def(
    "dead_not_found",
    Status::NotFound,
    "The group has no such dead letter: it was replayed or dropped, or never was.",
);

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::UnknownTopic => &UNKNOWN_TOPIC,
            Self::UnknownGroup => &UNKNOWN_GROUP,
            Self::ConflictingFields => &CONFLICTING_FIELDS,
            Self::VersionChanged { .. } => &VERSION_CHANGED,
            Self::TooManyGroups => &TOO_MANY_GROUPS,
            Self::GroupFixed => &GROUP_FIXED,
            Self::IdConflict { .. } => &ID_CONFLICT,
            Self::KeyChanged { .. } => &KEY_CHANGED,
            Self::TooLarge { .. } => &TOO_LARGE,
            Self::MessageNotFound => &MESSAGE_NOT_FOUND,
            Self::LeaseEnded => &LEASE_ENDED,
            Self::NotLeased { .. } => &NOT_LEASED,
            Self::OutOfOrder { .. } => &OUT_OF_ORDER,
            Self::DeadNotFound => &DEAD_NOT_FOUND,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        let mut fact = |name: &str, value: u64| {
            out.name(name);
            out.integer(i64::try_from(value).unwrap_or(i64::MAX));
        };
        match *self {
            Self::VersionChanged { version } => fact("version", version),
            Self::TooManyGroups => fact("max", GROUPS_MAX),
            Self::IdConflict { item: Some(item) } => fact("item", item),
            Self::KeyChanged { last } => fact("last", last),
            Self::TooLarge { bytes } => {
                fact("bytes", bytes);
                fact("max", PUBLISHED_BYTES_MAX as u64);
            }
            Self::NotLeased { position } => fact("position", position),
            Self::OutOfOrder { position, before } => {
                fact("position", position);
                fact("before", before);
            }
            Self::UnknownTopic
            | Self::UnknownGroup
            | Self::ConflictingFields
            | Self::GroupFixed
            | Self::IdConflict { item: None }
            | Self::MessageNotFound
            | Self::LeaseEnded
            | Self::DeadNotFound => {}
        }
    }
}
