//! Questions about several keys in one call: each is asked in the shards that it is about, and answered as it would be
//! alone.

use tidegate_engine::Shard;
use tidegate_engine::contract::{Name, ReplyValue, ScanContext};

use super::of_shards::OfShards;
use crate::Refusal;
use crate::table::{Counter, DOMAIN};

/// At least one question about a counter, and what is made of the answers.
pub(crate) struct Each<Q: OfShards, R> {
    pub(crate) asked: Vec<Q>,
    /// Why they cannot all be answered by a counter at this time, though each could.
    pub(crate) check: fn(&[Q], &Counter, u64) -> Result<(), Refusal>,
    pub(crate) told: fn(Vec<Q::Reply>, u64) -> R,
}

impl<Q: OfShards, R: ReplyValue + 'static> OfShards for Each<Q, R> {
    /// What each question is told that the shard is asked, with its place.
    type Part = Vec<(usize, Q::Part)>;
    type Reply = R;
    const TABLES: &'static [u16] = Q::TABLES;

    fn name(&self) -> &Name {
        let first = self.asked.first();
        first.expect("because a list has an item").name()
    }

    fn is_of(&self, shard: Shard) -> bool {
        self.asked.iter().any(|question| question.is_of(shard))
    }

    fn part(&self, context: &ScanContext, counter: &Counter) -> Result<Self::Part, Refusal> {
        (self.check)(&self.asked, counter, context.asked_ms())?;
        let shard = context.shard(DOMAIN, self.name().as_str());
        let asked = self.asked.iter().enumerate();
        let here = asked.filter(|(_, question)| question.is_of(shard));
        let parts = here.map(|(at, question)| Ok((at, question.part(context, counter)?)));
        parts.collect()
    }

    fn whole(&self, parts: Vec<Self::Part>, as_of_ms: u64) -> Result<R, Refusal> {
        let mut of_each: Vec<Vec<Q::Part>> = self.asked.iter().map(|_| Vec::new()).collect();
        for (at, part) in parts.into_iter().flatten() {
            of_each[at].push(part);
        }
        let asked = self.asked.iter().zip(of_each);
        let answers = asked.map(|(question, parts)| question.whole(parts, as_of_ms));
        let answers: Result<Vec<_>, Refusal> = answers.collect();
        Ok((self.told)(answers?, as_of_ms))
    }
}
