//! What a counter says: of itself, of its keys by bucket and by value, and of how many different ones there were.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::{Value, json};

use super::server::{Ask, RecountError, list, number};
use super::span::{Piece, levels_of};
use super::tally::{ALL, Place, Sums};

/// Steps of one question.
const STEPS: u64 = 1_000;

/// What a counter says of itself.
pub(super) struct Counter {
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) levels: Vec<(u64, u64)>,
    /// Dimensions that events have a value of.
    dims: Vec<String>,
    pub(super) has_unique: bool,
}

impl Counter {
    pub(super) fn of(info: &Value) -> Result<Self, RecountError> {
        let name = info["name"].as_str().unwrap_or_default().to_owned();
        let Some(topic) = info["raw"].as_str() else {
            return Err(RecountError::NotKept(name));
        };
        let texts = |field: &'static str| {
            let texts = list(info, field)?.iter().filter_map(Value::as_str);
            Ok(texts.map(str::to_owned).collect::<Vec<_>>())
        };
        let facts = texts("facts")?;
        let mut dims = texts("dims")?;
        dims.retain(|dim| !facts.contains(dim));
        Ok(Self {
            name,
            topic: topic.to_owned(),
            levels: levels_of(info)?,
            dims,
            has_unique: info["unique"] == true,
        })
    }

    pub(super) async fn named(ask: &impl Ask, name: &str) -> Result<Self, RecountError> {
        let given = [("prefix", json!(name)), ("limit", json!(1))];
        let page = ask.told("COUNTER.LIST", &given).await?;
        let first = list(&page, "items")?.first();
        let named = first.filter(|counter| counter["name"] == name);
        Self::of(named.ok_or_else(|| RecountError::NoCounter(name.to_owned()))?)
    }
}

/// What a counter says.
#[derive(Default)]
pub(super) struct Said {
    pub(super) counts: Sums,
    /// The same of all keys together, if it was asked for.
    pub(super) all: Sums,
    /// How many different ones keys had.
    pub(super) different: BTreeMap<String, u64>,
    /// Keys, and the dimensions by which they were asked for.
    dims: BTreeSet<(String, String)>,
}

impl Said {
    /// Asks for these keys, and for all together if these are all.
    pub(super) async fn of(
        ask: &impl Ask,
        counter: &Counter,
        (keys, is_all): (&[String], bool),
        (pieces, unique): (&[Piece], Option<&Range<u64>>),
    ) -> Result<Self, RecountError> {
        let mut said = Self::default();
        if is_all {
            said.ask_count(ask, counter, (ALL, pieces)).await?;
            said.all = std::mem::take(&mut said.counts);
        }
        for key in keys {
            said.ask(ask, counter, (key, pieces)).await?;
        }
        if let Some(span) = unique {
            let all = is_all.then_some(ALL);
            for key in keys.iter().map(String::as_str).chain(all) {
                let unique = ask_unique(ask, counter, (key, span)).await?;
                said.different
                    .extend(unique.map(|unique| (key.to_owned(), unique)));
            }
        }
        Ok(said)
    }

    /// Asks for the buckets of a key, and of it by each dimension.
    async fn ask(
        &mut self,
        ask: &impl Ask,
        counter: &Counter,
        (key, pieces): (&str, &[Piece]),
    ) -> Result<(), RecountError> {
        self.ask_count(ask, counter, (key, pieces)).await?;
        for dim in &counter.dims {
            self.dims.insert((key.to_owned(), dim.clone()));
            for (range, steps) in ranges(pieces) {
                let told = range_of(ask, counter, (key, Some(dim)), (&range, steps)).await?;
                for value in list(&told, "values")? {
                    let of = format!("{dim}={}", value["value"].as_str().unwrap_or_default());
                    self.note((key, &of), &range, steps, list(value, "counts")?);
                }
            }
        }
        Ok(())
    }

    pub(super) async fn ask_count(
        &mut self,
        ask: &impl Ask,
        counter: &Counter,
        (key, pieces): (&str, &[Piece]),
    ) -> Result<(), RecountError> {
        for (range, step_ms) in ranges(pieces) {
            let told = range_of(ask, counter, (key, None), (&range, step_ms)).await?;
            self.note((key, ""), &range, step_ms, list(&told, "counts")?);
        }
        Ok(())
    }

    fn note(
        &mut self,
        (key, of): (&str, &str),
        range: &Range<u64>,
        step_ms: u64,
        counts: &[Value],
    ) {
        let step = usize::try_from(step_ms).unwrap_or(usize::MAX);
        for (begins_ms, count) in range.clone().step_by(step).zip(counts) {
            if let Some(count) = count.as_u64() {
                let place = (key.to_owned(), of.to_owned(), begins_ms);
                self.counts.insert(place, count);
            }
        }
    }

    /// Puts together what events have of values that the counter counts together, or names none of: what it says of
    /// those stands under no value.
    pub(super) fn join_others(&mut self, sums: &mut Sums) {
        for (place, sum) in std::mem::take(sums) {
            let (key, of, bucket_ms) = &place;
            let dim = of.split('=').next().unwrap_or_default();
            let is_asked = self.dims.contains(&(key.clone(), dim.to_owned()));
            let is_kept = self
                .counts
                .contains_key(&(key.clone(), String::new(), *bucket_ms));
            if !is_asked || !is_kept || self.counts.contains_key(&place) {
                *sums.entry(place).or_default() += sum;
                continue;
            }
            let others: Place = (key.clone(), format!("{dim}="), *bucket_ms);
            self.counts.entry(others.clone()).or_insert(0);
            *sums.entry(others).or_default() += sum;
        }
    }
}

/// Spans of which one question is, each with the width of its steps.
fn ranges(pieces: &[Piece]) -> impl Iterator<Item = (Range<u64>, u64)> {
    pieces.iter().flat_map(|piece| {
        let most_ms = STEPS * piece.width_ms;
        let begins =
            (piece.from_ms..piece.to_ms).step_by(usize::try_from(most_ms).unwrap_or(usize::MAX));
        begins.map(move |from_ms| (from_ms..piece.to_ms.min(from_ms + most_ms), piece.width_ms))
    })
}

async fn range_of(
    ask: &impl Ask,
    counter: &Counter,
    (key, dim): (&str, Option<&String>),
    (range, step_ms): (&Range<u64>, u64),
) -> Result<Value, RecountError> {
    let mut given = vec![
        ("name", json!(counter.name)),
        ("key", json!(key)),
        ("from_ms", json!(range.start)),
        ("to_ms", json!(range.end)),
        ("step_ms", json!(step_ms)),
    ];
    given.extend(dim.map(|dim| ("by", json!(dim))));
    ask.told("COUNTER.RANGE", &given).await
}

/// How many different ones a key has had, if the span is one that the counter tells of.
async fn ask_unique(
    ask: &impl Ask,
    counter: &Counter,
    (key, span): (&str, &Range<u64>),
) -> Result<Option<u64>, RecountError> {
    let given = [
        ("name", json!(counter.name)),
        ("keys", json!([{ "key": key }])),
        ("from_ms", json!(span.start)),
        ("to_ms", json!(span.end)),
    ];
    let told = ask.told("COUNTER.UNIQUE", &given).await?;
    let is_same = number(&told, "from_ms")? == span.start && number(&told, "to_ms")? == span.end;
    let unique = number(&told, "unique")?;
    Ok(is_same.then_some(unique))
}
