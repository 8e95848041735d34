//! Topics: messages that are kept in order, and groups whose members lease them, acknowledge them, or give them back.
//!
//! It is a queue of messages that stay, in the sense of a log that is read by position. It is not a scheduler of jobs
//! with priorities and results, and knows nothing of what a message means.
//!
//! Laws, checked by [`audit`] from the rows themselves:
//! 1. The messages of a topic are numbered without gaps, from the first one that is kept, in the order of the times at
//!    which they were published, and are as many bytes as the topic says. Those before it are pinned.
//! 2. An id that a caller has chosen stands once, with the message or the delayed one that it names, and with its time.
//! 3. Each message names the one before it of its key, which may not be kept any more, and each key the last one.
//! 4. Every delayed message has its timer, and every such timer a delayed message; the topic counts them.
//! 5. Every position before that at which a group goes on is settled or open, and an open one is in one place: it is
//!    leased, in line, rests, or is blocked. The group counts them, and the places in line are dense.
//! 6. A lease has messages, or has had some that were given back, and one timer, due when it ends; what rests has one, due when it is over; and no timer is
//!    without them.
//! 7. In a group in the order of keys no two messages of a key are given at once, but in one lease, one behind the
//!    other: of the open messages of a key each but the first is blocked by the one before it, or behind it in its lease.
//! 8. Dead letters are settled, as many as the group counts, and not numbered beyond its last one. They pin their
//!    messages, as do those that are replayed and not settled, and nothing else does.
//! 9. What need not be kept has its timer.
//! 10. What a group had open before it was moved is in one place as well, and goes: leases and rests when they end, what
//!     was in line or is blocked by nothing that is open by timers. Its audit list has the last times that it was steered.
//! 11. A group that may not lag as long as it likes has a timer, due when it is looked at.
//! 12. Every row lies in the slot of its topic, which is there, as is the group; the topic counts its groups.
//! 13. A topic has a schema if it says so, and one that can be read.
//! 14. A topic of which groups are pushed says of each of them, which is there, to whom and how many at once.
//! 15. Ids of messages as entries of streams ascend with their positions, and the topic says the last one.
//! 16. A topic of several parts is split into them, and each part has what the first one has told it, once that says so:
//!     the same version, and as many groups. What people do about a group is noted in the first part only, as
//!     is which of the others are further behind than they are to be.
//! 17. A topic that was deleted is not there, nor are its groups. What is left of it goes by a timer, or is what its groups
//!     had open, which goes as in 10, also if another topic has its name: of that all moves are later ones.
//! 18. The groups of a topic are those that it names.
//!
//! `stream/` is a domain of its own over the same messages: the stream commands of Redis.
//!
//! Start reading at `command.rs`, then `parts.rs`, then `apply/publish.rs`, `apply/read.rs` and `apply/desk.rs`.

mod apply;
mod audit;
mod command;
mod emptying;
mod event;
mod fields;
mod lease_id;
mod open;
mod parts;
mod refusal;
mod reply;
mod scan;
mod schema;
mod stream;
mod surface;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod whole;

pub use apply::Append;
pub use audit::audit;
pub use command::{
    Ack, AuditList, Browse, Create, DeadInfo, DeadList, DeleteTopic, Draft, DropAll, DropDead,
    Extend, Find, Get, Groups, History, List, Move, Nack, OfLease, Pause, Publish, PublishAll,
    Pull, Push, Pushes, Read, Replay, ReplayAll, Resume, SetGroup,
};
pub use fields::{Compatible, Headers, SchemaText, Start};
pub use lease_id::LeaseId;
pub use refusal::Refusal;
pub use reply::{
    AckReceipt, AllReceipt, AuditEntry, DeadDetails, DeadSummary, DeleteReceipt, Delivered,
    Delivery, DropAllReceipt, DropReceipt, ExtendReceipt, GroupInfo, GroupLag, MessageInfo,
    NackReceipt, PublishReceipt, Published, PullReceipt, PushReceipt, PushedGroup, PushedTopic,
    ReplayAllReceipt, ReplayReceipt, SteerReceipt, TopicInfo, TopicSummary,
};
pub use schema::Wrong;
pub use stream::STREAM;
pub use surface::TOPIC;
pub use table::Order;

/// Messages of one read, and of one publication: their rows, with names of the longest, fit into a record.
pub const BATCH_MESSAGES_MAX: usize = 500;

/// Bytes of payloads and headers that one read answers with, unless a single message has more: as many as one batch
/// answers with.
pub const READ_BYTES_MAX: usize = 1024 * 1024;

/// Messages that one read passes over because they have expired or wait for others of their key.
pub const PASSED_OVER_MAX: usize = 1_000;

/// Bytes of the headers of a message.
pub const HEADERS_BYTES_MAX: usize = 16 * 1024;

/// Bytes of the rows of one publication: with their keys in the log they are one record.
pub const PUBLISHED_BYTES_MAX: usize = 920 * 1024;

/// Bytes of the text of a schema.
pub const SCHEMA_BYTES_MAX: usize = 16 * 1024;

/// Open messages of a group: those beyond wait until one of them is settled. So much can one key that fails hold back.
pub const OPEN_MAX: u64 = 10_000;

/// Parts of a topic: each can be another core's work, and a reader waits in all of them.
pub const PARTS_MAX: i64 = 16;

/// How long a command waits until all parts of a topic know what it has declared, before it is told to ask again.
pub const TOLD_MS_MAX: u64 = 10_000;

/// Groups of a topic.
pub const GROUPS_MAX: u64 = 64;

/// Bytes of a cause: whoever keeps more has a log for it.
pub const CAUSE_BYTES_MAX: usize = 200;

/// Bytes of a description, and of an owner.
pub const ABOUT_BYTES_MAX: usize = 500;

/// Messages of a group that are pushed at once, at most.
pub const IN_FLIGHT_MAX: i64 = 1_000;

/// Groups of a stream.
pub const STREAM_GROUPS_MAX: usize = 64;

/// Consumers of a group of a stream: all of them lie in its row.
pub const CONSUMERS_MAX: usize = 128;

/// Entries of a group of a stream that are pending: it is given nothing new beyond them.
pub const PENDING_MAX: u64 = 10_000;

/// Rows in which they lie, each of 64 positions: the group's row names them.
pub const PENDING_CHUNKS_MAX: usize = 1_000;

/// Entries that one answer about a range of ids has.
pub const RANGE_ENTRIES_MAX: usize = 1_000;

/// Entries that one command trims, or deletes: their rows, with names of the longest, fit into a record. Beside a large
/// entry that is added fewer are trimmed.
pub const TRIMMED_MAX: u64 = 1_000;

/// Streams that one command reads.
pub const STREAMS_MAX: usize = 64;

/// The longest lease, in milliseconds: 12 hours.
pub const LEASE_MS_MAX: i64 = 43_200_000;

/// The longest rest of a message before it is tried again, in milliseconds: a day.
pub const REST_MS_MAX: i64 = 86_400_000;

/// How long it is known of a topic that was deleted where its positions ended: an hour longer than any lease or rest of
/// its groups may last.
pub(crate) const GONE_MS: u64 = REST_MS_MAX.unsigned_abs() + 3_600_000;

const _: () = assert!(LEASE_MS_MAX <= REST_MS_MAX, "no lease outlasts every rest");

/// Entries of the audit list of a group.
pub const STEERED_MAX: u64 = 1_000;
