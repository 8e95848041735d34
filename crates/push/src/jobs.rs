//! Jobs of a queue, brought to its receiver.

use std::time::Duration;

use tidegate_courier::{Outlet, Parcel};
use tidegate_engine::contract::Raw;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::answer::{Verdict, id_of};
use crate::client::Client;
use crate::target::Terms;
use crate::value::Value;
use crate::{MEMBER, REFUSED, WAIT_MS, room, within_ms};

/// Jobs that are taken at once.
const TAKE_MAX: u64 = 100;

/// A job that was taken.
struct Taken {
    client: Client,
    outlet: Outlet,
    terms: Terms,
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
    let mut under_way = JoinSet::new();
    while let Some((now, free)) = room(&mut under_way, &mut terms).await {
        let Ok(taken) = take(&client, &queue, free.min(TAKE_MAX)).await else {
            tokio::time::sleep(REFUSED).await;
            continue;
        };
        let lease = taken.text("lease").unwrap_or_default();
        for job in taken.list("jobs") {
            let held = client.hold(job.bytes("payload").len()).await;
            let taken = Taken {
                client: client.clone(),
                outlet: outlet.clone(),
                terms: now.clone(),
                queue: queue.clone(),
                id: job.text("id").unwrap_or_default().to_owned(),
                lease: lease.to_owned(),
                until_ms: job.number("until_ms").unwrap_or_default(),
                tries: job.number("tries").unwrap_or_default(),
                created_at_ms: job.number("created_at_ms").unwrap_or_default(),
                payload: job.bytes("payload").to_vec(),
            };
            under_way.spawn(async move {
                taken.bring().await;
                drop(held);
            });
        }
    }
    under_way.detach_all();
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
        let mut is_asked_again = false;
        loop {
            let parcel = self.parcel(is_asked_again);
            let said = match Verdict::of(self.outlet.bring(parcel).await) {
                Verdict::Working => {
                    is_asked_again = true;
                    if self.wait().await.is_err() {
                        return;
                    }
                    continue;
                }
                Verdict::Done(result) => self.done(&result).await,
                Verdict::Refused(why) => self.failed(&why, None, "no").await,
                Verdict::Failed(why, rest_ms) => self.failed(&why, rest_ms, "yes").await,
            };
            // A lease that is over: it is tried again, or was cancelled.
            drop(said);
            return;
        }
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

    /// The receiver works on it: its lease goes on until it is asked again.
    async fn wait(&mut self) -> Result<(), String> {
        let mut left_ms = self.terms.again_ms;
        loop {
            let given = self.given();
            let goes_on = self.client.ask("JOB.PROGRESS", &given).await?;
            self.until_ms = goes_on.number("until_ms").unwrap_or_default();
            if left_ms == 0 {
                return Ok(());
            }
            // Its lease may be shorter than that.
            let step_ms = left_ms.min(self.client.left_ms(self.until_ms) / 2).max(1);
            tokio::time::sleep(Duration::from_millis(step_ms)).await;
            left_ms = left_ms.saturating_sub(step_ms);
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
            given.push(("delay_ms", Raw::Integer(rest_ms.cast_signed())));
        }
        self.client.ask("JOB.FAIL", &given).await
    }
}
