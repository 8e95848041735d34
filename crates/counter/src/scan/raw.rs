//! `COUNTER.RAW`: what each shard has sent to the topic that keeps events.

use compact_str::CompactString;
use tidegate_engine::contract::{Name, ScanContext};

use super::of_shards::OfShards;
use crate::Refusal;
use crate::command::Raw;
use crate::reply::{AsOf, RawInfo, RawShard};
use crate::table::{COUNTERS, Counter, DOMAIN, RAW};

impl OfShards for Raw {
    type Part = (CompactString, RawShard);
    type Reply = RawInfo;
    const TABLES: &'static [u16] = &[COUNTERS.id(), RAW.id()];

    fn name(&self) -> &Name {
        &self.name
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Self::Part, Refusal> {
        if counter.raw.is_empty() {
            return Err(Refusal::NoRaw);
        }
        let name = self.name.as_str();
        let sent = context.get(&RAW, name).unwrap_or_default();
        let shard = RawShard {
            shard: context.shard(DOMAIN, name).at.into(),
            letters: sent.letters,
            events: sent.events,
        };
        Ok((counter.raw.clone(), shard))
    }

    fn whole(&self, parts: Vec<Self::Part>, as_of: AsOf) -> Result<RawInfo, Refusal> {
        let topic = parts.first().map(|(topic, _)| topic.clone());
        let mut shards: Vec<_> = parts.into_iter().map(|(_, shard)| shard).collect();
        shards.sort_unstable_by_key(|shard| shard.shard);
        Ok(RawInfo {
            name: self.name.compact(),
            topic: topic.unwrap_or_default(),
            shards,
            as_of_ms: as_of.ms,
        })
    }
}
