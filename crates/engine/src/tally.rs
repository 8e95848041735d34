//! What is counted of each domain by name: refusals by their code, and what the domain counts itself.

use std::collections::BTreeSet;

use crate::contract::Domain;
use crate::metrics::Counter;

/// A thing that a domain counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountDef {
    /// Its name, in lower case.
    pub name: &'static str,
    /// What is counted.
    pub doc: &'static str,
}

/// The counts of one domain.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    refusals: Vec<(&'static str, Counter)>,
    counts: Vec<(&'static str, Counter)>,
}

impl Tally {
    pub(crate) fn of(domain: &Domain) -> Self {
        let refusals = domain.requests.iter().flat_map(|request| request.refusals);
        let codes: BTreeSet<_> = refusals.map(|refusal| refusal.code).collect();
        let names = domain.counts.iter().map(|count| count.name);
        let counter = |name| (name, Counter::default());
        Self {
            refusals: codes.into_iter().map(counter).collect(),
            counts: names.map(counter).collect(),
        }
    }

    pub(crate) fn refused(&self, code: &'static str) {
        add(&self.refusals, code);
    }

    pub(crate) fn counted(&self, name: &'static str) {
        add(&self.counts, name);
    }

    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        figures(&self.refusals)
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        figures(&self.counts)
    }
}

fn add(counters: &[(&'static str, Counter)], name: &'static str) {
    let named = counters.iter().find(|(known, _)| *known == name);
    debug_assert!(named.is_some(), "{name} is not declared");
    if let Some((_, counter)) = named {
        counter.add(1);
    }
}

fn figures(counters: &[(&'static str, Counter)]) -> impl Iterator<Item = (&'static str, u64)> {
    counters
        .iter()
        .map(|(name, counter)| (*name, counter.get()))
}
