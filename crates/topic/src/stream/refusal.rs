//! Every "no" of stream commands, in the words of Redis where it has some: clients look for them.

use std::borrow::Cow;

use tidegate_engine::contract::{RefusalDef, Refuse, Status};

use crate::refusal::{BEING_DELETED, SCHEMA_VIOLATED};
use crate::schema::Wrong;
use crate::{
    CONSUMERS_MAX, PASSED_OVER_MAX, PENDING_CHUNKS_MAX, PENDING_MAX, RANGE_ENTRIES_MAX,
    READ_BYTES_MAX, STREAM_GROUPS_MAX,
};

/// Why a stream command is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamRefusal {
    def: &'static RefusalDef,
    words: Cow<'static, str>,
}

impl StreamRefusal {
    /// No such stream: for `XINFO`.
    pub(super) fn no_key() -> Self {
        Self::of(&NO_STREAM, "ERR no such key")
    }

    /// No such stream: for `XGROUP`.
    pub(super) fn no_key_of_groups() -> Self {
        let words = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the \
                     MKSTREAM option to create an empty stream automatically.";
        Self::of(&NO_STREAM, words)
    }

    /// No such stream, or no such group of it; with what is said behind that.
    pub(super) fn no_group((name, group): (&str, &str), behind: &str) -> Self {
        let words = format!("NOGROUP No such key '{name}' or consumer group '{group}'{behind}");
        Self::of(&NO_GROUP, words)
    }

    /// No such group of a stream that is there: for `XGROUP` and `XINFO`.
    pub(super) fn no_group_of((name, group): (&str, &str)) -> Self {
        let words = format!("NOGROUP No such consumer group '{group}' for key name '{name}'");
        Self::of(&NO_GROUP, words)
    }

    pub(super) fn group_exists() -> Self {
        Self::of(
            &GROUP_EXISTS,
            "BUSYGROUP Consumer Group name already exists",
        )
    }

    pub(super) fn id_too_small() -> Self {
        let words =
            "ERR The ID specified in XADD is equal or smaller than the target stream top item";
        Self::of(&ID_TOO_SMALL, words)
    }

    pub(super) fn ids_used_up() -> Self {
        let words = "ERR The stream has exhausted the last possible ID, unable to add more items";
        Self::of(&ID_TOO_SMALL, words)
    }

    pub(super) fn schema_violated(wrong: &Wrong) -> Self {
        let Wrong { at, what } = wrong;
        let words = format!("ERR the topic's schema does not accept the entry: '{at}' {what}");
        Self::of(&SCHEMA_VIOLATED, words)
    }

    pub(super) fn being_deleted() -> Self {
        let words =
            "ERR the topic was deleted, and what it had is still going: try again in a moment";
        Self::of(&BEING_DELETED, words)
    }

    pub(super) fn several_parts() -> Self {
        let words = "ERR the topic has several parts, and streams are topics of one";
        Self::of(&SEVERAL_PARTS, words)
    }

    pub(super) fn too_many_groups() -> Self {
        let words = format!(
            "ERR the stream has {STREAM_GROUPS_MAX} groups, as many as it may: destroy one"
        );
        Self::of(&TOO_MANY, words)
    }

    pub(super) fn too_many_consumers() -> Self {
        let words =
            format!("ERR the group has {CONSUMERS_MAX} consumers, as many as it may: delete one");
        Self::of(&TOO_MANY, words)
    }

    pub(super) fn too_many_pending() -> Self {
        let words = format!(
            "ERR the group has {PENDING_MAX} pending entries, or some in {PENDING_CHUNKS_MAX} places: acknowledge some"
        );
        Self::of(&TOO_MANY, words)
    }

    pub(super) fn range_too_large() -> Self {
        let words = format!(
            "ERR what is asked for has more than {RANGE_ENTRIES_MAX} entries or {READ_BYTES_MAX} bytes: ask for fewer \
             with COUNT, and go on behind the last one"
        );
        Self::of(&TOO_MANY, words)
    }

    pub(super) fn too_many_expired() -> Self {
        let words = format!(
            "ERR {PASSED_OVER_MAX} messages have expired there one behind the other: read behind a later id"
        );
        Self::of(&TOO_MANY, words)
    }

    pub(super) fn trims_too_much(most: u64) -> Self {
        let words = format!(
            "ERR more than {most} entries would go at once: trim with ~, again and again, or declare RETAIN_COUNT"
        );
        Self::of(&TOO_MANY, words)
    }

    fn of(def: &'static RefusalDef, words: impl Into<Cow<'static, str>>) -> Self {
        let words = words.into();
        Self { def, words }
    }
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

pub(super) const NO_STREAM: RefusalDef = def("no_stream", Status::NotFound, "No such stream.");
pub(super) const NO_GROUP: RefusalDef = def(
    "no_group",
    Status::NotFound,
    "No such stream, or no such group of it.",
);
pub(super) const GROUP_EXISTS: RefusalDef = def(
    "busy_group",
    Status::Conflict,
    "The stream has such a group.",
);
pub(super) const ID_TOO_SMALL: RefusalDef = def(
    "id_too_small",
    Status::Conflict,
    "The id is not greater than that of the last entry.",
);
pub(super) const SEVERAL_PARTS: RefusalDef = def(
    "several_parts",
    Status::Conflict,
    "The topic has several parts: streams are topics of one.",
);
pub(super) const TOO_MANY: RefusalDef = def(
    "too_many",
    Status::Conflict,
    "It is more than a limit of streams, which the answer names.",
);

impl Refuse for StreamRefusal {
    fn def(&self) -> &'static RefusalDef {
        self.def
    }

    fn words(&self) -> Option<&str> {
        Some(&self.words)
    }
}
