//! `TOPIC.PUBLISHALL`: publishes messages in their order, all or none.

use std::cell::Cell;

use tidegate_engine::contract::{Apply, Id, Name, RefusalDef};
use tidegate_engine::{Division, PARTLY_DONE, Piece, Reads, Shard, Splits, Stop, Tx, in_order};

use super::put::{New, content_of, earlier, put_new, reads_of};
use super::schema::schema_of;
use super::tell_all_groups;
use crate::command::{Draft, PublishAll};
use crate::fields::Headers;
use crate::parts::{InWhole as _, check_sent, part_of_message, several};
use crate::refusal::{ID_CONFLICT, SCHEMA_VIOLATED, TOO_LARGE, UNKNOWN_TOPIC};
use crate::reply::{AllReceipt, Published};
use crate::schema::{CHECK_STEPS_MAX, Schema};
use crate::table::{PARTS, Part};
use crate::{PUBLISHED_BYTES_MAX, Refusal};

/// What the rows of a message take in the log beside what it says, at most: their heads, and numbers.
const ROW_BYTES: usize = 160;

impl Apply for PublishAll {
    type Reply = AllReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        TOO_LARGE,
        UNKNOWN_TOPIC,
        ID_CONFLICT,
        SCHEMA_VIOLATED,
        PARTLY_DONE,
    ];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, nth: u64) -> Option<Division<AllReceipt, Refusal>> {
        let of = several(splits, &self.name)?;
        let mut nth = nth..;
        let part = |draft: &Draft| {
            let nth = nth.next().unwrap_or_default();
            part_of_message(&draft.id, draft.key.as_ref(), of, nth)
        };
        let divided = self.messages.divide_all(part).into_iter();
        let (shards, pieces): (Vec<_>, Vec<_>) = divided.unzip();
        let whole = self.name.clone();
        let pieces = shards.iter().zip(pieces).map(|(shard, piece)| {
            let name = whole.of_shard(*shard);
            piece.map(|messages| Self { name, messages })
        });
        let pieces = pieces.collect();
        let name = self.name.clone();
        let division = Division::new(pieces, move |replies| joined(&name, &shards, replies));
        Some(division.retelling(Refusal::of_item))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        for draft in self.messages.items() {
            let key = draft.key.as_ref().map(Name::as_str);
            reads_of(reads, self.name.as_str(), &draft.id, key);
        }
    }

    fn writes(&self) -> usize {
        self.rows_bytes()
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<AllReceipt, Stop<Refusal>> {
        check_sent(tx, &self.name)?;
        let bytes = self.rows_bytes();
        if bytes > PUBLISHED_BYTES_MAX {
            let bytes = bytes as u64;
            return Err(Refusal::TooLarge { bytes }.into());
        }
        let name = self.name.as_str();
        let part = tx.get(&PARTS, name)?;
        let mut part = part.ok_or(Refusal::UnknownTopic)?;
        let last = part.last;
        let schema = schema_of(tx, name, &part)?;
        let steps_left = Cell::new(CHECK_STEPS_MAX);
        let mut messages = Vec::with_capacity(self.messages.items().len());
        for (item, draft) in (1..).zip(self.messages.items()) {
            messages.push(draft.publish(
                tx,
                name,
                &mut part,
                (item, schema.as_deref(), &steps_left),
            )?);
        }
        if messages.iter().any(|published| !published.repeated) {
            let appended = usize::try_from(part.last - last).unwrap_or(usize::MAX);
            tx.put(&PARTS, name, part);
            tell_all_groups(tx, name, appended);
        }
        let name = self.name.compact();
        Ok(AllReceipt { name, messages })
    }
}

/// What the parts have replied, in the order of the request.
fn joined(name: &Name, shards: &[Shard], replies: Vec<Piece<AllReceipt>>) -> AllReceipt {
    let replies = shards.iter().zip(replies).map(|(shard, reply)| {
        reply.map(|AllReceipt { messages, .. }| {
            let messages = messages.into_iter();
            messages
                .map(|published| published.in_whole(name, *shard))
                .collect()
        })
    });
    AllReceipt {
        name: name.compact(),
        messages: in_order(replies.collect()),
    }
}

impl PublishAll {
    /// Bytes of the rows that it writes, at most.
    fn rows_bytes(&self) -> usize {
        let name = self.name.as_str().len();
        let drafts = self.messages.items().iter();
        drafts.map(|draft| draft.rows_bytes(name)).sum::<usize>() + ROW_BYTES
    }
}

impl Draft {
    /// Each row has the topic in its key; id and key stand in the message, and in keys of rows of their own.
    fn rows_bytes(&self, name: usize) -> usize {
        let id = match &self.id {
            Id::Chosen(id) => id.as_str().len(),
            Id::Mint => 0,
        };
        let key = self.key.as_ref().map_or(0, |key| key.as_str().len());
        let headers = self.headers.as_ref().map_or(0, Headers::len);
        self.payload.as_slice().len() + headers + 2 * (id + key) + 4 * name + ROW_BYTES
    }

    fn publish(
        &self,
        tx: &mut Tx<'_>,
        name: &str,
        part: &mut Part,
        (item, schema, steps_left): (u64, Option<&Schema>, &Cell<u64>),
    ) -> Result<Published, Stop<Refusal>> {
        let content = content_of(&self.id, self);
        if let Some(receipt) = earlier(tx, name, (&self.id, content), Some(item))? {
            return Ok(receipt);
        }
        let delay_ms = self.delay_ms.map_or(0, |delay_ms| delay_ms.get());
        let new = New {
            id: &self.id,
            content,
            key: self.key.as_ref().map(Name::as_str),
            headers: self.headers.as_ref().map(Headers::text).unwrap_or_default(),
            payload: self.payload.as_slice(),
            due_ms: tx.now_ms() + delay_ms,
            ttl_ms: self.ttl_ms.map(|ttl_ms| ttl_ms.get()),
            item: Some(item),
            schema,
            steps_left,
        };
        put_new(tx, name, part, &new)
    }
}
