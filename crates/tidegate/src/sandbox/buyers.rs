//! What buyers do: each as its payment's id and the seed say.

use clap::Args;

use super::chance::{self, Chance, Draws, Span, fit_in_one, one_of};
use super::payments::{Payment, Refund};

/// What buyers do.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What buyers and banks do")]
pub(super) struct Buyers {
    /// Buyers pay so long after their payment was made; who would be later than `expires_at_ms` has
    /// let it expire.
    #[arg(long, value_name = "MIN..MAX", default_value = "500..3000")]
    pay_after: Span,
    /// Share of buyers who never pay: pending until `expires_at_ms`, then expired.
    #[arg(long, value_name = "SHARE", default_value_t)]
    never_pays: Chance,
    /// Share of buyers whose payment fails, when they would have paid.
    #[arg(long, value_name = "SHARE", default_value_t)]
    fails: Chance,
    /// Share of buyers who pay past `expires_at_ms`; until then theirs stays pending.
    #[arg(long, value_name = "SHARE", default_value_t)]
    late: Chance,
    /// Late ones are late by at most so long.
    #[arg(long, value_name = "MS", default_value = "60000", value_parser = chance::ms)]
    late_by: u64,
    /// Share of those who pay that pay more or less than was asked for.
    #[arg(long, value_name = "SHARE", default_value_t)]
    wrong_amount: Chance,
    /// Refunds are pending for so long.
    #[arg(long, value_name = "MIN..MAX", default_value = "0..0")]
    refund_after: Span,
    /// Share of refunds that fail in the end.
    #[arg(long, value_name = "SHARE", default_value_t)]
    refund_fails: Chance,
}

/// What comes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Paid { amount: u64 },
    Failed,
    Expired,
}

#[derive(Clone, Copy)]
enum Habit {
    Never,
    Fails,
    Late,
}

/// Most that is paid beyond what was asked for.
pub(super) const EXCESS_MAX: u64 = 1_000;

impl Buyers {
    /// Whether the shares can be drawn.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if fit_in_one(&[self.never_pays, self.fails, self.late]) {
            Ok(())
        } else {
            Err("--never-pays, --fails and --late are shares of one whole: lower one of them")
        }
    }

    /// What comes of a payment, and when. The same whenever it is asked for.
    pub(super) fn fate(&self, draws: Draws, payment: &Payment) -> (u64, Fate) {
        let mut random = draws.about("buyer", &[payment.id.as_str()]);
        let habits = [
            (self.never_pays, Habit::Never),
            (self.fails, Habit::Fails),
            (self.late, Habit::Late),
        ];
        let habit = one_of(&mut random, &habits);
        let usual = payment.created_at_ms + self.pay_after.draw(&mut random);
        let late = payment.expires_at_ms + Span::up_to(self.late_by).draw(&mut random);
        let paid = Fate::Paid {
            amount: self.amount(draws, payment),
        };
        let expired = (payment.expires_at_ms, Fate::Expired);
        match habit {
            Some(Habit::Late) => (late, paid),
            Some(Habit::Never) => expired,
            Some(Habit::Fails) | None if usual >= payment.expires_at_ms => expired,
            Some(Habit::Fails) => (usual, Fate::Failed),
            None => (usual, paid),
        }
    }

    fn amount(&self, draws: Draws, payment: &Payment) -> u64 {
        let asked = payment.amount;
        let mut random = draws.about("amount", &[payment.id.as_str()]);
        if !self.wrong_amount.hits(&mut random) {
            return asked;
        }
        // Of a single unit there is no less that could be paid.
        if asked > 1 && random.chance(1, 2) {
            asked - 1 - random.below(asked / 2)
        } else {
            asked + 1 + random.below(EXCESS_MAX)
        }
    }

    /// How long a refund is pending.
    pub(super) fn refund_ms(&self, draws: Draws, payment: &Payment, refund: &Refund) -> u64 {
        let names = [payment.id.as_str(), refund.id.as_str()];
        self.refund_after
            .draw(&mut draws.about("refund time", &names))
    }

    /// Whether a refund fails in the end.
    pub(super) fn refund_fails(&self, draws: Draws, payment: &Payment, refund: &Refund) -> bool {
        let names = [payment.id.as_str(), refund.id.as_str()];
        self.refund_fails.hits(&mut draws.about("refund", &names))
    }
}
