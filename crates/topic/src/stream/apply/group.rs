//! `XGROUP`: groups of a stream, and their consumers.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::add::declare;
use crate::STREAM_GROUPS_MAX;
use crate::apply::word_of_stream_readers;
use crate::refusal::BEING_DELETED;
use crate::stream::answer::Answer;
use crate::stream::command::XGroup;
use crate::stream::desk::{Desk, Of, reads_of_pending};
use crate::stream::id::StreamId;
use crate::stream::look::{Stream, reads_around};
use crate::stream::refusal::{
    GROUP_EXISTS, NO_GROUP, NO_STREAM, SEVERAL_PARTS, StreamRefusal, TOO_MANY,
};
use crate::stream::row::{GROUPS, Group, NAMES, PENDING};
use crate::stream::words::{From, GroupDo};
use crate::table::{GroupNames, PARTS};

impl Apply for XGroup {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[
        SEVERAL_PARTS,
        BEING_DELETED,
        NO_STREAM,
        NO_GROUP,
        GROUP_EXISTS,
        TOO_MANY,
    ];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let of = self.of();
        reads.row(&PARTS, of.0);
        match &self.says.what {
            GroupDo::Create { from, .. } | GroupDo::SetId(from) => {
                reads.row(&NAMES, of.0);
                reads.row(&GROUPS, of);
                if let From::Behind(id) = from {
                    reads_around(reads, of.0, *id, 1);
                }
            }
            GroupDo::Destroy => {
                reads.row(&NAMES, of.0);
                reads.row(&GROUPS, of);
            }
            GroupDo::CreateConsumer(_) => reads.row(&GROUPS, of),
            GroupDo::DelConsumer(_) => drop(reads_of_pending(reads, of, 0)),
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let of = self.of();
        let mut stream = self.stream(tx)?;
        match &self.says.what {
            GroupDo::Create { from, .. } => create(tx, of, &mut stream, *from),
            GroupDo::Destroy => {
                let is_gone = destroy(tx, of)?;
                if is_gone {
                    stream.part.stream_groups -= 1;
                    tx.put(&PARTS, of.0, stream.part);
                }
                Ok(Answer::Number(u64::from(is_gone)))
            }
            GroupDo::SetId(from) => set_id(tx, of, &stream, *from),
            GroupDo::CreateConsumer(name) => create_consumer(tx, of, name.as_str()),
            GroupDo::DelConsumer(name) => del_consumer(tx, of, name.as_str()),
        }
    }
}

impl XGroup {
    fn of(&self) -> Of<'_> {
        (self.says.name.as_str(), self.says.group.as_str())
    }

    /// The stream, which may be declared for a group.
    fn stream(&self, tx: &mut Tx<'_>) -> Result<Stream<'_>, Stop<StreamRefusal>> {
        let name = self.says.name.as_str();
        if let Some(stream) = Stream::of(tx, name)? {
            return Ok(stream);
        }
        let GroupDo::Create {
            makes_stream: true, ..
        } = self.says.what
        else {
            return Err(StreamRefusal::no_key_of_groups().into());
        };
        declare(tx, name)
    }
}

/// A group that is there.
fn desk_of<'a>(tx: &mut Tx<'_>, of: Of<'a>) -> Result<Desk<'a>, Stop<StreamRefusal>> {
    let desk = Desk::of(tx, of)?;
    desk.ok_or_else(|| StreamRefusal::no_group_of(of).into())
}

fn set_id(
    tx: &mut Tx<'_>,
    of: Of<'_>,
    stream: &Stream<'_>,
    from: From,
) -> Result<Answer, Stop<StreamRefusal>> {
    let mut desk = desk_of(tx, of)?;
    (desk.group.last, desk.group.next) = begin(tx, stream, from)?;
    desk.put(tx);
    tx.tell(&word_of_stream_readers(of)); // There may be something for those who wait.
    Ok(Answer::ok())
}

