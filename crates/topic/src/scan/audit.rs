//! `TOPIC.AUDIT`: who has paused, resumed and moved a group.

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};

use super::most;
use crate::command::AuditList;
use crate::parts::in_all;
use crate::refusal::{Refusal, UNKNOWN_GROUP};
use crate::reply::{AuditEntry, filled};
use crate::table::{DOMAIN, GROUPS, STEERED};

impl Scan for AuditList {
    type Item = AuditEntry;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_GROUP];
    const TABLES: &'static [u16] = &[GROUPS.id(), STEERED.id()];

    fn key(&self) -> Option<&str> {
        Some(self.name.as_str())
    }

    fn limit(&self) -> usize {
        most(self.limit)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<AuditEntry>, Refusal> {
        let of = (self.name.as_str(), self.group.as_str());
        context.get(&GROUPS, of).ok_or(Refusal::UnknownGroup)?;
        let after = self.after.map_or(0, |after| after.get());
        let shard = context.shard(DOMAIN, of.0); // The first, which has done it for all others too.
        let rows = context.rows(&STEERED, of, Some((of.0, of.1, after)), self.limit() + 1);
        let items = rows.into_iter().map(|(key, entry)| {
            let mut parts = key.parts();
            let (_name, _group) = (parts.text(), parts.text());
            AuditEntry {
                number: parts.number().unwrap_or_default(),
                how: entry.how.word(),
                by: filled(entry.by),
                at_ms: entry.at_ms,
                from: in_all(entry.from, shard),
                to: in_all(entry.to, shard),
            }
        });
        Ok(Page::cut(items.collect(), self.limit()))
    }
}
