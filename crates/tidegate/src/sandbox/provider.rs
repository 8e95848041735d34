//! The provider as a whole: its books, what it is told to do wrong, and who is woken for what.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::chance::Draws;
use super::checkout::PublicUrl;
use super::id::Id;
use super::outbox::{Outbox, Webhook};
use super::payments::{Decision, Event, Payment, Payments};
use super::summary::Answers;
use super::time::now_ms;
use super::troubles::{Trouble, Troubles};
use super::views;
use crate::password::Password;

/// How long the clock sleeps at most: the wall clock may have been set meanwhile.
const LOOK_MS: u64 = 1_000;

/// What happens by itself in one go; requests have their turn in between.
const EVENTS_AT_ONCE: usize = 1_000;

/// Everything that has happened.
pub(super) struct Books {
    pub(super) payments: Payments,
    /// Only if somebody is to be told.
    pub(super) outbox: Option<Outbox>,
    pub(super) answers: Answers,
    pub(super) public_url: PublicUrl,
}

/// What all connections and senders share.
pub(super) struct Provider {
    pub(super) token: Option<Password>,
    troubles: Troubles,
    draws: Draws,
    /// From when until when nothing is answered or sent.
    outage: Option<(u64, u64)>,
    books: Mutex<Books>,
    /// Something happens sooner than the clock was to wake.
    is_sooner: Notify,
    /// A webhook is due.
    is_due: Notify,
}

impl Provider {
    pub(super) fn new(
        token: Option<Password>,
        troubles: Troubles,
        draws: Draws,
        books: Books,
        started_ms: u64,
    ) -> Self {
        Self {
            token,
            outage: troubles.outage(started_ms),
            troubles,
            draws,
            books: Mutex::new(books),
            is_sooner: Notify::new(),
            is_due: Notify::new(),
        }
    }

    /// Looks at the books, or changes them, as they are at this time.
    pub(super) fn with_books<T>(&self, act: impl FnOnce(&mut Books, u64) -> T) -> T {
        let now_ms = now_ms();
        let mut books = self.books();
        let before = books.next_at_ms();
        books.advance(now_ms);
        let done = act(&mut books, now_ms);
        if books.next_at_ms() != before {
            self.is_sooner.notify_one();
        }
        done
    }

