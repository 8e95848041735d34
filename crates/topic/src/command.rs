//! Every request of the domain: its fields, their limits and their meaning.

use tidegate_engine::contract::{Bounded, Bytes, Id, Limit, List as ListOf, Millis, Name, Wait};
use tidegate_engine::request;

use crate::fields::{About, Cause, Compatible, Headers, SchemaText, Start};
use crate::lease_id::LeaseId;
use crate::table::Order;
use crate::{BATCH_MESSAGES_MAX, IN_FLIGHT_MAX, LEASE_MS_MAX, PARTS_MAX, REST_MS_MAX};

/// A position, a number or a version.
type Position = Bounded<0, { i64::MAX }>;

/// A moment, in milliseconds since 1970.
type Moment = Bounded<0, { i64::MAX }>;

/// How long a lease lasts: 100 ms to 12 hours.
type LeaseMs = Bounded<100, LEASE_MS_MAX>;

/// How long a message rests: up to a day.
type RestMs = Bounded<1, REST_MS_MAX>;

/// How many messages a read gives at most.
type Count = Bounded<1, { BATCH_MESSAGES_MAX as i64 }>;

/// How often a message is tried.
type Tries = Bounded<1, 1_000>;

request! {
    /// Declares a topic, or changes what is said of it.
    /// Declaring it again as it already is changes nothing.
    pub struct Create {
        /// The topic.
        name: Name,
        /// Only if the topic has this version; 0 means that it must not exist yet.
        ["IF"] if_version: Option<Position>,
        /// Whose it is: up to 500 bytes.
        ["OWNER"] owner: Option<About>,
        /// What it is: up to 500 bytes.
        ["DESC"] description: Option<About>,
        /// Keep messages so many milliseconds; without it, for ever.
        ["RETAIN_MS"] retain_ms: Option<Millis>,
        /// Keep at most so many bytes of payloads and headers, the newest.
        ["RETAIN_BYTES"] retain_bytes: Option<Bounded<1, { i64::MAX }>>,
        /// Keep at most so many messages, the newest.
        ["RETAIN_COUNT"] retain_count: Option<Bounded<1, { i64::MAX }>>,
        /// The text of a JSON schema, up to 16 KiB: payloads are JSON as it says. Without it, any bytes.
        ["SCHEMA"] schema: Option<SchemaText>,
        /// no: the schema need not accept all that the one before it has accepted.
        ["COMPATIBLE"] compatible: Option<Compatible>,
        /// Of so many parts, which lie in several partitions: 1 unless it says. It never changes.
        ["PARTS"] parts: Option<Bounded<1, PARTS_MAX>>,
    }
}

request! {
    /// A topic now.
    pub struct Get {
        /// The topic.
        name: Name,
    }
}

request! {
    /// Deletes a topic with its messages, delayed ones, ids, groups and dead letters: it is not there from then on. Its name
    /// may be used again once all of that has gone, which takes as long as there is much of it.
    pub struct DeleteTopic {
        /// The topic.
        name: Name,
        /// Only if the topic has this version.
        ["IF"] if_version: Option<Position>,
    }
}

