//! Which files of a tree are merged, and when.
//!
//! A checkpoint brings one sorted run per table. Runs are gathered in tiers: as many as
//! [`BASE_RUNS_MERGED`] of one tier become one of the next. So a row is written again once for each
//! tier, and not, as when levels are kept sorted throughout, several times for each level. Below
//! the tiers lies the bottom, one sorted run: the deepest tier is merged into it once it has grown as
//! large, so that what was removed or replaced takes at most about as much room again. Tiers above a
//! sorted bottom are known as *lazy leveling* (Dayan, Idreos: *Dostoevsky*, 2018).
//!
//! The library has seven levels, and can merge all of one level into another. A tier is a level that
//! holds several runs. What is merged goes to the empty level beneath, and is moved from there on top
//! of the next tier: two steps, and a start after a crash between them goes on with the second.

use crate::base::Tend;
use crate::limits::{BASE_RUNS_LOWEST, BASE_RUNS_MAX, BASE_RUNS_MERGED};

/// The tier that checkpoints add to.
const FRESH: usize = 0;
/// Further tiers. Beneath each tier is an empty level.
const UPPER: usize = 2;
const LOWER: usize = 4;
const BOTTOM: usize = 6;

/// What a level of a tree holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) runs: usize,
    pub(super) bytes: u64,
}

/// All levels of a tree.
pub(super) type Levels = [Level; BOTTOM + 1];

/// What to do about a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All of one level becomes, with all of the other, one run of the other.
    Merge(usize, usize),
    /// The one run of a level goes on top of the other.
    Move(usize, usize),
}

/// What to do next about a tree, if there is something to do.
pub(super) fn next(levels: &Levels, what: Tend) -> Option<Step> {
    match what {
        Tend::Fresh => gather(levels, FRESH, UPPER),
        Tend::Old => settle(levels, UPPER).or_else(|| gather(levels, UPPER, LOWER)),
        Tend::Oldest => settle(levels, LOWER),
    }
}

/// Makes one run of the next tier of all runs of a tier, once there are enough.
fn gather(levels: &Levels, tier: usize, next: usize) -> Option<Step> {
    if levels[tier + 1].runs > 0 {
        return Some(Step::Move(tier + 1, next));
    }
    is_full(levels, tier).then_some(Step::Merge(tier, tier + 1))
}

/// Merges a tier into the bottom if it is the deepest that has runs, once it is as large as the bottom,
/// or there is no tier to gather it in.
///
/// No two merges have a file in common, and none leaves an older run above a newer one, though each
/// thread looks at levels while others merge them: what a merge reads stays in its level until it is
/// done, so the lowest tier has runs as long as it is merged into the bottom; and only who gathers the
/// upper tier puts runs into the lowest, so it stays empty as long as the upper one is.
fn settle(levels: &Levels, tier: usize) -> Option<Step> {
    let is_deepest = (tier + 1..BOTTOM).all(|level| levels[level].runs == 0);
    let is_as_large = levels[tier].bytes >= levels[BOTTOM].bytes;
    let is_worth_it = levels[BOTTOM].runs > 0 && levels[tier].runs > 1;
    let is_due = is_as_large && (is_worth_it || is_full(levels, tier))
        || tier == LOWER && levels[tier].runs >= BASE_RUNS_LOWEST;
    (is_due && is_deepest).then_some(Step::Merge(tier, BOTTOM))
}

/// How many runs there are beyond those that may wait in their tiers.
pub(super) fn backlog(levels: &Levels) -> usize {
    let of_tier = |tier: usize| {
        let may_wait = if tier == LOWER { BASE_RUNS_LOWEST } else { 0 };
        levels[tier].runs.saturating_sub(may_wait + BASE_RUNS_MAX)
    };
    [FRESH, UPPER, LOWER].map(of_tier).iter().sum()
}

