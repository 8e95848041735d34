//! Leading values, and what is hot.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tidegate_engine::Random;

use super::{Expected, LEVELS, Oracle, TOP};

impl Oracle {
    /// The leading values of one bucket or a few of some level: there are fewer than a shard counts.
    pub(super) fn top_by(&self, random: &mut Random) -> (String, Expected) {
        let (width_ms, keep_ms) = LEVELS[random.below(3) as usize];
        let from_ms = (self.now_ms - random.below(keep_ms - width_ms)) / width_ms * width_ms;
        let to_ms = from_ms + width_ms * (1 + random.below(3));
        let mut counts = BTreeMap::<&str, u64>::new();
        let within = self.counted.iter();
        for one in within.filter(|one| (from_ms..to_ms).contains(&one.at_ms)) {
            if let Some(value) = &one.value {
                *counts.entry(value).or_default() += one.amount;
            }
        }
        let counts = counts.into_iter();
        let mut counts: Vec<_> = counts
            .map(|(value, count)| (Reverse(count), value))
            .collect();
        counts.sort_unstable();
        let count = 1 + random.below(4);
        let told = counts.iter().take(count as usize);
        let told = told.map(|(Reverse(count), value)| format!("{{value={value} count={count}}}"));
        let told: Vec<_> = told.collect();
        let says = format!(
            "values=[{}] keys=[] exact=true missed_at_most=0",
            told.join(" ")
        );
        let command = format!("COUNTER.TOP v FROM {from_ms} TO {to_ms} COUNT {count} BY d");
        (command, Expected::Says(says))
    }

    /// The keys that lead among events of one value, in one bucket or a few of some level.
    pub(super) fn top_with(&self, random: &mut Random) -> (String, Expected) {
        let (width_ms, keep_ms) = LEVELS[random.below(3) as usize];
        let from_ms = (self.now_ms - random.below(keep_ms - width_ms)) / width_ms * width_ms;
        let to_ms = from_ms + width_ms * (1 + random.below(3));
        let value = format!("x{}", random.below(5));
        let mut counts = BTreeMap::<String, u64>::new();
        let within = self.counted.iter();
        let within = within.filter(|one| (from_ms..to_ms).contains(&one.at_ms));
        for one in within.filter(|one| one.value.as_ref() == Some(&value)) {
            *counts.entry(one.key.clone()).or_default() += one.amount;
        }
        let count = 1 + random.below(TOP);
        let command =
            format!("COUNTER.TOP v FROM {from_ms} TO {to_ms} COUNT {count} WITH d={value}");
        (command, Expected::Leads(counts, count as usize))
    }

    /// What is hot, in the seconds that are kept.
    pub(super) fn hot(&self, random: &mut Random) -> (String, Expected) {
        let half_life_ms = 1_000 + random.below(9_000);
        let (width_ms, keep_ms) = LEVELS[0];
        let second = |at_ms: u64| at_ms / width_ms;
        let now = second(self.now_ms);
        let first = (now - 10 * half_life_ms / width_ms).max(second(self.now_ms - keep_ms));
        let mut scores = BTreeMap::<String, f64>::new();
        for one in self.counted.iter().filter(|one| second(one.at_ms) >= first) {
            let age_ms = now.saturating_sub(second(one.at_ms)) * width_ms;
            let weight = 0.5_f64.powf(age_ms as f64 / half_life_ms as f64);
            *scores.entry(one.key.clone()).or_default() += one.amount as f64 * weight;
        }
        let count = 1 + random.below(TOP);
        let command = format!("COUNTER.HOT v COUNT {count} HALF_LIFE {half_life_ms}");
        (command, Expected::Scores(scores, count as usize))
    }
}

/// Thousandths by which a score may be off: it is rounded down.
const OFF: f64 = 1.001;

/// The keys named have the scores that they have, in their order; and if the answer says that it is exact, no other one
/// has more, and else not more than it says.
pub(super) fn check_scores(
    answer: &str,
    scores: &BTreeMap<String, f64>,
    most: usize,
) -> Result<(), String> {
    let mut others = scores.clone();
    let (mut last, mut missed, mut named, mut is_exact) = (f64::MAX, 0.0, 0, false);
    let mut has = 0.0;
    for word in answer.split([' ', '[', ']', '{', '}']) {
        match word.split_once('=') {
            Some(("key", key)) => has = 1_000.0 * others.remove(key).unwrap_or_default(),
            Some(("score_milli", told)) => {
                let told: f64 = told.parse().unwrap_or_default();
                if (has - told).abs() > OFF || told > last || named == most {
                    return Err(format!("{most} of {scores:?}"));
                }
                (last, named) = (told, named + 1);
            }
            Some(("missed_at_most_milli", told)) => missed = told.parse().unwrap_or_default(),
            Some(("exact", word)) => is_exact = word == "true",
            Some(_) | None => {}
        }
    }
    let last = if named < most { 0.0 } else { last };
    let bound = if is_exact { last } else { last.max(missed) };
    let highest = others.values().fold(0.0_f64, |a, b| a.max(1_000.0 * b));
    if highest > bound + OFF {
        return Err(format!(
            "{most} of {scores:?}, no other with more than {bound}"
        ));
    }
    Ok(())
}
