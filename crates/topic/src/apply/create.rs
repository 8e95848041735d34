//! `TOPIC.CREATE`: declares a topic, or changes what is said of it.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Name, Payload, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::delete::{part_of_new, take_name};
use super::retain::retain_later;
use super::schema::{reads_of_schema, schema_of, text_of_schema};
use super::text_of;
use super::told::{LETTERS_MAX, Word, tell_so_many, until_known};
use crate::command::Create;
use crate::fields::{Compatible, SchemaText};
use crate::parts::several;
use crate::refusal::{
    BEING_DELETED, PARTS_FIXED, SCHEMA_INCOMPATIBLE, TOO_MANY_PARTS, VERSION_CHANGED,
};
use crate::reply::{TopicInfo, filled, some};
use crate::schema::Schema;
use crate::table::{DOMAIN, GONE, PARTS, Part, SCHEMAS, SchemaRow, TOLD, TOPICS, Topic};
use crate::{Refusal, TOLD_MS_MAX};

impl Apply for Create {
    type Reply = TopicInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        VERSION_CHANGED,
        PARTS_FIXED,
        BEING_DELETED,
        SCHEMA_INCOMPATIBLE,
        TOO_MANY_PARTS,
    ];
    /// All parts have to know it.
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&TOPICS, self.name.as_str());
        reads_of_schema(reads, self.name.as_str());
        reads.row(&TOLD, self.name.as_str());
        reads.row(&GONE, self.name.as_str());
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn waits_ms(&self) -> u64 {
        TOLD_MS_MAX
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<TopicInfo, Stop<Refusal>> {
        if tx.runs_again() {
            return self.known(tx);
        }
        let name = self.name.as_str();
        let before = tx.get(&TOPICS, name)?;
        let part = match tx.get(&PARTS, name)? {
            Some(part) => part,
            None => part_of_new(tx, name)?.ok_or(Refusal::BeingDeleted)?,
        };
        let version = before.as_ref().map_or(0, |topic| topic.version);
        let mut topic = self.topic(tx, before.as_ref());
        let after = self.part(part);
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
        let parts = self.parts(tx, before.is_some())?;
        if !is_same {
            self.check_schema(tx, &part)?;
            topic.version += 1;
            self.split(tx, parts)?;
            if parts > 1 {
                let word = Word::Topic {
                    topic: topic.clone(),
                    keeps: after,
                    schema: schema.clone(),
                };
                tell_so_many(tx, name, parts, word)?;
            }
            put_declared(tx, name, (topic, after), schema)?;
        }
        self.known(tx)
    }
}

/// A topic, or a part of one, is declared so: what it has is kept.
pub(super) fn put_declared(
    tx: &mut Tx<'_>,
    key: &str,
    (topic, keeps): (Topic, Part),
    schema: CompactString,
) -> Result<(), Missing> {
    let groups = tx.get(&TOPICS, key)?.map_or(0, |before| before.groups);
    let before = match tx.get(&PARTS, key)? {
        Some(part) => part,
        None => take_name(tx, key)?,
    };
    let mut after = Part {
        retain_ms: keeps.retain_ms,
        retain_bytes: keeps.retain_bytes,
        retain_count: keeps.retain_count,
        has_schema: keeps.has_schema,
        ..before
    };
    tx.put(&TOPICS, key, Topic { groups, ..topic });
    put_schema(tx, key, (&before, &after), &schema);
    retain_later(tx, key, &mut after);
    tx.put(&PARTS, key, after);
    Ok(())
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
    /// The topic, once all parts know what they were told.
    fn known(&self, tx: &mut Tx<'_>) -> Result<TopicInfo, Stop<Refusal>> {
        until_known(tx, self.name.as_str())?;
        let name = self.name.as_str();
        // It may have been deleted since.
        let topic = tx.get(&TOPICS, name)?.ok_or(Refusal::BeingDeleted)?;
        let part = tx.get(&PARTS, name)?.unwrap_or_else(Part::fresh);
        let schema = text_of_schema(tx, name, &part)?;
        let parts = several(tx.splits(), &self.name).unwrap_or(1);
        Ok(info_of(&self.name, parts, topic, part, schema))
    }

    /// How many parts the topic has, or is to have.
    fn parts(&self, tx: &Tx<'_>, is_there: bool) -> Result<u16, Refusal> {
        let asked = self
            .parts
            .map(|parts| u16::try_from(parts.get()).unwrap_or(1));
        match several(tx.splits(), &self.name).or_else(|| is_there.then_some(1)) {
            Some(parts) if asked.is_some_and(|asked| asked != parts) => {
                Err(Refusal::PartsFixed { parts })
            }
            Some(parts) => Ok(parts),
            None => Ok(asked.unwrap_or(1)),
        }
    }

    /// Has the topic lie in so many partitions, if it is new.
    fn split(&self, tx: &mut Tx<'_>, parts: u16) -> Result<(), Refusal> {
        let is_new = several(tx.splits(), &self.name).is_none();
        if parts > 1 && is_new && !tx.split(DOMAIN, self.name.as_str(), parts) {
            return Err(Refusal::TooManyParts);
        }
        Ok(())
    }

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

pub(super) fn info_of(
    name: &Name,
    parts: u16,
    topic: Topic,
    part: Part,
    schema: CompactString,
) -> TopicInfo {
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
        last_at_ms: some(part.last_at_ms),
        bytes: part.bytes,
        delayed: part.delayed,
        groups,
        parts: parts.into(),
        retain_ms: some(part.retain_ms),
        retain_bytes: some(part.retain_bytes),
        retain_count: some(part.retain_count),
        schema: filled(schema),
    }
}
