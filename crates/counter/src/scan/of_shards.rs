//! What all shards of a counter have, each as it was when it was asked, put together.

use std::any::Any;

use tidegate_engine::contract::{
    Name, Outcome, Renderer, ReplyValue, ScanCall, ScanContext, Status,
};
use tidegate_engine::{Shard, Slot, Splits};

use crate::Refusal;
use crate::apply::ALL_KEYS;
use crate::reply::AsOf;
use crate::table::{COUNTERS, Counter, DOMAIN};

/// A question that all shards of a counter answer.
pub(crate) trait OfShards: Send + Sync + 'static {
    /// What one shard has.
    type Part: Send + 'static;
    /// What is answered.
    type Reply: ReplyValue;
    /// Ids of the tables that it reads.
    const TABLES: &'static [u16];

    /// The counter.
    fn name(&self) -> &Name;

    /// The key that it is about: by default all.
    fn key(&self) -> &str {
        ALL_KEYS
    }

    /// Whether a shard is asked.
    fn is_of(&self, shard: Shard) -> bool {
        self.key() == ALL_KEYS || Shard::of_whom(self.key(), shard.of) == shard
    }

    /// What a shard has.
    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Self::Part, Refusal>;

    /// What all have that were asked and know the counter.
    fn whole(&self, parts: Vec<Self::Part>, as_of: AsOf) -> Result<Self::Reply, Refusal>;
}

/// The scan that asks all shards.
pub(crate) fn of_all_shards(question: impl OfShards) -> Box<dyn ScanCall> {
    Box::new(Asked(question))
}

struct Asked<Q>(Q);

/// What a shard says; nothing if it does not know the counter (yet).
struct Said<P> {
    as_of: AsOf,
    part: Option<Result<P, Refusal>>,
}

impl<Q: OfShards> ScanCall for Asked<Q> {
    fn key(&self) -> Option<&[u8]> {
        Some(self.0.name().as_str().as_bytes())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        let name = self.0.name().as_str();
        let shards = Shard::all(splits.of(DOMAIN, name).unwrap_or(1));
        let asked = shards.filter(|shard| self.0.is_of(*shard));
        let slots = asked.map(|shard| Slot::of(shard.key_of(name).as_bytes()));
        Some(slots.collect())
    }

    fn tables(&self) -> &'static [u16] {
        Q::TABLES
    }

    fn page(&self, context: &ScanContext) -> Box<dyn Any + Send> {
        let name = self.0.name().as_str();
        let shard = context.shard(DOMAIN, name).key_of(name);
        let counter = context.get(&COUNTERS, shard.as_str());
        let before = context.rows_read();
        let part = counter.map(|counter| match counter.is_dropped {
            true => Err(Refusal::UnknownCounter),
            false => self.0.part(context, &counter),
        });
        let as_of = AsOf {
            ms: context.asked_ms(),
            rows: context.rows_read().since(before),
        };
        Box::new(Said { as_of, part })
    }

    fn render(
        &self,
        pages: Vec<Box<dyn Any + Send>>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Status {
        let whole = self.whole(pages);
        let outcome = match &whole {
            Ok(reply) => Outcome::Reply(reply),
            Err(refusal) => Outcome::Refused(refusal),
        };
        renderer.render(&outcome, out);
        outcome.status()
    }
}

impl<Q: OfShards> Asked<Q> {
    fn whole(&self, pages: Vec<Box<dyn Any + Send>>) -> Result<Q::Reply, Refusal> {
        let (mut parts, mut as_of) = (Vec::new(), AsOf::default());
        for page in pages {
            let said = page.downcast::<Said<Q::Part>>();
            let said = said.expect("because `page` above made it");
            if let Some(part) = said.part {
                as_of.ms = said.as_of.ms; // All were asked at one time.
                as_of.rows += said.as_of.rows;
                parts.push(part?);
            }
        }
        if parts.is_empty() {
            return Err(Refusal::UnknownCounter);
        }
        self.0.whole(parts, as_of)
    }
}