fn create_consumer(tx: &mut Tx<'_>, of: Of<'_>, name: &str) -> Result<Answer, Stop<StreamRefusal>> {
    let mut desk = desk_of(tx, of)?;
    let is_new = desk.consumer(name).is_none();
    desk.meet(name, tx.now_ms())?;
    if is_new {
        desk.put(tx);
    }
    Ok(Answer::Number(u64::from(is_new)))
}

/// The id up to which a group was given everything, and the position at which it goes on.
fn begin(tx: &mut Tx<'_>, stream: &Stream<'_>, from: From) -> Result<(StreamId, u64), Missing> {
    match from {
        From::News => Ok((stream.part.last_id(), stream.part.last + 1)),
        From::Behind(id) => {
            let next = id
                .next()
                .map_or(Ok(stream.part.last + 1), |next| stream.from(tx, next));
            Ok((id, next?))
        }
    }
}

fn create(
    tx: &mut Tx<'_>,
    of: Of<'_>,
    stream: &mut Stream<'_>,
    from: From,
) -> Result<Answer, Stop<StreamRefusal>> {
    let mut groups = tx.get(&NAMES, of.0)?.unwrap_or_default();
    let are_all = groups.names.len() == STREAM_GROUPS_MAX;
    if !groups.add(of.1) {
        return Err(StreamRefusal::group_exists().into());
    }
    if are_all {
        return Err(StreamRefusal::too_many_groups().into());
    }
    stream.part.stream_groups += 1;
    tx.put(&PARTS, of.0, stream.part);
    let (last, next) = begin(tx, stream, from)?;
    let group = Group {
        last,
        next,
        ..Group::default()
    };
    tx.put(&NAMES, of.0, groups);
    tx.put(&GROUPS, of, group);
    Ok(Answer::ok())
}

/// It goes with all that is pending of it; who waits for it is told that it is not there.
fn destroy(tx: &mut Tx<'_>, of: Of<'_>) -> Result<bool, Missing> {
    let Some(group) = tx.get(&GROUPS, of)? else {
        return Ok(false);
    };
    let mut groups = tx.get(&NAMES, of.0)?.unwrap_or_default();
    groups.names.retain(|name| name != of.1);
    for chunk in &group.chunks {
        tx.remove(&PENDING, (of.0, of.1, *chunk));
    }
    tx.remove(&GROUPS, of);
    if groups == GroupNames::default() {
        tx.remove(&NAMES, of.0);
    } else {
        tx.put(&NAMES, of.0, groups);
    }
    tx.tell(&word_of_stream_readers(of));
    Ok(true)
}

/// Names the rows that dropping the last group of a stream reads.
pub(crate) fn reads_of_last_group(reads: &mut Reads<'_>, name: &str) {
    let groups = reads.get(&NAMES, name).unwrap_or_default();
    if let Some(group) = groups.names.last() {
        reads.row(&GROUPS, (name, group.as_str()));
    }
}

/// The last group of a stream that is deleted goes; how many are left.
pub(crate) fn drop_last_group(tx: &mut Tx<'_>, name: &str) -> Result<u64, Missing> {
    let groups = tx.get(&NAMES, name)?.unwrap_or_default();
    if let Some(group) = groups.names.last() {
        destroy(tx, (name, group))?;
    }
    Ok(groups.names.len().saturating_sub(1) as u64)
}

/// It goes with all that is pending of it, as in Redis; how much that was.
fn del_consumer(tx: &mut Tx<'_>, of: Of<'_>, name: &str) -> Result<Answer, Stop<StreamRefusal>> {
    let mut desk = desk_of(tx, of)?;
    let Some(consumer) = desk.consumer(name) else {
        return Ok(Answer::Number(0));
    };
    let (number, pending) = (consumer.number, consumer.pending);
    let mut next = desk.behind(tx, 0)?;
    while let Some(entry) = next {
        if entry.consumer == number {
            desk.remove(tx, entry.position)?;
        }
        next = desk.behind(tx, entry.position)?;
    }
    desk.forget(name);
    desk.put(tx);
    Ok(Answer::Number(pending))
}
