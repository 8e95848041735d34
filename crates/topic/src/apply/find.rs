//! `TOPIC.FIND`: the message with an id that its publisher has chosen.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Place, Reads, Shard, Slot, Splits, Stop, Tx};

use crate::Refusal;
use crate::command::Find;
use crate::parts::{InWhole as _, check_sent, from_any, key_at, place_at, several, shard_of};
use crate::refusal::{MESSAGE_NOT_FOUND, UNKNOWN_TOPIC};
use crate::reply::MessageInfo;
use crate::table::{IDS, MESSAGES, PARTS};

impl Apply for Find {
    type Reply = MessageInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_TOPIC, MESSAGE_NOT_FOUND];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    /// Of a message with a key the id does not tell the part.
    fn round(&self, splits: &Splits, nth: u64) -> Option<Vec<Place>> {
        let of = several(splits, &self.name)?;
        let place = |shard: Shard| Place {
            slot: Slot::of(shard.key_of(self.name.as_str()).as_bytes()),
            number: place_at(shard),
            awaits: CompactString::default(),
        };
        Some(from_any(of, self.id.as_str(), nth).map(place).collect())
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = key_at(&self.name, reads.place(), reads.splits());
        let name = &*name;
        reads.row(&PARTS, name);
        if let Some(published) = reads.get(&IDS, (name, self.id.as_str())) {
            reads.row(&MESSAGES, (name, published.position));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<MessageInfo, Stop<Refusal>> {
        check_sent(tx, &self.name)?;
        let name = key_at(&self.name, tx.place(), tx.splits());
        let name = &*name;
        tx.get(&PARTS, name)?.ok_or(Refusal::UnknownTopic)?;
        let published = tx.get(&IDS, (name, self.id.as_str()))?;
        if published.is_none() && tx.may_wait() {
            return Err(Stop::Wait); // It looks in the next part.
        }
        let published = published.ok_or(Refusal::MessageNotFound)?;
        let message = tx.get(&MESSAGES, (name, published.position))?;
        let message = message.filter(|message| !message.is_expired(tx.now_ms()));
        let message = message.ok_or(Refusal::MessageNotFound)?;
        let message = MessageInfo::of(published.position, message);
        Ok(message.in_whole(&self.name, shard_of(tx.splits(), name)))
    }
}
