//! Chances and spans of time, as the command line names them, and what the seed draws of them.
//!
//! Nothing is drawn from a generator that runs on: each draw is made for one thing (what a buyer of
//! a payment does, the nth answer), so that a run does the same again whatever comes between.

use std::fmt;
use std::str::FromStr;

use tidegate_engine::Random;
use xxhash_rust::xxh3::Xxh3;

/// The share that is everything, in the unit in which shares are kept.
const WHOLE: u64 = 1_000_000_000;

/// Longest time that can be asked for: a day. What takes longer is no test.
const MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// A share from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chance(u64);

/// A text that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is a decimal from 0 to 1, like 0.05")]
pub(super) struct NotAChance;

impl Chance {
    /// Whether this time it is so.
    pub(super) fn hits(self, random: &mut Random) -> bool {
        random.chance(self.0, WHOLE)
    }
}

impl FromStr for Chance {
    type Err = NotAChance;

    fn from_str(text: &str) -> Result<Self, NotAChance> {
        let share: f64 = text.parse().map_err(|_| NotAChance)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(NotAChance);
        }
        Ok(Self((share * WHOLE as f64).round() as u64))
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 as f64 / WHOLE as f64)
    }
}

/// Which of the cases it is, of which at most one can be.
pub(super) fn one_of<T: Copy>(random: &mut Random, cases: &[(Chance, T)]) -> Option<T> {
    let mut roll = random.below(WHOLE);
    for (chance, case) in cases {
        if roll < chance.0 {
            return Some(*case);
        }
        roll -= chance.0;
    }
    None
}

/// Whether the shares are of one whole.
pub(super) fn fit_in_one(chances: &[Chance]) -> bool {
    chances.iter().map(|chance| chance.0).sum::<u64>() <= WHOLE
}

/// `MIN..MAX` milliseconds, both of them included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    min: u64,
    max: u64,
}

/// A text that is no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a span is MIN..MAX in ms, like 500..3000, at most a day ({MS_MAX})")]
pub(super) struct NotASpan;

impl Span {
    /// From none to so many.
    pub(super) fn up_to(max: u64) -> Self {
        Self { min: 0, max }
    }

    /// Any time of the span.
    pub(super) fn draw(self, random: &mut Random) -> u64 {
        self.min + random.below(self.max - self.min + 1)
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let ms = |text: &str| ms(text).map_err(|_| NotASpan);
        let span = Self {
            min: ms(min)?,
            max: ms(max)?,
        };
        if span.min > span.max {
            return Err(NotASpan);
        }
        Ok(span)
    }
}

/// Milliseconds of the command line.
pub(super) fn ms(text: &str) -> Result<u64, String> {
    let ms = text.parse().ok().filter(|ms| *ms <= MS_MAX);
    ms.ok_or_else(|| format!("a time is a number of ms, at most a day ({MS_MAX})"))
}

/// What a seed decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers that decide `what` is done about this thing.
    pub(super) fn about(self, what: &str, names: &[&str]) -> Random {
        let mut hash = Xxh3::with_seed(self.0);
        hash.update(what.as_bytes());
        for name in names {
            // Between names, so that `1`, `23` is not `12`, `3`.
            hash.update(&[0]);
            hash.update(name.as_bytes());
        }
        Random::new(hash.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(text: &str) -> Chance {
        text.parse().expect("a share")
    }

    #[test]
    fn a_share_is_from_none_to_all() {
        assert_eq!(chance("0.25").0, WHOLE / 4);
        for text in ["", "-0.1", "1.1", "nan", "inf", "x"] {
            assert_eq!(text.parse::<Chance>(), Err(NotAChance), "{text}");
        }
        let mut random = Draws::of(1).about("x", &[]);
        for _ in 0..1_000 {
            assert!(chance("1").hits(&mut random));
            assert!(!chance("0").hits(&mut random));
        }
    }

    #[test]
    fn of_several_cases_each_has_its_share() {
        let mut found = [0; 3];
        for n in 0..10_000 {
            let mut random = Draws::of(7).about("x", &[&n.to_string()]);
            let case = one_of(&mut random, &[(chance("0.2"), 0), (chance("0.3"), 1)]);
            found[case.unwrap_or(2)] += 1;
        }
        for (found, expected) in found.into_iter().zip([2_000_i32, 3_000, 5_000]) {
            assert!((found - expected).abs() < 200, "{found}, not {expected}");
        }
        assert!(fit_in_one(&[chance("0.7"), chance("0.3")]));
        assert!(!fit_in_one(&[chance("0.7"), chance("0.31")]));
    }

    #[test]
    fn a_span_has_both_of_its_ends() {
        let span: Span = "5..7".parse().expect("a span");
        let mut random = Draws::of(1).about("x", &[]);
        let mut drawn: Vec<_> = (0..100).map(|_| span.draw(&mut random)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, [5, 6, 7]);
        assert_eq!("9".parse(), Ok(Span { min: 9, max: 9 }));
        for text in ["", "7..5", "..5", "5..", "1..2..3", "0..86400001"] {
            assert_eq!(text.parse::<Span>(), Err(NotASpan), "{text}");
        }
    }

    #[test]
    fn what_is_drawn_is_of_the_seed_and_the_names_only() {
        let draw = |seed, what, names: &[&str]| Draws::of(seed).about(what, names).next_u64();
        let first = draw(1, "pay", &["1", "23"]);
        assert_eq!(first, draw(1, "pay", &["1", "23"]));
        for other in [
            draw(2, "pay", &["1", "23"]),
            draw(1, "pay", &["12", "3"]),
            draw(1, "fail", &["1", "23"]),
        ] {
            assert_ne!(first, other);
        }
    }
}
