//! What is counted beside commands: webhooks, and how often orders came into each state.

use tidegate_engine::CountDef;

use crate::apply::{WEBHOOK_APPLIED, WEBHOOK_REPEATED};
use crate::table::State;

/// Webhooks first, then a count for each state, under its word.
pub(crate) const COUNTS: [CountDef; 2 + State::ALL.len()] = {
    let mut counts = [WEBHOOK_APPLIED; 2 + State::ALL.len()];
    counts[1] = WEBHOOK_REPEATED;
    let mut at = 0;
    while at < State::ALL.len() {
        counts[2 + at] = State::ALL[at].count();
        at += 1;
    }
    counts
};

impl State {
    /// How often orders came into it.
    pub(crate) const fn count(self) -> CountDef {
        CountDef {
            name: self.word(),
            doc: "Times that an order came into the state that this is named after.",
        }
    }
}
