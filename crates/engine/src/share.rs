//! How work and room are shared out among the domains of an engine.
//!
//! What nobody uses may be used by others. A share is what a domain has when others want the same:
//! within it, it is served as if it were alone; beyond it, it is told BUSY first.

use std::collections::BTreeMap;

use crate::contract::Domain;

/// What a domain is to have, as it is told by name. What is not told of a percentage is what others
/// leave of a hundred, by weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How much of its work is done for each piece of another's, 1 to 100.
    pub weight: u32,
    /// Percent of the inboxes: of commands that wait to run, and of their bytes.
    pub inbox_percent: Option<u32>,
    /// Percent of the memory for rows that are not known to be in the base.
    pub memory_percent: Option<u32>,
    /// Percent of the bytes that may wait for the log while others have work.
    pub log_percent: Option<u32>,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            weight: 1,
            inbox_percent: None,
            memory_percent: None,
            log_percent: None,
        }
    }
}

/// Shares by the name of their domain.
pub type Shares = BTreeMap<String, Share>;

/// Why shares cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Nothing has that name.
    #[error("shares.{name}: there is no such structure; there are {known}")]
    Unknown {
        /// What was named.
        name: String,
        /// What could have been.
        known: String,
    },
    /// A weight out of range.
    #[error("shares.{name}: weight must be 1 to {WEIGHT_MAX}, not {weight}")]
    Weight {
        /// Whose.
        name: String,
        /// What it was.
        weight: u32,
    },
    /// More than there is.
    #[error("shares: {what} of all structures together must be at most 100, not {sum}")]
    TooMuch {
        /// Which percentage.
        what: &'static str,
        /// What they add up to.
        sum: u64,
    },
}

/// The greatest weight.
const WEIGHT_MAX: u32 = 100;

/// What a domain has, worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) weight: u32,
    pub(crate) inbox_percent: usize,
    pub(crate) memory_percent: usize,
    pub(crate) log_percent: usize,
}

/// The part of each domain, in their order. The first is the engine's own, which only answers scans:
/// unless told otherwise it has a part of the inboxes, and of nothing else.
pub(crate) fn parts(domains: &[Domain], told: &Shares) -> Result<Vec<Part>, ShareError> {
    for (name, Share { weight, .. }) in told {
        if !domains.iter().any(|domain| domain.name == name) {
            let known: Vec<_> = domains.iter().map(|domain| domain.name).collect();
            let (name, known) = (name.clone(), known.join(", "));
            return Err(ShareError::Unknown { name, known });
        }
        if !(1..=WEIGHT_MAX).contains(weight) {
            let (name, weight) = (name.clone(), *weight);
            return Err(ShareError::Weight { name, weight });
        }
    }
    let share = |domain: &Domain| told.get(domain.name).copied().unwrap_or_default();
    let shares: Vec<Share> = domains.iter().map(share).collect();
    let inbox = split("inbox_percent", &shares, 0, |share| share.inbox_percent)?;
    let memory = split("memory_percent", &shares, 1, |share| share.memory_percent)?;
    let log = split("log_percent", &shares, 1, |share| share.log_percent)?;
    let part = |(at, share): (usize, &Share)| Part {
        weight: share.weight,
        inbox_percent: inbox[at],
        memory_percent: memory[at],
        log_percent: log[at],
    };
    Ok(shares.iter().enumerate().map(part).collect())
}

/// A hundred percent: to each what it was told, and to the others from `first` on the rest, by weight.
fn split(
    what: &'static str,
    shares: &[Share],
    first: usize,
    told: impl Fn(&Share) -> Option<u32>,
) -> Result<Vec<usize>, ShareError> {
    let sum = shares.iter().filter_map(&told).map(u64::from).sum();
    if sum > 100 {
        return Err(ShareError::TooMuch { what, sum });
    }
    let others = shares.iter().skip(first);
    let others = others.filter(|share| told(share).is_none());
    let weights: u64 = others.map(|share| u64::from(share.weight)).sum();
    let percent = |(at, share): (usize, &Share)| match told(share) {
        Some(percent) => u64::from(percent),
        None if at < first => 0,
        None => (100 - sum) * u64::from(share.weight) / weights,
    };
    let percents = shares.iter().enumerate().map(percent);
    Ok(percents.map(|percent| percent as usize).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own::ENGINE;
    use crate::testing::TOY;

    const STOCK: Domain = Domain {
        name: "stock",
        ..TOY
    };
    const ALL: &[Domain] = &[ENGINE, STOCK, TOY];

    fn told(shares: &[(&str, Share)]) -> Result<Vec<Part>, ShareError> {
        let named = shares.iter();
        let named = named.map(|(name, share)| ((*name).to_owned(), *share));
        parts(ALL, &named.collect())
    }

    #[test]
    fn what_is_not_told_is_shared_by_weight() {
        let parts = told(&[]).expect("nothing is wrong");
        let log: Vec<_> = parts.iter().map(|part| part.log_percent).collect();
        assert_eq!(log, [0, 50, 50]);
        let inbox: Vec<_> = parts.iter().map(|part| part.inbox_percent).collect();
        assert_eq!(inbox, [33, 33, 33]);
        let heavy = Share {
            weight: 3,
            ..Share::default()
        };
        let parts = told(&[("stock", heavy)]).expect("nothing is wrong");
        let memory: Vec<_> = parts.iter().map(|part| part.memory_percent).collect();
        assert_eq!(memory, [0, 75, 25]);
    }

    #[test]
    fn what_is_told_is_had_and_the_others_have_the_rest() {
        let share = Share {
            log_percent: Some(90),
            memory_percent: Some(100),
            ..Share::default()
        };
        let parts = told(&[("stock", share)]).expect("nothing is wrong");
        assert_eq!((parts[1].log_percent, parts[2].log_percent), (90, 10));
        assert_eq!((parts[1].memory_percent, parts[2].memory_percent), (100, 0));
    }

    #[test]
    fn shares_that_make_no_sense_are_refused_with_what_would() {
        let usual = Share::default();
        let much = Share {
            inbox_percent: Some(60),
            ..usual
        };
        let none = Share { weight: 0, ..usual };
        for (shares, message) in [
            (
                &[("stok", usual)][..],
                "shares.stok: there is no such structure; there are event, stock, note",
            ),
            (
                &[("note", none)],
                "shares.note: weight must be 1 to 100, not 0",
            ),
            (
                &[("stock", much), ("note", much)],
                "shares: inbox_percent of all structures together must be at most 100, not 120",
            ),
        ] {
            let error = told(shares).expect_err(message);
            assert_eq!(error.to_string(), message);
        }
    }
}
