//! What a crowd did and was told, counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::Answer;
use super::ask::Ask;

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// People who came, and who were given a ticket.
    pub(crate) arrived: u64,
    pub(crate) joined: u64,
    pub(crate) admitted: u64,
    /// Of these, those who were told in the same breath that nothing is left.
    pub(crate) admitted_to_nothing: u64,
    /// Orders that people and bots were told they have, and their units.
    pub(crate) bought: u64,
    pub(crate) units: u64,
    pub(crate) paid: u64,
    /// People who have nothing more to do here, by why.
    pub(crate) gone: Gone,
    /// Requests sent, by what they ask.
    pub(crate) asked: Asked,
    /// What they were told instead of a yes, by its code.
    pub(crate) refused: BTreeMap<Box<str>, u64>,
    pub(crate) busy: u64,
    /// Requests whose connection was cut, or which had no answer in time.
    pub(crate) lost: u64,
    /// Answers that are not as documented, and the first of them.
    pub(crate) nonsense: u64,
    pub(crate) first_nonsense: Option<Box<str>>,
    /// Purchases sent again after they were made.
    pub(crate) sent_again: u64,
    pub(crate) bots: Bots,
    pub(crate) wrong: Wrong,
}

/// Why people went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Gone {
    /// With an order that is paid, or will be no more.
    pub(crate) done: u64,
    /// They were told that all is sold out and nothing will come back.
    pub(crate) turned_away: u64,
    /// They had waited long enough.
    pub(crate) left: u64,
    /// The sale was over, or would not take them.
    pub(crate) over: u64,
}

impl Gone {
    pub(crate) fn in_all(self) -> u64 {
        let Self {
            done,
            turned_away,
            left,
            over,
        } = self;
        done + turned_away + left + over
    }
}

/// Requests by what they ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Asked {
    pub(crate) joins: u64,
    pub(crate) polls: u64,
    pub(crate) tokens: u64,
    pub(crate) buys: u64,
    pub(crate) payments: u64,
    pub(crate) cancels: u64,
    pub(crate) others: u64,
}

impl Asked {
    pub(crate) fn in_all(self) -> u64 {
        let Self {
            joins,
            polls,
            tokens,
            buys,
            payments,
            cancels,
            others,
        } = self;
        joins + polls + tokens + buys + payments + cancels + others
    }
}

/// What bots tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Bots {
    pub(crate) requests: u64,
    pub(crate) forgeries: u64,
    pub(crate) thefts: u64,
    pub(crate) bought: u64,
    /// What they were told instead of a yes, by its code.
    pub(crate) refused: BTreeMap<Box<str>, u64>,
}

/// What must never be, as the crowd itself has seen it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Wrong {
    /// Tickets that were given and then not known, or another one given for the same entry.
    pub(crate) tickets_lost: u64,
    /// Tokens that were given and then not known.
    pub(crate) tokens_lost: u64,
    /// Purchases sent again by who had made them, and refused.
    pub(crate) winners_refused: u64,
    /// Tokens that bought two orders.
    pub(crate) bought_twice: u64,
    /// Forged tickets and tokens, or those of others, that were taken.
    pub(crate) forgeries_taken: u64,
}

impl Tally {
    /// A request goes out.
    pub(super) fn ask(&mut self, ask: &Ask) {
        let asked = &mut self.asked;
        *match ask {
            Ask::Join { .. } => &mut asked.joins,
            Ask::Position { .. } => &mut asked.polls,
            Ask::Token { .. } => &mut asked.tokens,
            Ask::Buy { .. } => &mut asked.buys,
            Ask::Pay { .. } => &mut asked.payments,
            Ask::Cancel { .. } => &mut asked.cancels,
            Ask::Declare { .. }
            | Ask::Announce { .. }
            | Ask::Time
            | Ask::Sale
            | Ask::Goods
            | Ask::Order { .. }
            | Ask::Stock { .. }
            | Ask::Reviews { .. } => &mut asked.others,
        } += 1;
    }

    /// Something came back.
    pub(super) fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::No(code) => match self.refused.get_mut(code) {
                Some(count) => *count += 1,
                None => drop(self.refused.insert(code.clone(), 1)),
            },
            Answer::Busy { .. } => self.busy += 1,
            Answer::Lost => self.lost += 1,
            Answer::Nonsense(text) => {
                self.nonsense += 1;
                self.first_nonsense.get_or_insert_with(|| text.clone());
            }
            Answer::Yes(_) => {}
        }
    }

    /// People who have a ticket and were neither admitted nor went.
    pub(crate) fn waiting(&self) -> u64 {
        let Gone {
            turned_away, left, ..
        } = self.gone;
        self.joined
            .saturating_sub(self.admitted + turned_away + left)
    }
}
