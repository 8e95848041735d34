//! `XPENDING`: what consumers of a group were given, and have not acknowledged.

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use crate::stream::answer::Answer;
use crate::stream::command::XPending;
use crate::stream::desk::{Desk, reads_of_pending};
use crate::stream::look::check_parts;
use crate::stream::refusal::{NO_GROUP, SEVERAL_PARTS, StreamRefusal};
use crate::stream::row::{Consumer, Pending};
use crate::stream::words::PendingList;

impl Apply for XPending {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, NO_GROUP];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let of = (self.says.name.as_str(), self.says.group.as_str());
        reads_of_pending(reads, of, 0);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let of = (self.says.name.as_str(), self.says.group.as_str());
        check_parts(tx, of.0)?;
        let desk = Desk::of(tx, of)?;
        let mut desk = desk.ok_or_else(|| StreamRefusal::no_group(of, ""))?;
        Ok(match &self.says.list {
            Some(wanted) => list(tx, &mut desk, wanted)?,
            None => sum(tx, &mut desk)?,
        })
    }
}

/// How many are pending, from which to which, and of whom.
fn sum(tx: &mut Tx<'_>, desk: &mut Desk<'_>) -> Result<Answer, Missing> {
    let (first, last) = desk.ends(tx)?.unzip();
    let consumers = desk.group.consumers.iter();
    let consumers = consumers.filter(|consumer| consumer.pending > 0);
    let of_each: Vec<_> = consumers.map(sum_of).collect();
    Ok(Answer::List(vec![
        Answer::Number(desk.group.pending),
        Answer::some_id(first),
        Answer::some_id(last),
        if of_each.is_empty() {
            Answer::Null
        } else {
            Answer::List(of_each)
        },
    ]))
}

/// The number is a text, as in Redis.
fn sum_of(consumer: &Consumer) -> Answer {
    Answer::List(vec![
        Answer::Text(consumer.name.clone()),
        Answer::Text(consumer.pending.to_compact_string()),
    ])
}

fn list(tx: &mut Tx<'_>, desk: &mut Desk<'_>, wanted: &PendingList) -> Result<Answer, Missing> {
    let mut entries = Vec::new();
    let only = wanted.consumer.as_ref().map(Name::as_str);
    let mut next = desk.from(tx, wanted.from)?;
    while let Some(entry) = next
        && (entries.len() as u64) < wanted.count
        && entry.id <= wanted.to
    {
        next = desk.behind(tx, entry.position)?;
        let consumer = &desk.consumer_of(&entry).name;
        let idle_ms = entry.idle_ms(tx.now_ms());
        if idle_ms >= wanted.idle_ms && only.is_none_or(|name| name == consumer) {
            entries.push(item(&entry, consumer.clone(), idle_ms));
        }
    }
    Ok(Answer::List(entries))
}

fn item(entry: &Pending, consumer: CompactString, idle_ms: u64) -> Answer {
    Answer::List(vec![
        Answer::id(entry.id),
        Answer::Text(consumer),
        Answer::Number(idle_ms),
        Answer::Number(entry.deliveries),
    ])
}
