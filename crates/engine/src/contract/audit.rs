//! What an audit reads, and what it finds.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use compact_str::{CompactString, format_compact};
use minicbor::bytes::ByteVec;

use crate::archive::Slice;
use crate::contract::{Domain, Mail, MailDef, Timer};
use crate::courier::{CALLS, CallEnd, CallRow};
use crate::dead::{DEAD, DeadRow, DeadState};
use crate::key::{KeyReader, PartitionId, RowKey, Slot};
use crate::mail::{OUTBOX, Sent};
use crate::row::Row;
use crate::table::Table;
use crate::tables::Snapshot;
use crate::timer::Due;

/// All rows of one slot, for an audit. A transaction touches one slot only, and so does a law, but for
/// what slots tell each other by mail ([`Audit::needs`]).
pub struct Books<'a> {
    pub(crate) rows: &'a Snapshot,
    pub(crate) slot: Slot,
    /// The tables that have rows of it: few of all, and the others need not be looked into.
    pub(crate) filled: BTreeSet<u16>,
    pub(crate) known: &'a Known<'a>,
    /// Letters, once somebody has asked for some.
    pub(crate) letters: OnceCell<Vec<AnyLetter>>,
}

/// A letter of any kind.
pub(crate) struct AnyLetter {
    kind: u16,
    to: CompactString,
    body: ByteVec,
}

impl AnyLetter {
    fn set_aside(dead: DeadRow) -> Self {
        Self {
            kind: dead.kind,
            to: CompactString::from_utf8_lossy(&dead.key),
            body: dead.body,
        }
    }
}

/// What an audit knows beside the rows of a partition.
pub(crate) struct Known<'a> {
    /// All domains, the engine's own among them.
    pub(crate) domains: &'a [Domain],
    pub(crate) partition: PartitionId,
    /// How many partitions there are.
    pub(crate) partitions: u16,
    /// The last promise of time.
    pub(crate) clock_up_to_ms: u64,
}

/// A timer that is set.
pub struct TimerSet(Due);

impl TimerSet {
    /// When it is due.
    #[must_use]
    pub fn due_ms(&self) -> u64 {
        self.0.key.parts().number().unwrap_or_default()
    }

    /// The parts that it was set with.
    #[must_use]
    pub fn owner(&self) -> KeyReader<'_> {
        self.0.owner()
    }

    /// The key of its row.
    #[must_use]
    pub fn key(&self) -> &RowKey {
        &self.0.key
    }
}

/// A timer that was set aside.
pub struct TimerSetAside(DeadRow);

impl TimerSetAside {
    /// The parts that it was set with.
    #[must_use]
    pub fn owner(&self) -> KeyReader<'_> {
        KeyReader::new(&self.0.key)
    }
}

/// A call that is under way, or whose end was set aside and has not been taken in since.
pub struct CallUnderWay {
    /// The key that is told what comes of it.
    pub to: CompactString,
    /// What comes back with it.
    pub note: ByteVec,
    /// What of which service it asks, and about what; not known any more once it was set aside.
    pub asks: Option<CallAsks>,
}

/// What a call asks.
pub struct CallAsks {
    /// Which service.
    pub service: CompactString,
    /// What of it.
    pub action: CompactString,
    /// What it is about.
    pub about: CompactString,
}

impl CallUnderWay {
    fn of(row: CallRow) -> Self {
        Self {
            to: row.answer_to.to().into(),
            note: row.note,
            asks: Some(CallAsks {
                service: row.service,
                action: row.action,
                about: row.about,
            }),
        }
    }

    fn set_aside(dead: &DeadRow) -> Option<Self> {
        let end: CallEnd = minicbor::decode(&dead.body).ok()?;
        Some(Self {
            to: std::str::from_utf8(&dead.key).ok()?.into(),
            note: end.note,
            asks: None,
        })
    }
}

