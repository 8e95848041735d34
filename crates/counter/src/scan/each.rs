//! Questions about several keys in one call: each is asked in the shards that it is about, and answered as it would be
//! alone.

use tidegate_engine::contract::{Name, ReplyValue, ScanContext};
use tidegate_engine::{RowsRead, Shard};

use super::of_shards::OfShards;
use crate::Refusal;
use crate::reply::AsOf;
use crate::table::{Counter, DOMAIN};

/// At least one question about a counter, and what is made of the answers.
pub(crate) struct Each<Q: OfShards, R> {
    pub(crate) asked: Vec<Q>,
    /// Why they cannot all be answered by a counter at this time, though each could.
    pub(crate) check: fn(&[Q], &Counter, u64) -> Result<(), Refusal>,
    pub(crate) told: fn(Vec<Q::Reply>, u64) -> R,
}

impl<Q: OfShards, R: ReplyValue + 'static> OfShards for Each<Q, R> {
    /// What each question is told that the shard is asked, with its place and the rows that were read for it.
    type Part = Vec<(usize, Q::Part, RowsRead)>;
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
        let parts = here.map(|(at, question)| {
            let before = context.rows_read();
            let part = question.part(context, counter)?;
            Ok((at, part, context.rows_read().since(before)))
        });
        parts.collect()
    }

    fn whole(&self, parts: Vec<Self::Part>, as_of: AsOf) -> Result<R, Refusal> {
        let of_none = || {
            (
                Vec::new(),
                AsOf {
                    ms: as_of.ms,
                    ..AsOf::default()
                },
            )
        };
        let mut of_each: Vec<(Vec<Q::Part>, AsOf)> = self.asked.iter().map(|_| of_none()).collect();
        for (at, part, rows) in parts.into_iter().flatten() {
            of_each[at].0.push(part);
            of_each[at].1.rows += rows;
        }
        let asked = self.asked.iter().zip(of_each);
        let answers = asked.map(|(question, (parts, as_of))| question.whole(parts, as_of));
        let answers: Result<Vec<_>, Refusal> = answers.collect();
        Ok((self.told)(answers?, as_of.ms))
    }
}