    /// What goes wrong with the next answer, and how long it waits.
    pub(super) fn next_trouble(&self) -> (Duration, Option<Trouble>) {
        let number = self.books().answers.next_number();
        let (delay_ms, trouble) = self.troubles.draw(self.draws, number);
        (Duration::from_millis(delay_ms), trouble)
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Answers)) {
        count(&mut self.books().answers);
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down_at(now_ms())
    }

    fn is_down_at(&self, now_ms: u64) -> bool {
        let is_within = |(from_ms, until_ms)| (from_ms..until_ms).contains(&now_ms);
        self.outage.is_some_and(is_within)
    }

    /// Lets things happen when their time comes, for ever.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            let sleep_ms = self.step(now_ms());
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(sleep_ms)) => {}
                () = self.is_sooner.notified() => {}
            }
        }
    }

    /// Lets happen what is due, and says how long it is until the next.
    fn step(&self, now_ms: u64) -> u64 {
        let mut books = self.books();
        books.advance(now_ms);
        let mut next_ms = now_ms + LOOK_MS;
        if let Some(at_ms) = books.payments.next_at_ms() {
            next_ms = next_ms.min(at_ms);
        }
        match books.outbox.as_ref().and_then(Outbox::next_at_ms) {
            // The look of every second sees the end of an outage.
            Some(at_ms) if at_ms <= now_ms => self.is_due.notify_one(),
            Some(at_ms) => next_ms = next_ms.min(at_ms),
            None => {}
        }
        next_ms.saturating_sub(now_ms)
    }

    /// Waits for a webhook that is to be sent now.
    pub(super) async fn next_webhook(&self) -> Webhook {
        loop {
            if let Some(webhook) = self.take_webhook(now_ms()) {
                return webhook;
            }
            self.is_due.notified().await;
        }
    }

    fn take_webhook(&self, now_ms: u64) -> Option<Webhook> {
        if self.is_down_at(now_ms) {
            return None;
        }
        let mut books = self.books();
        let outbox = books.outbox.as_mut()?;
        let webhook = outbox.take(now_ms)?;
        if outbox.next_at_ms().is_some_and(|at_ms| at_ms <= now_ms) {
            self.is_due.notify_one(); // There is work for another sender.
        }
        Some(webhook)
    }

    /// A webhook was sent, and the merchant has taken it or not.
    pub(super) fn sent(&self, webhook: Webhook, is_taken: bool) {
        let mut books = self.books();
        let Some(outbox) = &mut books.outbox else {
            return;
        };
        if is_taken {
            outbox.delivered();
        } else {
            outbox.refused(webhook, now_ms());
            self.is_sooner.notify_one();
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// Lets happen what is due by now, in bits.
    pub(super) fn advance(&mut self, now_ms: u64) {
        for _ in 0..EVENTS_AT_ONCE {
            let Some((event, payment)) = self.payments.advance(now_ms) else {
                return;
            };
            if let Some(outbox) = &mut self.outbox {
                tell(outbox, event, (payment, &self.public_url), now_ms);
            }
        }
    }

    /// Does what a person has decided; false if there is no such payment.
    pub(super) fn decide(&mut self, id: Id, decision: Decision, now_ms: u64) -> bool {
        let Some((event, payment)) = self.payments.decide(id, decision, now_ms) else {
            return false;
        };
        if let Some((event, outbox)) = event.zip(self.outbox.as_mut()) {
            tell(outbox, event, (payment, &self.public_url), now_ms);
        }
        true
    }

    fn next_at_ms(&self) -> Option<u64> {
        let webhook = self.outbox.as_ref().and_then(Outbox::next_at_ms);
        let next = [self.payments.next_at_ms(), webhook];
        next.into_iter().flatten().min()
    }
}

fn tell(
    outbox: &mut Outbox,
    event: Event,
    (payment, public_url): (&Payment, &PublicUrl),
    now_ms: u64,
) {
    let body = views::webhook(event, (payment, public_url), now_ms);
    let payment = payment.id.as_str();
    match event {
        Event::Paid | Event::Failed | Event::Expired => {
            outbox.put(body, &[event.name(), payment], now_ms);
        }
        Event::RefundDone(refund) | Event::RefundFailed(refund) => {
            outbox.put(body, &[event.name(), payment, refund.as_str()], now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::buyers::Buyers;
    use super::super::outbox::Losses;
    use super::super::payments::State;
    use super::super::requests::NewPayment;
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        buyers: Buyers,
        #[command(flatten)]
        losses: Losses,
        #[command(flatten)]
        troubles: Troubles,
    }

    const STARTED_MS: u64 = 1_000;

    fn provider(line: &str) -> Provider {
        let line = ["test"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(line).expect("a command line");
        let draws = Draws::of(1);
        let books = Books {
            payments: Payments::new(line.buyers, draws),
            outbox: Some(Outbox::new(line.losses, draws, 1)),
            answers: Answers::default(),
            public_url: PublicUrl::of_listener(([127, 0, 0, 1], 7390).into()),
        };
        Provider::new(None, line.troubles, draws, books, STARTED_MS)
    }

    fn create(provider: &Provider, now_ms: u64) {
        let new = br#"{"id":"7","order":"o","amount":5,"currency":"EUR","expires_at_ms":9000}"#;
        let new = NewPayment::read(new).expect("sound");
        let mut books = provider.books();
        books.payments.create(new, now_ms).expect("room");
    }

    #[test]
    fn while_it_is_down_buyers_pay_and_webhooks_wait() {
        let provider = provider("--down-after 100 --down-for 100 --pay-after 50..50");
        create(&provider, 1_060);
        assert_eq!(provider.step(1_060), 50);
        assert!(!provider.is_down_at(1_099) && provider.is_down_at(1_100));
        provider.step(1_110);
        let state = provider.books().payments.all()[0].state;
        let expected = State::Paid {
            amount: 5,
            at_ms: 1_110,
        };
        assert_eq!(state, expected);
        assert!(provider.take_webhook(1_199).is_none());
        assert!(provider.take_webhook(1_200).is_some());
        assert!(provider.take_webhook(1_200).is_none());
    }

    #[test]
    fn the_clock_sleeps_until_the_next_thing_happens_but_not_for_long() {
        let provider = provider("--pay-after 5000..5000");
        assert_eq!(provider.step(1_000), LOOK_MS);
        create(&provider, 1_000);
        assert_eq!(provider.step(1_000), LOOK_MS);
        assert_eq!(provider.step(5_990), 10);
        // A webhook is due now; its senders have been woken.
        assert_eq!(provider.step(6_000), LOOK_MS);
        let webhook = provider.take_webhook(6_000).expect("due");
        provider.sent(webhook, true);
        assert_eq!(provider.step(6_000), LOOK_MS);
    }
}
