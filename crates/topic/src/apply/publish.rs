//! `TOPIC.PUBLISH`: publishes a message, once per id.

use std::cell::Cell;

use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Division, Reads, Splits, Stop, Tx};

use super::put::{New, content_of, earlier, last_of_key, put_new, reads_of};
use super::schema::schema_of;
use super::tell_all_groups;
use crate::Refusal;
use crate::command::Publish;
use crate::fields::Headers;
use crate::parts::{check_sent, part_of_message, place_of, send, several};
use crate::refusal::{
    CONFLICTING_FIELDS, ID_CONFLICT, KEY_CHANGED, SCHEMA_VIOLATED, UNKNOWN_TOPIC,
};
use crate::reply::{PublishReceipt, Published};
use crate::schema::CHECK_STEPS_MAX;
use crate::table::PARTS;

impl Apply for Publish {
    type Reply = PublishReceipt;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[
        CONFLICTING_FIELDS,
        UNKNOWN_TOPIC,
        ID_CONFLICT,
        KEY_CHANGED,
        SCHEMA_VIOLATED,
    ];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, nth: u64) -> Option<Division<PublishReceipt, Refusal>> {
        let of = several(splits, &self.name)?;
        let shard = part_of_message(&self.id, self.key.as_ref(), of, nth);
        let name = self.name.clone();
        let last = self.last.map(|last| match place_of(last.get(), of) {
            (_, 0) => 0.into(),
            (in_part, number) if in_part == shard => number.cast_signed().into(),
            (_, _) => i64::MAX.into(), // Another part's: the last one of this key it is not.
        });
        let call = Self {
            name: self.name.of_shard(shard),
            last,
            ..self.clone()
        };
        Some(send(name, shard, call))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let key = self.key.as_ref().map(Name::as_str);
        reads_of(reads, self.name.as_str(), &self.id, key);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<PublishReceipt, Stop<Refusal>> {
        self.check_fields()?;
        check_sent(tx, &self.name)?;
        let name = self.name.as_str();
        let part = tx.get(&PARTS, name)?;
        let mut part = part.ok_or(Refusal::UnknownTopic)?;
        let content = content_of(&self.id, self);
        if let Some(receipt) = earlier(tx, name, (&self.id, content), None)? {
            return Ok(self.receipt(receipt));
        }
        self.check_last(tx)?;
        let schema = schema_of(tx, name, &part)?;
        let new = New {
            id: &self.id,
            content,
            key: self.key.as_ref().map(Name::as_str),
            headers: self.headers.as_ref().map(Headers::text).unwrap_or_default(),
            payload: self.payload.as_slice(),
            due_ms: self.due_ms(tx.now_ms()),
            ttl_ms: self.ttl_ms.map(|ttl_ms| ttl_ms.get()),
            item: None,
            schema: schema.as_deref(),
            steps_left: &Cell::new(CHECK_STEPS_MAX),
        };
        let published = put_new(tx, name, &mut part, &new)?;
        tx.put(&PARTS, name, part);
        tell_all_groups(tx, name, usize::from(published.position.is_some()));
        Ok(self.receipt(published))
    }
}

impl Publish {
    fn check_fields(&self) -> Result<(), Refusal> {
        let has_time = self.at_ms.is_some() || self.delay_ms.is_some();
        let has_two = self.at_ms.is_some() && self.delay_ms.is_some();
        let is_loose = self.last.is_some() && (self.key.is_none() || has_time);
        if has_two || is_loose {
            return Err(Refusal::ConflictingFields);
        }
        Ok(())
    }

    fn check_last(&self, tx: &mut Tx<'_>) -> Result<(), Stop<Refusal>> {
        let (Some(wanted), Some(key)) = (self.last, &self.key) else {
            return Ok(());
        };
        let last = last_of_key(tx, self.name.as_str(), key.as_str())?;
        if last != wanted.get() {
            return Err(Refusal::KeyChanged { last }.into());
        }
        Ok(())
    }

    fn due_ms(&self, now_ms: u64) -> u64 {
        let delay_ms = self.delay_ms.map_or(0, |delay_ms| delay_ms.get());
        self.at_ms.map_or(now_ms + delay_ms, |at_ms| at_ms.get())
    }

    fn receipt(&self, published: Published) -> PublishReceipt {
        let Published {
            id,
            position,
            at_ms,
            repeated,
        } = published;
        PublishReceipt {
            name: self.name.compact(),
            id,
            position,
            at_ms,
            repeated,
        }
    }
}
