//! The flow of a SKU, which tells every change: what it adds up to, and what it tells of holds, adds
//! and returns, beside their rows.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tidegate_engine::contract::Books;

use super::Fault;
use super::holds::ending_of;
use super::rows::Rows;
use crate::archive::{FLOW_ARCHIVE, FlowSums};
use crate::table::{Change, Kind, Sku};

/// What the flow has told so far.
#[derive(Default)]
struct Told<'a> {
    total: i128,
    held: i128,
    sold: i128,
    /// How often the SKU was declared, restocked or written off.
    versions: u64,
    holds: u64,
    adds: u64,
    at_ms: u64,
    /// Changes before this time may not be kept: what they told is only known as sums.
    since_ms: u64,
    /// How each hold has ended, and when.
    ended: BTreeMap<&'a CompactString, (Kind, u64)>,
    /// Returns by id and quantity, with how often.
    returns: BTreeMap<(&'a CompactString, u64), i64>,
}

pub(super) fn check(books: &Books<'_>, sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    let left = rows.left.as_ref().map(|left| left.flow);
    let mut told = Told::after(left.unwrap_or_default());
    let changes = rows.flow_archived.iter().rev();
    changes.for_each(|(_, change)| told.take_back(change));
    let kept = rows.flow_archived.keys().next();
    let first = kept.map_or(sku.flow_left + 1, |(_, position)| *position);
    if first > 1 {
        told.since_ms = rows
            .flow_archived
            .values()
            .chain(rows.flow.values())
            .next()
            .map_or(u64::MAX, |change| change.at_ms);
    } else if !told.is_nothing() {
        fault(": what its flow begins with is not nothing".to_owned());
    }
    check_leaving(books, sku, rows, fault);
    let archived = rows.flow_archived.iter();
    let archived = archived.map(|((_, position), change)| (position, change));
    for ((position, change), due) in archived.chain(&rows.flow).zip(first..) {
        if *position != due {
            fault(format!(": flow {position}: {due} was due"));
            break;
        }
        let mut fault = |what: String| fault(format!(": flow {position}: {what}"));
        told.step(change, &mut fault);
        told.compare(change, rows, &mut fault);
    }
    if told.at_ms > books.clock_up_to_ms() {
        fault(format!(
            ": its flow goes up to {} ms, later than it is",
            told.at_ms
        ));
    }
    told.check_end(sku, rows, fault);
    told.check_holds(rows, fault);
    told.check_returns(rows, fault);
}

/// The flow that has left is what the SKU says, and what has not has one timer.
fn check_leaving(books: &Books<'_>, sku: &Sku, rows: &Rows, fault: Fault<'_>) {
    let says = sku.flow_left;
    let slice = rows.left.as_ref().and_then(|left| left.flow_slice);
    if slice.is_some() != (says > 0) {
        fault(format!(
            ": its flow has left up to {says}, and the last of it for {slice:?}"
        ));
    }
    let last = rows.flow_archived.keys().next_back();
    let last = last.map(|(_, position)| *position);
    let is_lost = last.is_none() && slice.is_some_and(|slice| books.keeps(&FLOW_ARCHIVE, slice));
    if is_lost || last.is_some_and(|last| last != says) {
        fault(format!(
            ": its flow has left up to {says}, the archive has {last:?}"
        ));
    }
    let due = (sku.flow_left < sku.changes).then_some(sku.flow_left + 1);
    let is_set_aside = rows.flow_leaving.is_empty()
        && due.is_some_and(|due| rows.set_aside.flow_leaving.contains(&due));
    if !rows.flow_leaving.iter().eq(&due) && !is_set_aside {
        let timers = &rows.flow_leaving;
        fault(format!(
            ": timers for its flow from {timers:?}, {due:?} was due"
        ));
    }
}

impl<'a> Told<'a> {
    /// What the changes that have left add up to.
    fn after(left: FlowSums) -> Self {
        Self {
            total: left.total.into(),
            held: left.held.into(),
            sold: left.sold.into(),
            versions: left.versions,
            holds: left.holds,
            adds: left.adds,
            ..Self::default()
        }
    }

    fn is_nothing(&self) -> bool {
        let units = [self.total, self.held, self.sold];
        units == [0; 3] && [self.versions, self.holds, self.adds] == [0; 3]
    }

    /// Goes back before a change.
    fn take_back(&mut self, change: &Change) {
        let units = i128::from(change.quantity);
        match change.kind {
            Kind::Set => self.total = i128::from(change.before) + self.held + self.sold,
            Kind::Add | Kind::Lend => self.total -= units,
            Kind::Hold => self.held -= units,
            Kind::Confirm => (self.held, self.sold) = (self.held + units, self.sold - units),
            Kind::Release | Kind::Expire => self.held += units,
            Kind::Return => self.sold += units,
        }
        let is = |kind: Kind| u64::from(change.kind == kind);
        let (sets, adds) = (is(Kind::Set), is(Kind::Add));
        self.versions = self.versions.saturating_sub(sets + adds);
        self.holds = self.holds.saturating_sub(is(Kind::Hold));
        self.adds = self.adds.saturating_sub(adds);
    }

