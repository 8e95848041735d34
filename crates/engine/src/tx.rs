//! A transaction: what one command reads, writes, schedules and emits; all or nothing.

use std::borrow::Borrow;
use std::sync::Arc;

use compact_str::CompactString;

use crate::archive::Slice;
use crate::contract::{Event, Mail, Timer};
use crate::courier::{CALLS, Call, CallRow, CallState, NEXT_TRY, Try};
use crate::dead::{DEAD, DeadRow};
use crate::edge::{Flag, Raised, Told};
use crate::effect;
use crate::event::{self, EventRow};
use crate::ids::Minter;
use crate::inbox::Turn;
use crate::key::{KeyParts, PartitionId, Slot, write_key};
use crate::limits::{CALL_BYTES_MAX, EVENT_BYTES_MAX, LETTER_BYTES_MAX, LETTER_HEAD_BYTES};
use crate::made::Made;
use crate::mail::{Address, Letter, OUTBOX, Sent};
use crate::random::Entropy;
use crate::row::{Nothing, Row, RowsRead};
use crate::settings::Settings;
use crate::splits::{SPLITS, Split, Splits};
use crate::stream::{Emitted, ToldEvent};
use crate::table::{Missing, Table};
use crate::tables::Tables;
use crate::tally::CountDef;

/// Why a command did not come to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop<R> {
    /// The domain refuses.
    Refused(R),
    /// A row has to be fetched; the command runs again then.
    Missing(Missing),
    /// What it did is kept, and what came of it is not known yet. It runs again once its key is told
    /// ([`Tx::tell`]), and a last time when its time is over ([`Tx::is_last_run`]).
    Wait,
    /// There is no room for it, as there is none at the door: ask again. Leaves no trace.
    Busy,
}

impl<R: crate::contract::Refuse> From<R> for Stop<R> {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal)
    }
}

impl<R> From<Missing> for Stop<R> {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

/// Memory does not know whether there is such a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// The rows a command says it will read.
pub struct Reads<'a> {
    pub(crate) slot: Slot,
    pub(crate) now_ms: u64,
    pub(crate) tables: &'a mut Tables,
    pub(crate) scratch: &'a mut Vec<u8>,
    /// Those that memory does not know.
    pub(crate) missing: &'a mut Vec<Missing>,
    pub(crate) splits: &'a Splits,
    pub(crate) place: u16,
}

impl<'a> Reads<'a> {
    /// Engine time in milliseconds since 1970, as the command or timer had it that found a row missing: it will be
    /// about as late when that runs again.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The number of the place in which a command looks that has several ([`crate::Place`]).
    #[must_use]
    pub fn place(&self) -> u16 {
        self.place
    }

    /// The slot in which it reads.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// All keys that are split.
    #[must_use]
    pub fn splits(&self) -> &'a Splits {
        self.splits
    }

    /// Names a row, and gives it if memory has it: what it says may name further ones.
    pub fn get<R: Row>(&mut self, table: &Table<R>, parts: impl KeyParts) -> Option<R> {
        self.find(table, parts).unwrap_or_default()
    }

    /// Names a row, and gives it, or that there is none.
    ///
    /// # Errors
    /// Memory does not know. What it would say may be guessed.
    pub fn find<R: Row>(
        &mut self,
        table: &Table<R>,
        parts: impl KeyParts,
    ) -> Result<Option<R>, Unknown> {
        debug_assert!(
            !table.is_archive(),
            "rows of archives are dropped with time"
        );
        write_key(self.scratch, self.slot, &parts);
        self.tables.get(table, self.scratch).map_err(|()| {
            self.missing.push(Missing::of(table.id(), self.scratch));
            Unknown
        })
    }

    /// Names a row.
    pub fn row<R: Row>(&mut self, table: &Table<R>, parts: impl KeyParts) {
        write_key(self.scratch, self.slot, &parts);
        if !self.tables.knows(table.id(), self.scratch) {
            self.missing.push(Missing::of(table.id(), self.scratch));
        }
    }
}