request! {
    /// All topics, in the order of their bytes.
    pub struct List {
        /// Only topics that start with this.
        ["PREFIX"] prefix: Option<Name>,
        /// Only topics behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// Publishes a message, once per id.
    pub struct Publish {
        /// The topic.
        name: Name,
        /// The caller's id of the message, or `*`.
        id: Id,
        /// Up to 900 KiB of any bytes.
        payload: Bytes,
        /// Messages of one key are in order, and groups are given them one after the other.
        ["KEY"] key: Option<Name>,
        /// Publish it at this time, in milliseconds since 1970; at once if that is over.
        ["AT"] at_ms: Option<Moment>,
        /// Publish it after so many milliseconds.
        ["DELAY"] delay_ms: Option<Millis>,
        /// So many milliseconds after it was published no group is given it any more.
        ["TTL"] ttl_ms: Option<Millis>,
        /// The text of a JSON object whose values are texts, up to 16 KiB.
        ["HEADERS"] headers: Option<Headers>,
        /// Only if this is the position of the last message of the key; 0 means that there must be none yet.
        ["LAST"] last: Option<Position>,
    }
}

request! {
    /// A message to publish, among others.
    pub struct Draft {
        /// The caller's id of the message, or `*`.
        id: Id,
        /// Its key.
        key: Option<Name>,
        /// Publish it after so many milliseconds.
        delay_ms: Option<Millis>,
        /// So many milliseconds after it was published no group is given it any more.
        ttl_ms: Option<Millis>,
        /// The text of a JSON object whose values are texts.
        headers: Option<Headers>,
        /// Any bytes.
        payload: Bytes,
    }
}

request! {
    /// Publishes messages in their order, all or none, each once per id.
    pub struct PublishAll {
        /// The topic.
        name: Name,
        /// The messages, up to 500. With ids, keys and headers they have room for about 900 KiB.
        messages: ListOf<Draft, BATCH_MESSAGES_MAX>,
    }
}

request! {
    /// Messages in the order of their positions.
    pub struct Browse {
        /// The topic.
        name: Name,
        /// Only messages behind this position.
        ["AFTER"] after: Option<Position>,
        /// Only messages published at this time or later, in milliseconds since 1970.
        ["SINCE"] since_ms: Option<Moment>,
        /// Most items of the page, which ends earlier once it has 1 MiB.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// The message with an id that its publisher has chosen.
    pub struct Find {
        /// The topic.
        name: Name,
        /// The id.
        id: Name,
    }
}

request! {
    /// Declares a group of a topic, or changes how it is given messages.
    /// Declaring it again as it already is changes nothing.
    pub struct SetGroup {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Only if the group has this version; 0 means that it must not exist yet.
        ["IF"] if_version: Option<Position>,
        /// key: messages of a key one after the other; none: all at once. It never changes.
        ["ORDER"] order: Option<Order>,
        /// It begins at this position of the topic; by default with the first message that is kept. Where it begins never
        /// changes.
        ["FROM"] from: Option<Bounded<1, { i64::MAX }>>,
        /// Instead of that, it begins with the first message published at this time or later, in milliseconds since 1970.
        ["SINCE"] since_ms: Option<Moment>,
        /// Instead of these, earliest: it begins with the first message that is kept; latest: with the next one that is
        /// published.
        ["START"] start: Option<Start>,
        /// How long a lease lasts, in milliseconds.
        ["LEASE"] lease_ms: LeaseMs = 30_000,
        /// After so many tries in vain a message is a dead letter.
        ["TRIES"] tries: Tries = 10,
        /// The longest rest before the second try, in milliseconds; each further one may be twice as long.
        ["REST"] rest_min_ms: RestMs = 1_000,
        /// The longest rest of all, in milliseconds.
        ["REST_MAX"] rest_max_ms: RestMs = 60_000,
        /// Emit `topic_lagging` when the oldest message that is not settled was published longer ago, in milliseconds,
        /// and `topic_caught_up` when that is over. Without it, no alarm.
        ["MAXLAG_MS"] max_lag_ms: Option<Millis>,
    }
}

request! {
    /// Gives a group nothing, until it is resumed. Leases go on, and may be acknowledged.
    pub struct Pause {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Only if the group has this version.
        ["IF"] if_version: Option<Position>,
        /// Who does it, for the audit list.
        ["BY"] by: Option<Name>,
    }
}

request! {
    /// Has a group that was paused given messages again.
    pub struct Resume {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Only if the group has this version.
        ["IF"] if_version: Option<Position>,
        /// Who does it, for the audit list.
        ["BY"] by: Option<Name>,
    }
}

request! {
    /// Has a group go on elsewhere: what lies before is settled, what lies behind is given to it, again or not. Leases
    /// that it has given before are over.
    pub struct Move {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// The version that the group has: somebody else has not moved or changed it since.
        version: Position,
        /// The position of the next message that it is given.
        ["TO"] to: Option<Position>,
        /// Instead of that, a time in milliseconds since 1970: the first message published then or later is next.
        ["SINCE"] since_ms: Option<Moment>,
        /// Who does it, for the audit list.
        ["BY"] by: Option<Name>,
    }
}

request! {
    /// Who has paused, resumed and moved a group, oldest first: the last 1,000 times.
    pub struct AuditList {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Only entries behind this number.
        ["AFTER"] after: Option<Position>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// The messages of a key, newest first, as far as they are kept.
    pub struct History {
        /// The topic.
        name: Name,
        /// The key.
        key: Name,
        /// Go on behind this position, with older ones.
        ["AFTER"] after: Option<Position>,
        /// Most items of the page, which ends earlier once it has 1 MiB.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// The groups of a topic, each with what it lags behind.
    pub struct Groups {
        /// The topic.
        name: Name,
        /// Only groups behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// Leases messages to a member of a group: what was given back first, then those that no member has seen.
    pub struct Read {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Who works on them.
        member: Name,
        /// Most messages. Fewer come if they have 1 MiB.
        ["COUNT"] count: Count = 1,
        /// How long to wait for one, in milliseconds, if there is none.
        ["WAIT"] wait_ms: Wait = 0,
    }
}

request! {
    /// Has the messages of a group pushed: each is leased as to any member, and brought to a receiver over HTTP, those of a key one
    /// after the other if the group keeps their order. Members besides may read.
    pub struct Push {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// To whom, by the name that the settings of the server have.
        receiver: Name,
        /// Most messages that are brought at once.
        ["INFLIGHT"] in_flight: Bounded<1, IN_FLIGHT_MAX> = 16,
    }
}

request! {
    /// Has the messages of a group pushed no longer. What is being brought is brought to its end.
    pub struct Pull {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
    }
}

request! {
    /// Topics of which groups are pushed, in the order of their bytes.
    pub struct Pushes {
        /// Only topics that start with this.
        ["PREFIX"] prefix: Option<Name>,
        /// Only topics behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// A position of a lease.
    pub struct OfLease {
        /// The position.
        position: Bounded<1, { i64::MAX }>,
    }
}

/// Some of a lease's messages.
pub(crate) type Chosen = ListOf<OfLease, BATCH_MESSAGES_MAX>;

request! {
    /// Settles the messages of a lease, or some of them: the group is not given them again.
    pub struct Ack {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// The lease.
        lease: LeaseId,
        /// Only these of its messages.
        ["POSITIONS"] positions: Option<Chosen>,
    }
}

request! {
    /// Gives the messages of a lease back, or some of them: they are given again after a rest, or are dead letters.
    /// What follows one of them in its key goes back with it, and is not counted as tried.
    pub struct Nack {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// The lease.
        lease: LeaseId,
        /// Only these of its messages.
        ["POSITIONS"] positions: Option<Chosen>,
        /// How long they rest, in milliseconds, instead of what the group says; 0 for not at all.
        ["DELAY"] delay_ms: Option<Bounded<0, REST_MS_MAX>>,
        /// Why, up to 200 bytes.
        ["CAUSE"] cause: Option<Cause>,
    }
}

request! {
    /// Has a lease last longer, from now on.
    pub struct Extend {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// The lease.
        lease: LeaseId,
        /// How long from now, in milliseconds; as long as leases of the group last without it.
        ["MS"] ms: Option<LeaseMs>,
    }
}

request! {
    /// The dead letters of a group, in the order in which they became so.
    pub struct DeadList {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Only dead letters behind this number.
        ["AFTER"] after: Option<Position>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// A dead letter, with its message.
    pub struct DeadInfo {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Its number.
        number: Position,
    }
}

request! {
    /// Has the group given a dead letter again, behind what is in line, without regard to order.
    pub struct Replay {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Its number.
        number: Position,
    }
}

request! {
    /// Drops a dead letter. Its message stays in the topic.
    pub struct DropDead {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Its number.
        number: Position,
    }
}

request! {
    /// Has the group given dead letters again, in the order in which they became so: of those with the next 500 numbers,
    /// all, or those with one cause. `next` is what to pass as `after` for the rest.
    pub struct ReplayAll {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Only dead letters behind this number.
        ["AFTER"] after: Option<Position>,
        /// Only those with this cause, word for word.
        ["CAUSE"] cause: Option<Cause>,
    }
}

request! {
    /// Drops dead letters: of those with the next 500 numbers, all, or those with one cause. `next` is what to pass as
    /// `after` for the rest.
    pub struct DropAll {
        /// The topic.
        name: Name,
        /// The group.
        group: Name,
        /// Only dead letters behind this number.
        ["AFTER"] after: Option<Position>,
        /// Only those with this cause, word for word.
        ["CAUSE"] cause: Option<Cause>,
    }
}
