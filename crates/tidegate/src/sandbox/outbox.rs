//! Webhooks that wait to be sent, and what happens to them before they are.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use clap::Args;
use hyper::body::Bytes;

use super::chance::{Chance, Draws, Span};

/// Webhooks that wait, and their bytes: a minute of five thousand a second. What does not fit is
/// lost, as a provider's would be that cannot get rid of them.
const WAITING_MAX: usize = 300_000;
const WAITING_BYTES_MAX: usize = 256 << 20;

/// A webhook that is out of order leaves at most so much later: later than what comes a second
/// behind it, sooner than anybody gives up.
const REORDER_MS_MAX: u64 = 2_000;

/// How often one is sent again that was not taken, and how long after.
const RETRIES_MAX: u8 = 3;
const RETRY_MS: u64 = 1_000;

/// What becomes of webhooks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What becomes of webhooks")]
pub(super) struct Losses {
    /// Share of webhooks that are never sent.
    #[arg(long, value_name = "SHARE", default_value_t)]
    lose: Chance,
    /// Share of webhooks that are sent twice, the second one up to 2 s later.
    #[arg(long, value_name = "SHARE", default_value_t)]
    duplicate: Chance,
    /// Share of webhooks that leave up to 2 s later, so that others overtake them.
    #[arg(long, value_name = "SHARE", default_value_t)]
    reorder: Chance,
}

/// A webhook on its way.
#[derive(Debug)]
pub(super) struct Webhook {
    /// Copies and retries have the same.
    pub(super) number: u64,
    pub(super) body: Bytes,
    retries: u8,
}

/// How many webhooks had what happen to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) made: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
    /// Among those lost: they found no room.
    pub(super) without_room: u64,
    /// Taken by the merchant, copies among them.
    pub(super) delivered: u64,
    pub(super) retried: u64,
    pub(super) given_up: u64,
}

/// All webhooks that wait.
pub(super) struct Outbox {
    losses: Losses,
    draws: Draws,
    waiting: BinaryHeap<Waiting>,
    bytes: usize,
    next_number: u64,
    pub(super) counts: Counts,
}

impl Outbox {
    /// Numbers go on from `first_number`.
    pub(super) fn new(losses: Losses, draws: Draws, first_number: u64) -> Self {
        Self {
            losses,
            draws,
            waiting: BinaryHeap::new(),
            bytes: 0,
            next_number: first_number,
            counts: Counts::default(),
        }
    }

    /// Takes in a webhook about the thing that these names name.
    pub(super) fn put(&mut self, body: Bytes, names: &[&str], now_ms: u64) {
        let number = self.next_number;
        self.next_number += 1;
        self.counts.made += 1;
        let mut random = self.draws.about("webhook", names);
        if self.losses.lose.hits(&mut random) {
            self.counts.lost += 1;
            return;
        }
        let mut at_ms = now_ms;
        if self.losses.reorder.hits(&mut random) {
            self.counts.reordered += 1;
            at_ms += Span::up_to(REORDER_MS_MAX).draw(&mut random);
        }
        let webhook = Webhook {
            number,
            body,
            retries: 0,
        };
        if self.losses.duplicate.hits(&mut random) {
            self.counts.duplicated += 1;
            let copy_at_ms = at_ms + Span::up_to(REORDER_MS_MAX).draw(&mut random);
            self.wait(copy_at_ms, webhook.copy());
        }
        self.wait(at_ms, webhook);
    }

    /// The next one that is due by now, if one is.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<Webhook> {
        if self.next_at_ms()? > now_ms {
            return None;
        }
        let webhook = self.waiting.pop()?.webhook;
        self.bytes -= webhook.body.len();
        Some(webhook)
    }

    pub(super) fn next_at_ms(&self) -> Option<u64> {
        self.waiting.peek().map(|waiting| waiting.at_ms)
    }

    /// One that was taken from here has been taken by the merchant.
    pub(super) fn delivered(&mut self) {
        self.counts.delivered += 1;
    }

    /// One that was taken from here has not been taken by the merchant.
    pub(super) fn refused(&mut self, mut webhook: Webhook, now_ms: u64) {
        if webhook.retries == RETRIES_MAX {
            self.counts.given_up += 1;
            return;
        }
        webhook.retries += 1;
        self.counts.retried += 1;
        self.wait(now_ms + RETRY_MS, webhook);
    }

    /// Those that nobody has got or will get before the end.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn wait(&mut self, at_ms: u64, webhook: Webhook) {
        let bytes = self.bytes + webhook.body.len();
        if self.waiting.len() == WAITING_MAX || bytes > WAITING_BYTES_MAX {
            self.counts.lost += 1;
            self.counts.without_room += 1;
            return;
        }
        self.bytes = bytes;
        self.waiting.push(Waiting { at_ms, webhook });
    }
}

