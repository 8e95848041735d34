//! `SHED.GET` and `SHED.SET`: what this process sheds, and why.

use super::{Load, Shed, Why};
use crate::contract::AtDoor;
use crate::engine::Door;
use crate::{reply, request};

request! {
    /// Which classes of work are shed now, why, and since when.
    ///
    /// Each request is of a class: `core` finishes or frees something or is about money, `optional` can be asked
    /// later as well, all else is `normal`. `optional` work is shed first, then `normal` work too, `core` work
    /// never. What is shed is told BUSY with its class, and was not done; what is answered from memory is not shed.
    pub(crate) struct GetShed {}
}

request! {
    /// Sheds classes of work by hand, at once: none, optional, or normal, which is optional and normal.
    ///
    /// The load may shed more meanwhile, and what sheds more counts. It is said of this process: a restart forgets it, and
    /// begins with what `serve --shed` says.
    pub(crate) struct SetShed {
        /// What is shed, whatever the load is.
        by_hand: Shed,
    }
}

reply! {
    /// What is shed.
    pub(crate) struct ShedInfo {
        /// none, optional, or normal: optional and normal work.
        shed: &'static str,
        /// `hand` or `load`; null if nothing is shed.
        why: Option<&'static str>,
        /// Since when that is so, in milliseconds since 1970.
        since_ms: u64,
        /// What is shed by hand.
        by_hand: &'static str,
        /// What the load sheds.
        by_load: &'static str,
        /// How full the fullest is of all that turns requests away once it is full: memory for rows, answers that
        /// wait for the log, inboxes and outboxes of partitions.
        fullest_percent: u64,
        /// The same, with the mean of all partitions: by this normal work is shed.
        mean_percent: u64,
    }
}

impl ShedInfo {
    fn of(door: &Door) -> Self {
        let figures = door.shed_figures();
        let load = Load::of(&door.shared);
        let why = figures.why.map(|why| match why {
            Why::Hand => "hand",
            Why::Load => "load",
        });
        Self {
            shed: figures.shed.word(),
            why,
            since_ms: figures.since_ms,
            by_hand: figures.by_hand.word(),
            by_load: figures.by_load.word(),
            fullest_percent: load.fullest as u64,
            mean_percent: load.mean as u64,
        }
    }
}

impl AtDoor for GetShed {
    type Reply = ShedInfo;

    fn answer(self, door: &Door) -> ShedInfo {
        ShedInfo::of(door)
    }
}

impl AtDoor for SetShed {
    type Reply = ShedInfo;

    fn answer(self, door: &Door) -> ShedInfo {
        door.shed(self.by_hand);
        ShedInfo::of(door)
    }
}
