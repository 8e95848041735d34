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
/// or there is no tier to gather it in. So no two tiers are merged into it at the same time.
fn settle(levels: &Levels, tier: usize) -> Option<Step> {
    let is_deepest = (tier + 1..BOTTOM).all(|level| levels[level].runs == 0);
    let is_as_large = levels[tier].bytes >= levels[BOTTOM].bytes;
    let is_worth_it = levels[BOTTOM].runs > 0 && levels[tier].runs > 1;
    let is_due = is_as_large && (is_worth_it || is_full(levels, tier))
        || levels[tier].runs >= BASE_RUNS_LOWEST;
    (is_due && is_deepest).then_some(Step::Merge(tier, BOTTOM))
}

/// How many runs there are beyond those that may wait in their tiers.
pub(super) fn backlog(levels: &Levels) -> usize {
    let tiers = [FRESH, UPPER, LOWER].iter();
    tiers
        .map(|tier| levels[*tier].runs.saturating_sub(BASE_RUNS_MAX))
        .sum()
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

    #[test]
    fn no_two_tiers_are_merged_into_the_bottom_at_the_same_time() {
        let mut random = crate::random::Random::new(1);
        for _ in 0..100_000 {
            let mut any = |most| usize::try_from(random.next_u64() % most).unwrap();
            let levels: Levels = std::array::from_fn(|at| Level {
                runs: any(if at == BOTTOM { 2 } else { 30 }) * any(2),
                bytes: any(1_000) as u64,
            });
            let settles = [UPPER, LOWER].map(|tier| settle(&levels, tier).is_some());
            assert_ne!(settles, [true, true], "{levels:?}");
        }
    }

    #[test]
    fn backlog_is_what_waits_in_tiers_beyond_what_may() {
        let mut levels = Levels::default();
        for tier in [FRESH, UPPER, LOWER] {
            levels[tier].runs = BASE_RUNS_MAX;
        }
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
