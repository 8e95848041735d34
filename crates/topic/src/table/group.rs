//! Rows of groups: what they count, what is open of them, and what was done about them.

use compact_str::{CompactString, format_compact};
use minicbor::{Decode, Encode};
use tidegate_engine::Row;

/// A group of members that share the messages of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Group {
    #[n(0)]
    pub(crate) version: u64,
    #[n(1)]
    pub(crate) created_at_ms: u64,
    #[n(2)]
    pub(crate) order: Order,
    /// How long a lease lasts.
    #[n(3)]
    pub(crate) lease_ms: u64,
    /// After so many tries in vain a message is a dead letter.
    #[n(4)]
    pub(crate) tries: u32,
    /// Rests between tries: see [`tidegate_engine::Backoff`].
    #[n(5)]
    pub(crate) rest_min_ms: u64,
    #[n(6)]
    pub(crate) rest_max_ms: u64,
    /// The position of the first message that no member has been given, nor been kept from.
    #[n(7)]
    pub(crate) next: u64,
    /// Positions before it that are not settled.
    #[n(8)]
    pub(crate) open: u64,
    /// Messages that are leased.
    #[n(10)]
    pub(crate) leased: u64,
    /// Places in line: that of the first one, and that behind the last.
    #[n(11)]
    pub(crate) ready_from: u64,
    #[n(12)]
    pub(crate) ready_to: u64,
    /// Messages that rest.
    #[n(13)]
    pub(crate) resting: u64,
    /// Messages that wait for the one before them of their key.
    #[n(14)]
    pub(crate) blocked: u64,
    /// The number of the last dead letter.
    #[n(15)]
    pub(crate) died: u64,
    /// Dead letters that are kept.
    #[n(16)]
    pub(crate) dead: u64,
    /// Messages that were acknowledged.
    #[n(17)]
    pub(crate) acked: u64,
    /// Messages that expired before they were.
    #[n(18)]
    pub(crate) expired: u64,
    /// The position at which it began.
    #[n(19)]
    pub(crate) from: u64,
    /// Messages that were dropped before they were given.
    #[cbor(n(20), skip_if = "tidegate_engine::is_zero")]
    pub(crate) dropped: u64,
    /// How often it was moved.
    #[cbor(n(21), skip_if = "tidegate_engine::is_zero")]
    pub(crate) moves: u64,
    /// It is given nothing.
    #[cbor(n(22), skip_if = "std::ops::Not::not")]
    pub(crate) is_paused: bool,
    /// How often it was paused, resumed or moved: the number of the last entry of its audit list.
    #[cbor(n(23), skip_if = "tidegate_engine::is_zero")]
    pub(crate) steered: u64,
    /// How long ago the oldest message that is not settled may have been published; 0 for as long as it likes.
    #[cbor(n(24), skip_if = "tidegate_engine::is_zero")]
    pub(crate) max_lag_ms: u64,
    /// When that is looked at; 0 for never.
    #[cbor(n(25), skip_if = "tidegate_engine::is_zero")]
    pub(crate) looks_at_ms: u64,
    /// It was longer ago when that was looked at.
    #[cbor(n(26), skip_if = "std::ops::Not::not")]
    pub(crate) is_lagging: bool,
    /// Nothing is open in a chunk of positions before this one.
    #[cbor(n(27), skip_if = "tidegate_engine::is_zero")]
    pub(crate) floor: u64,
    /// Where it was asked to begin.
    #[cbor(n(28), skip_if = "Begins::is_earliest")]
    pub(crate) begins: Begins,
    /// In the first part: a bit for each other one that was further behind when that looked, by its place.
    #[cbor(n(29), skip_if = "tidegate_engine::is_zero")]
    pub(crate) others_lag: u64,
}

/// What stands between a group and how often it was moved, in the key of what is open. No group has it in its name.
const MOVED: char = '\u{3}';

