//! What parts reply, as their topic says it: with its name, and the positions that hold in it.

use tidegate_engine::contract::Name;
use tidegate_engine::{Piece, Shard};

use crate::Refusal;
use crate::parts::{InWhole, in_all};
use crate::reply::{
    AckReceipt, DeadDetails, Delivery, DropAllReceipt, DropReceipt, ExtendReceipt, MessageInfo,
    NackReceipt, PublishReceipt, Published, ReplayAllReceipt, ReplayReceipt, TopicInfo,
};

impl InWhole for TopicInfo {
    fn in_whole(self, name: &Name, shard: Shard) -> Self {
        Self {
            name: name.compact(),
            first: in_all(self.first, shard),
            last: in_all(self.last, shard),
            ..self
        }
    }
}

/// Two parts of a topic as one.
pub(crate) fn topic_of(one: TopicInfo, other: TopicInfo) -> TopicInfo {
    TopicInfo {
        first: one.first.min(other.first),
        last: one.last.max(other.last),
        last_at_ms: one.last_at_ms.max(other.last_at_ms),
        bytes: one.bytes + other.bytes,
        delayed: one.delayed + other.delayed,
        ..one
    }
}

impl InWhole for Published {
    fn in_whole(self, _name: &Name, shard: Shard) -> Self {
        let position = self.position.map(|number| in_all(number, shard));
        Self { position, ..self }
    }
}

impl InWhole for PublishReceipt {
    fn in_whole(self, name: &Name, shard: Shard) -> Self {
        Self {
            name: name.compact(),
            position: self.position.map(|number| in_all(number, shard)),
            ..self
        }
    }
}

impl InWhole for MessageInfo {
    fn in_whole(self, _name: &Name, shard: Shard) -> Self {
        Self {
            position: self.position.map(|number| in_all(number, shard)),
            before: self.before.map(|number| in_all(number, shard)),
            ..self
        }
    }
}

impl InWhole for Delivery {
    fn in_whole(mut self, _name: &Name, shard: Shard) -> Self {
        for message in &mut self.messages {
            message.position = in_all(message.position, shard);
        }
        self
    }
}

impl InWhole for DeadDetails {
    fn in_whole(self, name: &Name, shard: Shard) -> Self {
        Self {
            number: in_all(self.number, shard),
            message: self.message.in_whole(name, shard),
            ..self
        }
    }
}

impl InWhole for ReplayReceipt {
    fn in_whole(self, _name: &Name, shard: Shard) -> Self {
        Self {
            position: in_all(self.position, shard),
            ..self
        }
    }
}

impl InWhole for ReplayAllReceipt {
    fn in_whole(self, _name: &Name, shard: Shard) -> Self {
        Self {
            next: self.next.map(|number| in_all(number, shard)),
            ..self
        }
    }
}

impl InWhole for DropAllReceipt {
    fn in_whole(self, _name: &Name, shard: Shard) -> Self {
        Self {
            next: self.next.map(|number| in_all(number, shard)),
            ..self
        }
    }
}

impl InWhole for AckReceipt {
    fn in_whole(self, _name: &Name, _shard: Shard) -> Self {
        self
    }
}

impl InWhole for NackReceipt {
    fn in_whole(self, _name: &Name, _shard: Shard) -> Self {
        self
    }
}

impl InWhole for ExtendReceipt {
    fn in_whole(self, _name: &Name, _shard: Shard) -> Self {
        self
    }
}

impl InWhole for DropReceipt {
    fn in_whole(self, _name: &Name, _shard: Shard) -> Self {
        self
    }
}

impl Refusal {
    /// As the list says it, of which some items were in a piece.
    pub(crate) fn of_item(refused: Piece<Self>) -> Self {
        let Piece { mut what, items } = refused;
        if let Self::IdConflict { item: Some(item) }
        | Self::SchemaViolated {
            item: Some(item), ..
        } = &mut what
        {
            let at = usize::try_from(*item - 1).unwrap_or(usize::MAX);
            *item = items.get(at).map_or(*item, |at| u64::from(*at) + 1);
        }
        what
    }

    /// As the topic says it.
    pub(crate) fn in_whole(mut self, shard: Shard) -> Self {
        if let Self::KeyChanged { last } = &mut self {
            *last = in_all(*last, shard);
        }
        self
    }
}
