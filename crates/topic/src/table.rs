//! The tables of the domain; `message.rs` and `group.rs` have their rows, with the numbers of their fields.

mod gone;
mod group;
mod message;
mod names;
mod push;
mod told;

use tidegate_engine::Table;

pub(crate) use gone::{Gone, GoneGroup, Left};
pub use group::Order;
pub(crate) use group::{
    Begins, Blocked, Dead, Group, How, Lease, Leased, MovedTo, Resting, Steered, Waiting,
};
pub(crate) use message::{LastOfKey, Message, Part, Pin, Published, SchemaRow, Topic};
pub(crate) use names::GroupNames;
pub(crate) use push::{Push, Pushes};
pub(crate) use told::Told;

use crate::open::OpenChunk;

/// The domain's number in stored formats.
pub(crate) const DOMAIN: u8 = 4;

/// By topic.
pub(crate) const TOPICS: Table<Topic> = Table::ordered(DOMAIN, 0, "topic.topics");
/// By topic: what its messages add up to.
pub(crate) const PARTS: Table<Part> = Table::keyed(DOMAIN, 1, "topic.parts");
/// By topic and position.
pub(crate) const MESSAGES: Table<Message> = Table::ordered(DOMAIN, 2, "topic.messages");
/// By topic and id, of messages whose id a caller has chosen.
pub(crate) const IDS: Table<Published> = Table::keyed(DOMAIN, 3, "topic.ids");
/// By topic and key.
pub(crate) const KEYS: Table<LastOfKey> = Table::keyed(DOMAIN, 4, "topic.keys");
/// By topic and number: messages whose time has not come.
pub(crate) const DELAYED: Table<Message> = Table::ordered(DOMAIN, 5, "topic.delayed");
/// By topic and group.
pub(crate) const GROUPS: Table<Group> = Table::ordered(DOMAIN, 6, "topic.groups");
/// By topic, work ([`Group::work`]) and chunk of positions: which of them are open.
pub(crate) const OPEN: Table<OpenChunk> = Table::ordered(DOMAIN, 7, "topic.open");
/// By topic, work and number.
pub(crate) const LEASES: Table<Lease> = Table::ordered(DOMAIN, 8, "topic.leases");
/// By topic, work and place in line: what may be leased before any message that no member has seen.
pub(crate) const READY: Table<Waiting> = Table::ordered(DOMAIN, 9, "topic.ready");
/// By topic, work and position: what was given back, and rests.
pub(crate) const RESTING: Table<Resting> = Table::ordered(DOMAIN, 10, "topic.resting");
/// By topic, work and the position of the message before it of the same key, which is open: what waits for that.
pub(crate) const BLOCKED: Table<Blocked> = Table::keyed(DOMAIN, 11, "topic.blocked");
/// By topic, group and number.
pub(crate) const DEAD: Table<Dead> = Table::ordered(DOMAIN, 12, "topic.dead");
/// By topic, group and number: who has paused, resumed and moved it.
pub(crate) const STEERED: Table<Steered> = Table::ordered(DOMAIN, 14, "topic.steered");
/// By topic: how its payloads are to be.
pub(crate) const SCHEMAS: Table<SchemaRow> = Table::keyed(DOMAIN, 15, "topic.schemas");
/// By topic: which of its groups are pushed.
pub(crate) const PUSHES: Table<Pushes> = Table::ordered(DOMAIN, 16, "topic.pushes");
/// By topic of several parts: what its first one has told the others.
pub(crate) const TOLD: Table<Told> = Table::keyed(DOMAIN, 17, "topic.told");
/// By topic and position: messages that are kept for groups of which they are dead letters.
pub(crate) const PINS: Table<Pin> = Table::keyed(DOMAIN, 13, "topic.pins");
/// By topic that has groups: their names.
pub(crate) const GROUP_NAMES: Table<GroupNames> = Table::keyed(DOMAIN, 18, "topic.group_names");
/// By topic that was deleted.
pub(crate) const GONE: Table<Gone> = Table::keyed(DOMAIN, 19, "topic.gone");
