//! The load, as the door knows it: how full that is which turns requests away once it is full.

use crate::inbox::Inbox;
use crate::limits::{
    ANSWERS_BYTES_MAX, SHED_BACK_PERCENT, SHED_NORMAL_PERCENT, SHED_OPTIONAL_PERCENT,
};
use crate::shared::Shared;
use crate::shed::Shed;

/// How full it is, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// The fullest of all: memory for rows, answers that wait for the log, and of each partition inbox and outbox.
    pub(crate) fullest: usize,
    /// The same with the mean of all partitions: normal work about every key is not given up for one key that too
    /// many ask for, which is turned away by its own partition.
    pub(crate) mean: usize,
    /// Domains that do not make it.
    pub(crate) spared: Spared,
    /// It is one of rows in memory, to which reads add none: nor does the door turn one away for it. Normal reads,
    /// and optional ones.
    pub(crate) spares_reads: bool,
    pub(crate) spares_optional_reads: bool,
}

/// Domains that are well within their shares of inboxes and memory while others fill them: normal work of theirs is
/// not shed by load, as it would be let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spared(u64);

impl Spared {
    pub(super) fn of(domains: impl Iterator<Item = usize>) -> Self {
        let bits = domains.filter_map(|domain| 1_u64.checked_shl(u32::try_from(domain).ok()?));
        Self(bits.fold(0, |all, bit| all | bit))
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn to_bits(self) -> u64 {
        self.0
    }

    pub(super) fn has(self, domain: usize) -> bool {
        self.0 & Self::of(std::iter::once(domain)).0 != 0
    }
}

impl Load {
    pub(crate) fn of(shared: &Shared) -> Self {
        let rows = shared.checkpoints.bytes();
        let memory = shared.memory.percent(rows, 100);
        let answers = 100 * shared.answer_bytes() / ANSWERS_BYTES_MAX;
        let outboxes = of_partitions(shared, Inbox::outbox_percent);
        let inboxes = of_partitions(shared, Inbox::percent);
        let optional = SHED_OPTIONAL_PERCENT - SHED_BACK_PERCENT;
        let of_nobody = answers.max(outboxes.mean);
        let is_well_below = |percent: usize| percent < SHED_NORMAL_PERCENT - SHED_BACK_PERCENT;
        let is_spared = |domain: &usize| {
            let usage = &shared.usages()[*domain];
            let rows = usage.row_bytes();
            let memory = shared.memory.percent(rows, usage.part.memory_percent);
            let inbox = of_partitions(shared, |of| of.own_percent(*domain)).mean;
            is_well_below(of_nobody.max(memory).max(inbox))
        };
        Self {
            fullest: memory
                .max(answers)
                .max(inboxes.fullest)
                .max(outboxes.fullest),
            mean: memory.max(of_nobody).max(inboxes.mean),
            spared: Spared::of((0..shared.usages().len()).filter(is_spared)),
            spares_reads: is_well_below(of_nobody.max(inboxes.mean)),
            spares_optional_reads: answers.max(inboxes.fullest).max(outboxes.fullest) < optional,
        }
    }

    /// Whether it would shed something though nothing is shed yet.
    pub(super) fn is_high(self) -> bool {
        self.sheds(Shed::None) != Shed::None
    }

    /// What it sheds, where so much is shed already.
    pub(super) fn sheds(self, already: Shed) -> Shed {
        let is_over = |percent: usize, begins: usize, shed: Shed| {
            let back = if already >= shed {
                SHED_BACK_PERCENT
            } else {
                0
            };
            percent >= begins - back
        };
        if is_over(self.mean, SHED_NORMAL_PERCENT, Shed::Normal) {
            Shed::Normal
        } else if is_over(self.fullest, SHED_OPTIONAL_PERCENT, Shed::Optional) {
            Shed::Optional
        } else {
            Shed::None
        }
    }
}

struct OfPartitions {
    fullest: usize,
    mean: usize,
}

fn of_partitions(shared: &Shared, percent: impl Fn(&Inbox) -> usize) -> OfPartitions {
    let all = shared.inboxes().iter().map(percent);
    let (sum, fullest) = all.fold((0, 0), |(sum, most), one| (sum + one, one.max(most)));
    let mean = sum / shared.inboxes().len();
    OfPartitions { fullest, mean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(fullest: usize, mean: usize) -> Load {
        Load {
            fullest,
            mean,
            ..Load::default()
        }
    }

    #[test]
    fn optional_work_goes_before_normal_work_and_comes_back_only_well_below() {
        let (optional, normal) = (SHED_OPTIONAL_PERCENT, SHED_NORMAL_PERCENT);
        for (load, already, shed) in [
            (load(optional - 1, 0), Shed::None, Shed::None),
            (load(optional, optional), Shed::None, Shed::Optional),
            (load(normal, normal), Shed::None, Shed::Normal),
            (load(normal, normal), Shed::Optional, Shed::Normal),
            (load(normal - 1, normal - 1), Shed::Normal, Shed::Normal),
            (
                load(normal - SHED_BACK_PERCENT, normal - SHED_BACK_PERCENT - 1),
                Shed::Normal,
                Shed::Optional,
            ),
            (
                load(optional - SHED_BACK_PERCENT, 0),
                Shed::Optional,
                Shed::Optional,
            ),
            (
                load(optional - SHED_BACK_PERCENT - 1, 0),
                Shed::Optional,
                Shed::None,
            ),
        ] {
            assert_eq!(load.sheds(already), shed, "{load:?} {already:?}");
        }
    }

    #[test]
    fn normal_work_of_all_is_not_given_up_for_one_partition_that_is_full() {
        assert_eq!(load(100, 7).sheds(Shed::None), Shed::Optional);
    }

    #[test]
    fn spared_are_those_that_are_named() {
        let spared = Spared::of([1, 63, 64].into_iter());
        let has = [0, 1, 63, 64, 99].map(|domain| spared.has(domain));
        assert_eq!(
            has,
            [false, true, true, false, false],
            "as many as there are bits"
        );
    }
}
