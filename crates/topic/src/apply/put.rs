//! Messages on their way into a topic: one, one of many, or one whose time has come.

use std::cell::Cell;

use compact_str::{CompactString, ToCompactString};
use minicbor::bytes::ByteVec;
use tidegate_engine::contract::{Id, Request};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::APPEAR;
use super::retain::retain_later;
use super::schema::{check_payload, reads_of_schema};
use crate::Refusal;
use crate::reply::Published as Receipt;
use crate::schema::Schema;
use crate::stream::StreamId;
use crate::table::{DELAYED, IDS, KEYS, LastOfKey, MESSAGES, Message, Part, Published};

/// A message that somebody wants published.
pub(super) struct New<'a> {
    pub(super) id: &'a Id,
    /// The hash of all that was sent of it, if its id was chosen.
    pub(super) content: u64,
    pub(super) key: Option<&'a str>,
    pub(super) headers: CompactString,
    pub(super) payload: &'a [u8],
    /// Not before then.
    pub(super) due_ms: u64,
    pub(super) ttl_ms: Option<u64>,
    /// Which message of a list it is.
    pub(super) item: Option<u64>,
    /// How its payload is to be, if somebody says so.
    pub(super) schema: Option<&'a Schema>,
    /// Steps in which the command may still look at that.
    pub(super) steps_left: &'a Cell<u64>,
}

/// The hash of all that was sent of a message, if somebody may send it again under its id.
pub(super) fn content_of(id: &Id, message: &impl Request) -> u64 {
    match id {
        Id::Chosen(_) => message.content().0,
        Id::Mint => 0,
    }
}

/// Names the rows that publishing a message reads.
pub(super) fn reads_of(reads: &mut Reads<'_>, name: &str, id: &Id, key: Option<&str>) {
    reads_of_schema(reads, name);
    if let Id::Chosen(id) = id {
        reads.row(&IDS, (name, id.as_str()));
    }
    if let Some(key) = key {
        reads.row(&KEYS, (name, key));
    }
}

/// What this answers if its id was used before; a refusal that names the item of a list if for something else.
pub(super) fn earlier(
    tx: &mut Tx<'_>,
    name: &str,
    (id, content): (&Id, u64),
    item: Option<u64>,
) -> Result<Option<Receipt>, Stop<Refusal>> {
    let Id::Chosen(id) = id else {
        return Ok(None);
    };
    match tx.get(&IDS, (name, id.as_str()))? {
        Some(published) if published.content != content => Err(Refusal::IdConflict { item }.into()),
        Some(Published {
            position, at_ms, ..
        }) => Ok(Some(receipt_of(id.compact(), position, at_ms, true))),
        None => Ok(None),
    }
}

/// The position of the last message of a key; 0 if there is none.
pub(super) fn last_of_key(tx: &mut Tx<'_>, name: &str, key: &str) -> Result<u64, Missing> {
    let last = tx.get(&KEYS, (name, key))?;
    Ok(last.map_or(0, |last| last.position))
}

/// Publishes a message that was not published before, or has it wait for its time.
pub(super) fn put_new(
    tx: &mut Tx<'_>,
    name: &str,
    part: &mut Part,
    new: &New<'_>,
) -> Result<Receipt, Stop<Refusal>> {
    check_payload(new.schema, new.payload, new.item, new.steps_left)?;
    let (id, minted) = match new.id {
        Id::Chosen(id) => (id.compact(), 0),
        Id::Mint => {
            let minted = tx.mint();
            (minted.to_compact_string(), minted)
        }
    };
    let at_ms = new.due_ms.max(tx.now_ms());
    let message = Message {
        chosen: if minted == 0 {
            id.clone()
        } else {
            CompactString::default()
        },
        minted,
        key: CompactString::new(new.key.unwrap_or_default()),
        at_ms,
        expires_at_ms: new.ttl_ms.map_or(0, |ttl_ms| at_ms.saturating_add(ttl_ms)),
        before: 0,
        headers: new.headers.clone(),
        payload: ByteVec::from(new.payload.to_vec()),
        id: StreamId::NONE,
        is_deleted: false,
    };
    let content = new.content;
    let position = if at_ms > tx.now_ms() {
        delay(tx, name, part, message, content);
        0
    } else {
        append(tx, name, part, message, content)?
    };
    Ok(receipt_of(id, position, at_ms, false))
}

fn receipt_of(id: CompactString, position: u64, at_ms: u64, repeated: bool) -> Receipt {
    Receipt {
        id,
        position: Some(position).filter(|position| *position > 0),
        at_ms,
        repeated,
    }
}

/// Keeps what is known under the id of a message, if that was chosen.
fn put_id(tx: &mut Tx<'_>, name: &str, message: &Message, content: u64, position: u64) {
    if !message.chosen.is_empty() {
        let published = Published {
            content,
            position,
            at_ms: message.at_ms,
        };
        tx.put(&IDS, (name, message.chosen.as_str()), published);
    }
}

/// Has a message wait for its time.
fn delay(tx: &mut Tx<'_>, name: &str, part: &mut Part, message: Message, content: u64) {
    part.delays += 1;
    part.delayed += 1;
    let number = part.delays;
    put_id(tx, name, &message, content, 0);
    tx.wake_at(&APPEAR, message.at_ms, (name, number));
    tx.put(&DELAYED, (name, number), message);
}

/// Puts a message behind all others; if its id as an entry was chosen, that is greater than all before.
pub(crate) fn append(
    tx: &mut Tx<'_>,
    name: &str,
    part: &mut Part,
    mut message: Message,
    content: u64,
) -> Result<u64, Missing> {
    let before = part.last_id();
    part.last += 1;
    part.bytes += message.bytes() as u64;
    let position = part.last;
    message.id = kept_id(before, &message, position);
    (part.id, part.last_at_ms) = (message.id, message.at_ms);
    if part.first == position {
        part.first_at_ms = message.at_ms;
    }
    retain_later(tx, name, part);
    if !message.key.is_empty() {
        message.before = last_of_key(tx, name, &message.key)?;
        tx.put(&KEYS, (name, message.key.as_str()), LastOfKey { position });
    }
    put_id(tx, name, &message, content, position);
    tx.put(&MESSAGES, (name, position), message);
    Ok(position)
}

/// The id of a message as an entry, if it is kept with it: greater than that before.
fn kept_id(before: StreamId, message: &Message, position: u64) -> StreamId {
    if !message.id.is_none() {
        return message.id;
    }
    match before.next() {
        Some(next) if next > message.id_at(position) => next,
        Some(_) | None => StreamId::NONE,
    }
}
