//! `STOCK.HOLDS`: the holds of a SKU, oldest first, through the index of states, and those in the archive
//! in between, wherever they stand.

use compact_str::CompactString;
use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};
use tidegate_engine::limits::SCAN_ROWS_MAX;
use tidegate_engine::{Slot, Splits};

use super::sku_of;
use crate::archive::{ArchivedHold, HOLDS_ARCHIVE};
use crate::command::Holds;
use crate::refusal::{self, Refusal};
use crate::reply::HoldSummary;
use crate::shard::{behind, in_all};
use crate::table::{BY_STATE, DOMAIN, HOLDS, Held, HoldState, NEVER, SKUS};

impl Scan for Holds {
    type Item = HoldSummary;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[refusal::UNKNOWN_SKU];
    const TABLES: &'static [u16] = &[SKUS.id(), BY_STATE.id(), HOLDS.id(), HOLDS_ARCHIVE.id()];

    fn key(&self) -> Option<&str> {
        Some(self.sku.as_str())
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Some(splits.slots(DOMAIN, self.sku.as_str()))
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<HoldSummary>, Refusal> {
        let shard = context.shard(DOMAIN, self.sku.as_str());
        let name = &*shard.key_of(self.sku.as_str());
        sku_of(context, name, shard)?;
        let after = self.after.map(|after| behind(after.get(), shard));
        let limit = self.limit();
        let states = match &self.state {
            Some(state) => std::slice::from_ref(state),
            None => HoldState::ALL.as_slice(),
        };
        let mut found = Vec::new();
        for state in states {
            found.extend(in_state(context, (name, *state), after, limit + 1));
        }
        let (archived, next) = self.in_archive(context, name, after, limit + 1);
        found.extend(archived);
        found.sort_by_key(|hold: &HoldSummary| hold.position);
        if let Some(next) = next {
            found.retain(|hold| hold.position <= next);
        }
        for hold in &mut found {
            hold.position = in_all(hold.position, shard);
        }
        let next = next.map(|next| in_all(next, shard));
        let page = Page::cut(found, limit);
        Ok(Page {
            next: page.next.or(next),
            ..page
        })
    }
}

impl Holds {
    /// Those in the archive, at most so many; and how far it was looked at, if that was as far as a
    /// scan may.
    fn in_archive(
        &self,
        context: &ScanContext,
        name: &str,
        after: Option<u64>,
        most: usize,
    ) -> (Vec<HoldSummary>, Option<u64>) {
        if self.state == Some(HoldState::Held) {
            return (Vec::new(), None); // What is held has not left.
        }
        let after = after.map(|after| (name, after));
        let rows = context.archived(&HOLDS_ARCHIVE, &name, after.as_ref());
        let mut found = Vec::new();
        for (examined, (_, ArchivedHold { id, hold })) in (1..).zip(rows) {
            if self.state.is_none_or(|state| state == hold.state) {
                found.push(summary(&id, &hold));
            }
            if found.len() == most {
                break;
            }
            if examined == SCAN_ROWS_MAX {
                return (found, Some(hold.position));
            }
        }
        (found, None)
    }
}

fn in_state(
    context: &ScanContext,
    (name, state): (&str, HoldState),
    after: Option<u64>,
    most: usize,
) -> Vec<HoldSummary> {
    let after = after.map(|after| (name, state.key(), after));
    let rows = context.rows(&BY_STATE, (name, state.key()), after, most);
    let summaries = rows.into_iter().filter_map(|(_, index)| {
        let hold = context.get(&HOLDS, (name, index.id.as_str()))?;
        Some(summary(&index.id, &hold))
    });
    summaries.collect()
}

fn summary(id: &CompactString, hold: &Held) -> HoldSummary {
    HoldSummary {
        id: tidegate_claim::shown(id),
        owner: tidegate_claim::owner_of(id).map(CompactString::new),
        position: hold.position,
        state: hold.state.word(),
        quantity: hold.quantity,
        returned: hold.returned,
        buyer: hold.buyer.clone(),
        created_at_ms: hold.created_at_ms,
        expires_at_ms: (hold.expires_at_ms != NEVER).then_some(hold.expires_at_ms),
    }
}
