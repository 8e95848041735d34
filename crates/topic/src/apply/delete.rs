//! `TOPIC.DELETE`: deletes a topic with all that it has.
//!
//! It is not there from then on, nor are its groups, as their rows say. What else it has goes in steps (`emptying.rs`):
//! messages with their ids and keys, delayed ones, dead letters, audit lists. What its groups had open goes as after a
//! move: leases when they end, rests when they are over. So that can outlast the name: a topic that has it next counts
//! positions and moves on from there, and nothing of the one is taken for something of the other. That is known until
//! no lease and no rest can be left.
//!
//! ```text
//! first part ─ Word::Delete ─▶ each other one ─ Knows ──▶ first part: whoever has asked is answered once all know
//!                              each other one ─ Emptied ─▶ first part: the name is free once all have said so
//! ```

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::contract::{Apply, Mail, RefusalDef};
use tidegate_engine::{Missing, Reads, Row, Shard, Stop, Tx};

use super::create::{check_version, put_declared};
use super::lag::LOOK_AT_LAG;
use super::moved::LINE_GOES;
use super::retain::RETAIN;
use super::told::{LETTERS_MAX, Word, tell_parts, tell_so_many, until_known};
use super::{word_of_readers, word_of_stream_readers};
use crate::command::DeleteTopic;
use crate::emptying::{EMPTY, FORGET};
use crate::refusal::{TOPIC_PUSHED, UNKNOWN_TOPIC, VERSION_CHANGED};
use crate::reply::DeleteReceipt;
use crate::stream::StreamId;
use crate::table::{
    DOMAIN, GONE, GROUP_NAMES, GROUPS, Gone, GoneGroup, Group, PARTS, PUSHES, Part, SCHEMAS, TOLD,
    TOPICS, Topic,
};
use crate::{GONE_MS, Refusal, STEERED_MAX, TOLD_MS_MAX};

impl Apply for DeleteTopic {
    type Reply = DeleteReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_TOPIC, VERSION_CHANGED, TOPIC_PUSHED];
    /// All parts have to know it.
    const PENDS: bool = true;

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = self.name.as_str();
        reads.row(&TOPICS, name);
        reads.row(&PUSHES, name);
        reads.row(&TOLD, name);
        reads_of_begin(reads, name);
    }

    fn letters(&self) -> usize {
        LETTERS_MAX
    }

    fn waits_ms(&self) -> u64 {
        TOLD_MS_MAX
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<DeleteReceipt, Stop<Refusal>> {
        let name = self.name.as_str();
        let Some(topic) = tx.get(&TOPICS, name)?.filter(|_| !tx.runs_again()) else {
            return self.known(tx, tx.has_acted());
        };
        let if_version = self.if_version.map(|only_if| only_if.get());
        check_version(if_version, topic.version, false)?;
        if tx.get(&PUSHES, name)?.is_some() {
            return Err(Refusal::TopicPushed.into());
        }
        begin(tx, name)?;
        tell_parts(tx, &self.name, Word::Delete)?;
        self.known(tx, true)
    }
}

impl DeleteTopic {
    /// That it is deleted, by this or before, once all parts know.
    fn known(&self, tx: &mut Tx<'_>, by_this: bool) -> Result<DeleteReceipt, Stop<Refusal>> {
        let gone = tx.get(&GONE, self.name.as_str())?;
        let is_going = gone.is_some_and(|gone| !gone.is_free());
        if !is_going && !by_this {
            return Err(Refusal::UnknownTopic.into());
        }
        until_known(tx, self.name.as_str())?;
        Ok(DeleteReceipt {
            name: self.name.compact(),
            repeated: !by_this,
        })
    }
}

/// Names the rows that deleting a topic, or a part of one, reads.
pub(super) fn reads_of_begin(reads: &mut Reads<'_>, key: &str) {
    reads.row(&PARTS, key);
    reads.row(&GONE, key);
    let groups = reads.get(&GROUP_NAMES, key).unwrap_or_default();
    for group in &groups.names {
        reads.row(&GROUPS, (key, group.as_str()));
    }
}

/// A topic, or a part of one, is not there any more, and what it has goes.
pub(super) fn begin(tx: &mut Tx<'_>, key: &str) -> Result<(), Missing> {
    let part = tx.get(&PARTS, key)?.unwrap_or_else(Part::fresh);
    let names = tx.get(&GROUP_NAMES, key)?.unwrap_or_default();
    let mut groups = Vec::with_capacity(names.names.len());
    let mut moves_from = part.moves_from;
    for name in names.names {
        if let Some(group) = tx.get(&GROUPS, (key, name.as_str()))? {
            moves_from = moves_from.max(group.moves + 1);
            groups.push(end_group(tx, key, (name, &group)));
        }
    }
    if part.has_schema {
        tx.remove(&SCHEMAS, key);
    }
    if part.retains_at_ms > 0 {
        tx.cancel(&RETAIN, part.retains_at_ms, key);
    }
    tx.remove(&TOPICS, key);
    tx.remove(&PARTS, key);
    tx.remove(&GROUP_NAMES, key);
    let kept = Part {
        retain_ms: 0,
        retain_bytes: 0,
        retain_count: 0,
        retains_at_ms: 0,
        has_schema: false,
        moves_from,
        ..part
    };
    begin_to_go(tx, key, Gone::of(kept, groups));
    tx.tell_each(&word_of_stream_readers((key, "")), usize::MAX);
    tx.tell(key);
    Ok(())
}

