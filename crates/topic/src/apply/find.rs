//! `TOPIC.FIND`: the message with an id that its publisher has chosen.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use crate::Refusal;
use crate::command::Find;
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

    fn reads(&self, reads: &mut Reads<'_>) {
        let name = self.name.as_str();
        reads.row(&PARTS, name);
        if let Some(published) = reads.get(&IDS, (name, self.id.as_str())) {
            reads.row(&MESSAGES, (name, published.position));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<MessageInfo, Stop<Refusal>> {
        let name = self.name.as_str();
        tx.get(&PARTS, name)?.ok_or(Refusal::UnknownTopic)?;
        let published = tx.get(&IDS, (name, self.id.as_str()))?;
        let published = published.ok_or(Refusal::MessageNotFound)?;
        let message = tx.get(&MESSAGES, (name, published.position))?;
        let message = message.filter(|message| !message.is_expired(tx.now_ms()));
        let message = message.ok_or(Refusal::MessageNotFound)?;
        Ok(MessageInfo::of(published.position, message))
    }
}
