//! Every "no" of the domain.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::schema::Wrong;
use crate::{GROUPS_MAX, PUBLISHED_BYTES_MAX};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such topic.
    UnknownTopic,
    /// No such group of the topic.
    UnknownGroup,
    /// The settings name no such receiver.
    UnknownReceiver,
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
    /// A payload is not as the topic's schema says.
    SchemaViolated {
        /// Which message of a list, from 1 on.
        item: Option<u64>,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// A schema does not accept all that the one before it has accepted.
    SchemaIncompatible {
        /// What it does not accept.
        wrong: Wrong,
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
    /// The topic has another number of parts.
    PartsFixed {
        /// The one it has.
        parts: u16,
    },
    /// Too many keys are split.
    TooManyParts,
    /// A topic of this name was deleted, and has something left.
    BeingDeleted,
    /// Groups of the topic are pushed.
    TopicPushed,
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
pub(crate) const UNKNOWN_RECEIVER: RefusalDef = def(
    "unknown_receiver",
    Status::NotFound,
    "The settings of the server name no such receiver: `[receivers.<name>]` does.",
);
pub(crate) const CONFLICTING_FIELDS: RefusalDef = def(
    "conflicting_fields",
    Status::OutOfRange,
    "`at_ms` and `delay_ms` exclude each other; `last` needs a `key`, and neither of them. A group begins `from` a position, `since_ms` a time or at its `start`, and is moved either `to` a position or `since_ms` a time.",
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
pub(crate) const SCHEMA_VIOLATED: RefusalDef = def(
    "schema_violated",
    Status::OutOfRange,
    "The payload is not as the topic's schema says: `what` is wrong `at` a place in it, a JSON pointer. Of a list, `item` says which message it is.",
);
pub(crate) const SCHEMA_INCOMPATIBLE: RefusalDef = def(
    "schema_incompatible",
    Status::Conflict,
    "The schema is not known to accept all that the one before it accepts: `at` says where, and `what` it accepts there. `compatible: no` has it take its place all the same.",
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
pub(crate) const PARTS_FIXED: RefusalDef = def(
    "parts_fixed",
    Status::Conflict,
    "The topic has `parts` parts, and that never changes: declare another one.",
);
pub(crate) const TOO_MANY_PARTS: RefusalDef = def(
    "too_many_parts",
    Status::Conflict,
    "So many topics and SKUs have several parts already that no further one may: declare it with one.",
);
pub(crate) const BEING_DELETED: RefusalDef = def(
    "being_deleted",
    Status::Conflict,
    "A topic of this name was deleted, and what it had is still going: ask again in a moment.",
);
pub(crate) const TOPIC_PUSHED: RefusalDef = def(
    "topic_pushed",
    Status::Conflict,
    "Groups of the topic are pushed: `TOPIC.PULL` them first.",
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
            Self::UnknownReceiver => &UNKNOWN_RECEIVER,
            Self::ConflictingFields => &CONFLICTING_FIELDS,
            Self::VersionChanged { .. } => &VERSION_CHANGED,
            Self::TooManyGroups => &TOO_MANY_GROUPS,
            Self::GroupFixed => &GROUP_FIXED,
            Self::IdConflict { .. } => &ID_CONFLICT,
            Self::KeyChanged { .. } => &KEY_CHANGED,
            Self::TooLarge { .. } => &TOO_LARGE,
            Self::SchemaViolated { .. } => &SCHEMA_VIOLATED,
            Self::SchemaIncompatible { .. } => &SCHEMA_INCOMPATIBLE,
            Self::MessageNotFound => &MESSAGE_NOT_FOUND,
            Self::LeaseEnded => &LEASE_ENDED,
            Self::NotLeased { .. } => &NOT_LEASED,
            Self::OutOfOrder { .. } => &OUT_OF_ORDER,
            Self::PartsFixed { .. } => &PARTS_FIXED,
            Self::TooManyParts => &TOO_MANY_PARTS,
            Self::BeingDeleted => &BEING_DELETED,
            Self::TopicPushed => &TOPIC_PUSHED,
            Self::DeadNotFound => &DEAD_NOT_FOUND,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        match self {
            Self::VersionChanged { version } => number(out, "version", *version),
            Self::TooManyGroups => number(out, "max", GROUPS_MAX),
            Self::PartsFixed { parts } => number(out, "parts", (*parts).into()),
            Self::IdConflict { item: Some(item) } => number(out, "item", *item),
            Self::KeyChanged { last } => number(out, "last", *last),
            Self::TooLarge { bytes } => {
                number(out, "bytes", *bytes);
                number(out, "max", PUBLISHED_BYTES_MAX as u64);
            }
            Self::SchemaViolated { item, wrong } => {
                if let Some(item) = item {
                    number(out, "item", *item);
                }
                tell(out, wrong);
            }
            Self::SchemaIncompatible { wrong } => tell(out, wrong),
            Self::NotLeased { position } => number(out, "position", *position),
            Self::OutOfOrder { position, before } => {
                number(out, "position", *position);
                number(out, "before", *before);
            }
            Self::UnknownTopic
            | Self::UnknownGroup
            | Self::UnknownReceiver
            | Self::ConflictingFields
            | Self::GroupFixed
            | Self::IdConflict { item: None }
            | Self::MessageNotFound
            | Self::LeaseEnded
            | Self::TooManyParts
            | Self::BeingDeleted
            | Self::TopicPushed
            | Self::DeadNotFound => {}
        }
    }
}

fn number(out: &mut dyn Writer, name: &str, value: u64) {
    out.name(name);
    out.integer(i64::try_from(value).unwrap_or(i64::MAX));
}

fn tell(out: &mut dyn Writer, wrong: &Wrong) {
    let Wrong { at, what } = wrong;
    for (name, text) in [("at", at), ("what", what)] {
        out.name(name);
        out.text(text);
    }
}
