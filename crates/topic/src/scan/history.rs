//! `TOPIC.HISTORY`: the messages of a key, newest first. Each names the one before it.

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Shard, Slot, Splits};

use super::most;
use crate::command::History;
use crate::parts::{InWhole as _, in_all, place_of, several};
use crate::refusal::{Refusal, UNKNOWN_TOPIC};
use crate::reply::MessageInfo;
use crate::table::{DOMAIN, KEYS, MESSAGES, PARTS};
use crate::{PASSED_OVER_MAX, READ_BYTES_MAX};

impl Scan for History {
    type Item = MessageInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_TOPIC];
    const TABLES: &'static [u16] = &[PARTS.id(), KEYS.id(), MESSAGES.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    /// All of a key lies in one part.
    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        let of = several(splits, &self.name).unwrap_or(1);
        let shard = Shard::of_whom(self.key.as_str(), of);
        let key = shard.key_of(self.name.as_str());
        Some(vec![Slot::of(key.as_bytes())])
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<MessageInfo>, Refusal> {
        let shard = context.shard(DOMAIN, self.name.as_str());
        let name = &*shard.key_of(self.name.as_str());
        let part = context.get(&PARTS, name).ok_or(Refusal::UnknownTopic)?;
        let (mut items, mut bytes) = (Vec::new(), 0);
        let (mut next, mut last) = (self.newest(context, (name, shard)), None);
        for _ in 0..PASSED_OVER_MAX {
            let kept = Some(next).filter(|position| *position >= part.first);
            let message = kept.and_then(|position| context.get(&MESSAGES, (name, position)));
            let Some(message) = message else {
                return Ok(Page { items, next: None });
            };
            bytes += message.bytes();
            if items.len() == self.limit() || bytes > READ_BYTES_MAX && !items.is_empty() {
                break;
            }
            let position = next;
            (next, last) = (message.before, Some(position));
            if !message.is_expired(context.asked_ms()) {
                let message = MessageInfo::of(position, message);
                items.push(message.in_whole(&self.name, shard));
            }
        }
        let next = last.map(|last| in_all(last, shard));
        Ok(Page { items, next })
    }
}

impl History {
    /// The position of the first message of the page; 0 for none.
    fn newest(&self, context: &ScanContext, (name, shard): (&str, Shard)) -> u64 {
        let Some(after) = self.after else {
            let last = context.get(&KEYS, (name, self.key.as_str()));
            return last.map_or(0, |last| last.position);
        };
        let (part, after) = place_of(after.get(), shard.of);
        let message = context.get(&MESSAGES, (name, after));
        let message = message.filter(|_| part == shard);
        let of_key = message.filter(|message| message.key == self.key.as_str());
        of_key.map_or(0, |message| message.before)
    }
}
