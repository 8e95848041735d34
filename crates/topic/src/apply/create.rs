//! `TOPIC.CREATE`: declares a topic, or changes what is said of it.

use tidegate_engine::contract::{Apply, Name, Payload, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::retain::retain_later;
use super::text_of;
use crate::Refusal;
use crate::command::Create;
use crate::refusal::VERSION_CHANGED;
use crate::reply::{TopicInfo, some};
use crate::table::{PARTS, Part, TOPICS, Topic};

impl Apply for Create {
    type Reply = TopicInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[VERSION_CHANGED];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&TOPICS, self.name.as_str());
        reads.row(&PARTS, self.name.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<TopicInfo, Stop<Refusal>> {
        let name = self.name.as_str();
        let before = tx.get(&TOPICS, name)?;
        let part = tx.get(&PARTS, name)?.unwrap_or_else(Part::fresh);
        let version = before.as_ref().map_or(0, |topic| topic.version);
        let mut topic = self.topic(tx, before.as_ref());
        let mut after = self.part(part);
        let is_same = before.as_ref() == Some(&topic) && after == part;
        check_version(
            self.if_version.map(|only_if| only_if.get()),
            version,
            is_same,
        )?;
        if !is_same {
            topic.version += 1;
            tx.put(&TOPICS, name, &topic);
            retain_later(tx, name, &mut after);
            tx.put(&PARTS, name, after);
        }
        Ok(info_of(&self.name, topic, after))
    }
}

impl Create {
    /// The topic as it is to be, but for its version.
    fn topic(&self, tx: &Tx<'_>, before: Option<&Topic>) -> Topic {
        Topic {
            version: before.map_or(0, |topic| topic.version),
            created_at_ms: before.map_or(tx.now_ms(), |topic| topic.created_at_ms),
            owner: text_of(self.owner.as_ref().map(Payload::as_str)),
            description: text_of(self.description.as_ref().map(Payload::as_str)),
            groups: before.map_or(0, |topic| topic.groups),
        }
    }
}

impl Create {
    /// What is to be kept.
    fn part(&self, part: Part) -> Part {
        Part {
            retain_ms: self.retain_ms.map_or(0, |ms| ms.get()),
            retain_bytes: self.retain_bytes.map_or(0, |bytes| bytes.get()),
            retain_count: self.retain_count.map_or(0, |count| count.get()),
            ..part
        }
    }
}

/// Whether something may be changed that has this version. A retry finds the version that its first try has made.
pub(super) fn check_version(
    only_if: Option<u64>,
    version: u64,
    is_same: bool,
) -> Result<(), Refusal> {
    match only_if {
        Some(only_if) if only_if != version && !(is_same && only_if + 1 == version) => {
            Err(Refusal::VersionChanged { version })
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn info_of(name: &Name, topic: Topic, part: Part) -> TopicInfo {
    let Topic {
        version,
        created_at_ms,
        owner,
        description,
        groups,
    } = topic;
    TopicInfo {
        name: name.compact(),
        version,
        created_at_ms,
        owner,
        description,
        first: part.first,
        last: part.last,
        last_at_ms: (part.last > 0).then_some(part.last_at_ms),
        bytes: part.bytes,
        delayed: part.delayed,
        groups,
        retain_ms: some(part.retain_ms),
        retain_bytes: some(part.retain_bytes),
        retain_count: some(part.retain_count),
    }
}
