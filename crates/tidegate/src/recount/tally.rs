//! What events add up to: by key and bucket, by the values of their dimensions, and how many different ones they are by.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use tidegate_sketch::{Coupon, Sketch};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::server::{RecountError, number, text};
use super::span::Piece;

/// The key that stands for all of them, and for all others than those that the events name.
pub(super) const ALL: &str = "*";

/// A key, `dim=value` or nothing if all of it is meant, and when the bucket begins.
pub(super) type Place = (String, String, u64);

pub(super) type Sums = BTreeMap<Place, u64>;

/// What is counted of which events.
pub(super) struct Tally {
    pieces: Vec<Piece>,
    /// Keys that are counted; all, if it does not say.
    sample: Option<Sample>,
    /// The span for which it is counted who events are by, if it is.
    unique: Option<Range<u64>>,
    /// Events of the span.
    pub(super) events: u64,
    pub(super) sums: Sums,
    /// Who came, by key.
    pub(super) who: BTreeMap<String, Sketch>,
}

/// A few keys, chosen by their hashes under a seed. One that is among those with the lowest hashes of all has been so
/// since its first event, so all of its events are counted.
pub(super) struct Sample {
    pub(super) seed: u64,
    pub(super) most: usize,
    keys: BTreeMap<u64, String>,
}

impl Sample {
    pub(super) fn new(seed: u64, most: usize) -> Self {
        let keys = BTreeMap::new();
        Self { seed, most, keys }
    }

    /// Whether a key is among them; another one that is not any more makes room for it.
    fn takes(&mut self, key: &str) -> (bool, Option<String>) {
        let hash = xxh3_64_with_seed(key.as_bytes(), self.seed);
        if let Some(own) = self.keys.get(&hash) {
            return (own == key, None);
        }
        self.keys.insert(hash, key.to_owned());
        if self.keys.len() <= self.most {
            return (true, None);
        }
        let (_, last) = self.keys.pop_last().expect("because one was put in");
        (last != key, Some(last))
    }
}

impl Tally {
    pub(super) fn new(pieces: &[Piece], unique: Option<Range<u64>>) -> Self {
        Self {
            pieces: pieces.to_vec(),
            sample: None,
            unique,
            events: 0,
            sums: Sums::new(),
            who: BTreeMap::new(),
        }
    }

    /// Of a few keys only, and of all together.
    pub(super) fn of_sample(pieces: &[Piece], sample: Sample) -> Self {
        Self {
            sample: Some(sample),
            ..Self::new(pieces, None)
        }
    }

    pub(super) fn count(&mut self, event: &Value) -> Result<(), RecountError> {
        let (key, at_ms) = (text(event, "key")?, number(event, "at_ms")?);
        if self
            .unique
            .as_ref()
            .is_some_and(|span| span.contains(&at_ms))
            && let Some(by) = event["by"].as_str()
        {
            for key in [key, ALL] {
                let who = self.who.entry(key.to_owned()).or_default();
                who.put(Coupon::of(by.as_bytes()));
            }
        }
        let mut pieces = self.pieces.iter();
        let Some(bucket_ms) = pieces.find_map(|piece| piece.bucket_ms(at_ms)) else {
            return Ok(());
        };
        self.events += 1;
        let amount = number(event, "amount")?;
        if self.sample.is_some() {
            self.add((ALL, "", bucket_ms), amount);
            if self.takes(key) {
                self.add((key, "", bucket_ms), amount);
            }
            return Ok(());
        }
        self.add((key, "", bucket_ms), amount);
        for (dim, value) in event["dims"].as_object().into_iter().flatten() {
            let of = format!("{dim}={}", value.as_str().unwrap_or_default());
            self.add((key, &of, bucket_ms), amount);
        }
        Ok(())
    }

    fn add(&mut self, (key, of, bucket_ms): (&str, &str, u64), amount: u64) {
        let place = (key.to_owned(), of.to_owned(), bucket_ms);
        *self.sums.entry(place).or_default() += amount;
    }

    fn takes(&mut self, key: &str) -> bool {
        let Some(sample) = &mut self.sample else {
            return true;
        };
        let (takes, gone) = sample.takes(key);
        if let Some(gone) = gone.filter(|gone| gone != ALL) {
            self.sums.retain(|(key, _, _), _| *key != gone);
        }
        takes
    }

    /// Keys that are named.
    pub(super) fn keys(&self) -> Vec<String> {
        let named = self.sums.keys().map(|(key, _, _)| key);
        let mut keys: Vec<_> = named.cloned().collect();
        keys.dedup();
        keys
    }

    /// How many different ones each key had.
    pub(super) fn unique(&self) -> BTreeMap<String, u64> {
        let who = self.who.iter();
        who.map(|(key, who)| (key.clone(), who.estimate().count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PIECE: Piece = Piece {
        width_ms: 10,
        from_ms: 100,
        to_ms: 200,
    };

    fn event(key: &str, at_ms: u64) -> Value {
        json!({"key": key, "amount": 2, "at_ms": at_ms, "by": key, "dims": {"c": "de"}})
    }

    #[test]
    fn events_add_up_by_key_bucket_and_value() {
        let mut tally = Tally::new(&[PIECE], Some(100..150));
        for (key, at_ms) in [("a", 100), ("a", 109), ("b", 150), ("a", 200), ("a", 99)] {
            tally.count(&event(key, at_ms)).expect("it is an event");
        }
        let place = |key: &str, of: &str, at: u64| (key.to_owned(), of.to_owned(), at);
        let expected = [
            (place("a", "", 100), 4),
            (place("a", "c=de", 100), 4),
            (place("b", "", 150), 2),
            (place("b", "c=de", 150), 2),
        ];
        assert_eq!(tally.sums, expected.into());
        assert_eq!((tally.events, tally.keys().len()), (3, 2));
        let unique = [("*".to_owned(), 1), ("a".to_owned(), 1)];
        assert_eq!(tally.unique(), unique.into());
    }

    #[test]
    fn keys_of_a_sample_have_all_of_their_events_and_are_no_more_than_wanted() {
        let whole = |keys: &[String]| {
            let mut tally = Tally::new(&[PIECE], None);
            for key in keys {
                tally.count(&event(key, 100)).expect("it is an event");
            }
            tally.sums
        };
        let keys: Vec<_> = (0..400).map(|n| format!("k{}", n * n % 97)).collect();
        let all = whole(&keys);
        for seed in 0..20 {
            let mut tally = Tally::of_sample(&[PIECE], Sample::new(seed, 5));
            for key in &keys {
                tally.count(&event(key, 100)).expect("it is an event");
            }
            let total = tally.sums.remove(&(ALL.to_owned(), String::new(), 100));
            assert_eq!(total, Some(800));
            assert_eq!(tally.sums.len(), 5);
            assert!(tally.sums.iter().all(|(place, sum)| all[place] == *sum));
        }
    }
}
