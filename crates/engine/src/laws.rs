//! What the engine's own rows tell about themselves, recomputed by an audit.
//!
//! Laws, over the rows of one slot:
//! 1. A timer is one that some domain has declared, among the idle ones or the others as it says.
//! 2. What is numbered by an id has one of this partition, minted by now.
//! 3. An event is one that some domain has declared; it, and a dead letter, is as old as its number.
//!    It is about a key of its slot, and none of its kind was dropped there after it.
//! 4. A letter is of a kind that some domain takes in, and is one of that kind.
//! 5. A mark of receipt is of a partition that there is, and of an id which that one has minted.
//! 6. What is said to be dropped is of an archive, under slot 0.
//! 7. A dead letter is a known timer or kind of mail, and lies in the slot in which it would have run.
//!    It came into its state since, unless it waits as at first, and its replay is due just while it is
//!    being replayed.
//! 8. What comes of a call goes to a known kind of mail and a key of this slot. It rests just while its next
//!    try is due, its history is of its tries, and it has no more of them than it may.
//! 9. A key that is split lies in this slot, has as many shards as it may, and its domain says so too.
//!
//! What no row tells: that an event, a floor of events, a mark of receipt, an acknowledged letter or
//! a dead letter is missing. That a word of what is dropped is missing the domain tells, which misses
//! rows then. Whether a timer is due to somebody is for the domain to say.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::archive::{DROPPED, dropped_key};
use crate::contract::{Audit, Books, Domain, MailDef, Timer};
use crate::courier::{CALLS, CallRow, CallState, NEXT_TRY};
use crate::dead::{DEAD, DeadRow, DeadState, REPLAY};
use crate::event::{EVENTS, FLOORS, Floors};
use crate::ids;
use crate::key::{PartitionId, RowKey, Slot};
use crate::limits::{CALL_HISTORY_MAX, ID_AHEAD_MS, SHARDS_MAX};
use crate::mail::{OUTBOX, RECEIVED};
use crate::splits::{SPLITS, Split};
use crate::table::TableDef;
use crate::timer::{Due, IDLE_TIMERS, TIMERS};

/// Checks these laws over the rows of one slot.
pub(crate) fn audit(books: &Books<'_>) -> Audit {
    let mut laws = Laws {
        books,
        audit: Audit::default(),
    };
    laws.timers();
    laws.dropped();
    laws.events();
    laws.floors();
    laws.letters();
    laws.received();
    laws.dead();
    laws.calls();
    laws.splits();
    laws.audit
}

struct Laws<'a> {
    books: &'a Books<'a>,
    audit: Audit,
}

impl<'a> Laws<'a> {
    fn fault(&mut self, of: &str, which: impl Display, what: impl Display) {
        let slot = self.books.slot.0;
        self.audit
            .faults
            .push(format!("{of} {which} of slot {slot}: {what}"));
    }

    fn domains(&self) -> impl Iterator<Item = &'a Domain> + use<'a> {
        self.books.known.domains.iter()
    }