impl Group {
    /// The key of what is open of the group with this name.
    pub(crate) fn work(&self, group: &str) -> CompactString {
        if self.moves == 0 {
            return CompactString::new(group);
        }
        format_compact!("{group}{MOVED}{}", self.moves)
    }

    /// Whether some part of it is further behind than it is to be, as far as the first part knows.
    pub(crate) fn lags(&self) -> bool {
        self.is_lagging || self.others_lag != 0
    }

    /// The group of which this is such a key, and how often it had been moved then.
    pub(crate) fn of_work(work: &str) -> Option<(&str, u64)> {
        match work.split_once(MOVED) {
            Some((group, moves)) => Some((group, moves.parse().ok()?)),
            None => Some((work, 0)),
        }
    }
}

impl Row for Group {}

/// Where a group begins in each part of its topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Begins {
    /// With the first message that is kept.
    #[default]
    #[n(0)]
    Earliest,
    /// With the next one that is published.
    #[n(1)]
    Latest,
    /// With the first one that has this position in the topic, or a later one.
    #[n(2)]
    Position(#[n(0)] u64),
    /// With the first one that was published then, or later.
    #[n(3)]
    Since(#[n(0)] u64),
}

impl Begins {
    pub(crate) fn is_earliest(&self) -> bool {
        *self == Self::Earliest
    }
}

/// In which order a group is given messages. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Order {
    /// Those of a key one after the other.
    #[n(1)]
    Key,
    /// Any.
    #[n(2)]
    None,
}

impl Order {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::None => "none",
        }
    }
}

/// An entry of the audit list of a group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Steered {
    #[n(0)]
    pub(crate) how: How,
    /// Who says that they have done so.
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) by: CompactString,
    #[n(2)]
    pub(crate) at_ms: u64,
    /// Where the group was going to go on.
    #[n(3)]
    pub(crate) from: u64,
    /// Where it goes on.
    #[n(4)]
    pub(crate) to: u64,
    /// The version that the group has had.
    #[n(5)]
    pub(crate) version: u64,
    /// Where a move was asked to go on.
    #[n(6)]
    pub(crate) asked: Option<MovedTo>,
}

impl Row for Steered {}

/// Where a group goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum MovedTo {
    /// At the first message that has this position in the topic, or a later one.
    #[n(0)]
    Position(#[n(0)] u64),
    /// At the first one that was published then, or later.
    #[n(1)]
    Since(#[n(0)] u64),
}

/// What somebody has done about a group. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum How {
    #[n(1)]
    Pause,
    #[n(2)]
    Resume,
    #[n(3)]
    Move,
}

impl How {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Move => "move",
        }
    }
}

/// Messages that one member works on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Lease {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) member: CompactString,
    /// It is over from then on.
    #[n(1)]
    pub(crate) until_ms: u64,
    /// In the order in which they were given.
    #[n(2)]
    pub(crate) items: Vec<Leased>,
    /// Some were given back. So it stays until it would have ended, though the rest is settled: whoever settles it again is
    /// told that it is.
    #[cbor(n(3), skip_if = "std::ops::Not::not")]
    pub(crate) is_torn: bool,
}

impl Row for Lease {}

/// A message of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Leased {
    #[n(0)]
    pub(crate) of: Waiting,
    /// The position of the message before it of its key, if it was given in the same lease; else 0. So it is
    /// untried.
    #[n(1)]
    pub(crate) behind: u64,
}

/// A message that a group is to be given, again or for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Waiting {
    #[n(0)]
    pub(crate) position: u64,
    /// How often it was tried in vain.
    #[n(1)]
    pub(crate) tries: u32,
    /// It was a dead letter: later ones of its key may have been given before.
    #[cbor(n(2), skip_if = "std::ops::Not::not")]
    pub(crate) is_replay: bool,
}

impl Row for Waiting {}

