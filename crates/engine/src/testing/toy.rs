//! A domain of a few commands, queries and a scan, to show that a domain is one line for the rest.

mod attach;
mod greet;
mod hoist;
mod oracle;
mod seize;
mod several;
mod tally;

pub use attach::FORWARDED_BYTES_MAX;
use attach::{ATTACHED, Attach, Extend, Forward, Forwarded, ReadAttached, TOO_LONG};
use greet::{Await, Greet};
use hoist::{HOISTED, Hoist, Hoisted};
use oracle::{ANSWERS, Answers, Ask, Told};
use seize::{Seize, seizable};
use several::{GetAll, PutAll};
use tally::{TALLIES, Tally};

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use super::shelf::{self, BOOKS, SHELF, SHELVE, Shelf, Store, Stored};
use crate::contract::Class::{Finishes, Opens, Reads as ReadsOnly};
use crate::contract::{
    Apply, Audit, Books, Bounded, Domain, Event, EventDef, Id, Limit, Mail, MailDef, Method,
    Millis, Name, Page, PageItem, RefusalDef, Refuse, Request, RequestDef, Scan, ScanContext,
    Status, Timer, Writer,
};
use crate::key::KeyReader;
use crate::row::Row;
use crate::table::{Missing, Table};
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

pub(super) const NUMBER: u8 = 255;
const NOTES: Table<Note> = Table::ordered(NUMBER, 0, "note.notes");
const SHARES: Table<Shares> = Table::keyed(NUMBER, 1, "note.shares");
const LAST: Table<Last> = Table::keyed(NUMBER, 2, "note.last");
const FADE: Timer = Timer::new(NUMBER, 1, fade, fade_reads);

/// Writings that a note takes; one more is refused.
pub const WRITINGS_MAX: u64 = 3;

/// How long it is told that a note has faded.
pub const FADED_KEPT_MS: u64 = 3_600_000;

/// Notes: a text under a key, written at most three times, which fades. The text `panic` does, and
/// `panic-later` when it fades; so does the letter by which a note named `panic` is shared, unless the
/// addressee's own note is `calm`.
pub const TOY: Domain = Domain {
    name: "note",
    number: NUMBER,
    doc: "Notes under keys: written at most three times, and fading.",
    tables: &[
        NOTES.def(),
        SHARES.def(),
        LAST.def(),
        SHELF.def(),
        BOOKS.def(),
        ATTACHED.def(),
        ANSWERS.def(),
        HOISTED.def(),
        TALLIES.def(),
    ],
    timers: &[FADE, SHELVE],
    takes: MAIL,
    sends: MAIL,
    events: &[Faded::DEF],
    counts: &[],
    requests: &[
        RequestDef::call::<Put>("NOTE.PUT", Method::Post, "/v1/notes/{key}", Opens),
        RequestDef::call::<Stay>("NOTE.STAY", Method::Put, "/v1/notes/{key}/stay", Finishes).core(),
        RequestDef::call::<Get>("NOTE.GET", Method::Get, "/v1/notes/{key}", ReadsOnly),
        RequestDef::call::<When>("NOTE.WHEN", Method::Get, "/v1/notes/{key}/when", ReadsOnly),
        RequestDef::call::<GetLast>("NOTE.LAST", Method::Get, "/v1/notes/{key}/last", ReadsOnly),
        RequestDef::call::<Share>("NOTE.SHARE", Method::Post, "/v1/notes/{key}/shares", Opens),
        RequestDef::call::<Await>(
            "NOTE.AWAIT",
            Method::Get,
            "/v1/notes/{key}/await",
            ReadsOnly,
        ),
        RequestDef::call::<Greet>(
            "NOTE.GREET",
            Method::Post,
            "/v1/notes/{key}/greetings",
            Opens,
        ),
        RequestDef::call::<SharesOf>(
            "NOTE.SHARES",
            Method::Get,
            "/v1/notes/{key}/shares",
            ReadsOnly,
        ),
        RequestDef::call::<Attach>("NOTE.ATTACH", Method::Put, "/v1/notes/{key}/text", Opens),
        RequestDef::call::<Extend>("NOTE.EXTEND", Method::Post, "/v1/notes/{key}/text", Opens),
        RequestDef::call::<ReadAttached>(
            "NOTE.ATTACHED",
            Method::Get,
            "/v1/notes/{key}/text",
            ReadsOnly,
        ),
        RequestDef::call::<Forward>("NOTE.FORWARD", Method::Post, "/v1/notes/{key}/texts", Opens),
        RequestDef::call::<Store>(
            "NOTE.STORE",
            Method::Put,
            "/v1/notes/{key}/books/{book}",
            Opens,
        ),
        RequestDef::call::<Stored>(
            "NOTE.STORED",
            Method::Get,
            "/v1/notes/{key}/books/{book}",
            ReadsOnly,
        ),
        RequestDef::call::<Ask>("NOTE.ASK", Method::Post, "/v1/notes/{key}/asks", Opens),
        RequestDef::call::<Answers>(
            "NOTE.ANSWERS",
            Method::Get,
            "/v1/notes/{key}/answers",
            ReadsOnly,
        ),
        RequestDef::call::<Hoist>("NOTE.HOIST", Method::Put, "/v1/notes/{key}/flag", Finishes),
        RequestDef::call::<Hoisted>(
            "NOTE.HOISTED",
            Method::Get,
            "/v1/notes/{key}/flag",
            ReadsOnly,
        ),
        RequestDef::call::<Seize>("NOTE.SEIZE", Method::Post, "/v1/seized", Finishes),
        RequestDef::call::<Tally>("NOTE.TALLY", Method::Post, "/v1/tallies", Opens),
        RequestDef::call::<PutAll>("NOTE.PUTALL", Method::Post, "/v1/notes", Opens),
        RequestDef::call::<GetAll>("NOTE.GETALL", Method::Post, "/v1/read", ReadsOnly),
        RequestDef::scan::<Shelf>("NOTE.SHELF", "/v1/notes/{key}/books"),
        RequestDef::scan::<List>("NOTE.LIST", "/v1/notes"),
    ],
    audit,
};

