//! `STOCK.HOLDS`: the holds of a SKU, oldest first, through the index of states.

use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext};

use crate::command::Holds;
use crate::refusal::{self, Refusal};
use crate::reply::HoldSummary;
use crate::table::{BY_STATE, HOLDS, HoldState, SKUS};

impl Scan for Holds {
    type Item = HoldSummary;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[refusal::UNKNOWN_SKU];
    const TABLES: &'static [u16] = &[SKUS.id(), BY_STATE.id(), HOLDS.id()];

    fn key(&self) -> Option<&str> {
        Some(self.sku.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<HoldSummary>, Refusal> {
        let name = self.sku.as_str();
        context.get(&SKUS, name).ok_or(Refusal::UnknownSku)?;
        let limit = self.limit();
        let states = match &self.state {
            Some(state) => std::slice::from_ref(state),
            None => HoldState::ALL.as_slice(),
        };
        let mut found = Vec::new();
        for state in states {
            found.extend(self.in_state(context, *state, limit + 1));
        }
        found.sort_by_key(|hold: &HoldSummary| hold.position);
        Ok(Page::cut(found, limit))
    }
}

impl Holds {
    fn in_state(&self, context: &ScanContext, state: HoldState, most: usize) -> Vec<HoldSummary> {
        let name = self.sku.as_str();
        let after = self.after.map(|after| (name, state.key(), after.get()));
        let rows = context.rows(&BY_STATE, (name, state.key()), after, most);
        let summaries = rows.into_iter().filter_map(|(_, index)| {
            let hold = context.get(&HOLDS, (name, index.id.as_str()))?;
            Some(HoldSummary {
                id: index.id.clone(),
                position: hold.position,
                state: state.word(),
                quantity: hold.quantity,
                returned: hold.returned,
                buyer: hold.buyer.clone(),
                created_at_ms: hold.created_at_ms,
                expires_at_ms: hold.expires_at_ms,
            })
        });
        summaries.collect()
    }
}
