//! How things stand with a sale at a moment, and with who holds a ticket.

use compact_str::CompactString;

use crate::draw::{Entry, commitment, entry_of};
use crate::lots::{Lot, group_of, groups};
use crate::reply::{PositionInfo, SaleInfo, StartInfo};
use crate::table::{Group, Sale};
use crate::ticket::hex;
use crate::{ASK_AFTER_MS_MAX, SPREAD_MS};

/// The state of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Announced,
    Open,
    Drawing,
    Running,
    Over,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Open => "open",
            Self::Drawing => "drawing",
            Self::Running => "running",
            Self::Over => "over",
        }
    }
}

/// Where somebody stands in line.
pub(crate) enum Place {
    /// Not known before the draw is over.
    Undrawn,
    /// In this group of the order.
    Drawn { group: u64, lot: Lot },
    /// Behind all who were drawn.
    Behind(u64),
}

impl Sale {
    pub(crate) fn state_at(&self, now_ms: u64) -> State {
        if now_ms >= self.ends_ms {
            State::Over
        } else if self.pace.is_some() {
            State::Running
        } else if now_ms >= self.starts_ms {
            State::Drawing
        } else if now_ms >= self.opens_ms {
            State::Open
        } else {
            State::Announced
        }
    }

    /// How many are in the list of its draw, once that is closed.
    pub(crate) fn listed(&self) -> Option<u64> {
        self.start.as_ref().map(|start| start.listed)
    }

    /// Where an entrant stands.
    pub(crate) fn place_of(&self, name: &str, number: u64) -> Place {
        match (self.listed(), self.pace) {
            (Some(listed), Some(_)) if number > listed => Place::Behind(number),
            (Some(listed), Some(_)) => {
                let lot = self.lot(&self.lots(), name, number);
                let group = group_of(lot.lot, groups(listed));
                Place::Drawn { group, lot }
            }
            (Some(_) | None, None) | (None, Some(_)) => Place::Undrawn,
        }
    }

    /// How somebody with this entry stands who has this position, if it is known.
    pub(crate) fn position_info(
        &self,
        entry: &Entry,
        position: Option<u64>,
        now_ms: u64,
    ) -> PositionInfo {
        let wait_ms = position.zip(self.pace);
        let wait_ms = wait_ms.map(|(position, pace)| pace.wait_ms(self.rate, position, now_ms));
        let ahead = position.zip(self.pace).map(|(position, pace)| {
            let admitted = pace.reached(self.rate, now_ms);
            (position - 1).saturating_sub(admitted)
        });
        let state = match (self.state_at(now_ms), wait_ms) {
            (State::Over, _) => "over",
            (State::Announced | State::Open, _) => "early",
            (State::Drawing, _) | (State::Running, None) => "drawing",
            (State::Running, Some(0)) => "admitted",
            (State::Running, Some(_)) => "waiting",
        };
        PositionInfo {
            state,
            position,
            ahead,
            wait_ms,
            entrants: self.entrants,
            ask_after_ms: self.ask_after_ms(entry, wait_ms, now_ms),
            now_ms,
        }
    }

    /// After how long somebody is to ask again: who waits for the same moment does so at a time of its own.
    pub(crate) fn ask_after_ms(&self, entry: &Entry, wait_ms: Option<u64>, now_ms: u64) -> u64 {
        let [first, second, ..] = *entry;
        let spread_ms = u64::from(u16::from_be_bytes([first, second])) % SPREAD_MS;
        match self.state_at(now_ms) {
            State::Over => 0,
            State::Announced | State::Open => {
                let until_ms = self.starts_ms - now_ms;
                if until_ms + SPREAD_MS > ASK_AFTER_MS_MAX {
                    ASK_AFTER_MS_MAX - spread_ms
                } else {
                    until_ms + spread_ms
                }
            }
            State::Drawing => SPREAD_MS / 2 + spread_ms,
            State::Running => wait_ms.map_or(spread_ms, |wait_ms| wait_ms.min(ASK_AFTER_MS_MAX)),
        }
    }

    pub(crate) fn info(&self, id: CompactString, now_ms: u64, repeated: bool) -> SaleInfo {
        let reached = self.pace.map(|pace| pace.reached(self.rate, now_ms));
        let is_drawn = self.pace.is_some();
        SaleInfo {
            id,
            state: self.state_at(now_ms).word(),
            opens_at_ms: self.opens_ms,
            starts_at_ms: self.starts_ms,
            ends_at_ms: self.ends_ms,
            rate: self.rate,
            entrants: self.entrants,
            admitted: reached.unwrap_or(0).min(self.entrants),
            commitment: hex(&commitment(&self.secret)),
            beacon_name: self.beacon_name.as_ref().map(CompactString::from),
            beacon: self.beacon.as_ref().map(CompactString::from),
            listed: self.listed(),
            list_hash: self.start.is_some().then(|| hex(&*self.list)),
            secret: is_drawn.then(|| hex(&*self.secret)),
            repeated,
        }
    }

    pub(crate) fn start_info(&self, id: CompactString, now_ms: u64) -> StartInfo {
        StartInfo {
            id,
            starts_at_ms: self.starts_ms,
            ends_at_ms: self.ends_ms,
            now_ms,
            nonce: self.start.as_ref().map(|start| hex(&*start.nonce)),
        }
    }
}

/// A place that was drawn, as a position.
pub(crate) fn position_in(group: &Group, lot: Lot) -> u64 {
    let position = group.position_of(lot);
    position.expect("because every entrant of the list stands in the group of its lot")
}

/// The entry of a ticket, in hex.
pub(crate) fn shown_entry(ticket: &str) -> CompactString {
    hex(&entry_of(ticket))
}