impl Waiting {
    /// One that no member has tried.
    pub(crate) fn untried(position: u64) -> Self {
        Self {
            position,
            tries: 0,
            is_replay: false,
        }
    }
}

/// A message that rests before it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Resting {
    #[n(0)]
    pub(crate) of: Waiting,
    #[n(1)]
    pub(crate) until_ms: u64,
}

impl Row for Resting {}

/// A message that waits for the one before it of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Blocked {
    #[n(0)]
    pub(crate) position: u64,
}

impl Row for Blocked {}

/// A message that was tried in vain too often.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Dead {
    #[n(0)]
    pub(crate) position: u64,
    #[n(1)]
    pub(crate) tries: u32,
    /// Why the last try was in vain.
    #[cbor(n(2), with = "tidegate_engine::text")]
    pub(crate) cause: CompactString,
    /// Who has tried it last.
    #[cbor(n(3), with = "tidegate_engine::text")]
    pub(crate) member: CompactString,
    #[n(4)]
    pub(crate) at_ms: u64,
}

impl Row for Dead {}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_of_groups_are_frozen() {
        let group = Group {
            version: 1,
            created_at_ms: 2,
            order: Order::Key,
            lease_ms: 3,
            tries: 4,
            rest_min_ms: 5,
            rest_max_ms: 6,
            next: 7,
            open: 8,
            leased: 10,
            ready_from: 11,
            ready_to: 12,
            resting: 13,
            blocked: 14,
            died: 15,
            dead: 16,
            acked: 17,
            expired: 18,
            from: 19,
            dropped: 20,
            moves: 0,
            is_paused: false,
            steered: 0,
            max_lag_ms: 0,
            looks_at_ms: 0,
            is_lagging: false,
            floor: 0,
            begins: Begins::Earliest,
            others_lag: 0,
        };
        let steered = Steered {
            how: How::Move,
            by: "b".into(),
            at_ms: 1,
            from: 2,
            to: 3,
            version: 4,
            asked: Some(MovedTo::Since(5)),
        };
        let moved = Group {
            moves: 21,
            is_paused: true,
            steered: 23,
            max_lag_ms: 24,
            looks_at_ms: 25,
            is_lagging: true,
            floor: 27,
            begins: Begins::Since(28),
            others_lag: 29,
            ..group
        };
        let replayed = Waiting {
            position: 5,
            tries: 2,
            is_replay: true,
        };
        let lease = Lease {
            member: "m".into(),
            until_ms: 1,
            items: vec![
                Leased {
                    of: replayed,
                    behind: 0,
                },
                Leased {
                    of: Waiting::untried(6),
                    behind: 5,
                },
            ],
            is_torn: false,
        };
        let torn = Lease {
            items: Vec::new(),
            is_torn: true,
            ..lease.clone()
        };
        let resting = Resting {
            of: Waiting::untried(6),
            until_ms: 9,
        };
        let dead = Dead {
            position: 1,
            tries: 2,
            cause: "c".into(),
            member: "m".into(),
            at_ms: 3,
        };
        let blocked = Blocked { position: 4 };
        let rows = [
            hex(&group),
            hex(&moved),
            hex(&steered),
            hex(&lease),
            hex(&torn),
            hex(&replayed),
            hex(&resting),
            hex(&blocked),
            hex(&dead),
        ];
        let expected = [
            "b40001010202010303040405050606070708080a0a0b0b0c0c0d0d0e0e0f0f10101111121213131414",
            "b81d0001010202010303040405050606070708080a0a0b0b0c0c0d0d0e0e0f0f10101111121213131414151516f517171818181818191819181af5181b181b181c820381181c181d181d",
            "a7000301616202010302040305040682018105",
            "a300616d0101028282a30005010202f50082a20006010005",
            "a400616d0101028003f5",
            "a30005010202f5",
            "a200a2000601000109",
            "a10004",
            "a50001010202616303616d0403",
        ];
        assert_eq!(rows, expected);
    }
}
