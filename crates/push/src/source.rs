//! Messages of a topic, counted: the topic is a source of a counter.
//!
//! All that is read at once is counted by as few calls as there may be, and acknowledged by one. What of a message is refused
//! makes it one that was tried in vain; what of it was counted has been, and is known by its ids when it comes again.

use tidegate_engine::contract::{Field, FieldKind, Raw, RequestDef};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::REFUSED;
use crate::answer::{cut, id_of};
use crate::client::{Client, work_of};
use crate::events::{Item, Message, items, told};
use crate::lease::{Lease, read};
use crate::target::Terms;
use crate::value::Value;

/// What counts events.
const ADD_ALL: &str = "COUNTER.ADDALL";

/// With these nothing is said of a single event: there are fewer to be sent at once.
const OF_MANY: [&str; 2] = ["partly_done", "too_large"];

/// Counts the messages of a group as long as it has terms.
pub(crate) async fn count(
    client: Client,
    (counter, topic, group): (String, String, String),
    mut terms: watch::Receiver<Option<Terms>>,
) {
    let Some(form) = Form::of(&client) else {
        return;
    };
    loop {
        let Some(now) = terms.borrow_and_update().clone() else {
            return;
        };
        match read(&client, (&topic, &group), now.in_flight).await {
            Ok((lease, messages)) if !messages.is_empty() => {
                let batch = Batch {
                    form: &form,
                    counter: &counter,
                    lease,
                    messages: &messages,
                    causes: messages.iter().map(|_| None).collect(),
                };
                // What is read waits as bytes, which a lease has few of; what is made of them takes more.
                let _turn = client.counting.acquire().await;
                batch.take().await;
            }
            Ok(_) => {}
            Err(code) if code == "unknown_group" => make_group(&client, (&topic, &group)).await,
            Err(_) => sleep(REFUSED).await,
        }
    }
}

/// A group from the first message on that is kept. Events add up in any order.
async fn make_group(client: &Client, (topic, group): (&str, &str)) {
    let given = [
        ("name", Raw::Text(topic.as_bytes())),
        ("group", Raw::Text(group.as_bytes())),
        ("order", Raw::Text(b"none")),
    ];
    if client.ask("TOPIC.GROUP", &given).await.is_err() {
        sleep(REFUSED).await;
    }
}

/// The request that counts events, and its list of them.
struct Form {
    def: RequestDef,
    list: &'static str,
    fields: &'static [Field],
    /// Events of one call.
    most: usize,
}

impl Form {
    fn of(client: &Client) -> Option<Self> {
        let (_, def) = client.find(ADD_ALL)?;
        let mut fields = def.fields.iter();
        fields.find_map(|field| {
            let FieldKind::List { fields, max } = field.kind else {
                return None;
            };
            Some(Self {
                def,
                list: field.name,
                fields,
                most: max,
            })
        })
    }

    /// What is wrong with an event, if anything.
    fn check(&self, counter: &str, item: &Item) -> Result<(), String> {
        let values: Vec<_> = item.raws().collect();
        let given = self.given(counter, &values);
        let checked = work_of(&self.def, &given).map(drop);
        checked.map_err(|invalid| {
            let message = invalid.message.strip_prefix("item 1: ");
            message.unwrap_or(&invalid.message).to_owned()
        })
    }

    fn given<'a>(
        &self,
        counter: &'a str,
        events: &'a [Option<Raw<'a>>],
    ) -> [(&'static str, Raw<'a>); 2] {
        [
            ("name", Raw::Text(counter.as_bytes())),
            (self.list, Raw::List(events)),
        ]
    }
}

/// Messages that were read at once.
struct Batch<'a> {
    form: &'a Form,
    counter: &'a str,
    lease: Lease,
    messages: &'a [Value],
    /// Of each, why it is not counted as a whole.
    causes: Vec<Option<String>>,
}

/// An event, its message and its place in it.
struct Event {
    of: usize,
    place: usize,
    item: Item,
}

