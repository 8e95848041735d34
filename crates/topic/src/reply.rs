//! What requests are answered with.

use compact_str::{CompactString, ToCompactString};
use minicbor::bytes::ByteVec;
use tidegate_engine::contract::PageItem;
use tidegate_engine::reply;

use crate::lease_id::LeaseId;
use crate::table::Message;

reply! {
    /// A topic now.
    pub struct TopicInfo {
        /// The topic.
        name: CompactString,
        /// How often it was declared with something new.
        version: u64,
        /// When it was declared first, in milliseconds since 1970.
        created_at_ms: u64,
        /// Whose it is.
        owner: CompactString,
        /// What it is.
        description: CompactString,
        /// The position of the first message that is kept; that behind the last one if none is. Of a topic of several
        /// parts `get` tells all figures of messages for all of them, and `create` for the first one.
        first: u64,
        /// The position of the last message; 0 before the first one.
        last: u64,
        /// When that was published, in milliseconds since 1970; null before the first one.
        last_at_ms: Option<u64>,
        /// Bytes of payloads and headers that are kept.
        bytes: u64,
        /// Messages whose time has not come.
        delayed: u64,
        /// How many groups it has.
        groups: u64,
        /// How many parts it has.
        parts: u64,
        /// How long messages are kept, in milliseconds; null for ever.
        retain_ms: Option<u64>,
        /// How many bytes are kept; null for all.
        retain_bytes: Option<u64>,
        /// How many messages are kept; null for all.
        retain_count: Option<u64>,
        /// The text of the JSON schema of its payloads; null if they are any bytes.
        schema: Option<CompactString>,
    }
}

reply! {
    /// A topic that is deleted.
    pub struct DeleteReceipt {
        /// The topic.
        name: CompactString,
        /// Whether it was deleted before, and what it had is still going.
        repeated: bool,
    }
}

reply! {
    /// A topic in a list.
    pub struct TopicSummary {
        /// The topic.
        name: CompactString,
        /// How often it was declared with something new.
        version: u64,
        /// Whose it is.
        owner: CompactString,
        /// What it is.
        description: CompactString,
        /// How many groups it has.
        groups: u64,
    }
}

impl PageItem for TopicSummary {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.name.clone()
    }
}

reply! {
    /// A message that was published, or is going to be.
    pub struct PublishReceipt {
        /// The topic.
        name: CompactString,
        /// The id of the message.
        id: CompactString,
        /// Its position; null while its time has not come.
        position: Option<u64>,
        /// When it was published, or is going to be, in milliseconds since 1970.
        at_ms: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A message of several.
    pub struct Published {
        /// The id of the message.
        id: CompactString,
        /// Its position; null while its time has not come.
        position: Option<u64>,
        /// When it was published, or is going to be, in milliseconds since 1970.
        at_ms: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// Messages that were published, or are going to be.
    pub struct AllReceipt {
        /// The topic.
        name: CompactString,
        /// Each of them, in the order in which they were sent.
        messages: Vec<Published>,
    }
}

reply! {
    /// A message as it is kept.
    pub struct MessageInfo {
        /// Its position; null while its time has not come.
        position: Option<u64>,
        /// Its id.
        id: CompactString,
        /// Its key.
        key: Option<CompactString>,
        /// The position of the message before it of the same key.
        before: Option<u64>,
        /// When it was published, or is going to be, in milliseconds since 1970.
        at_ms: u64,
        /// From when on no group is given it, in milliseconds since 1970.
        expires_at_ms: Option<u64>,
        /// The text of a JSON object whose values are texts.
        headers: Option<CompactString>,
        /// What was published.
        payload: ByteVec,
    }
}

/// The text, unless it is empty.
pub(crate) fn filled(text: CompactString) -> Option<CompactString> {
    Some(text).filter(|text| !text.is_empty())
}

/// The number, unless it is 0.
pub(crate) fn some(number: u64) -> Option<u64> {
    Some(number).filter(|number| *number > 0)
}

impl Message {
    /// Its id, as it is told.
    pub(crate) fn id(&self) -> CompactString {
        if self.chosen.is_empty() {
            self.minted.to_compact_string()
        } else {
            self.chosen.clone()
        }
    }
}

impl MessageInfo {
    pub(crate) fn of(position: u64, message: Message) -> Self {
        Self {
            position: some(position),
            id: message.id(),
            key: filled(message.key),
            before: some(message.before),
            at_ms: message.at_ms,
            expires_at_ms: some(message.expires_at_ms),
            headers: filled(message.headers),
            payload: message.payload,
        }
    }
}

impl PageItem for MessageInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        self.position.unwrap_or_default()
    }
}