/// One command's view of its slot, and what it changes there.
pub struct Tx<'a> {
    pub(crate) tables: &'a mut Tables,
    pub(crate) scratch: &'a mut Vec<u8>,
    pub(crate) minter: &'a mut Minter,
    /// The id that an earlier run of this command has minted, which was undone.
    pub(crate) minted_before: Option<u64>,
    /// The one that was minted last.
    pub(crate) minted: Option<u64>,
    pub(crate) partition: PartitionId,
    pub(crate) slot: Slot,
    pub(crate) now_ms: u64,
    /// Bytes that this transaction's writes take in the log, unless later ones take their place.
    pub(crate) weight: usize,
    /// The earliest timer that this transaction set.
    pub(crate) wakes_at_ms: Option<u64>,
    /// And the earliest idle one.
    pub(crate) idles_at_ms: Option<u64>,
    /// The events that this transaction emitted.
    pub(crate) emitted: Vec<Emitted>,
    /// Somebody subscribes to events.
    pub(crate) is_watched: bool,
    /// Letters that this transaction sent.
    pub(crate) sent: Vec<Letter>,
    pub(crate) turn: Turn,
    pub(crate) has_acted: bool,
    /// It may be answered later.
    pub(crate) may_wait: bool,
    /// In which of its places it looks.
    pub(crate) place: u16,
    /// It is one of the works into which a request was divided.
    pub(crate) is_piece: bool,
    /// What an earlier run of this command has left for this one.
    pub(crate) remembered: u64,
    /// Some commands wait for an answer.
    pub(crate) is_awaited: bool,
    /// What it changed that somebody may wait for, and how many of them are to know.
    pub(crate) told: Vec<News>,
    pub(crate) calls: Calls,
    /// How many calls a command may make beyond those that it has said it makes.
    pub(crate) room_for_calls: usize,
    /// How many letters, and bytes of them, a command may send beyond those that it has said it sends.
    pub(crate) room_for_letters: (usize, usize),
    pub(crate) settings: &'a Settings,
    pub(crate) made: &'a mut Made,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) splits: &'a Splits,
    /// The keys that it splits.
    pub(crate) split: Vec<(u8, CompactString, u16)>,
    /// What it tells the edge.
    pub(crate) raised: Vec<Raised>,
    /// What it counted.
    pub(crate) counted: Vec<&'static str>,
    /// The code of its refusal.
    pub(crate) refused: Option<&'static str>,
    /// Its answer does not wait for what it has written.
    pub(crate) is_relaxed: bool,
}

/// What has changed that some may wait for.
pub(crate) struct News {
    pub(crate) word: CompactString,
    /// It is each word that begins so.
    pub(crate) is_beginning: bool,
    /// How many of those who wait for it, or for each such word, are to know.
    pub(crate) most: usize,
}

/// The calls of a transaction.
#[derive(Default)]
pub(crate) struct Calls {
    /// For the courier.
    pub(crate) tries: Vec<Try>,
    /// Calls that were not under way and are now.
    pub(crate) begun: usize,
    /// Calls that were under way and are not any more.
    pub(crate) ended: usize,
    /// Calls that the courier has and is not to try.
    pub(crate) withdrawn: Vec<u64>,
}

