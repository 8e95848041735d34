//! What is printed at the end: what there was, and what went wrong on purpose.

use std::fmt;

use super::outbox::{Counts, Outbox};
use super::payments::{Payment, State};
use super::provider::Books;
use crate::output::grouped;

/// How many requests had what done to their answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answers {
    requests: u64,
    pub(super) errors: u64,
    pub(super) dropped: u64,
    pub(super) garbage: u64,
    pub(super) large: u64,
    pub(super) closed_while_down: u64,
}

impl Answers {
    /// The number of one more request.
    pub(super) fn next_number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }
}

/// The figures, one a line.
pub(super) struct Summary<'a>(pub(super) &'a Books);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Books {
            payments,
            outbox,
            answers,
            public_url: _,
        } = self.0;
        write_payments(f, payments.all())?;
        if let Some(outbox) = outbox {
            write_webhooks(f, outbox)?;
        }
        line(f, "requests", answers.requests)?;
        line(f, "  told 500", answers.errors)?;
        line(f, "  not answered", answers.dropped)?;
        line(f, "  told nonsense", answers.garbage)?;
        line(f, "  told 10 MiB", answers.large)?;
        line(f, "closed while down", answers.closed_while_down)
    }
}

fn write_payments(f: &mut fmt::Formatter<'_>, payments: &[Payment]) -> fmt::Result {
    let is_wrong = |payment: &&Payment| match payment.state {
        State::Paid { amount, .. } => amount != payment.amount,
        State::Pending | State::Failed | State::Expired => false,
    };
    let is_late = |payment: &&Payment| match payment.state {
        State::Paid { at_ms, .. } => at_ms > payment.expires_at_ms,
        State::Pending | State::Failed | State::Expired => false,
    };
    line(f, "payments", payments.len() as u64)?;
    for status in ["pending", "paid", "failed", "expired"] {
        let of_status = payments
            .iter()
            .filter(|payment| payment.state.name() == status);
        line(f, &format!("  {status}"), of_status.count() as u64)?;
    }
    let late = payments.iter().filter(is_late).count();
    let wrong = payments.iter().filter(is_wrong).count();
    line(f, "paid late", late as u64)?;
    line(f, "paid wrong amounts", wrong as u64)?;
    let refunds = payments.iter().map(|payment| payment.refunds.len() as u64);
    line(f, "refunds", refunds.sum())
}

fn write_webhooks(f: &mut fmt::Formatter<'_>, outbox: &Outbox) -> fmt::Result {
    let Counts {
        made,
        lost,
        duplicated,
        reordered,
        without_room,
        delivered,
        retried,
        given_up,
    } = outbox.counts;
    line(f, "webhooks", made)?;
    line(f, "  sent", delivered)?;
    line(f, "  lost", lost)?;
    line(f, "  lost without room", without_room)?;
    line(f, "  duplicated", duplicated)?;
    line(f, "  reordered", reordered)?;
    line(f, "  tried again", retried)?;
    line(f, "  given up", given_up)?;
    line(f, "  waiting", outbox.waiting() as u64)
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, figure: u64) -> fmt::Result {
    writeln!(f, "{name:<20}{:>12}", grouped(figure))
}
