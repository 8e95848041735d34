//! Messages of a group, brought to its receiver: those of a key one after the other where the group keeps their order.

use std::time::Duration;

use tidegate_courier::{Outlet, Parcel};
use tidegate_engine::contract::Raw;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::answer::{Verdict, id_of};
use crate::client::Client;
use crate::target::Terms;
use crate::tray::Tray;
use crate::value::Value;
use crate::{MEMBER, REFUSED, WAIT_MS, within_ms};

/// Messages that are read at once.
const READ_MAX: u64 = 100;

/// Messages of a lease that are brought one after the other.
struct Chain {
    client: Client,
    outlet: Outlet,
    terms: Terms,
    /// As they are at any time.
    now: watch::Receiver<Option<Terms>>,
    topic: String,
    group: String,
    lease: String,
    /// How long it lasts, and until when.
    lease_ms: u64,
    until_ms: u64,
    messages: Vec<Value>,
}

/// Pushes the messages of a group as long as it has terms.
pub(crate) async fn push(
    (client, outlet): (Client, Outlet),
    (topic, group): (String, String),
    mut terms: watch::Receiver<Option<Terms>>,
) {
    let mut tray = Tray::new(client.room.clone());
    while let Some((now, free)) = tray.room(&mut terms).await {
        let Ok(read) = read(&client, (&topic, &group), free.min(READ_MAX)).await else {
            sleep(REFUSED).await;
            continue;
        };
        let until_ms = read.number("until_ms").unwrap_or_default();
        let lease_ms = client.left_ms(until_ms);
        for messages in chains(read.list("messages"), now.keeps_order) {
            let payloads = messages.iter();
            let payloads = payloads.map(|message| message.bytes("payload").len());
            let bytes = payloads.sum();
            let chain = Chain {
                client: client.clone(),
                outlet: outlet.clone(),
                terms: now.clone(),
                now: terms.clone(),
                topic: topic.clone(),
                group: group.clone(),
                lease: read.text("lease").unwrap_or_default().to_owned(),
                lease_ms,
                until_ms,
                messages,
            };
            tray.spawn(bytes, chain.bring());
        }
    }
    tray.leave();
}

async fn read(client: &Client, (topic, group): (&str, &str), count: u64) -> Result<Value, String> {
    let given = [
        ("name", Raw::Text(topic.as_bytes())),
        ("group", Raw::Text(group.as_bytes())),
        ("member", Raw::Text(MEMBER.as_bytes())),
        ("count", Raw::Integer(count.cast_signed())),
        ("wait_ms", Raw::Integer(WAIT_MS)),
    ];
    client.ask("TOPIC.READ", &given).await
}

/// What of a lease is brought at once, and what behind the other.
fn chains(messages: &[Value], keeps_order: bool) -> Vec<Vec<Value>> {
    let mut chains: Vec<Vec<Value>> = Vec::new();
    for message in messages {
        let key = message.text("key").filter(|_| keeps_order);
        let of_key = |chain: &&mut Vec<Value>| key.is_some() && chain[0].text("key") == key;
        match chains.iter_mut().find(of_key) {
            Some(chain) => chain.push(message.clone()),
            None => chains.push(vec![message.clone()]),
        }
    }
    chains
}

impl Chain {
    /// Brings its messages, each once the one before was acknowledged, or was given back without it.
    async fn bring(mut self) {
        let messages = std::mem::take(&mut self.messages);
        let mut at = 0;
        while let Some(message) = messages.get(at) {
            if self.extend().await.is_err() {
                return; // The lease is over: they are given again.
            }
            let delivery = self.outlet.bring(self.parcel(message)).await;
            let said = match Verdict::of(delivery) {
                Verdict::Done(_) => self.acknowledge(message).await,
                Verdict::Working => self.give_back(message, "answered 425", None).await,
                Verdict::Refused(why) => self.give_back(message, &why, None).await,
                Verdict::Failed(why, rest_ms) => self.give_back(message, &why, rest_ms).await,
                Verdict::NotSent if self.is_over() => {
                    self.give_back(message, "was not sent", None).await
                }
                Verdict::NotSent => {
                    self.rest().await;
                    continue;
                }
            };
            // What follows it in its key has gone back with it.
            let Ok(gone) = said else {
                return;
            };
            at = at.saturating_add(gone.max(1));
        }
    }

