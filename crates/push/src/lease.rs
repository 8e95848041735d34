//! Messages of a group that are leased: what came of each is told under their lease, as long as it lasts.

use std::pin::pin;
use std::time::Duration;

use tidegate_engine::contract::Raw;
use tokio::time::sleep;

use crate::client::Client;
use crate::value::Value;
use crate::{MEMBER, WAIT_MS};

/// How often a lease is looked after at most.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A lease of messages.
#[derive(Clone)]
pub(crate) struct Lease {
    pub(crate) client: Client,
    pub(crate) topic: String,
    pub(crate) group: String,
    id: String,
    /// How long it lasts, and until when.
    lease_ms: u64,
    until_ms: u64,
}

/// Waits for messages of a group, and leases so many at most. There may be none.
pub(crate) async fn read(
    client: &Client,
    (topic, group): (&str, &str),
    count: u64,
) -> Result<(Lease, Vec<Value>), String> {
    let given = [
        ("name", Raw::Text(topic.as_bytes())),
        ("group", Raw::Text(group.as_bytes())),
        ("member", Raw::Text(MEMBER.as_bytes())),
        ("count", Raw::Integer(count.cast_signed())),
        ("wait_ms", Raw::Integer(WAIT_MS)),
    ];
    let read = client.ask("TOPIC.READ", &given).await?;
    let until_ms = read.number("until_ms").unwrap_or_default();
    let lease = Lease {
        client: client.clone(),
        topic: topic.to_owned(),
        group: group.to_owned(),
        id: read.text("lease").unwrap_or_default().to_owned(),
        lease_ms: client.left_ms(until_ms),
        until_ms,
    };
    Ok((lease, read.list("messages").to_vec()))
}

impl Lease {
    pub(crate) fn left_ms(&self) -> u64 {
        self.client.left_ms(self.until_ms)
    }

    /// It lasts anew if half of it has gone, and is over if all of it has, be it that nothing was left of it when its
    /// messages were heard of.
    pub(crate) async fn extend(&mut self) -> Result<(), String> {
        if self.left_ms() <= self.lease_ms / 2 {
            let goes_on = self.client.ask("TOPIC.EXTEND", &self.given()).await?;
            self.until_ms = goes_on.number("until_ms").unwrap_or_default();
            self.lease_ms = self.left_ms();
        }
        Ok(())
    }

    /// It lasts as long as something takes; or is over by then, if that cannot be told any more.
    pub(crate) async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> T {
        let mut something = pin!(something);
        loop {
            let half = Duration::from_millis(self.lease_ms / 2).max(LOOK_AGAIN);
            tokio::select! {
                done = &mut something => return done,
                () = sleep(half) => {}
            }
            if self.extend().await.is_err() {
                return something.await;
            }
        }
    }

    fn given(&self) -> [(&'static str, Raw<'_>); 3] {
        [
            ("name", Raw::Text(self.topic.as_bytes())),
            ("group", Raw::Text(self.group.as_bytes())),
            ("lease", Raw::Text(self.id.as_bytes())),
        ]
    }

    /// Messages are settled.
    pub(crate) async fn acknowledge(&self, messages: &[&Value]) -> Result<(), String> {
        let positions = messages.iter().map(|message| position_of(message));
        let positions: Vec<_> = positions.collect();
        let mut given = self.given().to_vec();
        given.push(("positions", Raw::List(&positions)));
        self.client.ask("TOPIC.ACK", &given).await.map(drop)
    }

    /// A message was tried in vain: it rests, for so long if that is said. Gives how many have gone back: what follows it
    /// in its key has, too.
    pub(crate) async fn give_back(
        &self,
        message: &Value,
        why: &str,
        rest_ms: Option<u64>,
    ) -> Result<usize, String> {
        let position = [position_of(message)];
        let mut given = self.given().to_vec();
        given.push(("positions", Raw::List(&position)));
        given.push(("cause", Raw::Text(why.as_bytes())));
        if let Some(rest_ms) = rest_ms {
            given.push(("delay_ms", Raw::Integer(rest_ms.cast_signed())));
        }
        let receipt = self.client.ask("TOPIC.NACK", &given).await?;
        let number = |name: &str| receipt.number(name).unwrap_or_default();
        Ok(usize::try_from(number("returned") + number("dead")).unwrap_or(usize::MAX))
    }
}

fn position_of(message: &Value) -> Option<Raw<'static>> {
    let position = message.number("position").unwrap_or_default();
    Some(Raw::Integer(position.cast_signed()))
}
