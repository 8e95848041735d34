//! How often each fault was injected, and what was done meanwhile.

use std::collections::BTreeMap;

use tidegate_engine::disk::Operation;

/// What can happen to an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The process is killed; the page cache survives.
    Kill,
    /// The power fails between two steps; what was not synced is kept, lost or torn.
    PowerLoss,
    /// The power fails within an operation of the disk, while running.
    PowerLossAt(Operation),
    /// The power fails within an operation of a checkpoint.
    PowerLossInCheckpoint(Operation),
    /// The power fails within an operation of the disk, during a start.
    PowerLossInStart(Operation),
    /// A sync fails.
    SyncFails,
    /// The disk takes nothing more for a while.
    DiskFull,
    /// A bit of the log, of the base or of a checkpoint's mark flips, and the start says so.
    BitFlipNoticed,
    /// A bit of a part on which nothing rests flips.
    BitFlipHarmless,
    /// What was read from the base comes late, behind what else happened.
    LateRead,
    /// It comes after a checkpoint has ended that had not when it was read.
    LateBehindCheckpoint,
    /// The wall clock steps back.
    WallBack,
    /// The wall clock steps ahead.
    WallAhead,
}

/// Operations in the middle of which the power fails while the log is written or trimmed, and while
/// a checkpoint is under way.
const RUNNING: [Operation; 6] = [
    Operation::Create,
    Operation::Write,
    Operation::Sync,
    Operation::Rename,
    Operation::Remove,
    Operation::SyncFolder,
];

/// Operations in the middle of which it fails during a start, which also removes and cuts.
const STARTING: [Operation; 7] = [
    Operation::Create,
    Operation::Write,
    Operation::SetSize,
    Operation::Sync,
    Operation::Rename,
    Operation::Remove,
    Operation::SyncFolder,
];

/// Counts over one run or many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    faults: BTreeMap<Fault, u64>,
    /// Commands submitted.
    pub commands: u64,
    /// Answers compared with the model's.
    pub answers: u64,
    /// Commands answered at the edge.
    pub at_edge: u64,
    /// Commands turned away at the door or on a full disk.
    pub turned_away: u64,
    /// Starts after a crash or a stop.
    pub starts: u64,
    /// Commands that were in doubt at a crash.
    pub in_doubt: u64,
    /// Checkpoints that came to their end.
    pub checkpoints: u64,
    /// Rows that were fetched from the base.
    pub fetched: u64,
    /// Events that a subscriber was told.
    pub events: u64,
    /// Answers about a split SKU.
    pub splits: u64,
    /// Answers about a topic.
    pub messages: u64,
    /// Answers about a stream.
    pub streams: u64,
    /// Answers about jobs.
    pub jobs: u64,
    /// Answers about counters.
    pub counted: u64,
    /// Counters that were dropped and declared again.
    pub dropped: u64,
    /// Answers about what is pushed.
    pub pushed: u64,
    /// How often something was brought to a receiver.
    pub brought: u64,
    /// How often that had been brought before.
    pub brought_again: u64,
    /// Answers about sales.
    pub sales: u64,
    /// Orders that were bought in sales.
    pub bought: u64,
    /// Answers about orders.
    pub orders: u64,
    /// Calls to a payment provider.
    pub calls: u64,
    /// Calls to a hook that says who may enter.
    pub checks: u64,
    /// Audits while something was under way.
    pub audits: u64,
}

impl Tally {
    pub(crate) fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        self.commands += other.commands;
        self.answers += other.answers;
        self.at_edge += other.at_edge;
        self.turned_away += other.turned_away;
        self.starts += other.starts;
        self.in_doubt += other.in_doubt;
        self.checkpoints += other.checkpoints;
        self.fetched += other.fetched;
        self.events += other.events;
        self.splits += other.splits;
        self.messages += other.messages;
        self.streams += other.streams;
        self.jobs += other.jobs;
        self.counted += other.counted;
        self.dropped += other.dropped;
        self.pushed += other.pushed;
        self.brought += other.brought;
        self.brought_again += other.brought_again;
        self.sales += other.sales;
        self.bought += other.bought;
        self.orders += other.orders;
        self.calls += other.calls;
        self.checks += other.checks;
        self.audits += other.audits;
    }

    /// Every fault there is, with how often it was injected.
    pub fn faults(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        let single = [
            Fault::Kill,
            Fault::PowerLoss,
            Fault::SyncFails,
            Fault::DiskFull,
            Fault::BitFlipNoticed,
            Fault::BitFlipHarmless,
            Fault::LateRead,
            Fault::LateBehindCheckpoint,
            Fault::WallBack,
            Fault::WallAhead,
        ];
        let all = single
            .into_iter()
            .chain(RUNNING.map(Fault::PowerLossAt))
            .chain(RUNNING.map(Fault::PowerLossInCheckpoint))
            .chain(STARTING.map(Fault::PowerLossInStart));
        all.map(|fault| {
            let count = self.faults.get(&fault).copied().unwrap_or(0);
            (format!("{fault:?}"), count)
        })
    }
}
