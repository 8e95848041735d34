//! The way from the line to a purchase: what each answer means to who waits for it.

use std::rc::Rc;

use super::super::answer::{Standing, State, Yes};
use super::super::tally::Gone;
use super::super::world::{Purchase, World};
use super::{Person, REFRESH_MS, Stage};

/// Choices in a row that came to nothing, until somebody goes back to the line; and then, beyond the limit, home.
const CHOICES_MAX: u8 = 6;

/// The shortest that somebody waits who is told to ask again.
const POLL_MS_MIN: u64 = 100;

impl Person {
    /// A yes to what it asks now.
    pub(super) fn accept(&mut self, yes: Yes, world: &mut World) -> Option<u64> {
        match yes {
            Yes::Joined(joined) => {
                world.tally.joined += 1;
                self.ticket = Some(joined.ticket);
                self.stage = Stage::InLine;
                Some(self.poll_at(joined.ask_after_ms, world))
            }
            Yes::Standing(standing) => self.stand(standing, world),
            Yes::Token(token) => {
                let Stage::Asking { sku, .. } = &self.stage else {
                    return None;
                };
                self.stage = Stage::Buying(Rc::new(Purchase {
                    sku: Rc::clone(sku),
                    token: token.token,
                    nonce: token.nonce,
                }));
                Some(world.now_ms)
            }
            Yes::Bought(bought) => self.own(bought, world),
            Yes::Done => self.proceed(world),
            Yes::Order(order) => self.watch(&order.state, world),
            Yes::Time(_) | Yes::Sale(_) | Yes::Goods(_) | Yes::Stock(_) | Yes::Reviews(_) => None,
        }
    }

    /// It has heard how it stands.
    fn stand(&mut self, standing: Standing, world: &mut World) -> Option<u64> {
        match standing.state {
            State::Waiting if standing.available == Some(0) && !self.stays(world) => {
                self.go(|gone| &mut gone.left, world)
            }
            State::Early | State::Drawing | State::Waiting => {
                Some(self.poll_at(standing.ask_after_ms, world))
            }
            State::Admitted => {
                self.admitted(standing, world);
                if world.shelf.available() == 0 && !self.stays(world) {
                    return self.go(|gone| &mut gone.left, world);
                }
                self.stage = Stage::Choosing;
                Some(self.think(world))
            }
            State::SoldOut => self.go(|gone| &mut gone.turned_away, world),
            State::Over => self.go(|gone| &mut gone.over, world),
        }
    }

    fn admitted(&mut self, standing: Standing, world: &mut World) {
        if self.was_admitted {
            return;
        }
        self.was_admitted = true;
        world.tally.admitted += 1;
        world.tally.admitted_to_nothing += u64::from(standing.available == Some(0));
    }

    /// Whether it still waits, having seen that nothing is left.
    fn stays(&mut self, world: &World) -> bool {
        let until_ms = world.now_ms + self.habits.patience_ms;
        world.now_ms < *self.stays_until_ms.get_or_insert(until_ms)
    }

    /// When it asks again where it stands: as it is told, or as it likes.
    fn poll_at(&mut self, after_ms: u64, world: &World) -> u64 {
        let told_ms = world.now_ms + after_ms.max(POLL_MS_MIN);
        if self.habits.refreshes {
            told_ms.min(self.within(REFRESH_MS, world))
        } else {
            told_ms
        }
    }

    /// A no, after all copies were answered.
    pub(super) fn refused(&mut self, code: &str, world: &mut World) -> Option<u64> {
        match code {
            "sold_out" | "token_expired" => self.choose_again(code, world),
            "over_limit" if self.in_vain < CHOICES_MAX => self.choose_again(code, world),
            "over_limit" => self.go(|gone| &mut gone.done, world),
            "too_late" => Some(self.again(0, world)),
            "not_admitted" => {
                self.stage = Stage::InLine;
                Some(self.think(world))
            }
            "bad_ticket" => {
                world.tally.wrong.tickets_lost += 1;
                self.go(|gone| &mut gone.over, world)
            }
            "bad_token" | "other_buyer" => {
                world.tally.wrong.tokens_lost += 1;
                self.choose_again(code, world)
            }
            // A shelf opens, and an order follows its purchase, by mail.
            "not_on_sale" | "unknown_order" => Some(self.again(0, world)),
            "wrong_state" => self.proceed(world),
            _ => self.go(|gone| &mut gone.over, world),
        }
    }

    fn choose_again(&mut self, code: &str, world: &mut World) -> Option<u64> {
        if let (Stage::Buying(purchase), "sold_out") = (&self.stage, code) {
            world.shelf.sold_out(&purchase.sku);
        }
        self.in_vain += 1;
        self.stage = if code != "over_limit" && self.in_vain.is_multiple_of(CHOICES_MAX) {
            Stage::InLine
        } else {
            Stage::Choosing
        };
        Some(self.think(world))
    }

    /// Goes home, unless it has bought or is just about to.
    pub(in crate::crowd) fn leave(&mut self, world: &mut World) {
        match self.stage {
            Stage::Joining | Stage::InLine | Stage::Choosing | Stage::Asking { .. } => {
                self.go(|gone| &mut gone.over, world);
            }
            Stage::Buying(_) | Stage::Owning(_) | Stage::Gone => {}
        }
    }

    /// Has nothing more to do here.
    pub(super) fn go(&mut self, why: fn(&mut Gone) -> &mut u64, world: &mut World) -> Option<u64> {
        *why(&mut world.tally.gone) += 1;
        self.stage = Stage::Gone;
        None
    }
}