    /// Waits until it is tried anew to send a message, as long as the lease bears.
    async fn rest(&self) {
        let half_ms = self.client.left_ms(self.until_ms) / 2;
        sleep(REFUSED.min(Duration::from_millis(half_ms))).await;
    }

    /// Whether it is not to be brought there any more.
    fn is_over(&self) -> bool {
        self.terms.are_over(self.now.borrow().as_ref())
    }

    /// The lease lasts anew if half of it has gone, and is over if all of it has, be it that nothing was left of it when
    /// the messages were heard of.
    async fn extend(&mut self) -> Result<(), String> {
        if self.client.left_ms(self.until_ms) <= self.lease_ms / 2 {
            let goes_on = self.client.ask("TOPIC.EXTEND", &self.given()).await?;
            self.until_ms = goes_on.number("until_ms").unwrap_or_default();
        }
        Ok(())
    }

    fn parcel(&self, message: &Value) -> Parcel {
        let text = |name: &str| message.text(name).unwrap_or_default().to_owned();
        let number = |name: &str| message.number(name).unwrap_or_default();
        let position = number("position").to_string();
        let mut headers = vec![
            ("tidegate-topic", self.topic.clone()),
            ("tidegate-group", self.group.clone()),
            ("tidegate-message", text("id")),
            ("tidegate-position", position.clone()),
            ("tidegate-try", number("attempt").to_string()),
        ];
        for (name, field) in [("tidegate-key", "key"), ("tidegate-headers", "headers")] {
            headers.extend(message.text(field).map(|value| (name, value.to_owned())));
        }
        let at = number("at_ms").to_string();
        Parcel {
            receiver: self.terms.receiver.clone(),
            about: self.topic.clone(),
            id: id_of(&["topic", &self.topic, &self.group, &position, &at]),
            headers,
            body: message.bytes("payload").to_vec(),
            is_retry: number("attempt") > 1,
            within_ms: within_ms(self.client.left_ms(self.until_ms)),
        }
    }

    fn given(&self) -> [(&'static str, Raw<'_>); 3] {
        [
            ("name", Raw::Text(self.topic.as_bytes())),
            ("group", Raw::Text(self.group.as_bytes())),
            ("lease", Raw::Text(self.lease.as_bytes())),
        ]
    }

    /// Gives how many messages are settled by it.
    async fn acknowledge(&self, message: &Value) -> Result<usize, String> {
        let position = [position_of(message)];
        let mut given = self.given().to_vec();
        given.push(("positions", Raw::List(&position)));
        self.client.ask("TOPIC.ACK", &given).await.map(|_| 1)
    }

    /// Gives how many messages have gone back.
    async fn give_back(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn message(position: i64, key: Option<&str>) -> Value {
        let key = key.map_or(Value::Null, |key| Value::Text(key.to_owned()));
        let position = Value::Integer(position);
        Value::Map(vec![
            ("position".to_owned(), position),
            ("key".to_owned(), key),
        ])
    }

    #[test]
    fn messages_of_a_key_are_one_chain_if_order_is_kept() {
        let all = [
            message(1, Some("a")),
            message(2, None),
            message(3, Some("b")),
            message(4, Some("a")),
            message(5, None),
        ];
        let positions = |keeps_order| {
            let chains = chains(&all, keeps_order).into_iter();
            let positions = |chain: Vec<Value>| {
                let numbers = chain.iter().filter_map(|one| one.number("position"));
                numbers.collect::<Vec<_>>()
            };
            chains.map(positions).collect::<Vec<_>>()
        };
        assert_eq!(positions(true), [vec![1, 4], vec![2], vec![3], vec![5]]);
        assert_eq!(positions(false), [[1], [2], [3], [4], [5]]);
    }
}
