//! Counters whose events a topic keeps, counted again by samples: every so often a few keys of one of them, over its last
//! minutes. What comes of it is in `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_engine::Door;
use tidegate_engine::contract::Raw;
use tidegate_push::Client;
use tokio::time::sleep;

use crate::recount::{Ask, Given, RecountError, Sampled, sample};

/// Counters of one page of their list.
const PAGE: u64 = 100;

/// What has come of the samples of each counter.
#[derive(Debug, Default)]
pub(crate) struct Samples(Mutex<BTreeMap<String, Figures>>);

/// Of one counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Figures {
    /// Buckets of keys that were compared.
    buckets: u64,
    /// By how much those of the last sample differed.
    difference: u64,
    /// Samples that were not compared.
    skipped: u64,
}

/// A family of `/metrics`: its name, its kind, what it tells, and of what.
type Family = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Figures) -> u64,
);

const FAMILIES: [Family; 3] = [
    (
        "tidegate_counter_sampled_buckets_total",
        "counter",
        "Buckets of keys of a counter that were counted again from the events that its topic keeps.",
        |figures| figures.buckets,
    ),
    (
        "tidegate_counter_sampled_difference",
        "gauge",
        "What a counter said in its last sample, beside what its events add up to: all buckets together.",
        |figures| figures.difference,
    ),
    (
        "tidegate_counter_samples_skipped_total",
        "counter",
        "Samples of a counter whose events were too many to be read, or not kept.",
        |figures| figures.skipped,
    ),
];

impl Samples {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Figures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, counter: &str, sampled: Sampled) {
        let mut all = self.lock();
        let figures = all.entry(counter.to_owned()).or_default();
        match sampled {
            Sampled::Compared {
                buckets,
                difference,
            } => {
                figures.buckets += buckets;
                figures.difference = difference;
            }
            Sampled::Skipped => figures.skipped += 1,
        }
    }

    /// Counters that are not there any more are not told of.
    fn keep(&self, counters: &BTreeSet<String>) {
        self.lock().retain(|counter, _| counters.contains(counter));
    }

    /// Writes them as `/metrics` has them.
    pub(super) fn tell(&self, out: &mut String) {
        let all = self.lock();
        if all.is_empty() {
            return;
        }
        for (name, kind, help, value) in FAMILIES {
            // Writing to a String cannot fail.
            let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for (counter, figures) in &*all {
                let counter = counter.replace('\\', "\\\\").replace('"', "\\\"");
                let _ = writeln!(out, "{name}{{counter=\"{counter}\"}} {}", value(figures));
            }
        }
    }
}

/// The server that this is.
struct Within(Client);

impl Ask for Within {
    async fn ask(
        &self,
        name: &'static str,
        given: Given<'_>,
    ) -> Result<Result<Value, String>, RecountError> {
        let given = given.iter().map(|(name, value)| (*name, raw(value)));
        let given: Vec<_> = given.collect();
        Ok(self.0.ask(name, &given).await.map(Value::from))
    }

    fn who(&self) -> String {
        "this server".to_owned()
    }
}

fn raw(value: &Value) -> Raw<'_> {
    let text = value.as_str().map(Raw::String);
    let number = value.as_i64().map(Raw::Integer);
    text.or(number)
        .unwrap_or(Raw::Other("neither text nor number"))
}

/// Takes a sample after each such time, of one counter after the other, until it is dropped.
pub(super) async fn run(door: Door, every: Duration, samples: &Samples) {
    let ask = Within(Client::new(door));
    let mut round = Round::default();
    for seed in 0.. {
        sleep(every).await;
        let Ok(Some(counter)) = round.next(&ask, samples).await else {
            continue;
        };
        // What cannot be asked now, or has gone meanwhile, has its turn again.
        if let Ok(sampled) = sample(&ask, &counter, seed).await {
            samples.note(counter["name"].as_str().unwrap_or_default(), sampled);
        }
    }
}

/// All counters that have a topic for their events, one after the other.
#[derive(Default)]
struct Round {
    seen: BTreeSet<String>,
    after: Option<String>,
}

impl Round {
    async fn next(
        &mut self,
        ask: &Within,
        samples: &Samples,
    ) -> Result<Option<Value>, RecountError> {
        let found = self.behind(ask).await?;
        if found.is_some() {
            return Ok(found);
        }
        samples.keep(&std::mem::take(&mut self.seen));
        self.behind(ask).await
    }

    /// The next one behind the last; none at the end, from where it begins again.
    async fn behind(&mut self, ask: &Within) -> Result<Option<Value>, RecountError> {
        loop {
            let after = self.after.take();
            let mut given = vec![("limit", json!(PAGE))];
            given.extend(after.map(|after| ("after", json!(after))));
            let page = ask.told("COUNTER.LIST", &given).await?;
            let mut counters = page["items"].as_array().into_iter().flatten();
            if let Some(found) = counters.find(|counter| counter["raw"].is_string()) {
                let name = found["name"].as_str().unwrap_or_default();
                self.seen.insert(name.to_owned());
                self.after = Some(name.to_owned());
                return Ok(Some(found.clone()));
            }
            self.after = page["next"].as_str().map(str::to_owned);
            if self.after.is_none() {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_each_counter_are_told_until_it_is_gone() {
        let samples = Samples::default();
        let text = |samples: &Samples| {
            let mut text = String::new();
            samples.tell(&mut text);
            text
        };
        assert_eq!(text(&samples), "");
        let compared = |buckets, difference| Sampled::Compared {
            buckets,
            difference,
        };
        samples.note("a\"b", compared(7, 3));
        samples.note("a\"b", compared(5, 0));
        samples.note("c", Sampled::Skipped);
        let told = text(&samples);
        for line in [
            "# TYPE tidegate_counter_sampled_difference gauge",
            "tidegate_counter_sampled_buckets_total{counter=\"a\\\"b\"} 12",
            "tidegate_counter_sampled_difference{counter=\"a\\\"b\"} 0",
            "tidegate_counter_samples_skipped_total{counter=\"c\"} 1",
        ] {
            assert!(told.lines().any(|own| own == line), "{line} in {told}");
        }
        samples.keep(&["c".to_owned()].into());
        assert!(!text(&samples).contains("a\\\"b"));
    }
}