const MAIL: &[MailDef] = &[
    MailDef::of::<Shared>(),
    MailDef::of::<Thanks>(),
    MailDef::of::<Forwarded>(),
    MailDef::of::<Told>(),
];

const UNKNOWN: RefusalDef = RefusalDef {
    code: "unknown_note",
    status: Status::NotFound,
    doc: "No such note.",
};
const FULL: RefusalDef = RefusalDef {
    code: "note_full",
    status: Status::Conflict,
    doc: "Written `times` times.",
};

/// Why a note is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such note.
    Unknown,
    /// Written too often.
    Full,
    /// Longer than a letter carries.
    TooLong,
}

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::Unknown => &UNKNOWN,
            Self::Full => &FULL,
            Self::TooLong => &TOO_LONG,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        let (name, value) = match self {
            Self::Unknown => return,
            Self::Full => ("times", WRITINGS_MAX.cast_signed()),
            Self::TooLong => ("bytes", FORWARDED_BYTES_MAX as i64),
        };
        out.name(name);
        out.integer(value);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Note {
    #[cbor(n(0), with = "crate::text")]
    text: CompactString,
    #[n(1)]
    times: u64,
    #[n(2)]
    fades_at_ms: u64,
}

impl Row for Note {}

/// What is left of a note that has faded.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Last {
    #[n(0)]
    times: u64,
}

impl Row for Last {}

request! {
    /// Writes a note.
    pub struct Put {
        /// The key.
        key: Name,
        /// The id of the writing.
        id: Id,
        /// The text.
        text: Name,
        /// When it fades, in milliseconds.
        ["TTL"] ttl_ms: Millis = 60_000,
    }
}

request! {
    /// Has a note fade later.
    pub struct Stay {
        /// The key.
        key: Name,
        /// When it fades, in milliseconds from now.
        ["TTL"] ttl_ms: Millis = 60_000,
        /// A crash may take it back.
        ["RELAXED"] relaxed: Bounded<0, 1> = 0,
    }
}

request! {
    /// Reads a note.
    pub struct Get {
        /// The key.
        key: Name,
    }
}

request! {
    /// Tells when a note fades.
    pub struct When {
        /// The key.
        key: Name,
    }
}

request! {
    /// Tells how often a note had been written when it faded last.
    pub struct GetLast {
        /// The key.
        key: Name,
    }
}

