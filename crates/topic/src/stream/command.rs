//! Every stream command. Their arguments are those of Redis: `words/` reads them.

use tidegate_engine::contract::InWords;
use tidegate_engine::request;

use super::words::{
    Ack, Add, AutoClaim, Claim, Del, GroupWords, Info, Len, PendingWords, Range, Read, ReadGroup,
    RevRange, TrimOnly,
};

request! {
    /// Adds an entry to a stream: publishes a message.
    /// A topic that is not there is declared, unless it is not to be.
    pub(crate) struct XAdd {
        /// Its arguments.
        says: InWords<Add>,
    }
}

request! {
    /// Drops the oldest entries of a stream.
    pub(crate) struct XTrim {
        /// Its arguments.
        says: InWords<TrimOnly>,
    }
}

request! {
    /// Deletes entries of a stream. Their places are kept until all before them are dropped.
    pub(crate) struct XDel {
        /// Its arguments.
        says: InWords<Del>,
    }
}

request! {
    /// How many entries a stream has.
    pub(crate) struct XLen {
        /// Its arguments.
        says: InWords<Len>,
    }
}

request! {
    /// Entries of a stream, by their ids.
    pub(crate) struct XRange {
        /// Its arguments.
        says: InWords<Range>,
    }
}

request! {
    /// Entries of a stream, by their ids, the last one first.
    pub(crate) struct XRevRange {
        /// Its arguments.
        says: InWords<RevRange>,
    }
}

request! {
    /// Entries of a stream behind an id; waits for one if it is to.
    pub(crate) struct XRead {
        /// Its arguments.
        says: InWords<Read>,
    }
}

request! {
    /// Gives a consumer of a group what no consumer of it has, or what it has itself.
    pub(crate) struct XReadGroup {
        /// Its arguments.
        says: InWords<ReadGroup>,
    }
}

request! {
    /// Creates, moves or destroys a group of a stream, or a consumer of it.
    pub(crate) struct XGroup {
        /// Its arguments.
        says: InWords<GroupWords>,
    }
}

request! {
    /// Acknowledges entries: they are pending no more.
    pub(crate) struct XAck {
        /// Its arguments.
        says: InWords<Ack>,
    }
}

request! {
    /// What is pending of a group.
    pub(crate) struct XPending {
        /// Its arguments.
        says: InWords<PendingWords>,
    }
}

request! {
    /// Has a consumer take over pending entries of others.
    pub(crate) struct XClaim {
        /// Its arguments.
        says: InWords<Claim>,
    }
}

request! {
    /// Has a consumer take over what has been pending for long.
    pub(crate) struct XAutoClaim {
        /// Its arguments.
        says: InWords<AutoClaim>,
    }
}

request! {
    /// What there is to know of a stream, its groups or their consumers.
    pub(crate) struct XInfo {
        /// Its arguments.
        says: InWords<Info>,
    }
}