impl Books<'_> {
    /// Every row of a table, in the order of their keys.
    pub fn rows<R: Row>(&self, table: &Table<R>) -> Vec<(RowKey, R)> {
        self.each(table).collect()
    }

    /// The same, one after the other: for a table that may be larger than memory.
    pub fn each<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R> {
        let slot = self.slot.0.to_be_bytes();
        let is_filled = self.filled.contains(&table.id());
        let rows = is_filled.then(|| self.rows.range(table, &slot, &slot));
        rows.into_iter().flatten()
    }

    /// Whether a slice of an archive is kept: else its rows are not there.
    #[must_use]
    pub fn keeps<R: Row>(&self, archive: &Table<R>, slice: Slice) -> bool {
        *self.rows.slices(archive).start() <= slice
    }

    /// Every timer of a kind that is set, by due time.
    #[must_use]
    pub fn timers(&self, timer: &Timer) -> Vec<TimerSet> {
        let rows = self.rows(timer.table()).into_iter();
        let set = rows.filter_map(|(key, _)| Due::of(key));
        let of_kind = set.filter(|due| due.timer == timer.id);
        of_kind.map(TimerSet).collect()
    }

    /// Every timer of a kind that was set aside, and has not run since.
    #[must_use]
    pub fn timers_set_aside(&self, timer: &Timer) -> Vec<TimerSetAside> {
        let dead = self.rows(&DEAD).into_iter().map(|(_, dead)| dead);
        let of_kind = dead.filter(|dead| !dead.is_letter && dead.kind == timer.id);
        let has_not_run = of_kind.filter(|dead| dead.state != DeadState::Replayed);
        has_not_run.map(TimerSetAside).collect()
    }

    /// Every letter of a kind that is on its way from this slot, or was set aside in it and has not been
    /// taken in since. One of the former may have been taken in just now.
    #[must_use]
    pub fn letters<M: Mail>(&self) -> Vec<M> {
        let letters = self.letters_to().into_iter();
        letters.map(|(_, letter)| letter).collect()
    }

    /// The same, each with the key to which it goes.
    #[must_use]
    pub fn letters_to<M: Mail>(&self) -> Vec<(CompactString, M)> {
        let kind = MailDef::of::<M>().id;
        let letters = self.letters.get_or_init(|| self.all_letters());
        let of_kind = letters.iter().filter(|letter| letter.kind == kind);
        // One that says something else the engine's own laws tell of.
        let read = of_kind.filter_map(|letter| {
            let said = minicbor::decode(&letter.body).ok()?;
            Some((letter.to.clone(), said))
        });
        read.collect()
    }

    /// Every call under way whose end goes to a kind of mail.
    #[must_use]
    pub fn calls<M: Mail>(&self) -> Vec<CallUnderWay> {
        let kind = MailDef::of::<M>().id;
        let calls = self.rows(&CALLS).into_iter().map(|(_, call)| call);
        let calls = calls.filter(|call| call.answer_to.mail() == kind && call.is_under_way());
        let dead = self.rows(&DEAD).into_iter().map(|(_, dead)| dead);
        let dead = dead.filter(|dead| dead.is_letter && dead.kind == kind);
        let dead = dead.filter(|dead| dead.state != DeadState::Replayed);
        let set_aside = dead.filter_map(|dead| CallUnderWay::set_aside(&dead));
        calls.map(CallUnderWay::of).chain(set_aside).collect()
    }

    fn all_letters(&self) -> Vec<AnyLetter> {
        let sent = self.rows(&OUTBOX).into_iter();
        let sent = sent.map(|(_, Sent { mail, to, body })| AnyLetter {
            kind: mail,
            to,
            body,
        });
        let dead = self.rows(&DEAD).into_iter().map(|(_, dead)| dead);
        let dead = dead.filter(|dead| dead.is_letter && dead.state != DeadState::Replayed);
        sent.chain(dead.map(AnyLetter::set_aside)).collect()
    }

    /// Whether what is about this key lies in this slot.
    #[must_use]
    pub fn is_home_of(&self, key: &str) -> bool {
        Slot::of(key.as_bytes()) == self.slot
    }

    /// No moment behind this one has been used, in milliseconds since 1970.
    #[must_use]
    pub fn clock_up_to_ms(&self) -> u64 {
        self.known.clock_up_to_ms
    }
}

/// A total that an audit computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What was added up.
    pub name: &'static str,
    /// The sum.
    pub value: i64,
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Totals over the rows.
    pub figures: Vec<Figure>,
    /// Each law broken, with the key that breaks it.
    pub faults: Vec<String>,
    /// What this slot says that some slot has, and who says it.
    pub(super) needs: BTreeMap<CompactString, String>,
    /// What this slot has that others may need.
    pub(super) has: BTreeSet<CompactString>,
}

impl Audit {
    /// A domain has a key that is split into so many shards, as the engine is to know; and the engine the other way
    /// round.
    pub fn is_split(&mut self, domain: u8, key: &str, of: u16, who: impl FnOnce() -> String) {
        self.has(format_compact!("{domain}/{key} in {of} shards"));
        self.needs(
            format_compact!("the split of {domain}/{key} into {of}"),
            who,
        );
    }

    /// The engine knows that a key is split.
    pub(crate) fn knows_split(&mut self, domain: u8, key: &str, of: u16) {
        self.has(format_compact!("the split of {domain}/{key} into {of}"));
        let who = || format!("split of {domain}/{key}");
        self.needs(format_compact!("{domain}/{key} in {of} shards"), who);
    }

    /// Adds to a total.
    pub fn add(&mut self, name: &'static str, value: i64) {
        match self.figures.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.value += value,
            None => self.figures.push(Figure { name, value }),
        }
    }

    /// A row here says that something of this name is there, in whatever slot: [`Audit::has`] it.
    pub fn needs(&mut self, name: CompactString, who: impl FnOnce() -> String) {
        self.needs.entry(name).or_insert_with(who);
    }

    /// Something of this name is here.
    pub fn has(&mut self, name: CompactString) {
        self.has.insert(name);
    }

    /// Adds the totals and faults of another audit, all of whose needs were looked for.
    pub(crate) fn absorb(&mut self, other: Self) {
        for figure in other.figures {
            self.add(figure.name, figure.value);
        }
        self.faults.extend(other.faults);
    }
}
