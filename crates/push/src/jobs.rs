//! Jobs of a queue, brought to its receiver.

use std::sync::Arc;
use std::time::Duration;

use tidegate_courier::{Outlet, Parcel};
use tidegate_engine::contract::Raw;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::answer::{Verdict, id_of};
use crate::client::Client;
use crate::target::Terms;
use crate::tray::Tray;
use crate::value::Value;
use crate::{BACK_MS, MEMBER, REFUSED, WAIT_MS, within_ms};

/// Jobs that are taken at once.
const TAKE_MAX: u64 = 100;

/// A job that was taken.
struct Taken {
    client: Client,
    outlet: Outlet,
    terms: Terms,
    /// As they are at any time.
    now: watch::Receiver<Option<Terms>>,
    /// So many of those that were taken together are brought at once: they may be more than were asked for.
    turns: Arc<Semaphore>,
    queue: String,
    id: String,
    lease: String,
    until_ms: u64,
    tries: u64,
    created_at_ms: u64,
    payload: Vec<u8>,
}

/// Pushes the jobs of a queue as long as it has terms.
pub(crate) async fn push(
    (client, outlet): (Client, Outlet),
    queue: String,
    mut terms: watch::Receiver<Option<Terms>>,
) {
    let mut tray = Tray::new(client.room.clone());
    while let Some((now, free)) = tray.room(&mut terms).await {
        let Ok(taken) = take(&client, &queue, free.min(TAKE_MAX)).await else {
            sleep(REFUSED).await;
            continue;
        };
        let lease = taken.text("lease").unwrap_or_default();
        let turns = Semaphore::new(usize::try_from(free).unwrap_or(Semaphore::MAX_PERMITS));
        let turns = Arc::new(turns);
        for job in taken.list("jobs") {
            let taken = Taken {
                client: client.clone(),
                outlet: outlet.clone(),
                terms: now.clone(),
                now: terms.clone(),
                turns: Arc::clone(&turns),
                queue: queue.clone(),
                id: job.text("id").unwrap_or_default().to_owned(),
                lease: lease.to_owned(),
                until_ms: job.number("until_ms").unwrap_or_default(),
                tries: job.number("tries").unwrap_or_default(),
                created_at_ms: job.number("created_at_ms").unwrap_or_default(),
                payload: job.bytes("payload").to_vec(),
            };
            tray.spawn(taken.payload.len(), taken.bring());
        }
    }
    tray.leave();
}

async fn take(client: &Client, queue: &str, count: u64) -> Result<Value, String> {
    let queues = [Some(Raw::Text(queue.as_bytes()))];
    let given = [
        ("member", Raw::Text(MEMBER.as_bytes())),
        ("queues", Raw::List(&queues)),
        ("count", Raw::Integer(count.cast_signed())),
        ("wait_ms", Raw::Integer(WAIT_MS)),
    ];
    client.ask("JOB.TAKE", &given).await
}

impl Taken {
    /// Brings it, until it is done or has failed, or its lease is over.
    async fn bring(mut self) {
        // A lease that is over: it is tried again, or was cancelled.
        drop(self.brought().await);
    }

    async fn brought(&mut self) -> Result<Value, String> {
        let Some(_turn) = self.turn().await else {
            return self.give_back().await;
        };
        let mut is_asked_again = false;
        loop {
            let parcel = self.parcel(is_asked_again);
            match Verdict::of(self.outlet.bring(parcel).await) {
                Verdict::Working => {
                    is_asked_again = true;
                    if !self.wait().await? {
                        return self.give_back().await;
                    }
                }
                Verdict::Done(result) => return self.done(&result).await,
                Verdict::Refused(why) => return self.failed(&why, None, "no").await,
                Verdict::Failed(why, rest_ms) => return self.failed(&why, rest_ms, "yes").await,
                Verdict::NotSent => return self.give_back().await,
            }
        }
    }

    /// Its turn among those that were taken together, if that comes while there is time to bring it.
    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let half_ms = self.client.left_ms(self.until_ms) / 2;
        let turn = Arc::clone(&self.turns).acquire_owned();
        timeout(Duration::from_millis(half_ms), turn)
            .await
            .ok()?
            .ok()
    }

    fn parcel(&self, is_asked_again: bool) -> Parcel {
        let created = self.created_at_ms.to_string();
        Parcel {
            receiver: self.terms.receiver.clone(),
            about: self.queue.clone(),
            id: id_of(&["job", &self.queue, &self.id, &created]),
            headers: vec![
                ("tidegate-queue", self.queue.clone()),
                ("tidegate-job", self.id.clone()),
                ("tidegate-try", self.tries.to_string()),
            ],
            body: self.payload.clone(),
            is_retry: self.tries > 1 && !is_asked_again,
            within_ms: within_ms(self.client.left_ms(self.until_ms)),
        }
    }

    /// The receiver works on it: its lease goes on until it is asked again. Gives whether it is, for nobody else is to be
    /// asked by then, or nobody at all.
    async fn wait(&mut self) -> Result<bool, String> {
        let mut left_ms = self.terms.again_ms;
        loop {
            let given = self.given();
            let goes_on = self.client.ask("JOB.PROGRESS", &given).await?;
            self.until_ms = goes_on.number("until_ms").unwrap_or_default();
            if left_ms == 0 {
                return Ok(true);
            }
            // Its lease may be shorter than that.
            let step_ms = left_ms.min(self.client.left_ms(self.until_ms) / 2).max(1);
            if self.is_over_within(step_ms).await {
                return Ok(false);
            }
            left_ms = left_ms.saturating_sub(step_ms);
        }
    }

    /// Waits for so long, or until the terms are over under which it was taken.
    async fn is_over_within(&mut self, ms: u64) -> bool {
        let (terms, now) = (&self.terms, &mut self.now);
        let over = async {
            let over = now.wait_for(|now| terms.are_over(now.as_ref()));
            over.await.is_ok() // Or the server stops, and nobody changes them any more.
        };
        tokio::select! {
            biased;
            true = over => true,
            () = sleep(Duration::from_millis(ms)) => false,
        }
    }

    fn given(&self) -> [(&'static str, Raw<'_>); 3] {
        [
            ("queue", Raw::Text(self.queue.as_bytes())),
            ("id", Raw::Text(self.id.as_bytes())),
            ("lease", Raw::Text(self.lease.as_bytes())),
        ]
    }

    async fn done(&self, result: &[u8]) -> Result<Value, String> {
        let mut given = self.given().to_vec();
        if !result.is_empty() {
            given.push(("result", Raw::Text(result)));
        }
        self.client.ask("JOB.DONE", &given).await
    }

    /// It was no try, and is taken again, where it is to be brought then.
    async fn give_back(&self) -> Result<Value, String> {
        let mut given = self.given().to_vec();
        given.push(("delay_ms", Raw::Integer(BACK_MS.cast_signed())));
        self.client.ask("JOB.SNOOZE", &given).await
    }

    async fn failed(
        &self,
        why: &str,
        rest_ms: Option<u64>,
        retry: &'static str,
    ) -> Result<Value, String> {
        let mut given = self.given().to_vec();
        given.push(("error", Raw::Text(why.as_bytes())));
        given.push(("retry", Raw::Text(retry.as_bytes())));
        if let Some(rest_ms) = rest_ms {
            let rest_ms = rest_ms.max(1); // A job rests, for however short a time.
            given.push(("delay_ms", Raw::Integer(rest_ms.cast_signed())));
        }
        self.client.ask("JOB.FAIL", &given).await
    }
}