reply! {
    /// How a group is given messages.
    pub struct GroupInfo {
        /// The topic.
        name: CompactString,
        /// The group.
        group: CompactString,
        /// How often it was declared with something new.
        version: u64,
        /// key or none.
        order: &'static str,
        /// How long a lease lasts, in milliseconds.
        lease_ms: u64,
        /// After so many tries in vain a message is a dead letter.
        tries: u64,
        /// The longest rest before the second try, in milliseconds.
        rest_min_ms: u64,
        /// The longest rest of all, in milliseconds.
        rest_max_ms: u64,
        /// How long ago the oldest message that is not settled may have been published; null for as long as it likes.
        max_lag_ms: Option<u64>,
        /// The position of the first message that no member was given, nor was kept from; in the first part, if the
        /// topic has several.
        next: u64,
        /// Whether it is given nothing.
        paused: bool,
    }
}

reply! {
    /// What was done about a group.
    pub struct SteerReceipt {
        /// The topic.
        name: CompactString,
        /// The group.
        group: CompactString,
        /// The version that it has now.
        version: u64,
        /// The position of the first message that no member was given, nor was kept from; in the first part, if the
        /// topic has several.
        next: u64,
        /// Whether it is given nothing.
        paused: bool,
        /// Whether it was so before, or this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// An entry of the audit list of a group.
    pub struct AuditEntry {
        /// Its number.
        number: u64,
        /// pause, resume or move.
        how: &'static str,
        /// Who says that they have done so.
        by: Option<CompactString>,
        /// When, in milliseconds since 1970.
        at_ms: u64,
        /// The position at which the group was going to go on.
        from: u64,
        /// The position at which it went on.
        to: u64,
    }
}

impl PageItem for AuditEntry {
    type Place = u64;

    fn place(&self) -> u64 {
        self.number
    }
}

reply! {
    /// A group, and what it lags behind.
    pub struct GroupLag {
        /// The group.
        group: CompactString,
        /// How often it was declared with something new.
        version: u64,
        /// key or none.
        order: &'static str,
        /// Whether it is given nothing.
        paused: bool,
        /// Messages that are not settled.
        lag: u64,
        /// How long ago the oldest of them was published, in milliseconds; 0 if there is none.
        lag_ms: u64,
        /// How long that may be at most; null for as long as it likes.
        max_lag_ms: Option<u64>,
        /// The position of the first message that no member was given, nor was kept from.
        next: u64,
        /// Messages that are leased.
        leased: u64,
        /// Messages that are in line to be given, again or for the first time.
        ready: u64,
        /// Messages that rest before they are given again.
        resting: u64,
        /// Messages that wait for the one before them of their key.
        blocked: u64,
        /// Dead letters that are kept.
        dead: u64,
        /// Messages that were acknowledged.
        acked: u64,
        /// Messages that expired before they were.
        expired: u64,
        /// Messages that were dropped before they were.
        dropped: u64,
    }
}

impl PageItem for GroupLag {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.group.clone()
    }
}

reply! {
    /// A message that is leased.
    pub struct Delivered {
        /// Its position.
        position: u64,
        /// Its id.
        id: CompactString,
        /// Its key.
        key: Option<CompactString>,
        /// When it was published, in milliseconds since 1970.
        at_ms: u64,
        /// The number of this try, from 1 on.
        attempt: u64,
        /// The text of a JSON object whose values are texts.
        headers: Option<CompactString>,
        /// What was published.
        payload: ByteVec,
    }
}

impl Delivered {
    pub(crate) fn of(position: u64, attempt: u32, message: Message) -> Self {
        Self {
            position,
            id: message.id(),
            key: filled(message.key),
            at_ms: message.at_ms,
            attempt: attempt.into(),
            headers: filled(message.headers),
            payload: message.payload,
        }
    }
}