request! {
    /// Lists notes.
    pub struct List {
        /// Only keys behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

reply! {
    /// A note.
    pub struct NoteInfo {
        /// The key.
        key: CompactString,
        /// The text.
        text: CompactString,
        /// How often it was written.
        times: u64,
    }
}

reply! {
    /// The time of a note.
    pub struct NoteTime {
        /// When it fades, in milliseconds since 1970.
        fades_at_ms: u64,
    }
}

reply! {
    /// A note has faded.
    pub struct Faded {
        /// How often it was written.
        times: u64,
    }
}

impl Event for Faded {
    const DEF: EventDef = EventDef {
        keep_ms: FADED_KEPT_MS,
        ..EventDef::new("note", "faded", "A note has faded.")
    };
}

impl PageItem for NoteInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.key.clone()
    }
}

fn info(key: &str, note: &Note) -> NoteInfo {
    NoteInfo {
        key: CompactString::new(key),
        text: note.text.clone(),
        times: note.times,
    }
}

impl Apply for Put {
    type Reply = NoteInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[FULL];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&NOTES, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<NoteInfo, Stop<Refusal>> {
        let _ = self.content();
        assert_ne!(self.text.as_str(), "panic", "as the note wishes");
        let key = self.key.as_str();
        let before = tx.get(&NOTES, key)?;
        if let Some(before) = &before {
            tx.cancel(&FADE, before.fades_at_ms, key);
        }
        let times = before.map_or(0, |note| note.times) + 1;
        let fades_at_ms = tx.now_ms() + self.ttl_ms.get();
        let note = Note {
            text: self.text.compact(),
            times,
            fades_at_ms,
        };
        let reply = info(key, &note);
        tx.wake_at(&FADE, fades_at_ms, key);
        tx.put(&NOTES, key, note);
        tx.tell(key);
        tx.tell_some(&seizable(key), 1);
        // Refused only after it has written: the writes have to be undone.
        if times > WRITINGS_MAX {
            return Err(Refusal::Full.into());
        }
        Ok(reply)
    }
}

fn fade(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let key = owner.text().expect("because the timer is set with a key");
    if let Some(note) = tx.get(&NOTES, key)?
        && note.fades_at_ms <= tx.now_ms()
    {
        assert_ne!(note.text.as_str(), "panic-later", "as the note wishes");
        tx.remove(&NOTES, key);
        // Not read before: while its slot waits for this row, it is written.
        tx.put(&LAST, key, Last { times: note.times });
        tx.emit(key, &Faded { times: note.times });
    }
    Ok(())
}

fn fade_reads(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    reads.row(
        &NOTES,
        owner.text().expect("because the timer is set with a key"),
    );
}

impl Apply for Stay {
    type Reply = NoteInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&NOTES, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<NoteInfo, Stop<Refusal>> {
        let key = self.key.as_str();
        let mut note = tx.get(&NOTES, key)?.ok_or(Refusal::Unknown)?;
        if self.relaxed.get() == 1 {
            tx.relax();
        }
        tx.cancel(&FADE, note.fades_at_ms, key);
        note.fades_at_ms = tx.now_ms() + self.ttl_ms.get();
        tx.wake_at(&FADE, note.fades_at_ms, key);
        let reply = info(key, &note);
        tx.put(&NOTES, key, note);
        Ok(reply)
    }
}

impl Apply for Get {
    type Reply = NoteInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    /// Names nothing, so that a row which is not in memory is found missing on the way.
    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<NoteInfo, Stop<Refusal>> {
        let note = tx.get(&NOTES, self.key.as_str())?.ok_or(Refusal::Unknown)?;
        Ok(info(self.key.as_str(), &note))
    }
}

impl Apply for When {
    type Reply = NoteTime;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&NOTES, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<NoteTime, Stop<Refusal>> {
        let note = tx.get(&NOTES, self.key.as_str())?;
        let Note { fades_at_ms, .. } = note.ok_or(Refusal::Unknown)?;
        Ok(NoteTime { fades_at_ms })
    }
}

impl Apply for GetLast {
    type Reply = Faded;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&LAST, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Faded, Stop<Refusal>> {
        let last = tx.get(&LAST, self.key.as_str())?;
        let Last { times } = last.ok_or(Refusal::Unknown)?;
        Ok(Faded { times })
    }
}