fn is_full(levels: &Levels, tier: usize) -> bool {
    levels[tier].runs >= BASE_RUNS_MERGED
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree without files: a run is as large as what was merged into it.
    #[derive(Default)]
    struct Tree {
        levels: [Vec<u64>; BOTTOM + 1],
        written: u64,
    }

    impl Tree {
        fn levels(&self) -> Levels {
            let level = |runs: &Vec<u64>| Level {
                runs: runs.len(),
                bytes: runs.iter().sum(),
            };
            std::array::from_fn(|at| level(&self.levels[at]))
        }

        fn tend(&mut self) {
            while let Some(step) = [Tend::Fresh, Tend::Old, Tend::Oldest]
                .into_iter()
                .find_map(|what| next(&self.levels(), what))
            {
                match step {
                    Step::Merge(from, to) => {
                        let mut bytes: u64 = self.levels[from].drain(..).sum();
                        bytes += self.levels[to].drain(..).sum::<u64>();
                        self.written += bytes;
                        self.levels[to].push(bytes);
                    }
                    Step::Move(from, to) => {
                        assert_eq!(self.levels[from].len(), 1, "only one run is moved");
                        let run = self.levels[from].pop().unwrap();
                        self.levels[to].push(run);
                    }
                }
            }
        }
    }

    #[test]
    fn runs_stay_few_and_rows_are_written_few_times() {
        let mut tree = Tree::default();
        for n in 1..=20_000_u64 {
            tree.levels[FRESH].push(1);
            tree.tend();
            let runs: usize = tree.levels.iter().map(Vec::len).sum();
            let runs_max = 2 * BASE_RUNS_MERGED + BASE_RUNS_LOWEST;
            assert!(runs <= runs_max, "{runs} runs after {n}");
            assert!(tree.levels[BOTTOM].len() <= 1, "the bottom is one run");
            let above: u64 = tree.levels[..BOTTOM].iter().flatten().sum();
            let bottom: u64 = tree.levels[BOTTOM].iter().sum();
            let most = bottom.max(BASE_RUNS_MERGED.pow(2) as u64) * 3 / 2;
            assert!(above <= most, "{above} above a bottom of {bottom}");
            let times = tree.written / n;
            assert!(times <= 10, "each row was written {times} times after {n}");
        }
    }

    /// Runs by the checkpoints that they hold, newest first in a level; and merges under way.
    #[derive(Default)]
    struct Busy {
        levels: [Vec<Vec<u32>>; BOTTOM + 1],
        under_way: [Option<(Step, Vec<Vec<u32>>)>; 3],
    }

    impl Busy {
        fn levels(&self) -> Levels {
            std::array::from_fn(|at| Level {
                runs: self.levels[at].len(),
                bytes: self.levels[at].iter().map(Vec::len).sum::<usize>() as u64,
            })
        }

        /// One of those who merge goes on: it begins a step, or ends the one that it has begun.
        fn go_on(&mut self, one: usize) {
            let tender = [Tend::Fresh, Tend::Old, Tend::Oldest][one];
            let Some((step, read)) = self.under_way[one].take() else {
                if let Some(step) = next(&self.levels(), tender) {
                    let from = match step {
                        Step::Merge(from, to) => vec![from, to],
                        Step::Move(from, _) => vec![from],
                    };
                    let runs = from.iter().flat_map(|level| self.levels[*level].clone());
                    let read: Vec<_> = runs.collect();
                    let mut others = self.under_way.iter().flatten();
                    let is_read = |run: &Vec<u32>| others.any(|(_, read)| read.contains(run));
                    assert!(
                        !read.iter().any(is_read),
                        "{step:?} reads what another does"
                    );
                    self.under_way[one] = Some((step, read));
                }
                return;
            };
            for level in &mut self.levels {
                level.retain(|run| !read.contains(run));
            }
            let (Step::Merge(_, to) | Step::Move(_, to)) = step;
            let mut whole = read.concat();
            whole.sort_unstable_by(|a, b| b.cmp(a));
            self.levels[to].insert(0, whole);
            let all: Vec<_> = self.levels.iter().flatten().flatten().copied().collect();
            assert!(
                all.is_sorted_by(|newer, older| newer > older),
                "{step:?}: {all:?}"
            );
        }
    }

    #[test]
    fn merges_at_the_same_time_have_no_file_in_common_and_keep_newer_above_older() {
        let mut seen = [false; 3];
        for seed in 0..50 {
            let mut random = crate::random::Random::new(seed);
            let mut tree = Busy::default();
            let slowest = 1 + random.below(40);
            for checkpoint in 0..3_000 {
                tree.levels[FRESH].insert(0, vec![checkpoint]);
                for (one, seen) in seen.iter_mut().enumerate() {
                    // The larger what it merges, the longer it takes.
                    if one == 0 || random.below(slowest.pow(one as u32)) == 0 {
                        tree.go_on(one);
                    }
                    *seen |= tree.under_way[one].is_some();
                }
            }
            let kept = tree.levels.iter().flatten().map(Vec::len).sum::<usize>();
            assert_eq!(kept, 3_000, "seed {seed}");
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn upper_tier_is_gathered_and_not_merged_into_a_bottom_that_is_larger() {
        let mut levels = Levels::default();
        (levels[UPPER].runs, levels[UPPER].bytes) = (BASE_RUNS_LOWEST, 100);
        (levels[BOTTOM].runs, levels[BOTTOM].bytes) = (1, 1_000);
        let step = next(&levels, Tend::Old);
        assert_eq!(step, Some(Step::Merge(UPPER, UPPER + 1)));
    }

    #[test]
    fn backlog_is_what_waits_in_tiers_beyond_what_may() {
        let mut levels = Levels::default();
        for tier in [FRESH, UPPER, LOWER] {
            levels[tier].runs = BASE_RUNS_MAX;
        }
        levels[LOWER].runs += BASE_RUNS_LOWEST;
        assert_eq!(backlog(&levels), 0);
        levels[FRESH].runs += 1;
        levels[LOWER].runs += 2;
        assert_eq!(backlog(&levels), 3);
    }

    #[test]
    fn what_was_merged_before_a_crash_is_moved_after_it() {
        let mut tree = Tree::default();
        tree.levels[FRESH + 1].push(8);
        tree.levels[UPPER + 1].push(64);
        tree.tend();
        assert_eq!(tree.levels[UPPER], [8]);
        assert_eq!(tree.levels[LOWER], [64]);
    }
}