    fn mail(&self, kind: u16) -> Option<&'a MailDef> {
        let mut kinds = self.domains().flat_map(|domain| domain.takes);
        kinds.find(|mail| mail.id == kind)
    }

    fn timer(&self, kind: u16) -> Option<&'a Timer> {
        let mut timers = self.domains().flat_map(|domain| domain.timers);
        timers.find(|timer| timer.id == kind)
    }

    /// Tells if this is no id that a partition has minted by now.
    fn check_id(&mut self, of: &str, which: u64, id: u64, partition: PartitionId) {
        if ids::partition_of(id) != partition {
            self.fault(
                of,
                which,
                format!("{id} is no id of partition {}", partition.0),
            );
        }
        let latest_ms = self.books.clock_up_to_ms() + ID_AHEAD_MS;
        if ids::ms_of(id).is_none_or(|ms| ms > latest_ms) {
            self.fault(
                of,
                which,
                format!("{id} is an id of a time that has not come"),
            );
        }
    }

    /// Tells if what has this number did not happen when it was minted.
    fn check_age(&mut self, of: &str, number: u64, at_ms: u64) {
        let minted_ms = ids::ms_of(number).unwrap_or_default();
        let is_near = minted_ms
            .checked_sub(at_ms)
            .is_some_and(|ahead_ms| ahead_ms <= ID_AHEAD_MS);
        if !is_near {
            let what = format!("of {at_ms} ms, its number of {minted_ms}");
            self.fault(of, number, what);
        }
    }

    /// The number that is the whole key of a row; tells if there is none.
    fn number(&mut self, of: &str, key: &RowKey) -> Option<u64> {
        let mut parts = key.parts();
        let number = parts.number().filter(|_| parts.rest().is_empty());
        if number.is_none() {
            let key = key.parts().rest().escape_ascii();
            self.fault(of, key, "that is no number");
        }
        number
    }

    fn timers(&mut self) {
        for (table, is_idle) in [(&TIMERS, false), (&IDLE_TIMERS, true)] {
            for (key, _) in self.books.rows(table) {
                let kind = Due::of(key.clone()).map(|due| due.timer);
                let timer = kind.and_then(|kind| self.timer(kind));
                if timer.is_none_or(|timer| timer.is_idle != is_idle) {
                    let key = key.parts().rest().escape_ascii();
                    self.fault("timer", key, "no structure has such a timer");
                }
            }
        }
    }

    fn dropped(&mut self) {
        for (key, _) in self.books.rows(&DROPPED) {
            let mut tables = self.domains().flat_map(|domain| domain.tables);
            let is_of = |def: &TableDef| dropped_key(def.id) == key;
            if !tables.any(|def| def.retention.is_some() && is_of(def)) {
                let key = key.parts().rest().escape_ascii();
                self.fault("dropped slices", key, "no structure has such an archive");
            }
        }
    }

    fn splits(&mut self) {
        for (key, Split { of }) in self.books.rows(&SPLITS) {
            let mut parts = key.parts();
            let split = parts.byte().zip(parts.text());
            let split = split.filter(|_| parts.rest().is_empty());
            let is_here = split.is_some_and(|(_, key)| Slot::of(key.as_bytes()) == self.books.slot);
            if let Some((domain, key)) = split {
                self.audit.knows_split(domain, key, of);
            }
            if !is_here || !(2..=SHARDS_MAX).contains(&of) {
                let key = key.parts().rest().escape_ascii();
                self.fault("split key", key, format!("{of} shards of it make no sense"));
            }
        }
    }

    fn events(&mut self) {
        let floors = Floors::of(self.books.rows(&FLOORS).iter());
        for (key, event) in self.books.rows(&EVENTS) {
            let Some(number) = self.number("event", &key) else {
                continue;
            };
            self.check_id("event", number, number, self.books.known.partition);
            self.check_age("event", number, event.at_ms);
            let (domain, name, about) = (&event.domain, &event.name, &event.key);
            if !self.has_event(domain, name) {
                self.fault("event", number, format!("no structure tells of {name}"));
            }
            if Slot::of(about.as_bytes()) != self.books.slot {
                self.fault("event", number, format!("{about} is of another slot"));
            }
            if floors.get(domain, name) >= Some(number) {
                self.fault("event", number, format!("a later {name} was dropped"));
            }
        }
    }

    fn floors(&mut self) {
        for (key, floor) in self.books.rows(&FLOORS) {
            let mut parts = key.parts();
            let kind = parts.text().zip(parts.text());
            let kind = kind.filter(|_| parts.rest().is_empty());
            let of = "floor of events";
            if !kind.is_some_and(|(domain, name)| self.has_event(domain, name)) {
                let kind = key.parts().rest().escape_ascii();
                self.fault(of, kind, "no structure tells of such");
            }
            self.check_id(of, floor.number, floor.number, self.books.known.partition);
        }
    }

    /// Rows of before events told their domains have none.
    fn has_event(&self, domain: &str, name: &str) -> bool {
        let mut declared = self.domains().flat_map(|domain| domain.events);
        declared.any(|def| def.name == name && (domain.is_empty() || def.domain == domain))
    }

    fn letters(&mut self) {
        for (key, letter) in self.books.rows(&OUTBOX) {
            let Some(number) = self.number("letter", &key) else {
                continue;
            };
            self.check_id("letter", number, number, self.books.known.partition);
            let mail = self.mail(letter.mail);
            if !mail.is_some_and(|mail| (mail.is_letter)(&letter.body)) {
                let what = format!("it is none of kind {:#x}", letter.mail);
                self.fault("letter", number, what);
            }
        }
    }

    fn received(&mut self) {
        for (key, received) in self.books.rows(&RECEIVED) {
            let Some(sender) = self.number("mark of receipt", &key) else {
                continue;
            };
            let id = u16::try_from(sender).map(PartitionId).ok();
            match id.filter(|id| id.0 < self.books.known.partitions) {
                Some(id) => self.check_id("mark of receipt", sender, received.number, id),
                None => self.fault("mark of receipt", sender, "there is no such partition"),
            }
        }
    }

    fn calls(&mut self) {
        let mut due = self.due(NEXT_TRY.id);
        for (key, call) in self.books.rows(&CALLS) {
            let Some(number) = self.number("call", &key) else {
                continue;
            };
            self.check_id("call", number, number, self.books.known.partition);
            self.check_age("call", number, call.at_ms);
            self.check_call(number, &call, due.remove(&number));
        }
        for number in due.into_keys() {
            self.fault("next try", number, "there is no such call");
        }
    }

    fn check_call(&mut self, number: u64, call: &CallRow, next_ms: Option<u64>) {
        let to = &call.answer_to;
        let is_here = Slot::of(to.to().as_bytes()) == self.books.slot;
        if !is_here || self.mail(to.mail()).is_none() {
            let what = "what comes of it goes to nobody of this slot";
            self.fault("call", number, what);
        }
        let rests = call.state == CallState::Resting;
        if rests != next_ms.is_some() || call.due_ms != next_ms {
            let word = call.state.word();
            let what = format!("it is {word}, and its next try is due at {next_ms:?} ms");
            self.fault("call", number, what);
        }
        // The last try of a call that is being made is under way.
        let failed = match call.state {
            CallState::Calling => call.tries.saturating_sub(1),
            CallState::Resting | CallState::GivenUp | CallState::Dropped => call.tries,
        };
        let remembered = usize::try_from(failed).map(|failed| failed.min(CALL_HISTORY_MAX));
        let times = call.history.iter().map(|failed| failed.at_ms);
        let is_in_order = times.clone().is_sorted() && times.clone().all(|at| at >= call.at_ms);
        let is_since = (call.at_ms..=self.books.clock_up_to_ms()).contains(&call.since_ms)
            && times.max().is_none_or(|at| at <= call.since_ms);
        if remembered != Ok(call.history.len())
            || call.tries <= call.tries_before
            || call.tries - call.tries_before > call.patience.tries_max.max(1)
            || !is_in_order
            || !is_since
        {
            let what = format!("its history is not that of {} tries", call.tries);
            self.fault("call", number, what);
        }
    }

    fn dead(&mut self) {
        let mut replays = self.due(REPLAY.id);
        for (key, dead) in self.books.rows(&DEAD) {
            let Some(number) = self.number("dead letter", &key) else {
                continue;
            };
            self.check_id("dead letter", number, number, self.books.known.partition);
            self.check_age("dead letter", number, dead.at_ms);
            if !self.is_dead_letter(&dead) {
                let what = format!("it is none of kind {:#x} that would run here", dead.kind);
                self.fault("dead letter", number, what);
            }
            self.check_state(number, &dead, replays.remove(&number).is_some());
        }
        for number in replays.into_keys() {
            self.fault("replay", number, "nothing was set aside under this number");
        }
    }

    /// The timers of a kind of the engine's own: for which number each is due, and when.
    fn due(&self, timer: u16) -> BTreeMap<u64, u64> {
        let due = self.books.rows(&TIMERS);
        let due = due.into_iter().filter_map(|(key, _)| Due::of(key));
        let of_kind = due.filter(|due| due.timer == timer);
        of_kind
            .filter_map(|due| Some((due.owner().number()?, due.due_ms())))
            .collect()
    }

    fn check_state(&mut self, number: u64, dead: &DeadRow, is_due: bool) {
        let state = dead.state;
        if is_due != (state == DeadState::Replaying) {
            let not = if is_due { "" } else { "not " };
            let what = format!("it is {}, and its replay is {not}due", state.word());
            self.fault("dead letter", number, what);
        }
        let is_as_at_first = state == DeadState::Waiting && dead.replays == 0;
        let has_been_replayed = matches!(state, DeadState::Replaying | DeadState::Replayed);
        let latest_ms = self.books.clock_up_to_ms();
        let changed = dead.changed_ms;
        let is_since = changed.is_none_or(|ms| (dead.at_ms..=latest_ms).contains(&ms));
        if changed.is_none() != is_as_at_first
            || !is_since
            || has_been_replayed && dead.replays == 0
        {
            let (word, replays) = (state.word(), dead.replays);
            let since_ms = changed.unwrap_or(dead.at_ms);
            let what = format!("it cannot be {word} since {since_ms} ms, after {replays} replays");
            self.fault("dead letter", number, what);
        }
    }

    fn is_dead_letter(&self, dead: &DeadRow) -> bool {
        if !dead.is_letter {
            let is_timer = dead.kind != REPLAY.id && self.timer(dead.kind).is_some();
            return is_timer && dead.body.is_empty();
        }
        let is_here = Slot::of(&dead.key) == self.books.slot;
        let mail = self.mail(dead.kind);
        is_here && mail.is_some_and(|mail| (mail.is_letter)(&dead.body))
    }
}
