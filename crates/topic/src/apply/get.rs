//! `TOPIC.GET`: a topic now.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Division, Reads, Splits, Stop, Tx};

use super::create::info_of;
use super::schema::{reads_of_schema, text_of_schema};
use crate::Refusal;
use crate::command::Get;
use crate::parts::{check_sent, send_to_all, several, shard_of};
use crate::refusal::UNKNOWN_TOPIC;
use crate::reply::TopicInfo;
use crate::table::{PARTS, Part, TOPICS};
use crate::whole::topic_of;

impl Apply for Get {
    type Reply = TopicInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_TOPIC];

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn divide(&mut self, splits: &Splits, _nth: u64) -> Option<Division<TopicInfo, Refusal>> {
        let of = several(splits, &self.name)?;
        let get = |shard| Self {
            name: self.name.of_shard(shard),
        };
        Some(send_to_all(self.name.clone(), of, get, topic_of))
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&TOPICS, self.name.as_str());
        reads_of_schema(reads, self.name.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<TopicInfo, Stop<Refusal>> {
        check_sent(tx, &self.name)?;
        let topic = tx.get(&TOPICS, self.name.as_str())?;
        let topic = topic.ok_or(Refusal::UnknownTopic)?;
        let part = tx
            .get(&PARTS, self.name.as_str())?
            .unwrap_or_else(Part::fresh);
        let schema = text_of_schema(tx, self.name.as_str(), &part)?;
        let parts = shard_of(tx.splits(), self.name.as_str()).of;
        Ok(info_of(&self.name, parts, topic, part, schema))
    }
}
