//! Topics that were deleted.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::Row;

use super::Part;

/// What a topic, or a part of one, has left that was deleted. Another one may have its name once that is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Gone {
    /// What its messages add up to, as far as they are there.
    #[n(0)]
    pub(crate) part: Part,
    /// The position of the last message that goes. Those behind it were published since, by another domain, and stay.
    #[n(1)]
    pub(crate) up_to: u64,
    /// Groups of which something is left. The last one goes first.
    #[n(2)]
    pub(crate) groups: Vec<GoneGroup>,
    /// What goes now has gone up to this number.
    #[cbor(n(3), skip_if = "tidegate_engine::is_zero")]
    pub(crate) from: u64,
    /// Parts that have nothing left, as far as the first one knows.
    #[cbor(n(4), skip_if = "tidegate_engine::is_zero")]
    pub(crate) empty: u64,
    /// Another domain has published to it since: it is declared again once it has nothing left.
    #[cbor(n(5), skip_if = "std::ops::Not::not")]
    pub(crate) is_wanted: bool,
    /// When it is forgotten what it was; 0 while it has something left.
    #[cbor(n(6), skip_if = "tidegate_engine::is_zero")]
    pub(crate) forgets_at_ms: u64,
}

impl Row for Gone {}

/// What is left of a group that went with its topic, beside what is open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct GoneGroup {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) name: CompactString,
    /// The number of its last dead letter.
    #[n(1)]
    pub(crate) died: u64,
    /// Dead letters that are left.
    #[n(2)]
    pub(crate) dead: u64,
    /// The number of the last entry of its audit list that is left.
    #[n(3)]
    pub(crate) steered: u64,
    /// Entries of that which are left.
    #[n(4)]
    pub(crate) entries: u64,
}

/// Of which kind the next rows are that go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Groups of the stream.
    StreamGroups,
    /// Dead letters and audit lists.
    Groups,
    /// Messages whose time has not come.
    Delayed,
    Messages,
    Nothing,
}

impl Gone {
    pub(crate) fn left(&self) -> Left {
        if self.part.stream_groups > 0 {
            Left::StreamGroups
        } else if !self.groups.is_empty() {
            Left::Groups
        } else if self.part.delayed > 0 {
            Left::Delayed
        } else if self.part.first <= self.up_to {
            Left::Messages
        } else {
            Left::Nothing
        }
    }

    /// Whether another topic may have its name.
    pub(crate) fn is_free(&self) -> bool {
        self.forgets_at_ms > 0
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn row_is_frozen() {
        let group = GoneGroup {
            name: "g".into(),
            died: 1,
            dead: 2,
            steered: 3,
            entries: 4,
        };
        let going = Gone {
            part: Part::fresh(),
            up_to: 1,
            groups: vec![group],
            from: 3,
            empty: 4,
            is_wanted: true,
            forgets_at_ms: 0,
        };
        let free = Gone {
            groups: Vec::new(),
            from: 0,
            empty: 0,
            is_wanted: false,
            forgets_at_ms: 6,
            ..going.clone()
        };
        let part = "a6000001000200030004010500";
        let expected = [
            format!("a600{part}01010281a5006167010102020303040403030404 05f5").replace(' ', ""),
            format!("a400{part}010102800606"),
        ];
        assert_eq!([hex(&going), hex(&free)], expected);
    }
}
