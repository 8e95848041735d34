//! `XINFO`: what there is to know of a stream, its groups or their consumers.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use crate::PASSED_OVER_MAX;
use crate::stream::answer::Answer;
use crate::stream::command::XInfo;
use crate::stream::desk::Of;
use crate::stream::look::{Stream, entry_of};
use crate::stream::refusal::{NO_GROUP, NO_STREAM, SEVERAL_PARTS, StreamRefusal};
use crate::stream::row::{Consumer, GROUPS, Group, NAMES};
use crate::stream::words::Info;
use crate::table::{MESSAGES, PARTS, Part};

impl Apply for XInfo {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, NO_STREAM, NO_GROUP];

    fn key(&self) -> &str {
        self.says.name().as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = self.says.name().as_str();
        let part = reads.get(&PARTS, name);
        let groups = reads.get(&NAMES, name);
        match (&*self.says, part, groups) {
            (Info::Stream(_), Some(part), _) => {
                reads.row(&MESSAGES, (name, part.first));
                reads.row(&MESSAGES, (name, part.last));
            }
            (Info::Groups(_), _, Some(groups)) => {
                let of_each = groups.names.iter();
                of_each.for_each(|group| reads.row(&GROUPS, (name, group.as_str())));
            }
            (Info::Consumers(_, group), _, _) => {
                reads.row(&GROUPS, (name, group.as_str()));
            }
            (Info::Stream(_) | Info::Groups(_), _, _) => {}
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let name = self.says.name().as_str();
        let stream = Stream::of(tx, name)?;
        let stream = stream.ok_or_else(StreamRefusal::no_key)?;
        match &*self.says {
            Info::Stream(_) => Ok(of_stream(tx, &stream)?),
            Info::Groups(_) => Ok(of_groups(tx, &stream)?),
            Info::Consumers(_, group) => consumers(tx, (name, group.as_str())),
        }
    }
}

fn of_stream(tx: &mut Tx<'_>, stream: &Stream<'_>) -> Result<Answer, Missing> {
    let Part { first, last, .. } = stream.part;
    let groups = tx.get(&NAMES, stream.name)?.unwrap_or_default();
    let first_entry = first_of(tx, stream, first..=last)?;
    let last_entry = first_of(tx, stream, (first..=last).rev())?;
    Ok(Answer::Map(vec![
        ("length", Answer::Number(stream.part.live())),
        ("last-generated-id", Answer::id(stream.part.last_id())),
        ("entries-added", Answer::Number(last)),
        ("groups", Answer::Number(groups.names.len() as u64)),
        ("first-entry", first_entry),
        ("last-entry", last_entry),
    ]))
}

/// The first entry that neither expired nor was deleted, as far as it is near.
fn first_of(
    tx: &mut Tx<'_>,
    stream: &Stream<'_>,
    positions: impl Iterator<Item = u64>,
) -> Result<Answer, Missing> {
    for position in positions.take(PASSED_OVER_MAX) {
        if let Some(message) = stream.live(tx, position)? {
            return Ok(entry_of(message.id_at(position), &message));
        }
    }
    Ok(Answer::Null)
}

fn of_groups(tx: &mut Tx<'_>, stream: &Stream<'_>) -> Result<Answer, Missing> {
    let groups = tx.get(&NAMES, stream.name)?.unwrap_or_default();
    let mut items = Vec::new();
    for name in groups.names {
        let group = tx.get(&GROUPS, (stream.name, name.as_str()))?;
        let group = group.expect("because a stream names the groups that it has");
        items.push(of_group(&stream.part, name, &group));
    }
    Ok(Answer::List(items))
}

fn of_group(part: &Part, name: CompactString, group: &Group) -> Answer {
    let behind = (part.last + 1).saturating_sub(group.next.max(part.first));
    // Of what lies behind nobody knows how much was deleted.
    let is_known = part.deleted == 0 || behind == 0;
    Answer::Map(vec![
        ("name", Answer::Text(name)),
        ("consumers", Answer::Number(group.consumers.len() as u64)),
        ("pending", Answer::Number(group.pending)),
        ("last-delivered-id", Answer::id(group.last)),
        ("entries-read", Answer::Number(group.next - 1)),
        (
            "lag",
            if is_known {
                Answer::Number(behind)
            } else {
                Answer::Null
            },
        ),
    ])
}

fn consumers(tx: &mut Tx<'_>, of: Of<'_>) -> Result<Answer, Stop<StreamRefusal>> {
    let group = tx.get(&GROUPS, of)?;
    let group = group.ok_or_else(|| StreamRefusal::no_group_of(of))?;
    let now_ms = tx.now_ms();
    let items = group.consumers.iter();
    Ok(Answer::List(
        items.map(|one| of_consumer(one, now_ms)).collect(),
    ))
}

/// How long ago it was given something is a negative number in Redis if it never was: there is none here then.
fn of_consumer(consumer: &Consumer, now_ms: u64) -> Answer {
    let ago = |at_ms: u64| Answer::Number(now_ms.saturating_sub(at_ms));
    let mut of_it = vec![
        ("name", Answer::Text(consumer.name.clone())),
        ("pending", Answer::Number(consumer.pending)),
        ("idle", ago(consumer.seen_at_ms)),
    ];
    if consumer.active_at_ms > 0 {
        of_it.push(("inactive", ago(consumer.active_at_ms)));
    }
    Answer::Map(of_it)
}