impl Batch<'_> {
    async fn take(mut self) {
        let mut events = Vec::new();
        for (at, message) in self.messages.iter().enumerate() {
            match self.events_of(message) {
                Ok(items) => events.extend((1..).zip(items).map(|(place, item)| Event {
                    of: at,
                    place,
                    item,
                })),
                Err(why) => self.causes[at] = Some(why),
            }
        }
        if self.count(&events).await.is_ok() {
            self.settle().await.ok();
        } else {
            // A counter that is gone: the lease ends, and it is looked soon whether this is to go on.
            sleep(REFUSED).await;
        }
    }

    fn events_of(&self, message: &Value) -> Result<Vec<Item>, String> {
        let number = |name: &str| message.number(name).unwrap_or_default();
        let at_ms = number("at_ms");
        let (position, at) = (number("position").to_string(), at_ms.to_string());
        // Not of the group: another one of the topic brings the same events.
        let id = id_of(&["event", &self.lease.topic, &position, &at]);
        let message_of = Message { id: &id, at_ms };
        let items = items(self.form.fields, message_of, message.bytes("payload"))?;
        for (place, item) in (1..).zip(&items) {
            let checked = self.form.check(self.counter, item);
            checked.map_err(|why| told(place, &why))?;
        }
        Ok(items)
    }

    /// Counts all events, or says why none can be.
    async fn count(&mut self, events: &[Event]) -> Result<(), String> {
        let mut left: Vec<_> = events.chunks(self.form.most).rev().collect();
        while let Some(some) = left.pop() {
            match self.add(some).await {
                Ok(receipt) => self.note(some, receipt.list("refused")),
                Err(code) if code == "unknown_counter" => return Err(code),
                Err(code) if some.len() > 1 && OF_MANY.contains(&code.as_str()) => {
                    let (first, second) = some.split_at(some.len() / 2);
                    left.extend([second, first]);
                }
                Err(code) => some.iter().for_each(|event| self.blame(event, &code)),
            }
        }
        Ok(())
    }

    async fn add(&mut self, events: &[Event]) -> Result<Value, String> {
        let values: Vec<_> = events.iter().flat_map(|event| event.item.raws()).collect();
        let given = self.form.given(self.counter, &values);
        let client = self.lease.client.clone();
        self.lease.meanwhile(client.ask(ADD_ALL, &given)).await
    }

    fn note(&mut self, events: &[Event], refused: &[Value]) {
        for one in refused {
            let item = one.number("item").and_then(|item| item.checked_sub(1));
            let event = item.and_then(|at| events.get(usize::try_from(at).ok()?));
            if let (Some(event), Some(code)) = (event, one.text("code")) {
                self.blame(event, code);
            }
        }
    }

    /// The first thing that is wrong with a message is its cause.
    fn blame(&mut self, event: &Event, code: &str) {
        let cause = &mut self.causes[event.of];
        cause.get_or_insert_with(|| told(event.place, code));
    }

    /// Acknowledges what was counted, and gives the rest back.
    async fn settle(&mut self) -> Result<(), String> {
        self.lease.extend().await?;
        match self.acknowledge(|_| true).await {
            // The group keeps the order of keys: what follows in its key a message that goes back goes with it.
            Err(code) if code == "out_of_order" => {
                let messages = self.messages;
                let causes = self.causes.clone();
                let is_behind = |at: usize| {
                    let key = messages[at].text("key");
                    let mut before = messages[..at].iter().zip(&causes);
                    key.is_some()
                        && before.any(|(one, why)| why.is_some() && one.text("key") == key)
                };
                self.acknowledge(|at| !is_behind(at)).await?;
            }
            said => said?,
        }
        for (message, cause) in self.messages.iter().zip(&self.causes) {
            if let Some(cause) = cause {
                // One that went back with another one of its key is not leased any more.
                self.lease.give_back(message, cut(cause), None).await.ok();
            }
        }
        Ok(())
    }

    async fn acknowledge(&self, is_asked: impl Fn(usize) -> bool) -> Result<(), String> {
        let all = self.messages.iter().zip(&self.causes).enumerate();
        let counted = all.filter(|(at, (_, cause))| cause.is_none() && is_asked(*at));
        let counted: Vec<_> = counted.map(|(_, (message, _))| message).collect();
        if counted.is_empty() {
            return Ok(());
        }
        self.lease.acknowledge(&counted).await
    }
}
