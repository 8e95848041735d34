//! `TOPIC.CREATE`: declares a topic, or changes what is said of it.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Name, Payload, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use super::retain::retain_later;
use super::schema::{reads_of_schema, schema_of, text_of_schema};
use super::text_of;
use crate::Refusal;
use crate::command::Create;
use crate::fields::{Compatible, SchemaText};
use crate::refusal::{SCHEMA_INCOMPATIBLE, VERSION_CHANGED};
use crate::reply::{TopicInfo, filled, some};
use crate::schema::Schema;
use crate::table::{PARTS, Part, SCHEMAS, SchemaRow, TOPICS, Topic};

impl Apply for Create {
    type Reply = TopicInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[VERSION_CHANGED, SCHEMA_INCOMPATIBLE];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&TOPICS, self.name.as_str());
        reads_of_schema(reads, self.name.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<TopicInfo, Stop<Refusal>> {
        let name = self.name.as_str();
        let before = tx.get(&TOPICS, name)?;
        let part = tx.get(&PARTS, name)?.unwrap_or_else(Part::fresh);
        let version = before.as_ref().map_or(0, |topic| topic.version);
        let mut topic = self.topic(tx, before.as_ref());
        let mut after = self.part(part);
        let schema = self.schema.as_ref().map(SchemaText::as_str);
        let schema = text_of(schema);
        let is_same = before.as_ref() == Some(&topic)
            && after == part
            && text_of_schema(tx, name, &part)? == schema;
        check_version(
            self.if_version.map(|only_if| only_if.get()),
            version,
            is_same,
        )?;
        if !is_same {
            self.check_schema(tx, &part)?;
            topic.version += 1;
            tx.put(&TOPICS, name, &topic);
            put_schema(tx, name, (&part, &after), &schema);
            retain_later(tx, name, &mut after);
            tx.put(&PARTS, name, after);
        }
        Ok(info_of(&self.name, topic, after, schema))
    }
}

fn put_schema(tx: &mut Tx<'_>, name: &str, (before, after): (&Part, &Part), text: &CompactString) {
    if after.has_schema {
        let text = text.clone();
        tx.put(&SCHEMAS, name, SchemaRow { text });
    } else if before.has_schema {
        tx.remove(&SCHEMAS, name);
    }
}

impl Create {
    /// Whether this schema may follow the one before, if both are there.
    fn check_schema(&self, tx: &mut Tx<'_>, before: &Part) -> Result<(), Stop<Refusal>> {
        let (Some(after), Compatible::Yes) =
            (&self.schema, self.compatible.unwrap_or(Compatible::Yes))
        else {
            return Ok(());
        };
        if let Some(before) = schema_of(tx, self.name.as_str(), before)? {
            let follows = Schema::declared(after.as_str()).check_follows(&before);
            follows.map_err(|wrong| Refusal::SchemaIncompatible { wrong })?;
        }
        Ok(())
    }

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
            has_schema: self.schema.is_some(),
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

pub(super) fn info_of(name: &Name, topic: Topic, part: Part, schema: CompactString) -> TopicInfo {
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
        schema: filled(schema),
    }
}
