//! How a person behaves, as the seed has it.

use tidegate_engine::Random;

use super::dice::between;

/// What somebody does once they have an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pays {
    /// Within seconds.
    Soon,
    /// When there is hardly any time left.
    Late,
    Never,
    /// Gives the order up instead.
    Cancels,
}

/// How a person behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Habits {
    /// Asks where it stands far more often than it is told to.
    pub(super) refreshes: bool,
    /// Sends what it means to send once twice at once.
    pub(super) double_clicks: bool,
    /// Sends a purchase again that has been made.
    pub(super) reloads: bool,
    pub(super) pays: Pays,
    /// How long it stays once it has heard that everything is sold out.
    pub(super) patience_ms: u64,
}

/// Shares of 100 people.
const REFRESH: u64 = 10;
const DOUBLE_CLICK: u64 = 20;
const RELOAD: u64 = 15;
const PAYS_LATE: u64 = 6;
const NEVER_PAYS: u64 = 6;
const CANCEL: u64 = 6;

const PATIENCE_MS: (u64, u64) = (5_000, 45_000);

impl Habits {
    pub(super) fn draw(random: &mut Random) -> Self {
        let mut is = |share| random.chance(share, 100);
        let (refreshes, double_clicks, reloads) = (is(REFRESH), is(DOUBLE_CLICK), is(RELOAD));
        Self {
            refreshes,
            double_clicks,
            reloads,
            pays: Pays::draw(random),
            patience_ms: between(random, PATIENCE_MS.0, PATIENCE_MS.1),
        }
    }
}

impl Pays {
    fn draw(random: &mut Random) -> Self {
        let roll = random.below(100);
        if roll < PAYS_LATE {
            Self::Late
        } else if roll < PAYS_LATE + NEVER_PAYS {
            Self::Never
        } else if roll < PAYS_LATE + NEVER_PAYS + CANCEL {
            Self::Cancels
        } else {
            Self::Soon
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crowd::dice::dice;

    #[test]
    fn every_habit_has_its_share_and_comes_again_with_the_seed() {
        let of = |seed, number| Habits::draw(&mut dice(seed, "habits", number));
        let all: Vec<_> = (0..10_000).map(|number| of(1, number)).collect();
        assert!(
            all.iter()
                .enumerate()
                .all(|(n, habits)| of(1, n as u32) == *habits)
        );
        assert!((0..10_000).any(|number| of(1, number) != of(2, number)));
        let count = |is: fn(&Habits) -> bool| all.iter().filter(|habits| is(habits)).count();
        let shares: [(usize, u64); 6] = [
            (count(|habits| habits.refreshes), REFRESH),
            (count(|habits| habits.double_clicks), DOUBLE_CLICK),
            (count(|habits| habits.reloads), RELOAD),
            (count(|habits| habits.pays == Pays::Late), PAYS_LATE),
            (count(|habits| habits.pays == Pays::Never), NEVER_PAYS),
            (count(|habits| habits.pays == Pays::Cancels), CANCEL),
        ];
        for (found, share) in shares {
            assert!(
                found.abs_diff(share as usize * 100) < 200,
                "{found}, {share}"
            );
        }
    }
}