impl Scan for List {
    type Item = NoteInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];
    const TABLES: &'static [u16] = &[NOTES.id()];

    fn key(&self) -> Option<&str> {
        None
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<NoteInfo>, Refusal> {
        let after = self.after.as_ref().map_or("", |after| after.as_str());
        let rows = context.rows_by_text(&NOTES, "", after, self.limit() + 1);
        let items = rows
            .into_iter()
            .map(|(key, note)| info(key.parts().text().unwrap_or_default(), &note))
            .collect();
        Ok(Page::cut(items, self.limit()))
    }
}

/// How often a note was shared with others, others with it, and thanks came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Shares {
    #[n(0)]
    sent: u64,
    #[n(1)]
    received: u64,
    #[n(2)]
    thanked: u64,
}

impl Row for Shares {}

/// Over all notes, once nothing is on its way: as many received as sent, and thanked.
fn audit(books: &Books<'_>) -> Audit {
    let mut audit = Audit::default();
    shelf::audit(books, &mut audit);
    for (_, shares) in books.rows(&SHARES) {
        for (name, count) in [
            ("note.sent", shares.sent),
            ("note.received", shares.received),
            ("note.thanked", shares.thanked),
        ] {
            audit.add(name, count.cast_signed());
        }
    }
    audit
}

fn change_shares(
    tx: &mut Tx<'_>,
    key: &str,
    change: impl FnOnce(&mut Shares),
) -> Result<Shares, Missing> {
    let mut shares = tx.get(&SHARES, key)?.unwrap_or_default();
    change(&mut shares);
    tx.put(&SHARES, key, &shares);
    Ok(shares)
}

request! {
    /// Shares a note with another.
    pub struct Share {
        /// The note.
        key: Name,
        /// The other.
        with: Name,
    }
}

request! {
    /// How often a note was shared.
    pub struct SharesOf {
        /// The note.
        key: Name,
    }
}

reply! {
    /// How often a note was shared.
    pub struct SharesInfo {
        /// The note.
        key: CompactString,
        /// With others.
        sent: u64,
        /// Others with it.
        received: u64,
        /// And thanks came back.
        thanked: u64,
    }
}

fn shares_info(key: &str, shares: &Shares) -> SharesInfo {
    SharesInfo {
        key: key.into(),
        sent: shares.sent,
        received: shares.received,
        thanked: shares.thanked,
    }
}

impl Apply for Share {
    type Reply = SharesInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SHARES, self.key.as_str());
    }

    fn letters(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SharesInfo, Stop<Refusal>> {
        let key = self.key.as_str();
        let shares = change_shares(tx, key, |shares| shares.sent += 1)?;
        let from = self.key.compact();
        tx.send(self.with.as_str(), &Shared { from });
        Ok(shares_info(key, &shares))
    }
}

impl Apply for SharesOf {
    type Reply = SharesInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.key.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&SHARES, self.key.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<SharesInfo, Stop<Refusal>> {
        let shares = tx.get(&SHARES, self.key.as_str())?.unwrap_or_default();
        Ok(shares_info(self.key.as_str(), &shares))
    }
}

/// A note was shared with the addressee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Shared {
    #[cbor(n(0), with = "crate::text")]
    from: CompactString,
}

impl Row for Shared {}

impl Mail for Shared {
    const NUMBERS: (u8, u8) = (NUMBER, 1);
    const NAME: &'static str = "shared";
    const LETTERS: usize = 1;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SHARES, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        if self.from == "panic" {
            let note = tx.get(&NOTES, to)?;
            assert!(
                note.is_some_and(|note| note.text == "calm"),
                "as the note wishes"
            );
        }
        change_shares(tx, to, |shares| shares.received += 1)?;
        tx.send(&self.from, &Thanks {});
        Ok(())
    }
}

/// The addressee's note was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Thanks {}

impl Row for Thanks {}

impl Mail for Thanks {
    const NUMBERS: (u8, u8) = (NUMBER, 2);
    const NAME: &'static str = "thanks";
    const LETTERS: usize = 0;

    fn reads(&self, to: &str, reads: &mut Reads<'_>) {
        reads.row(&SHARES, to);
    }

    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing> {
        change_shares(tx, to, |shares| shares.thanked += 1)?;
        tx.tell(to);
        Ok(())
    }
}
