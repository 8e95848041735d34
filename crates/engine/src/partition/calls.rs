//! Calls: what the courier reports of them, and which are under way at a start.

use minicbor::bytes::ByteVec;

use super::state::Done;
use super::{Later, Partition, of_slots};
use crate::base::BaseError;
use crate::contract::{Call, Class};
use crate::courier::{
    CALLS, CallEnd, CallRow, CallState, End, NEXT_TRY, Report, Reported, next_try_ms,
};
use crate::dead::DeadRow;
use crate::gate::Answers;
use crate::key::{RowKey, Slot};
use crate::limits::{CALLS_MAX, OPEN_SHARE_PERCENT};
use crate::mail::Post;
use crate::running::Running;
use crate::strikes::Identity;
use crate::tables::Snapshot;
use crate::tx::Tx;

/// The calls of some slots that are under way.
pub(super) fn under_way(
    rows: &Snapshot,
    slots: &[Slot],
) -> Result<Vec<(RowKey, CallRow)>, BaseError> {
    let mut calls = of_slots(rows, &CALLS, slots)?;
    calls.retain(|(_, row)| matches!(row.state, CallState::Calling | CallState::Resting));
    calls.sort_by_key(|(key, _)| super::number_of(key));
    Ok(calls)
}

/// The try that the courier was making, once more.
pub(super) fn again((key, row): (RowKey, CallRow)) -> Option<Post> {
    let is_calling = row.state == CallState::Calling;
    is_calling.then(|| Post::Try(row.as_try(super::number_of(&key), key.slot())))
}

impl Partition {
    /// Whether a command of this class finds room for what it may call.
    pub(super) fn has_room_for_calls(&self, class: Class, call: &dyn Call) -> bool {
        let calls = call.calls();
        calls == 0 || calls <= self.room_for_calls(class)
    }

    /// How many more calls there is room for.
    pub(super) fn room_for_calls(&self, class: Class) -> usize {
        let percent = match class {
            Class::Opens => OPEN_SHARE_PERCENT,
            Class::Finishes | Class::Reads => 100,
        };
        (CALLS_MAX * percent / 100).saturating_sub(self.calls)
    }

    /// Takes in what a try has brought, unless the call has ended or goes on without it.
    pub(super) fn take_report(
        &mut self,
        slot: Slot,
        reported: &Reported,
        now_ms: u64,
        weight: usize,
        answers: &mut Answers,
    ) -> Result<usize, Later> {
        let number = reported.number;
        let mut tx = self.state.begin(self.id, slot, now_ms);
        let found = tx.get(&CALLS, number);
        let found = found.map_err(|missing| Later::Fetched(vec![missing]))?;
        let awaits = |row: &CallRow| row.state == CallState::Calling && row.tries == reported.nth;
        let Some(row) = found.filter(awaits) else {
            return Ok(0);
        };
        let kind = row.answer_to.mail();
        self.ledger_of(kind);
        let mut tx = self.state.begin(self.id, slot, now_ms);
        let Some((end, is_kept)) = end_of(&mut tx, number, row.clone(), &reported.report) else {
            let done = Done::of(tx);
            return self.keep(slot, (Ok(()), done), weight, answers);
        };
        tx.calls.ended += 1;
        if !is_kept {
            tx.remove(&CALLS, number);
        }
        let mail = self.handlers.mails.get(&kind).copied();
        let mail = mail.expect("because who calls takes in what comes of it");
        Running::begin(mail.name, row.answer_to.to().as_bytes(), self.id, self.lsn);
        let identity = Identity::of_letter(number);
        let is_set_aside = self.handlers.sets_aside(&identity);
        Running::comes_again(identity);
        let to = row.answer_to.to();
        let body = ByteVec::from(encoded(&row.ended(number, end)));
        let taken = if is_set_aside {
            tx.set_aside(DeadRow::letter(now_ms, kind, to, &body));
            Ok(())
        } else {
            (mail.take_in)(&body, to, &mut tx)
        };
        let done = Done::of(tx);
        if let Err(missing) = taken {
            self.state.tables.undo();
            let at = (slot, now_ms);
            let missing = self.all_missing(at, missing, |reads| (mail.reads)(&body, to, reads));
            return Err(Later::Fetched(missing));
        }
        self.keep(slot, (taken, done), weight, answers)
    }

    fn ledger_of(&mut self, kind: u16) {
        let domain = self.handlers.domain_of(kind);
        self.work_for(domain);
    }
}

fn encoded(end: &CallEnd) -> Vec<u8> {
    minicbor::to_vec(end).expect("because writing to memory does not fail")
}

/// How a call ends by what was reported, and whether its row stays; `None` if it is tried again.
fn end_of(tx: &mut Tx<'_>, number: u64, mut row: CallRow, report: &Report) -> Option<(End, bool)> {
    let (why, retry_after_ms) = match report {
        Report::Answer(said) => return Some((End::Answered(said.clone()), false)),
        Report::Nothing {
            why,
            retry_after_ms,
        } => (why, *retry_after_ms),
    };
    let now_ms = tx.now_ms();
    row.note_failure(why, now_ms);
    let tries = row.tries - row.tries_before;
    let due_ms = now_ms + next_try_ms(number, tries, retry_after_ms);
    if tries < row.patience.tries_max && due_ms < row.patience.until_ms {
        row.turn(CallState::Resting, now_ms);
        row.due_ms = Some(due_ms);
        tx.wake_at(&NEXT_TRY, due_ms, number);
        tx.put(&CALLS, number, row);
        return None;
    }
    let is_kept = row.patience.is_kept;
    if is_kept {
        row.turn(CallState::GivenUp, now_ms);
        tx.put(&CALLS, number, row);
    }
    Some((End::GivenUp, is_kept))
}
