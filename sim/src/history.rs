//! One key's states, from the last one that cannot be lost to the present one.

use std::collections::VecDeque;

use crate::model::{Model, is_as};

/// States of a key, one behind each command, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    /// The number of the first state.
    first: u64,
    states: VecDeque<Model>,
    /// What led to each of them but the first, and when.
    commands: VecDeque<(String, u64)>,
}

impl History {
    pub(crate) fn new(model: Model) -> Self {
        Self {
            first: 0,
            states: VecDeque::from([model]),
            commands: VecDeque::new(),
        }
    }

    pub(crate) fn last(&self) -> &Model {
        self.states
            .back()
            .expect("because one state is always kept")
    }

    /// Whether a command is answered so in one of the states that are not past, as time was then.
    pub(crate) fn may_answer(&self, command: &str, answer: &str) -> bool {
        let mut states = self.states.iter();
        states.any(|state| answer.contains(&state.clone().apply(command)))
    }

    /// The last state as it is at this time.
    pub(crate) fn at(&self, now_ms: u64) -> Model {
        let mut state = self.last().clone();
        state.pass(now_ms);
        state
    }

    /// Adds the state behind a command; gives the answer and the state's number. Those before stay
    /// as they were: this moment may not come again before the next one is durable.
    pub(crate) fn apply(&mut self, command: &str, now_ms: u64) -> (String, u64) {
        let mut next = self.at(now_ms);
        let answer = next.apply(command);
        self.states.push_back(next);
        self.commands.push_back((command.to_owned(), now_ms));
        (answer, self.first + self.states.len() as u64 - 1)
    }

    /// The command that led to this state was not done. Gives the answers to those that came after it, whose states have a
    /// number less now; `None` if something that rests on this one has left.
    pub(crate) fn take_back(&mut self, number: u64) -> Option<Vec<String>> {
        let at = number.checked_sub(self.first + 1)?;
        let at = usize::try_from(at).ok()?;
        let mut after = self.commands.split_off(at);
        after.pop_front()?;
        self.states.truncate(at + 1);
        let again = after.into_iter();
        Some(
            again
                .map(|(command, at_ms)| self.apply(&command, at_ms).0)
                .collect(),
        )
    }

    /// An answer that rests on this state has left: no earlier one can come back.
    pub(crate) fn keep_from(&mut self, number: u64) {
        while self.first < number && self.states.len() > 1 {
            self.states.pop_front();
            self.commands.pop_front();
            self.first += 1;
        }
    }

    /// Finds the newest state which answers as `ask` does, and goes on from it; `false` if there
    /// is none.
    pub(crate) fn settle(&mut self, now_ms: u64, mut ask: impl FnMut(&str) -> String) -> bool {
        let found = self.states.iter().rposition(|state| {
            let mut state = state.clone();
            state.pass(now_ms);
            let questions = state.questions();
            questions
                .iter()
                .all(|(question, answer)| is_as(answer, &state.told(ask(question))))
        });
        let Some(at) = found else { return false };
        self.states.truncate(at + 1);
        self.commands.truncate(at);
        self.keep_from(self.first + at as u64);
        true
    }
}

#[cfg(test)]
mod tests {
    use tidegate_stock::testing::Oracle;

    use super::*;

    #[test]
    fn what_was_turned_away_is_taken_back_from_under_what_came_behind_it() {
        let of = || History::new(Model::Sku(Oracle::new("sku", 3)));
        let (mut history, mut without) = (of(), of());
        let (_, turned_away) = history.apply("STOCK.HOLD sku h1 2 TTL 900", 0);
        let (short, behind) = history.apply("STOCK.HOLD sku h2 2 TTL 900", 0);
        let (held, _) = without.apply("STOCK.HOLD sku h2 2 TTL 900", 0);
        assert_ne!(short, held);
        assert_eq!(history.take_back(turned_away), Some(vec![held]));
        history.keep_from(behind - 1);
        assert_eq!(history.take_back(behind - 1), None, "its answer has left");
    }
}
