//! `DEAD.LIST`: what was set aside, and what became of it.

use compact_str::{CompactString, format_compact};

use super::{DEAD, DeadRow, DeadState};
use crate::contract::{Bounded, Limit, Never, Page, PageItem, RefusalDef, Scan, ScanContext};
use crate::row_id::RowId;
use crate::{reply, request};

request! {
    /// Timers and letters that were set aside, oldest first.
    ///
    /// Each has stopped the process twice, and did not change anything. `DEAD.REPLAY` has one run once
    /// more, `DEAD.DROP` gives it up. All are kept, whatever became of them. A page may be short, or
    /// empty, with a `next`.
    pub(crate) struct ListDead {
        /// Only those behind this `next`.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Only those that are in this state.
        ["STATE"] state: Option<DeadState>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

reply! {
    /// A timer or a letter that was set aside.
    pub(crate) struct DeadInfo {
        /// Its id: the slot in which it lies, and its number.
        id: RowId,
        /// When it was set aside, in milliseconds since 1970.
        at_ms: u64,
        /// `timer` or `letter`.
        what: &'static str,
        /// Which timer, or which kind of mail: domain and number.
        kind: CompactString,
        /// What it is about.
        key: CompactString,
        /// waiting, replaying, replayed or dropped.
        state: &'static str,
        /// When it came into this state, in milliseconds since 1970.
        changed_at_ms: u64,
        /// How often it was to run once more.
        replays: u64,
    }
}

impl PageItem for DeadInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        self.id.number
    }
}

impl DeadInfo {
    fn of(id: RowId, dead: &DeadRow) -> Self {
        Self {
            id,
            at_ms: dead.at_ms,
            what: if dead.is_letter { "letter" } else { "timer" },
            kind: format_compact!("{}.{}", dead.kind >> 8, dead.kind & 255),
            key: format_compact!("{}", dead.key.escape_ascii()),
            state: dead.state.word(),
            changed_at_ms: dead.changed_ms.unwrap_or(dead.at_ms),
            replays: u64::from(dead.replays),
        }
    }
}

impl Scan for ListDead {
    type Item = DeadInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[DEAD.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<DeadInfo>, Never> {
        let after = self.after.map(Bounded::get);
        Ok(
            context.numbered_page(&DEAD, after, self.limit(), |slot, number, row| {
                let is_asked = self.state.is_none_or(|state| state == row.state);
                is_asked.then(|| DeadInfo::of(RowId::new(slot, number), &row))
            }),
        )
    }
}