impl Webhook {
    fn copy(&self) -> Self {
        Self {
            number: self.number,
            body: self.body.clone(),
            retries: 0,
        }
    }
}

/// The largest is the one that is due first, and of those the one that was made first.
struct Waiting {
    at_ms: u64,
    webhook: Webhook,
}

impl Waiting {
    fn order(&self) -> (u64, u64) {
        (self.at_ms, self.webhook.number)
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.order().cmp(&self.order())
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 10_000;

    fn outbox(lose: &str, duplicate: &str, reorder: &str) -> Outbox {
        let chance = |text: &str| text.parse().expect("a share");
        let losses = Losses {
            lose: chance(lose),
            duplicate: chance(duplicate),
            reorder: chance(reorder),
        };
        Outbox::new(losses, Draws::of(1), 1)
    }

    fn put(outbox: &mut Outbox, webhooks: u64) {
        for n in 0..webhooks {
            outbox.put(Bytes::from_static(b"{}"), &[&n.to_string()], NOW_MS + n);
        }
    }

    fn taken(outbox: &mut Outbox) -> Vec<u64> {
        let taken = std::iter::from_fn(|| outbox.take(u64::MAX));
        taken.map(|webhook| webhook.number).collect()
    }

    #[test]
    fn webhooks_leave_in_order_once_they_are_due() {
        let mut outbox = outbox("0", "0", "0");
        put(&mut outbox, 3);
        assert!(outbox.take(NOW_MS - 1).is_none());
        assert_eq!(outbox.take(NOW_MS).expect("due").number, 1);
        assert!(outbox.take(NOW_MS).is_none());
        assert_eq!(taken(&mut outbox), [2, 3]);
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn lost_ones_never_leave_and_duplicates_leave_twice_under_one_number() {
        let mut lossy = outbox("1", "1", "1");
        put(&mut lossy, 3);
        assert_eq!(taken(&mut lossy), [0; 0]);
        assert_eq!(lossy.counts.lost, 3);

        let mut double = outbox("0", "1", "0");
        put(&mut double, 3);
        let mut numbers = taken(&mut double);
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn some_that_are_out_of_order_are_overtaken() {
        let mut outbox = outbox("0", "0", "0.5");
        put(&mut outbox, 100);
        let numbers = taken(&mut outbox);
        assert_eq!(numbers.len(), 100);
        assert!(!numbers.is_sorted());
        assert!((30..70).contains(&outbox.counts.reordered));
    }

    #[test]
    fn one_that_is_not_taken_comes_three_times_more() {
        let mut outbox = outbox("0", "0", "0");
        put(&mut outbox, 1);
        let mut now_ms = NOW_MS;
        for _ in 0..4 {
            assert!(outbox.take(now_ms - 1).is_none());
            let webhook = outbox.take(now_ms).expect("it comes again");
            outbox.refused(webhook, now_ms);
            now_ms += RETRY_MS;
        }
        assert_eq!(outbox.waiting(), 0);
        assert_eq!((outbox.counts.retried, outbox.counts.given_up), (3, 1));
    }

    #[test]
    fn what_has_no_room_is_lost_and_counted() {
        let mut outbox = outbox("0", "0", "0");
        let large = Bytes::from(vec![b' '; WAITING_BYTES_MAX / 2]);
        for n in ["1", "2", "3"] {
            outbox.put(large.clone(), &[n], NOW_MS);
        }
        assert_eq!((outbox.waiting(), outbox.counts.without_room), (2, 1));
        assert!(outbox.take(NOW_MS).is_some());
        outbox.put(large, &["4"], NOW_MS);
        assert_eq!((outbox.waiting(), outbox.counts.without_room), (2, 1));
    }
}
