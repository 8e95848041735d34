//! `CALL.LIST`: calls that are under way or were given up.

use compact_str::{CompactString, ToCompactString};

use super::{CALLS, CallRow, CallState, Failed};
use crate::contract::{Bounded, Limit, Never, Page, PageItem, RefusalDef, Scan, ScanContext};
use crate::row_id::RowId;
use crate::{reply, request};

request! {
    /// Calls to the outside that have brought no answer yet, oldest first.
    ///
    /// One that is `given_up` waits for a person: `CALL.RETRY` has it tried again, `CALL.DROP` gives it up
    /// for good. Those and the dropped ones are kept. A page may be short, or empty, with a `next`.
    pub(crate) struct ListCalls {
        /// Only those behind this `next`.
        ["AFTER"] after: Option<Bounded<0, { i64::MAX }>>,
        /// Only those that are in this state.
        ["STATE"] state: Option<CallState>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

reply! {
    /// A try that has brought nothing.
    pub(crate) struct FailedTry {
        /// When that was known, in milliseconds since 1970.
        at_ms: u64,
        /// Why.
        why: CompactString,
    }
}

reply! {
    /// A call to the outside.
    pub(crate) struct CallInfo {
        /// Its id.
        id: RowId,
        /// What is sent as its idempotency key, with each of its tries.
        idempotency_key: CompactString,
        /// When it was made, in milliseconds since 1970.
        at_ms: u64,
        /// The service.
        service: CompactString,
        /// What of it.
        action: CompactString,
        /// What it is about.
        about: CompactString,
        /// Who is told what comes of it.
        key: CompactString,
        /// calling, resting, given_up or dropped.
        state: &'static str,
        /// Since when, in milliseconds since 1970.
        since_ms: u64,
        /// When it is tried again; null if that is not known.
        due_ms: Option<u64>,
        /// How often it was tried.
        tries: u64,
        /// What the last tries have brought, oldest first.
        history: Vec<FailedTry>,
    }
}

impl PageItem for CallInfo {
    type Place = u64;

    fn place(&self) -> u64 {
        self.id.number
    }
}

impl CallInfo {
    fn of(id: RowId, row: CallRow) -> Self {
        let failed = |Failed { at_ms, why }| FailedTry { at_ms, why };
        Self {
            idempotency_key: row.key.unwrap_or(id.number).to_compact_string(),
            id,
            at_ms: row.at_ms,
            service: row.service,
            action: row.action,
            about: row.about,
            key: row.answer_to.to().into(),
            state: row.state.word(),
            since_ms: row.since_ms,
            due_ms: row.due_ms,
            tries: u64::from(row.tries),
            history: row.history.into_iter().map(failed).collect(),
        }
    }
}

impl Scan for ListCalls {
    type Item = CallInfo;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[CALLS.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<CallInfo>, Never> {
        let after = self.after.map(Bounded::get);
        Ok(
            context.numbered_page(&CALLS, after, self.limit(), |slot, number, row| {
                let is_asked = self.state.is_none_or(|state| state == row.state);
                is_asked.then(|| CallInfo::of(RowId::new(slot, number), row))
            }),
        )
    }
}
