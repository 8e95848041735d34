//! `XADD`, `XTRIM` and `XDEL`: what entries a stream has.

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::limits::NAME_BYTES_MAX;
use tidegate_engine::{Reads, Stop, Tx};

use crate::apply::{
    append, part_of_new, reads_of_schema, retain_later, schema_of, take_name, tell_all_groups,
};
use crate::refusal::{BEING_DELETED, SCHEMA_VIOLATED};
use crate::stream::answer::Answer;
use crate::stream::command::{XAdd, XDel, XTrim};
use crate::stream::id::StreamId;
use crate::stream::look::{Stream, reads_around};
use crate::stream::refusal::{ID_TOO_SMALL, SEVERAL_PARTS, StreamRefusal, TOO_MANY};
use crate::stream::trim::{KEY_BYTES_MAX, drop_deleted, most_dropped, reads_of_trim, trim};
use crate::stream::words::NewId;
use crate::table::{MESSAGES, Message, PARTS, TOPICS, Topic};

impl Apply for XAdd {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[
        SEVERAL_PARTS,
        BEING_DELETED,
        ID_TOO_SMALL,
        SCHEMA_VIOLATED,
        TOO_MANY,
    ];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = self.says.name.as_str();
        reads_of_schema(reads, name);
        if let Some(trim) = &self.says.trim {
            reads_of_trim(reads, name, trim);
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let name = self.says.name.as_str();
        let mut stream = match Stream::of(tx, name)? {
            Some(stream) => stream,
            None if self.says.only_if_there => return Ok(Answer::Null),
            None => declare(tx, name)?,
        };
        let message = self.message(tx, chosen_id(self.says.id, stream.part.last_id())?);
        self.check_payload(tx, &stream)?;
        let position = append(tx, name, &mut stream.part, message, 0)?;
        let id = stream.part.last_id();
        debug_assert_eq!(position, stream.part.last, "it is behind all others");
        if let Some(by) = &self.says.trim {
            trim(tx, &mut stream, by, self.says.payload.len())?;
        }
        tx.put(&PARTS, name, stream.part);
        tell_all_groups(tx, name, 1);
        Ok(Answer::id(id))
    }
}

impl XAdd {
    fn check_payload(
        &self,
        tx: &mut Tx<'_>,
        stream: &Stream<'_>,
    ) -> Result<(), Stop<StreamRefusal>> {
        if let Some(schema) = schema_of(tx, stream.name, &stream.part)? {
            let checked = schema.check(&self.says.payload);
            checked.map_err(|wrong| StreamRefusal::schema_violated(&wrong))?;
        }
        Ok(())
    }

    fn message(&self, tx: &mut Tx<'_>, id: StreamId) -> Message {
        Message {
            chosen: CompactString::default(),
            minted: tx.mint(),
            key: CompactString::default(),
            at_ms: tx.now_ms(),
            expires_at_ms: 0,
            before: 0,
            headers: CompactString::default(),
            payload: ByteVec::from(self.says.payload.clone()),
            id,
            is_deleted: false,
        }
    }
}

/// The id that an entry is to have behind this one; none if it is to be minted.
fn chosen_id(id: NewId, last: StreamId) -> Result<StreamId, StreamRefusal> {
    let id = match id {
        NewId::Mint => return Ok(StreamId::NONE),
        NewId::Of(ms) if ms == last.ms => last.next().filter(|id| id.ms == ms),
        NewId::Of(ms) => Some(StreamId {
            ms,
            seq: u64::from(ms == 0),
        }),
        NewId::Chosen(id) => Some(id),
    };
    let id = id.filter(|id| *id > last);
    let id = id.ok_or_else(StreamRefusal::id_too_small)?;
    if id.ms == u64::MAX {
        return Err(StreamRefusal::ids_used_up()); // Whatever comes is to have one behind it.
    }
    Ok(id)
}

/// A topic about which nothing is said.
pub(super) fn declare<'a>(
    tx: &mut Tx<'_>,
    name: &'a str,
) -> Result<Stream<'a>, Stop<StreamRefusal>> {
    if part_of_new(tx, name)?.is_none() {
        return Err(StreamRefusal::being_deleted().into());
    }
    let part = take_name(tx, name)?;
    tx.put(&TOPICS, name, Topic::unsaid(tx.now_ms()));
    Ok(Stream { name, part })
}

impl Apply for XTrim {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, TOO_MANY];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_of_trim(reads, self.says.name.as_str(), &self.says.trim);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let name = self.says.name.as_str();
        let Some(mut stream) = Stream::of(tx, name)? else {
            return Ok(Answer::Number(0));
        };
        let before = stream.part;
        let trimmed = trim(tx, &mut stream, &self.says.trim, 0)?;
        if stream.part != before {
            tx.put(&PARTS, name, stream.part);
        }
        Ok(Answer::Number(trimmed))
    }
}

impl Apply for XDel {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        for id in &self.says.ids {
            reads_around(reads, self.says.name.as_str(), *id, 1);
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let name = self.says.name.as_str();
        let Some(mut stream) = Stream::of(tx, name)? else {
            return Ok(Answer::Number(0));
        };
        let mut deleted = 0;
        for id in &self.says.ids {
            if let Some((position, message)) = stream.at(tx, *id)? {
                delete(tx, &mut stream, position, message);
                deleted += 1;
            }
        }
        if deleted > 0 {
            let most = most_dropped(deleted * PLACE_BYTES_MAX);
            drop_deleted(tx, &mut stream, most)?;
            retain_later(tx, name, &mut stream.part);
            tx.put(&PARTS, name, stream.part);
        }
        Ok(Answer::Number(deleted as u64))
    }
}

/// Bytes of the place of an entry that was deleted, in the log: two names, and numbers.
const PLACE_BYTES_MAX: usize = KEY_BYTES_MAX + 2 * (NAME_BYTES_MAX + 3) + 80;

/// Only its place is kept.
fn delete(tx: &mut Tx<'_>, stream: &mut Stream<'_>, position: u64, message: Message) {
    stream.part.bytes -= message.bytes() as u64;
    stream.part.deleted += 1;
    let place = Message {
        expires_at_ms: tx.now_ms(),
        headers: CompactString::default(),
        payload: ByteVec::from(Vec::new()),
        is_deleted: true,
        ..message
    };
    tx.put(&MESSAGES, (stream.name, position), place);
}
