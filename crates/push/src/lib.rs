//! Pushing: a worker within the process that takes what is ready and brings it to receivers, or has it counted.
//!
//! It is a client as any other: it asks for jobs and messages by the names of their requests, holds them under leases,
//! and says what came of them. So limits, pauses, tries and dead letters are those of any worker, nothing is brought
//! that is not leased durably, and what it was bringing when the process ended comes again once its lease has ended,
//! with the same id. It keeps nothing but who may have how much at once.
//!
//! What an answer means:
//!
//! | answer | a job | a message |
//! |---|---|---|
//! | 2xx | is done, with the body as its result | is acknowledged |
//! | 409 | is dead | was tried in vain |
//! | 425 | is worked on: asked again after a fixed time | was tried in vain |
//! | any other, or none | has failed: tried again after its rest | was tried in vain |
//! | it was not sent | is given back, and was not tried | is brought again, under the same lease |
//!
//! The messages of a group may be counted instead: a topic is a source of a counter. Whatever is refused of a message is the
//! cause for which it was tried in vain.
//!
//! Start reading at [`run`], then `jobs.rs`, and `source.rs` for what is counted.

mod answer;
mod client;
mod events;
mod jobs;
mod lease;
mod messages;
mod source;
mod target;
mod tray;
mod value;

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_courier::Outlet;
use tidegate_engine::{Door, Receivers};
use tokio::sync::watch;

pub use client::Client;
pub use value::Value;

use target::{Target, Terms};

/// How often it is looked what is pushed: a change takes effect within so long.
const LOOK_MS: u64 = 1_000;

/// Who takes what is pushed.
const MEMBER: &str = "push";

/// How long something is waited for at once, in milliseconds: what is pushed no longer is taken for so long at most.
const WAIT_MS: i64 = 1_000;

/// When what is refused is asked for again.
const REFUSED: Duration = Duration::from_secs(1);

/// When what was not sent, or is given back, is taken again, in milliseconds.
const BACK_MS: u64 = 1_000;

/// Pushes and counts until it is dropped: pushes to receivers that are known.
pub async fn run(door: Door, outlet: Outlet, receivers: Receivers) {
    let client = Client::new(door);
    let mut pushed: BTreeMap<Target, watch::Sender<Option<Terms>>> = BTreeMap::new();
    let mut seen = None;
    loop {
        // While nobody else asks for anything nothing comes that is pushed: an idle server does not write its log for this.
        let others = client.others_asked();
        if !pushed.is_empty() || seen != Some(others) {
            // What cannot be known now is as it was.
            seen = None;
            if let Some(targets) = targets(&client, &receivers).await {
                turn(&mut pushed, targets, |target, terms| {
                    start(&client, &outlet, target, terms);
                });
                let are_brought = pushed.keys().filter(|target| target.is_brought());
                client.room.share_among(are_brought.count());
                seen = Some(others);
            }
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

/// All that is counted, and that is pushed to receivers that are known.
async fn targets(client: &Client, receivers: &Receivers) -> Option<BTreeMap<Target, Terms>> {
    let mut targets: BTreeMap<_, _> = target::sources(client).await?.into_iter().collect();
    if !receivers.0.is_empty() {
        let pushes = target::pushes(client).await?.into_iter();
        targets.extend(pushes.filter(|(_, terms)| receivers.0.contains(&terms.receiver)));
    }
    Some(targets)
}

/// Tells those that are pushed how they are now, ends those that are not, and starts those that were not.
fn turn(
    pushed: &mut BTreeMap<Target, watch::Sender<Option<Terms>>>,
    mut targets: BTreeMap<Target, Terms>,
    start: impl Fn(Target, watch::Receiver<Option<Terms>>),
) {
    pushed.retain(|target, terms| {
        let now = targets.remove(target);
        let goes_on = now.is_some();
        terms.send_if_modified(|before| {
            let is_other = *before != now;
            *before = now;
            is_other
        });
        goes_on
    });
    for (target, terms) in targets {
        let (sender, terms) = watch::channel(Some(terms));
        start(target.clone(), terms);
        pushed.insert(target, sender);
    }
}

fn start(client: &Client, outlet: &Outlet, target: Target, terms: watch::Receiver<Option<Terms>>) {
    let (client, outlet) = (client.clone(), outlet.clone());
    match target {
        Target::Queue(queue) => {
            tokio::spawn(jobs::push((client, outlet), queue, terms));
        }
        Target::Group { topic, group } => {
            tokio::spawn(messages::push((client, outlet), (topic, group), terms));
        }
        Target::Source {
            counter,
            topic,
            group,
        } => {
            tokio::spawn(source::count(client, (counter, topic, group), terms));
        }
    }
}

/// How long something may take whose lease lasts for so long still: what came of it has to be told by then.
fn within_ms(left_ms: u64) -> u64 {
    left_ms - left_ms / 10
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn terms(in_flight: u64) -> Terms {
        Terms {
            receiver: "r".to_owned(),
            in_flight,
            again_ms: 1,
            keeps_order: false,
        }
    }

    #[test]
    fn what_is_pushed_is_started_once_told_of_changes_and_ended() {
        let started = RefCell::new(Vec::new());
        let start = |_: Target, terms| started.borrow_mut().push(terms);
        let mut pushed = BTreeMap::new();
        let target = Target::Queue("q".to_owned());
        for in_flight in [1, 1, 2] {
            let now = [(target.clone(), terms(in_flight))].into();
            turn(&mut pushed, now, start);
        }
        turn(&mut pushed, BTreeMap::new(), start);
        assert!(pushed.is_empty());
        let mut started = started.into_inner();
        assert_eq!(started.len(), 1);
        assert_eq!(*started[0].borrow_and_update(), None);
    }
}