reply! {
    /// A group whose messages are pushed.
    pub struct PushReceipt {
        /// The topic.
        name: CompactString,
        /// The group.
        group: CompactString,
        /// To whom, by the name that the settings of the server have.
        receiver: CompactString,
        /// Most messages that are brought at once.
        in_flight: u64,
        /// Since when it is pushed so, in milliseconds since 1970.
        since_ms: u64,
    }
}

reply! {
    /// A group whose messages are not pushed.
    pub struct PullReceipt {
        /// The topic.
        name: CompactString,
        /// The group.
        group: CompactString,
        /// Whether that was so before.
        repeated: bool,
    }
}

reply! {
    /// A group of a topic that is pushed.
    pub struct PushedGroup {
        /// The group.
        group: CompactString,
        /// key or none.
        order: &'static str,
        /// To whom, by the name that the settings of the server have.
        receiver: CompactString,
        /// Most messages that are brought at once.
        in_flight: u64,
        /// Since when it is pushed so, in milliseconds since 1970.
        since_ms: u64,
    }
}

reply! {
    /// A topic of which groups are pushed.
    pub struct PushedTopic {
        /// The topic.
        name: CompactString,
        /// Those groups.
        groups: Vec<PushedGroup>,
    }
}

impl PageItem for PushedTopic {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.name.clone()
    }
}

reply! {
    /// What a member was given.
    pub struct Delivery {
        /// The lease; null if there is no message.
        lease: Option<LeaseId>,
        /// When it ends, in milliseconds since 1970; null if there is none.
        until_ms: Option<u64>,
        /// The messages, those of a key in their order.
        messages: Vec<Delivered>,
    }
}

reply! {
    /// Messages that are settled.
    pub struct AckReceipt {
        /// How many were settled now.
        acked: u64,
        /// How many of the lease are left.
        left: u64,
        /// Whether all of them had been settled before.
        repeated: bool,
    }
}

reply! {
    /// Messages that were given back.
    pub struct NackReceipt {
        /// How many are given again, those that follow one of them in its key included.
        returned: u64,
        /// How many are dead letters now.
        dead: u64,
        /// How many of the lease are left.
        left: u64,
    }
}

reply! {
    /// A lease that lasts longer.
    pub struct ExtendReceipt {
        /// When it ends now, in milliseconds since 1970.
        until_ms: u64,
    }
}

reply! {
    /// A dead letter in a list.
    pub struct DeadSummary {
        /// Its number.
        number: u64,
        /// The position of its message.
        position: u64,
        /// How often it was tried.
        tries: u64,
        /// Why the last try was in vain.
        cause: CompactString,
        /// Who has tried it last.
        member: CompactString,
        /// When it became one, in milliseconds since 1970.
        at_ms: u64,
    }
}

impl PageItem for DeadSummary {
    type Place = u64;

    fn place(&self) -> u64 {
        self.number
    }
}

reply! {
    /// A dead letter, with its message.
    pub struct DeadDetails {
        /// Its number.
        number: u64,
        /// How often it was tried.
        tries: u64,
        /// Why the last try was in vain.
        cause: CompactString,
        /// Who has tried it last.
        member: CompactString,
        /// When it became one, in milliseconds since 1970.
        died_at_ms: u64,
        /// The message.
        message: MessageInfo,
    }
}

reply! {
    /// A dead letter that is given again.
    pub struct ReplayReceipt {
        /// The position of its message.
        position: u64,
        /// How many dead letters the group has left.
        dead: u64,
    }
}

reply! {
    /// A dead letter that was dropped.
    pub struct DropReceipt {
        /// How many dead letters the group has left.
        dead: u64,
    }
}

reply! {
    /// Dead letters that are given again.
    pub struct ReplayAllReceipt {
        /// How many.
        replayed: u64,
        /// How many dead letters the group has left.
        dead: u64,
        /// What to pass as `after` for the rest; null if these were the last ones.
        next: Option<u64>,
    }
}

reply! {
    /// Dead letters that were dropped.
    pub struct DropAllReceipt {
        /// How many.
        dropped: u64,
        /// How many dead letters the group has left.
        dead: u64,
        /// What to pass as `after` for the rest; null if these were the last ones.
        next: Option<u64>,
    }
}
