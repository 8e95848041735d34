//! What is pushed, and how.

use tidegate_engine::contract::Raw;

use crate::client::Client;
use crate::value::Value;

/// Something that is pushed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Queue(String),
    Group {
        topic: String,
        group: String,
    },
    /// A source of a counter: a group that is counted, and brought to nobody.
    Source {
        counter: String,
        topic: String,
        group: String,
    },
}

impl Target {
    /// Whether it is brought to a receiver, and so takes room for payloads.
    pub(crate) fn is_brought(&self) -> bool {
        !matches!(self, Self::Source { .. })
    }
}

/// How it is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// To whom; nobody, if it is counted.
    pub(crate) receiver: String,
    /// So many at once at most.
    pub(crate) in_flight: u64,
    /// Of a queue: after so long it is asked again about a job that is worked on.
    pub(crate) again_ms: u64,
    /// Of a group: messages of a key are brought one after the other.
    pub(crate) keeps_order: bool,
}

impl Terms {
    /// Whether something that was taken under these is not to be brought there any more.
    pub(crate) fn are_over(&self, now: Option<&Self>) -> bool {
        now.is_none_or(|now| now.receiver != self.receiver)
    }
}

/// Everything that is pushed to receivers; nothing if that cannot be told.
pub(crate) async fn pushes(client: &Client) -> Option<Vec<(Target, Terms)>> {
    let mut targets = Vec::new();
    for item in all(client, "JOB.PUSHES").await? {
        targets.extend(queue(&item));
    }
    for item in all(client, "TOPIC.PUSHES").await? {
        let topic = item.text("name").unwrap_or_default();
        let groups = item.list("groups").iter();
        targets.extend(groups.filter_map(|of| group(topic, of)));
    }
    Some(targets)
}

/// Everything that is counted; nothing if that cannot be told.
pub(crate) async fn sources(client: &Client) -> Option<Vec<(Target, Terms)>> {
    let mut targets = Vec::new();
    for item in all(client, "COUNTER.SOURCES").await? {
        let counter = item.text("name").unwrap_or_default();
        let sources = item.list("sources").iter();
        targets.extend(sources.filter_map(|of| source(counter, of)));
    }
    Some(targets)
}

/// The items of all pages of a list.
async fn all(client: &Client, name: &str) -> Option<Vec<Value>> {
    let mut items = Vec::new();
    if client.find(name).is_none() {
        return Some(items); // The engine has no such structures.
    }
    let mut after: Option<String> = None;
    loop {
        let after_raw = after.as_ref().map(|after| Raw::Text(after.as_bytes()));
        let given = after_raw.map(|raw| ("after", raw));
        let page = client.ask(name, given.as_slice()).await.ok()?;
        items.extend_from_slice(page.list("items"));
        match page.text("next") {
            Some(next) => after = Some(next.to_owned()),
            None => return Some(items),
        }
    }
}

fn queue(item: &Value) -> Option<(Target, Terms)> {
    let terms = Terms {
        receiver: item.text("receiver")?.to_owned(),
        in_flight: item.number("in_flight")?,
        again_ms: item.number("again_ms")?,
        keeps_order: false,
    };
    Some((Target::Queue(item.text("queue")?.to_owned()), terms))
}

fn group(topic: &str, of: &Value) -> Option<(Target, Terms)> {
    let target = Target::Group {
        topic: topic.to_owned(),
        group: of.text("group")?.to_owned(),
    };
    let terms = Terms {
        receiver: of.text("receiver")?.to_owned(),
        in_flight: of.number("in_flight")?,
        again_ms: 0,
        keeps_order: of.text("order")? == "key",
    };
    Some((target, terms))
}

fn source(counter: &str, of: &Value) -> Option<(Target, Terms)> {
    let target = Target::Source {
        counter: counter.to_owned(),
        topic: of.text("topic")?.to_owned(),
        group: of.text("group")?.to_owned(),
    };
    let terms = Terms {
        receiver: String::new(),
        in_flight: of.number("in_flight")?,
        again_ms: 0,
        keeps_order: false,
    };
    Some((target, terms))
}