/// A group is not there any more; who waits for it is told.
fn end_group(tx: &mut Tx<'_>, key: &str, (name, group): (CompactString, &Group)) -> GoneGroup {
    let of = (key, name.as_str());
    if group.looks_at_ms > 0 {
        tx.cancel(&LOOK_AT_LAG, group.looks_at_ms, of);
    }
    if group.ready_from < group.ready_to {
        let now_ms = tx.now_ms();
        let work = group.work(&name);
        tx.wake_at(&LINE_GOES, now_ms, (key, work.as_str(), group.ready_from));
    }
    tx.remove(&GROUPS, of);
    tx.tell(&word_of_readers(of));
    GoneGroup {
        died: group.died,
        dead: group.dead,
        steered: group.steered,
        entries: group.steered.min(STEERED_MAX),
        name,
    }
}

/// What it has begins to go.
pub(super) fn begin_to_go(tx: &mut Tx<'_>, key: &str, gone: Gone) {
    tx.put(&GONE, key, gone);
    tx.wake_at(&EMPTY, tx.now_ms(), key);
}

impl Gone {
    /// A topic that had this when it was deleted.
    pub(super) fn of(part: Part, groups: Vec<GoneGroup>) -> Self {
        Self {
            up_to: part.last,
            part,
            groups,
            from: 0,
            empty: 0,
            is_wanted: false,
            forgets_at_ms: 0,
        }
    }
}

/// What a topic begins with that is not there; `None` as long as one that had its name has something left.
pub(crate) fn part_of_new(tx: &mut Tx<'_>, key: &str) -> Result<Option<Part>, Missing> {
    Ok(match tx.get(&GONE, key)? {
        Some(gone) => gone.is_free().then_some(gone.part),
        None => Some(Part::fresh()),
    })
}

/// A topic is declared under a name: it goes on from what one had that was deleted.
pub(crate) fn take_name(tx: &mut Tx<'_>, key: &str) -> Result<Part, Missing> {
    let Some(gone) = tx.get(&GONE, key)? else {
        return Ok(Part::fresh());
    };
    if gone.is_free() {
        tx.cancel(&FORGET, gone.forgets_at_ms, key);
    }
    tx.remove(&GONE, key);
    Ok(gone.part)
}

/// A topic, or a part of one, has nothing left.
pub(crate) fn end(tx: &mut Tx<'_>, key: &str, gone: Gone) -> Result<(), Missing> {
    if Shard::named(key).is_some() {
        be_free(tx, key, gone);
        tx.send(Shard::whole_of(key), &Emptied {});
        return Ok(());
    }
    note_empty(tx, key, gone)
}

/// One more part has nothing left; the name is free once that is so of all.
fn note_empty(tx: &mut Tx<'_>, name: &str, mut gone: Gone) -> Result<(), Missing> {
    let told = tx.get(&TOLD, name)?;
    let others = told.map_or(0, |told| told.known.len() as u64);
    gone.empty += 1;
    if gone.empty <= others {
        tx.put(&GONE, name, gone);
    } else if gone.is_wanted {
        tx.put(&GONE, name, gone);
        declare_again(tx, name)?;
    } else {
        be_free(tx, name, gone);
    }
    Ok(())
}

fn be_free(tx: &mut Tx<'_>, key: &str, mut gone: Gone) {
    gone.forgets_at_ms = tx.now_ms() + GONE_MS;
    // Ids of entries begin anew: none is kept that they could come before.
    (gone.part.id, gone.part.last_at_ms) = (StreamId::NONE, 0);
    gone.empty = 0;
    tx.wake_at(&FORGET, gone.forgets_at_ms, key);
    tx.put(&GONE, key, gone);
}

/// Another domain publishes to a topic that is not there: it is one of which nothing is said.
pub(super) fn declare_again(tx: &mut Tx<'_>, name: &str) -> Result<(), Missing> {
    let topic = Topic::unsaid(tx.now_ms());
    let (keeps, schema) = (Part::fresh(), CompactString::default());
    if let Some(told) = tx.get(&TOLD, name)? {
        let of = u16::try_from(told.known.len() + 1);
        let of = of.expect("because a topic has few parts");
        let (topic, schema) = (topic.clone(), schema.clone());
        let word = Word::Topic {
            topic,
            keeps,
            schema,
        };
        tell_so_many(tx, name, of, word)?;
    }
    put_declared(tx, name, (topic, keeps), schema)
}

/// A part has nothing left of a topic that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Emptied {}

impl Row for Emptied {}

impl Mail for Emptied {
    const NUMBERS: (u8, u8) = (DOMAIN, 5);
    const NAME: &'static str = "emptied";
    /// It may be declared again.
    const LETTERS: usize = LETTERS_MAX;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&GONE, to);
        reads.row(&TOLD, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        let gone = tx.get(&GONE, to)?;
        let gone = gone.expect("because the name is taken until all parts are empty");
        note_empty(tx, to, gone)
    }
}
