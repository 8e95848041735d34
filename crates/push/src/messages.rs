//! Messages of a group, brought to its receiver: those of a key one after the other where the group keeps their order.

use tidegate_courier::{Outlet, Parcel};
use tokio::sync::watch;
use tokio::time::{Duration, sleep};

use crate::answer::{Verdict, id_of};
use crate::client::Client;
use crate::lease::{Lease, read};
use crate::target::Terms;
use crate::tray::Tray;
use crate::value::Value;
use crate::{REFUSED, within_ms};

/// Messages that are read at once.
const READ_MAX: u64 = 100;

/// Messages of a lease that are brought one after the other.
struct Chain {
    lease: Lease,
    outlet: Outlet,
    terms: Terms,
    /// As they are at any time.
    now: watch::Receiver<Option<Terms>>,
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
        let read = read(&client, (&topic, &group), free.min(READ_MAX));
        let Ok((lease, messages)) = read.await else {
            sleep(REFUSED).await;
            continue;
        };
        for messages in chains(&messages, now.keeps_order) {
            let payloads = messages.iter();
            let payloads = payloads.map(|message| message.bytes("payload").len());
            let bytes = payloads.sum();
            let chain = Chain {
                lease: lease.clone(),
                outlet: outlet.clone(),
                terms: now.clone(),
                now: terms.clone(),
                messages,
            };
            tray.spawn(bytes, chain.bring());
        }
    }
    tray.leave();
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
            if self.lease.extend().await.is_err() {
                return; // The lease is over: they are given again.
            }
            let delivery = self.outlet.bring(self.parcel(message)).await;
            let said = match Verdict::of(delivery) {
                Verdict::Done(_) => self.lease.acknowledge(&[message]).await.map(|()| 1),
                Verdict::Working => self.lease.give_back(message, "answered 425", None).await,
                Verdict::Refused(why) => self.lease.give_back(message, &why, None).await,
                Verdict::Failed(why, rest_ms) => self.lease.give_back(message, &why, rest_ms).await,
                Verdict::NotSent if self.is_over() => {
                    self.lease.give_back(message, "was not sent", None).await
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
        let half_ms = self.lease.left_ms() / 2;
        sleep(REFUSED.min(Duration::from_millis(half_ms))).await;
    }

    /// Whether it is not to be brought there any more.
    fn is_over(&self) -> bool {
        self.terms.are_over(self.now.borrow().as_ref())
    }

    fn parcel(&self, message: &Value) -> Parcel {
        let text = |name: &str| message.text(name).unwrap_or_default().to_owned();
        let number = |name: &str| message.number(name).unwrap_or_default();
        let position = number("position").to_string();
        let mut headers = vec![
            ("tidegate-topic", self.lease.topic.clone()),
            ("tidegate-group", self.lease.group.clone()),
            ("tidegate-message", text("id")),
            ("tidegate-position", position.clone()),
            ("tidegate-try", number("attempt").to_string()),
        ];
        for (name, field) in [("tidegate-key", "key"), ("tidegate-headers", "headers")] {
            headers.extend(message.text(field).map(|value| (name, value.to_owned())));
        }
        let at = number("at_ms").to_string();
        let (topic, group) = (&self.lease.topic, &self.lease.group);
        Parcel {
            receiver: self.terms.receiver.clone(),
            about: topic.clone(),
            id: id_of(&["topic", topic, group, &position, &at]),
            headers,
            body: message.bytes("payload").to_vec(),
            is_retry: number("attempt") > 1,
            within_ms: within_ms(self.lease.left_ms()),
        }
    }
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
