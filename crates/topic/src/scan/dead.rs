//! `TOPIC.DEAD`: the dead letters of a group.

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::{Slot, Splits};

use super::most;
use crate::command::DeadList;
use crate::parts::{in_all, up_to};
use crate::refusal::{Refusal, UNKNOWN_GROUP};
use crate::reply::DeadSummary;
use crate::table::{DEAD, DOMAIN, GROUPS};

impl Scan for DeadList {
    type Item = DeadSummary;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP];
    const TABLES: &'static [u16] = &[GROUPS.id(), DEAD.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, self.name.as_str()))
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<DeadSummary>, Refusal> {
        let shard = context.shard(DOMAIN, self.name.as_str());
        let key = shard.key_of(self.name.as_str());
        let of = (&*key, self.group.as_str());
        context.get(&GROUPS, of).ok_or(Refusal::UnknownGroup)?;
        let after = self.after.map_or(0, |after| up_to(after.get(), shard));
        let rows = context.rows(&DEAD, of, Some((of.0, of.1, after)), self.limit() + 1);
        let items = rows.into_iter().map(|(key, dead)| {
            let mut parts = key.parts();
            let (_name, _group) = (parts.text(), parts.text());
            DeadSummary {
                number: in_all(parts.number().unwrap_or_default(), shard),
                position: in_all(dead.position, shard),
                tries: dead.tries.into(),
                cause: dead.cause,
                member: dead.member,
                at_ms: dead.at_ms,
            }
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}
