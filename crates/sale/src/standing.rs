//! How things stand with a sale at a moment, and with who holds a ticket.

use compact_str::CompactString;

use crate::draw::{Entry, commitment, entry_of};
use crate::hex::hex;
use crate::lots::{Lot, group_of, groups};
use crate::reply::{PositionInfo, SaleInfo, StartInfo};
use crate::table::{Group, Sale, Shop};
use crate::{ASK_AFTER_MS_MAX, ASKED_A_SECOND, NEAR_MIN, SPREAD_MS};

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

    /// The last position that is admitted by now; none before the draw is over.
    pub(crate) fn reached(&self, now_ms: u64) -> Option<u64> {
        let paced = self.pace?.reached(self.rate, now_ms);
        let up_to = self.shop.as_ref().map_or(u64::MAX, |shop| shop.gate.up_to);
        Some(paced.min(up_to))
    }

    /// In how long a position is admitted, as far as that is known; 0 if it is.
    fn wait_ms(&self, position: u64, now_ms: u64) -> Option<u64> {
        let pace = self.pace?;
        if position <= self.reached(now_ms)? {
            return Some(0);
        }
        let is_empty = self.shop.as_ref().is_some_and(Shop::is_empty);
        let paced_ms = pace.wait_ms(self.rate, position, now_ms).max(1);
        (!is_empty).then_some(paced_ms)
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
        let wait_ms = position.and_then(|position| self.wait_ms(position, now_ms));
        let reached = self.reached(now_ms);
        let ahead = position.zip(reached);
        let ahead = ahead.map(|(position, reached)| (position - 1).saturating_sub(reached));
        let is_over = self.shop.as_ref().is_some_and(Shop::is_sold_out);
        let state = match (self.state_at(now_ms), position, wait_ms) {
            (State::Over, ..) => "over",
            (State::Announced | State::Open, ..) => "early",
            (State::Drawing, ..) | (State::Running, None, _) => "drawing",
            (State::Running, Some(_), Some(0)) => "admitted",
            (State::Running, Some(_), _) if is_over => "sold_out",
            (State::Running, Some(_), _) => "waiting",
        };
        let units = self.shop.as_ref().map(|shop| shop.units);
        PositionInfo {
            state,
            position,
            ahead,
            wait_ms,
            available: units.map(|units| units.available),
            held: units.map(|units| units.held),
            back_by_ms: self.shop.as_ref().and_then(|shop| shop.back_by_ms(now_ms)),
            entrants: self.entrants,
            ask_after_ms: self.ask_after_ms(entry, (ahead, wait_ms), now_ms),
            now_ms,
        }
    }

    /// After how long somebody is to ask again: who waits for the same moment does so at a time of its own.
    pub(crate) fn ask_after_ms(
        &self,
        entry: &Entry,
        (ahead, wait_ms): (Option<u64>, Option<u64>),
        now_ms: u64,
    ) -> u64 {
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
            State::Running => match wait_ms {
                Some(wait_ms) => wait_ms.min(ASK_AFTER_MS_MAX),
                None => self.ask_often_ms(ahead).saturating_sub(spread_ms) + spread_ms / 2,
            },
        }
    }

    /// How often each of those asks who wait for what nobody knows: so that all of them are few enough a second. Who
    /// comes in once what is held comes back asks more often, and hears of it while there is something left.
    fn ask_often_ms(&self, ahead: Option<u64>) -> u64 {
        let held = self.shop.as_ref().map_or(0, |shop| shop.units.held);
        let near = held.max(NEAR_MIN);
        let is_near = ahead.is_some_and(|ahead| ahead < near);
        let many = if is_near { near } else { self.entrants };
        let often_ms = many.saturating_mul(1_000) / ASKED_A_SECOND;
        often_ms.clamp(SPREAD_MS, ASK_AFTER_MS_MAX)
    }

    pub(crate) fn info(&self, id: CompactString, now_ms: u64, repeated: bool) -> SaleInfo {
        let reached = self.reached(now_ms);
        let shop = self.shop.as_ref();
        let units = shop.map(|shop| shop.units);
        let guard = self.guard.as_ref();
        let checks = self.checks.as_ref();
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
            per_buyer: guard.map_or(0, |guard| guard.per_buyer),
            per_address: guard.map_or(0, |guard| guard.per_address),
            challenge: guard.map_or("none", |guard| guard.challenge.word()),
            hook: checks.map(|checks| CompactString::from(&checks.hook)),
            checking: checks.map(|checks| checks.open),
            commitment: hex(&commitment(&self.secret)),
            beacon_name: self.beacon_name.as_ref().map(CompactString::from),
            beacon: self.beacon.as_ref().map(CompactString::from),
            listed: self.listed(),
            list_hash: self.start.is_some().then(|| hex(&*self.list)),
            secret: is_drawn.then(|| hex(&*self.secret)),
            goods: shop.map_or(0, |shop| shop.goods),
            currency: shop.map(|shop| shop.currency.clone()),
            max: shop.map(|shop| shop.max),
            available: units.map(|units| units.available),
            held: units.map(|units| units.held),
            sold: units.map(|units| units.sold),
            tokens: shop.map(|shop| shop.tokens),
            bought: shop.map(|shop| shop.bought),
            ended: shop.map(|shop| shop.ended),
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

impl Shop {
    /// Nothing can be had now.
    fn is_empty(&self) -> bool {
        self.units.available == 0
    }

    /// And nothing will, unless stock is added.
    fn is_sold_out(&self) -> bool {
        let is_known = self.known == self.goods;
        is_known && self.is_empty() && self.units.held == 0
    }

    /// For how long somebody who was admitted counts as inside: a visit, and the time within which they hear of it.
    pub(crate) fn stay_ms(&self) -> u64 {
        self.visit_ms.saturating_add(SPREAD_MS)
    }

    /// By when what is held is sold or back, as far as that is known.
    fn back_by_ms(&self, now_ms: u64) -> Option<u64> {
        let may_come = self.units.held > 0 && self.back_by_ms > now_ms;
        may_come.then_some(self.back_by_ms)
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