impl<'a> Tx<'a> {
    /// What the settings tell by a type of the domain's, if they do.
    #[must_use]
    pub fn settings<T: std::any::Any>(&self) -> Option<&'a T> {
        self.settings.get()
    }

    /// What is made of a text: `make` says nothing but what the text does, and one type is made in one way. Of what
    /// was asked for last it is not made again.
    pub fn made_of<M: std::any::Any + Send + Sync>(
        &mut self,
        text: &str,
        make: impl FnOnce(&str) -> M,
    ) -> Arc<M> {
        self.made.of(text, make)
    }

    /// Counts one of what the domain has declared that it counts.
    pub fn count(&mut self, what: &CountDef) {
        self.counted.push(what.name);
    }

    /// Engine time in milliseconds since 1970, fixed for the batch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// A crash may take what this command has written though it was answered: its answer waits only for what was there
    /// before it. So the answer has to be true of that alone, and say nothing that a later one may say of something
    /// else: a number in it is minted.
    pub fn relax(&mut self) {
        self.is_relaxed = true;
    }

    /// A fresh id, unique for ever. Ids of transactions that overtook each other need not ascend.
    pub fn mint(&mut self) -> u64 {
        let before = self.minted_before.take();
        let id = before.unwrap_or_else(|| self.number());
        self.minted = Some(id);
        id
    }

    /// A fresh id behind all others of the partition.
    fn number(&mut self) -> u64 {
        self.minter.mint(self.partition, self.now_ms)
    }

    /// Bytes that nobody can guess.
    #[must_use]
    pub fn secret<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// Raises a flag of this slot, which takes the place of the one before, for so long.
    pub fn raise<T: Told>(
        &mut self,
        flag: &Flag<T>,
        parts: impl KeyParts,
        says: Arc<T>,
        for_ms: u64,
    ) {
        let until_ms = self.now_ms.saturating_add(for_ms);
        let raised = Raised::new(flag, self.slot, &parts, (says, until_ms));
        self.raised.push(raised);
    }

    /// The same, also if this command is refused: what it says must not rest on what the command has changed.
    pub fn raise_though_refused<T: Told>(
        &mut self,
        flag: &Flag<T>,
        parts: impl KeyParts,
        says: Arc<T>,
        for_ms: u64,
    ) {
        self.raise(flag, parts, says, for_ms);
        let raised = self.raised.pop().map(Raised::surely);
        self.raised.extend(raised);
    }

    /// Takes a flag of this slot down.
    pub fn lower<T: Told>(&mut self, flag: &Flag<T>, parts: impl KeyParts) {
        self.raised.push(Raised::lowered(flag, self.slot, &parts));
    }

    /// The slice of what is archived now: the first part of its key.
    #[must_use]
    pub fn slice<R: Row>(&self, archive: &Table<R>) -> Slice {
        let retention = self.tables.retention(archive.id());
        retention.slice_at(self.now_ms)
    }

    /// When that which has finished at this time is to leave for the archive.
    #[must_use]
    pub fn archive_at_ms<R: Row>(&self, archive: &Table<R>, finished_ms: u64) -> u64 {
        finished_ms + self.tables.retention(archive.id()).after_ms
    }

    /// Whether the row under the key just written is of a slice that is dropped.
    fn is_dropped<R: Row>(&self, table: &Table<R>) -> bool {
        table.is_archive()
            && self
                .tables
                .is_dropped(table.id(), self.scratch, self.now_ms)
    }

    /// Reads a row. Of an archive, there is none any more once its slice is dropped.
    ///
    /// # Errors
    /// The row has to be fetched first.
    pub fn get<R: Row>(
        &mut self,
        table: &Table<R>,
        parts: impl KeyParts,
    ) -> Result<Option<R>, Missing> {
        write_key(self.scratch, self.slot, &parts);
        if self.is_dropped(table) {
            return Ok(None);
        }
        let row = self.tables.get(table, self.scratch);
        row.map_err(|()| Missing::of(table.id(), self.scratch))
    }

    /// The same, and notes where a row was found, for an answer that says so.
    ///
    /// # Errors
    /// The row has to be fetched first.
    pub fn get_noting<R: Row>(
        &mut self,
        table: &Table<R>,
        parts: impl KeyParts,
        read: &mut RowsRead,
    ) -> Result<Option<R>, Missing> {
        let row = self.get(table, parts)?;
        if row.is_some() {
            read.note(self.tables.where_is(table.id(), self.scratch));
        }
        Ok(row)
    }

    /// Puts a row; into a slice that is dropped, nothing.
    pub fn put<R: Row>(&mut self, table: &Table<R>, parts: impl KeyParts, row: impl Borrow<R>) {
        write_key(self.scratch, self.slot, &parts);
        if self.is_dropped(table) {
            return;
        }
        self.tables.put(table, self.scratch, row.borrow());
        self.weight += self.scratch.len() + effect::HEAD;
    }

    /// Removes a row, if it is there.
    pub fn remove<R: Row>(&mut self, table: &Table<R>, parts: impl KeyParts) {
        write_key(self.scratch, self.slot, &parts);
        self.tables.remove(table, self.scratch);
        self.weight += self.scratch.len() + effect::HEAD;
    }

    /// Bytes of the rows that were put and removed so far, each as often as it was: all of them are one record, of
    /// [`crate::limits::RECORD_BYTES_MAX`] bytes at most. What could go on for long goes on in another transaction.
    #[must_use]
    pub fn written(&self) -> usize {
        self.weight
    }

    /// What this key is about has changed: commands of this slot that wait for it run again.
    pub fn tell(&mut self, key: &str) {
        self.tell_some(key, usize::MAX);
    }

    /// The same for up to so many of them, those who came first: there is something for so many. One that finds
    /// nothing left waits on where it stood. Nothing else may wait for this word than what can take it.
    pub fn tell_some(&mut self, key: &str, most: usize) {
        self.tell_of(key, false, most);
    }

    /// The same for up to so many of those who wait for each word that begins so: there is something for so many of
    /// each. That costs as much as there are such words.
    pub fn tell_each(&mut self, beginning: &str, most: usize) {
        self.tell_of(beginning, true, most);
    }

    fn tell_of(&mut self, word: &str, is_beginning: bool, most: usize) {
        if self.is_awaited && most > 0 {
            let word = CompactString::new(word);
            self.told.push(News {
                word,
                is_beginning,
                most,
            });
        }
    }

    /// Whether this command has run before, and kept what it did, and only its answer is missing.
    #[must_use]
    pub fn runs_again(&self) -> bool {
        self.turn != Turn::First
    }

    /// Whether this command has run before, and that run has changed something. If it has run and changed
    /// nothing, what it waits for another one has asked for before: it is a retry.
    #[must_use]
    pub fn has_acted(&self) -> bool {
        self.has_acted
    }

    /// A number that this command has left for its next run when it waited; 0 at first. A restart forgets it with
    /// the command.
    #[must_use]
    pub fn remembered(&self) -> u64 {
        self.remembered
    }

    /// Leaves a number for the next run of this command, if it waits.
    pub fn remember(&mut self, number: u64) {
        self.remembered = number;
    }

    /// All keys that are split.
    #[must_use]
    pub fn splits(&self) -> &'a Splits {
        self.splits
    }

    /// The slot in which this runs.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Splits a key of this slot, of which nothing lies in any other, for ever. `false` if too many keys are split.
    #[must_use]
    pub fn split(&mut self, domain: u8, key: &str, of: u16) -> bool {
        debug_assert_eq!(Slot::of(key.as_bytes()), self.slot, "{key}: another slot's");
        debug_assert!(self.splits.of(domain, key).is_none(), "{key}: it is split");
        let has_room = self.splits.has_room();
        if has_room {
            self.put(&SPLITS, (domain, key), Split { of });
            self.split.push((domain, CompactString::new(key), of));
        }
        has_room
    }

    /// Whether its time is over: who says [`Stop::Wait`] now has the client ask again.
    #[must_use]
    pub fn is_last_run(&self) -> bool {
        self.turn == Turn::Last
    }

    /// Whether it may be answered later: then who says [`Stop::Wait`] runs again, here or in another place.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        self.may_wait
    }

    /// The number of the place in which a command looks that has several ([`crate::Place`]).
    #[must_use]
    pub fn place(&self) -> u16 {
        self.place
    }

    /// Whether this is one of the works into which a request was divided.
    #[must_use]
    pub fn is_piece(&self) -> bool {
        self.is_piece
    }

    /// Sets a timer. It fires once, at `due_ms` or later, as a transaction of its own.
    pub fn wake_at(&mut self, timer: &Timer, due_ms: u64, parts: impl KeyParts) {
        self.put(timer.table(), timer.row(due_ms, &parts), Nothing {});
        let wakes_at_ms = if timer.is_idle {
            &mut self.idles_at_ms
        } else {
            &mut self.wakes_at_ms
        };
        *wakes_at_ms = Some(wakes_at_ms.map_or(due_ms, |at| at.min(due_ms)));
    }

    /// Takes a timer back, named as it was set.
    pub fn cancel(&mut self, timer: &Timer, due_ms: u64, parts: impl KeyParts) {
        self.remove(timer.table(), timer.row(due_ms, &parts));
    }

    /// Sends a letter to `key`, which may be of any slot. It is taken in exactly once, after this
    /// transaction is durable, behind what was sent there before.
    pub fn send<M: Mail>(&mut self, key: &str, mail: &M) {
        let (domain, number) = M::NUMBERS;
        self.send_to(&Address::new(domain, number, key), mail);
    }

    /// Sends a letter to an address, whose domain takes in letters that say this.
    pub fn send_to<R: Row>(&mut self, address: &Address, mail: &R) {
        let body = &mut *self.scratch;
        body.clear();
        minicbor::encode(mail, &mut *body).expect("because writing to memory does not fail");
        let bytes = body.len();
        assert!(bytes <= LETTER_BYTES_MAX, "a letter of {bytes} bytes");
        let sent = Sent {
            mail: address.mail(),
            to: CompactString::new(address.to()),
            body: body.to_vec().into(),
        };
        let number = self.number();
        self.put(&OUTBOX, number, &sent);
        let from = self.slot;
        self.sent.push(Letter { number, from, sent });
    }

    /// Whether there is room for so many letters of so many bytes of a command: for one that sends some now and then
    /// only, and says nothing of them in [`crate::contract::Apply::letters`].
    #[must_use]
    pub fn may_send(&self, letters: usize, bytes: usize) -> bool {
        let heads = letters * LETTER_HEAD_BYTES;
        letters <= self.room_for_letters.0 && bytes + heads <= self.room_for_letters.1
    }

    /// Whether there is room for one more call of a command: for one that calls now and then only, and says nothing
    /// of it in [`crate::contract::Apply::calls`].
    #[must_use]
    pub fn may_call(&self) -> bool {
        self.calls.begun < self.room_for_calls
    }

    /// Calls out: after this transaction is durable, at least once, always with the number that is given
    /// back. What comes of it is told by a letter to `answer_to`, of this slot: a [`crate::CallEnd`].
    pub fn call(&mut self, call: Call) -> u64 {
        let bytes = call.body.len() + call.note.len() + call.about.len();
        assert!(bytes <= CALL_BYTES_MAX, "a call of {bytes} bytes");
        let to = Slot::of(call.answer_to.to().as_bytes());
        assert_eq!(to, self.slot, "the answer goes to another slot");
        let number = self.number();
        let row = CallRow::new(call, self.now_ms);
        self.calls.begun += 1;
        self.hand_to_courier(number, row);
        number
    }

    /// Puts the row of a call that the courier is to try.
    pub(crate) fn hand_to_courier(&mut self, number: u64, row: CallRow) {
        self.calls.tries.push(row.as_try(number, self.slot));
        self.put(&CALLS, number, row);
    }

    /// Takes back a call of one's own, of this number: it is tried no more, and whoever has called is told
    /// nothing of it. A try that waits at the courier is not made; one that is being made may still do what it asks. One
    /// that has ended is none any more, and one that was given up for good stays where people see it.
    ///
    /// # Errors
    /// Its row has to be fetched first.
    pub fn withdraw(&mut self, number: u64) -> Result<(), Missing> {
        let Some(row) = self.get(&CALLS, number)? else {
            return Ok(());
        };
        if row.state == CallState::Dropped {
            return Ok(());
        }
        self.calls.ended += usize::from(row.is_under_way());
        if row.state == CallState::Calling {
            self.calls.withdrawn.push(number);
        }
        if let Some(due_ms) = row.due_ms {
            self.cancel(&NEXT_TRY, due_ms, number);
        }
        self.remove(&CALLS, number);
        Ok(())
    }

    /// Keeps what was set aside where people can see it.
    pub(crate) fn set_aside(&mut self, dead: DeadRow) {
        let number = self.number();
        self.put(&DEAD, number, dead);
    }

    /// Emits an event about `key`, which is of this slot: it is found by its key.
    pub fn emit<E: Event>(&mut self, key: &str, event: &E) {
        debug_assert_eq!(Slot::of(key.as_bytes()), self.slot, "{key}: another slot's");
        let row = EventRow {
            at_ms: self.now_ms,
            name: CompactString::const_new(E::DEF.name),
            key: CompactString::new(key),
            facts: event::facts_of(event),
            domain: CompactString::const_new(E::DEF.domain),
        };
        let number = self.number();
        let told = self.is_watched.then(|| ToldEvent::of(number, row.clone()));
        self.emitted.push(Emitted {
            def: E::DEF,
            number,
            told: told.map(Arc::new),
        });
        let before = self.weight;
        self.put(&event::EVENTS, number, row);
        let bytes = self.weight - before;
        assert!(bytes <= EVENT_BYTES_MAX, "{}: {bytes} bytes", E::DEF.name);
        self.weight += event::drop_bytes(&E::DEF); // The oldest may have to go for it.
    }
}