    fn available(&self) -> i128 {
        self.total - self.held - self.sold
    }

    /// One change more, which must begin where the last one ended, and end as its kind says.
    fn step(&mut self, change: &'a Change, fault: Fault<'_>) {
        let Change {
            kind,
            id,
            quantity,
            before,
            after,
            at_ms,
        } = change;
        let units = i128::from(*quantity);
        if i128::from(*before) != self.available() {
            fault(format!("begins at {before}; {} was due", self.available()));
        }
        match kind {
            Kind::Set => self.total = units,
            Kind::Add | Kind::Lend => self.total += units,
            Kind::Hold => self.held += units,
            Kind::Confirm => (self.held, self.sold) = (self.held - units, self.sold + units),
            Kind::Release | Kind::Expire => self.held -= units,
            Kind::Return => self.sold -= units,
        }
        if i128::from(*after) != self.available() {
            let due = self.available();
            let what = kind.word();
            fault(format!("{what} {quantity} ends at {after}; {due} was due"));
        }
        if *at_ms < self.at_ms {
            fault("is earlier than the one before".to_owned());
        }
        self.at_ms = self.at_ms.max(*at_ms);
        match kind {
            Kind::Set => self.versions += 1,
            Kind::Add => (self.versions, self.adds) = (self.versions + 1, self.adds + 1),
            Kind::Hold => self.holds += 1,
            Kind::Lend => {}
            Kind::Confirm | Kind::Release | Kind::Expire => {
                if self.ended.insert(id, (*kind, *at_ms)).is_some() {
                    fault(format!("the hold {id} ends a second time"));
                }
            }
            Kind::Return => {
                let key = (id, quantity.unsigned_abs());
                *self.returns.entry(key).or_default() += 1;
            }
        }
    }

    /// What a change tells of a hold or an add, beside its row.
    fn compare(&self, change: &Change, rows: &Rows, fault: Fault<'_>) {
        let Change {
            id,
            quantity,
            at_ms,
            kind,
            ..
        } = change;
        let of_hold = rows.holds.get(id).map(|hold| {
            let is_then = hold.created_at_ms == *at_ms || rows.dropped.contains(id);
            let is_first = hold.position == self.holds && is_then;
            (hold.quantity.cast_signed() == *quantity, is_first)
        });
        let is_told = match kind {
            Kind::Set | Kind::Lend => id.is_empty(),
            // What a split SKU had in all its flow does not say: it is that of a shard.
            Kind::Add => rows.adds.get(id).is_some_and(|added| {
                let is_total = i128::from(added.total) == self.total;
                added.delta == *quantity && (is_total || rows.is_split())
            }),
            Kind::Hold => of_hold == Some((true, true)),
            Kind::Confirm | Kind::Release | Kind::Expire => of_hold.is_some_and(|(same, _)| same),
            Kind::Return => true,
        };
        if !is_told {
            let what = kind.word();
            fault(format!("{what} {id} {quantity} is not what its row says"));
        }
    }

    fn check_end(&self, sku: &Sku, rows: &Rows, fault: Fault<'_>) {
        let changes = sku.flow_left + rows.flow.len() as u64;
        let adds = rows.adds.len() as u64;
        for (what, says, told) in [
            ("units", sku.total, self.total),
            ("held", sku.held, self.held),
            ("sold", sku.sold, self.sold),
            ("changes", sku.changes, changes.into()),
            ("holds", sku.holds, self.holds.into()),
            ("as version", sku.version, self.versions.into()),
            ("adds", adds, self.adds.into()),
        ] {
            if i128::from(says) != told {
                fault(format!(": {says} {what}, the flow ends with {told}"));
            }
        }
        if (sku.version == 0) != sku.is_lent() {
            fault(": nothing has declared it".to_owned());
        }
    }

    fn check_holds(&self, rows: &Rows, fault: Fault<'_>) {
        for (id, hold) in &rows.holds {
            let first = hold.steps.first().map(|step| step.at_ms);
            let ended = ending_of(hold.state).zip(first);
            let told = self.ended.get(id).copied();
            let is_untold = told.is_none() && first.is_none_or(|at_ms| at_ms <= self.since_ms);
            let is_so = if rows.dropped.contains(id) {
                is_untold || told.map(|(kind, _)| kind) == ending_of(hold.state)
            } else {
                ended == told || is_untold && self.since_ms > 0
            };
            if !is_so {
                fault(format!(
                    " hold {id}: in state {:?} since {first:?}, the flow says {told:?}",
                    hold.state
                ));
            }
        }
    }

    fn check_returns(&self, rows: &Rows, fault: Fault<'_>) {
        let mut told = self.returns.clone();
        for ((_, id), quantity) in &rows.returns {
            *told.entry((id, *quantity)).or_default() -= 1;
        }
        let is_cut = self.since_ms > 0;
        let untold = |more: i64| more == 0 || is_cut && more < 0;
        for ((id, quantity), more) in told.into_iter().filter(|(_, more)| !untold(*more)) {
            let who = if more > 0 { "flow" } else { "returns" };
            fault(format!(
                ": return {id} of {quantity}: only the {who} tell of it"
            ));
        }
    }
}
