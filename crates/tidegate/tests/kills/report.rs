//! What a run of kills has shown, as one table.

use std::fmt;

use crate::place::Place;
use crate::worker::Worker;

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// Where servers were killed, in the order of the kills.
    pub(crate) killed: Vec<Place>,
    pub(crate) acknowledged: u64,
    /// Times that a command lost its answer with a server.
    pub(crate) in_doubt: u64,
    /// What of that had been done.
    pub(crate) found_done: u64,
    /// Times that something acknowledged was asked for again.
    pub(crate) checked: u64,
    /// What was acknowledged and is not found again.
    pub(crate) lost: Vec<String>,
    /// Books that do not balance, or not as the answers say.
    pub(crate) broken: Vec<String>,
}

impl Report {
    pub(crate) fn kills(&self) -> u64 {
        self.killed.len() as u64
    }

    pub(crate) fn kills_at(&self, place: Place) -> u64 {
        self.killed.iter().filter(|at| **at == place).count() as u64
    }

    /// A place where fewer kills fell.
    pub(crate) fn rare(&self, least: u64) -> Option<&'static str> {
        let mut places = Place::REQUIRED.into_iter();
        let rare = places.find(|place| self.kills_at(*place) < least);
        rare.map(Place::name)
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.broken.is_empty()
    }

    /// How many kills there were so far, and where.
    pub(crate) fn so_far(&self) -> String {
        let at = |place: Place| format!("{} {}", place.name(), self.kills_at(place));
        format!("{} kills: {}", self.kills(), Place::ALL.map(at).join(", "))
    }

    /// Takes over what the workers have counted.
    pub(crate) fn count(&mut self, workers: &[Worker]) {
        let sum = |of: fn(&Worker) -> u64| workers.iter().map(of).sum();
        self.acknowledged = sum(|worker| worker.done.len() as u64);
        self.in_doubt = sum(|worker| worker.in_doubt);
        self.found_done = sum(|worker| worker.found_done);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, figure| writeln!(out, "{name:<20}{figure:>12}");
        line("seed", self.seed)?;
        line("kills", self.kills())?;
        for place in Place::ALL {
            line(&format!("  {}", place.name()), self.kills_at(place))?;
        }
        line("acknowledged", self.acknowledged)?;
        line("in doubt", self.in_doubt)?;
        line("  found done", self.found_done)?;
        line("checked", self.checked)?;
        line("lost", self.lost.len() as u64)?;
        line("laws broken", self.broken.len() as u64)
    }
}
