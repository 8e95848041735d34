//! A domain as the engine and the fronts see it: its tables, timers, requests and audit.

use std::any::Any;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use crate::archive::Slice;
use crate::contract::{
    AtDoor, Audit, Beacon, Books, Fault, Field, FieldKind, Invalid, OfProcess, Outcome, Page,
    PageItem, RefusalDef, Refuse, Renderer, ReplyType, ReplyValue, Request, Status, Values,
    Watched, Webhook, WorkClass,
};
use crate::divide::{Divided, Division};
use crate::edge::Edge;
use crate::event::{EventFilter, Kept};
use crate::key::{KeyParts, KeyReader, RowKey, Shard, Slot, write_key};
use crate::limits::{COMMAND_ROWS_BYTES, EVENT_KEPT_MS_DEFAULT, LETTER_HEAD_BYTES, SCAN_ROWS_MAX};
use crate::log::BUSY;
use crate::round::Place;
use crate::row::{Nothing, Row, RowsRead};
use crate::splits::Splits;
use crate::table::{Missing, Table, TableDef};
use crate::tables::Snapshot;
use crate::tally::CountDef;
use crate::timer::{IDLE_TIMERS, TIMERS};
use crate::tx::{Reads, Stop, Tx};

/// One kind of structure. A domain crate is this constant and what it refers to.
#[derive(Clone, Copy)]
pub struct Domain {
    /// First word of its commands, in lower case.
    pub name: &'static str,
    /// Its number in stored formats, for ever. 0 is the engine.
    pub number: u8,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Its tables.
    pub tables: &'static [TableDef],
    /// Its timers.
    pub timers: &'static [Timer],
    /// The mail that it takes in.
    pub takes: &'static [MailDef],
    /// The mail that it sends, its own or another domain's.
    pub sends: &'static [MailDef],
    /// Its events.
    pub events: &'static [EventDef],
    /// What it counts, beside what the engine counts of every domain.
    pub counts: &'static [CountDef],
    /// Its requests.
    pub requests: &'static [RequestDef],
    /// Recomputes its conservation laws from the rows of one slot.
    pub audit: fn(&Books<'_>) -> Audit,
}

/// HTTP method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or acts.
    Post,
    /// Declares.
    Put,
    /// Removes.
    Delete,
}

/// Where a request stands in HTTP. Path parameters are field names in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http {
    /// The method.
    pub method: Method,
    /// The path, from `/v1` on.
    pub path: &'static str,
}

/// What admission and documentation need to know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Opens work: told BUSY when room is short.
    Opens,
    /// Finishes or frees something: has the rest of the room.
    Finishes,
    /// Changes nothing.
    Reads,
}

/// A request as every front sees it.
#[derive(Clone, Copy)]
pub struct RequestDef {
    /// Its name in capitals: that in RESP, if it is answered there.
    pub resp: &'static str,
    /// Its place in HTTP.
    pub http: Http,
    /// How it is admitted.
    pub class: Class,
    /// What it is worth when there is too much to do.
    pub work_class: WorkClass,
    /// What it does: first line a summary.
    pub doc: &'static str,
    /// Its fields, those by position first.
    pub fields: &'static [Field],
    /// The type of its reply.
    pub reply: ReplyType,
    /// Every "no" that it can give, in the order in which they are checked.
    pub refusals: &'static [RefusalDef],
    /// It may be answered `pending`: what comes of it may not be known yet when its time is over.
    pub pends: bool,
    /// It is answered with events, until one of both sides ends it. For fronts that can do so.
    pub streams: bool,
    /// It arrives in HTTP as a webhook of another system.
    pub webhook: Option<Webhook>,
    /// Its other place in HTTP, for pages, if it has one.
    pub beacon: Option<Beacon>,
    /// How its answers are told as they change, if they are.
    pub watched: Option<Watched>,
    /// Whoever is served may send it themselves; everything else is for whoever runs the service.
    pub is_public: bool,
    make: fn(&Values<'_>) -> Result<Work, Invalid>,
}

impl RequestDef {
    /// A request of a type, normal work that reads, with nothing said of it that only some requests are.
    const fn of<R: Request>(
        (resp, http): (&'static str, Http),
        reply: ReplyType,
        refusals: &'static [RefusalDef],
        make: fn(&Values<'_>) -> Result<Work, Invalid>,
    ) -> Self {
        Self {
            resp,
            http,
            class: Class::Reads,
            work_class: WorkClass::Normal,
            doc: R::DOC,
            fields: R::FIELDS,
            reply,
            refusals,
            pends: false,
            streams: false,
            webhook: None,
            beacon: None,
            watched: None,
            is_public: false,
            make,
        }
    }

    /// A command or point query, from its type: normal work.
    #[must_use]
    pub const fn call<C: Apply>(
        resp: &'static str,
        method: Method,
        path: &'static str,
        class: Class,
    ) -> Self {
        let make = |values: &Values<'_>| Ok(Work::Call(Box::new(C::read(values)?)));
        let place = (resp, Http { method, path });
        Self {
            class,
            pends: C::PENDS,
            ..Self::of::<C>(place, C::Reply::TYPE, C::REFUSALS, make)
        }
    }

    /// A scan, from its type: optional work.
    #[must_use]
    pub const fn scan<S: Scan>(resp: &'static str, path: &'static str) -> Self {
        let make = |values: &Values<'_>| Ok(Work::Scan(Box::new(S::read(values)?)));
        let method = Method::Get;
        let place = (resp, Http { method, path });
        Self::of::<S>(place, Page::<S::Item>::TYPE, S::REFUSALS, make).optional()
    }

    /// A subscription to events, from its type: optional work.
    #[must_use]
    pub(crate) const fn stream<S: Subscribe>(resp: &'static str, path: &'static str) -> Self {
        let make = |values: &Values<'_>| Ok(Work::Subscribe(S::read(values)?.wanted()));
        let method = Method::Get;
        let place = (resp, Http { method, path });
        Self {
            streams: true,
            ..Self::of::<S>(place, S::Event::TYPE, S::REFUSALS, make).optional()
        }
    }

    /// A request about the process itself, from its type: core work.
    #[must_use]
    pub(crate) const fn at_door<A: AtDoor>(
        resp: &'static str,
        method: Method,
        path: &'static str,
        class: Class,
    ) -> Self {
        let make = |values: &Values<'_>| Ok(Work::AtDoor(OfProcess::new(A::read(values)?)));
        let place = (resp, Http { method, path });
        Self {
            class,
            ..Self::of::<A>(place, A::Reply::TYPE, &[], make).core()
        }
    }

    /// A command or point query in the words of another system, from its type: normal work. Its one field reads all of
    /// its arguments ([`super::Spoken`]), so it has no place in HTTP.
    #[must_use]
    pub const fn spoken<C: Apply>(resp: &'static str, class: Class) -> Self {
        let def = Self::call::<C>(resp, Method::Post, "", class);
        assert!(def.is_spoken(), "its one field has a grammar");
        def
    }

    /// Whether it is in the words of another system: for fronts that have arguments.
    #[must_use]
    pub const fn is_spoken(&self) -> bool {
        matches!(
            self.fields,
            [Field {
                kind: FieldKind::Grammar(_),
                ..
            }]
        )
    }

    /// The same request, which is never shed.
    #[must_use]
    pub const fn core(self) -> Self {
        Self {
            work_class: WorkClass::Core,
            ..self
        }
    }

    /// The same request, which is shed behind what is optional.
    #[must_use]
    pub const fn normal(self) -> Self {
        Self {
            work_class: WorkClass::Normal,
            ..self
        }
    }

    /// The same request, which is the first to be shed.
    #[must_use]
    const fn optional(self) -> Self {
        Self {
            work_class: WorkClass::Optional,
            ..self
        }
    }

    /// The same request, which arrives in HTTP as a webhook of another system.
    #[must_use]
    pub const fn as_webhook(self, webhook: Webhook) -> Self {
        Self {
            webhook: Some(webhook),
            ..self
        }
    }

    /// The same request, which has another place in HTTP, for pages.
    #[must_use]
    pub const fn with_beacon(self, beacon: Beacon) -> Self {
        Self {
            beacon: Some(beacon),
            ..self
        }
    }

    /// The same query, whose answers are told as they change.
    #[must_use]
    pub const fn watched(self, watched: Watched) -> Self {
        Self {
            watched: Some(watched),
            ..self
        }
    }

    /// The same request, which those who are served may send themselves.
    #[must_use]
    pub const fn public(self) -> Self {
        Self {
            is_public: true,
            ..self
        }
    }

    /// How it is written in RESP: `STOCK.HOLDS sku [STATE held|confirmed] [LIMIT limit]`.
    #[must_use]
    pub fn syntax(&self) -> String {
        let mut syntax = self.resp.to_owned();
        for field in self.fields {
            let value = match field.kind {
                FieldKind::Word(words) => words.join("|"),
                FieldKind::List { fields, .. } => {
                    let of_item: Vec<_> = fields.iter().map(|field| field.name).collect();
                    let of_item = of_item.join(" ");
                    format!("{} {of_item} [{of_item} ...]", count_of(field))
                }
                FieldKind::Grammar(grammar) => grammar.syntax.to_owned(),
                FieldKind::Name
                | FieldKind::Id
                | FieldKind::Payload { .. }
                | FieldKind::Bytes { .. }
                | FieldKind::Address
                | FieldKind::Integer { .. } => field.name.to_owned(),
            };
            let given = match field.word {
                Some(word) => format!("{word} {value}"),
                None => value,
            };
            if field.required {
                syntax.extend([" ", &given]);
            } else {
                syntax.extend([" [", &given, "]"]);
            }
        }
        syntax
    }

    /// Builds the request from one value per field.
    ///
    /// # Errors
    /// The first field that is missing or wrong.
    pub fn read(&self, values: &Values<'_>) -> Result<Work, Invalid> {
        (self.make)(values)
    }
}

/// The name of a list's number of items in RESP, as Redis names it: `numkeys`.
#[must_use]
pub fn count_of(list: &Field) -> String {
    format!("num{}", list.name)
}

/// A request ready to run.
pub enum Work {
    /// A command or point query: runs on the executor.
    Call(Box<dyn Call>),
    /// A scan: runs on a reader thread, on a snapshot.
    Scan(Box<dyn ScanCall>),
    /// A subscription: nothing to submit, but to subscribe to.
    Subscribe(Wanted),
    /// A request about the process itself: answered where it comes in.
    AtDoor(OfProcess),
}

/// The events that somebody subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub filter: EventFilter,
    /// Behind which cursor; those from now on if it does not say.
    pub after: Option<u64>,
}

/// A request that is answered with events.
pub(crate) trait Subscribe: Request {
    /// What each of them says.
    type Event: ReplyValue;
    /// Every "no" that it can give, in the order in which they are checked.
    const REFUSALS: &'static [RefusalDef];

    /// What it asks for.
    fn wanted(self) -> Wanted;
}

impl Work {
    /// Of how many slots it reads; `None` for all of all partitions.
    pub(crate) fn slots(&self, splits: &Splits) -> Option<usize> {
        let of_scan = |scan: &dyn ScanCall| scan.slots(splits).map(|slots| slots.len());
        match self {
            Self::Call(call) => match call.spread(splits) {
                Some(scan) => of_scan(&*scan),
                None => Some(1),
            },
            Self::Scan(call) => of_scan(&**call),
            Self::Subscribe(wanted) => wanted.filter.key.as_ref().map(|_| 1),
            Self::AtDoor(_) => Some(0),
        }
    }
}

/// A command or point query of a domain.
pub trait Apply: Request + Sync {
    /// What it answers.
    type Reply: ReplyValue;
    /// How it refuses.
    type Refusal: Refuse;
    /// Every "no" that it can give, in the order in which they are checked.
    const REFUSALS: &'static [RefusalDef];
    /// Whether it says [`Stop::Wait`] even in its last run: it is answered `pending` then.
    const PENDS: bool = false;

    /// What it is about.
    fn key(&self) -> &str;

    /// The slot in which it runs: what its key decides, unless the key itself names one or is split.
    fn slot(&self, _splits: &Splits) -> Slot {
        Slot::of(self.key().as_bytes())
    }

    /// The scan that answers it, if what it asks for lies in several slots.
    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        None
    }

    /// Names the rows it will read: asked once one was missing, so that all are fetched at once. What is
    /// not named costs a further run, never a wrong answer.
    fn reads(&self, reads: &mut Reads<'_>);

    /// Most letters that it sends. While the outbox has no room for them it is told BUSY.
    fn letters(&self) -> usize {
        0
    }

    /// Most bytes of each of them, kind and addressee included: by default what the command carries.
    fn letter_bytes(&self) -> usize {
        Request::bytes(self) + LETTER_HEAD_BYTES
    }

    /// Most calls to the outside that it makes. While there is no room for them it is told BUSY.
    fn calls(&self) -> usize {
        0
    }

    /// Most bytes that its rows take in the log, keys included: by default what the command carries,
    /// and some small rows. It waits for the next record if this one has no room for so many. What
    /// writes more than it says runs twice if it does not fit, and is no less right.
    fn writes(&self) -> usize {
        Request::bytes(self) + COMMAND_ROWS_BYTES
    }

    /// How long its answer may wait, if it says [`Stop::Wait`]. 0 if it never does.
    fn waits_ms(&self) -> u64 {
        0
    }

    /// What it waits to be told of ([`Tx::tell`]): its key, unless many wait in a slot for things of their own.
    fn awaits(&self) -> Cow<'_, str> {
        self.key().into()
    }

    /// Where it looks if it has several places: one after the other until it finds something, and if it may wait
    /// then in all of them. It says [`Stop::Wait`] where it finds nothing, and has changed nothing then. `nth` is another
    /// number from request to request, by and large, for those that do not always begin in the same place.
    fn round(&self, _splits: &Splits, _nth: u64) -> Option<Vec<Place>> {
        None
    }

    /// Divides it into works that are about things of one slot each, if there are several; with what it hands over to
    /// them it is not used any more. `None` if it is about one slot, and runs there as any other. `nth` as in
    /// [`Apply::round`]. One that changes something lists [`crate::PARTLY_DONE`] among its refusals; a query that
    /// divides is not watched.
    fn divide(
        &mut self,
        _splits: &Splits,
        _nth: u64,
    ) -> Option<Division<Self::Reply, Self::Refusal>> {
        None
    }

    /// Answers it from what is known at the edge, if that says it: on the thread of a front, without its
    /// partition. What it answers is what [`Apply::apply`] would.
    fn glance(&self, _edge: &Edge<'_>) -> Option<Result<Self::Reply, Self::Refusal>> {
        None
    }

    /// Does it. A refusal leaves no trace.
    ///
    /// # Errors
    /// The refusal; a row that has to be fetched first; or that it is answered later.
    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Reply, Stop<Self::Refusal>>;
}

/// A command whose type is not known here.
pub trait Call: Send {
    /// What it is about.
    fn key(&self) -> &[u8];
    /// The slot in which it runs.
    fn slot(&self, splits: &Splits) -> Slot;
    /// The scan that answers it, if what it asks for lies in several slots.
    fn spread(&self, splits: &Splits) -> Option<Box<dyn ScanCall>>;
    /// Names the rows it will read.
    fn reads(&self, reads: &mut Reads<'_>);
    /// Most letters that it sends.
    fn letters(&self) -> usize;
    /// Most bytes of each of them.
    fn letter_bytes(&self) -> usize;
    /// Most calls to the outside that it makes.
    fn calls(&self) -> usize;
    /// Most bytes that its rows take in the log.
    fn writes(&self) -> usize;
    /// How long its answer may wait.
    fn waits_ms(&self) -> u64;
    /// What it waits to be told of.
    fn awaits(&self) -> Cow<'_, str>;
    /// Where it looks, if it has several places.
    fn round(&self, splits: &Splits, nth: u64) -> Option<Vec<Place>>;
    /// Its works, if it divides.
    fn divide(&mut self, splits: &Splits, nth: u64) -> Option<Divided>;
    /// Renders what is answered at the edge; `None` if its partition is to be asked. With the code of the
    /// refusal if it is one.
    fn glance(
        &self,
        edge: &Edge<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Option<(Status, Option<&'static str>)>;
    /// Runs it and renders what came of it; `None` if it is answered later, which is no answer to its
    /// last run.
    ///
    /// # Errors
    /// A row has to be fetched first; nothing was rendered.
    fn run(
        &self,
        tx: &mut Tx<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Result<Option<Status>, Missing>;
    /// Renders that it does not run.
    fn turn_away(&self, fault: Fault, renderer: &dyn Renderer, out: &mut Vec<u8>) -> Status;
    /// Bytes it takes while it waits.
    fn weight(&self) -> usize;
    /// Whether it is answered that it is pending, if it cannot wait.
    fn pends(&self) -> bool;
}

impl<C: Apply> Call for C {
    fn key(&self) -> &[u8] {
        Apply::key(self).as_bytes()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        Apply::slot(self, splits)
    }

    fn spread(&self, splits: &Splits) -> Option<Box<dyn ScanCall>> {
        Apply::spread(self, splits)
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        Apply::reads(self, reads);
    }

    fn letters(&self) -> usize {
        Apply::letters(self)
    }

    fn letter_bytes(&self) -> usize {
        Apply::letter_bytes(self)
    }

    fn calls(&self) -> usize {
        Apply::calls(self)
    }

    fn writes(&self) -> usize {
        Apply::writes(self)
    }

    fn waits_ms(&self) -> u64 {
        Apply::waits_ms(self)
    }

    fn awaits(&self) -> Cow<'_, str> {
        Apply::awaits(self)
    }

    fn round(&self, splits: &Splits, nth: u64) -> Option<Vec<Place>> {
        Apply::round(self, splits, nth)
    }

    fn divide(&mut self, splits: &Splits, nth: u64) -> Option<Divided> {
        Apply::divide(self, splits, nth).map(Division::untyped)
    }

    fn glance(
        &self,
        edge: &Edge<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Option<(Status, Option<&'static str>)> {
        let answer = Apply::glance(self, edge)?;
        let (outcome, code) = match &answer {
            Ok(reply) => (Outcome::Reply(reply), None),
            Err(refusal) => {
                debug_assert!(C::REFUSALS.contains(refusal.def()), "{:?}", refusal.def());
                (Outcome::Refused(refusal), Some(refusal.def().code))
            }
        };
        renderer.render(&outcome, out);
        Some((outcome.status(), code))
    }

    fn run(
        &self,
        tx: &mut Tx<'_>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Result<Option<Status>, Missing> {
        let Some(end) = end_of(self, tx)? else {
            return Ok(None);
        };
        let outcome = end.outcome(Apply::key(self));
        renderer.render(&outcome, out);
        Ok(Some(outcome.status()))
    }

    fn turn_away(&self, fault: Fault, renderer: &dyn Renderer, out: &mut Vec<u8>) -> Status {
        let outcome = Outcome::Fault(&fault);
        renderer.render(&outcome, out);
        outcome.status()
    }

    fn weight(&self) -> usize {
        Request::bytes(self)
    }

    fn pends(&self) -> bool {
        C::PENDS
    }
}

/// What came of a command.
pub(crate) enum End<R, F> {
    Reply(R),
    Refused(F),
    Fault(Fault),
    Pending,
}

impl<R: ReplyValue, F: Refuse> End<R, F> {
    /// What is told of it, by this key.
    pub(crate) fn outcome<'a>(&'a self, key: &'a str) -> Outcome<'a> {
        match self {
            Self::Reply(reply) => Outcome::Reply(reply),
            Self::Refused(refusal) => Outcome::Refused(refusal),
            Self::Fault(fault) => Outcome::Fault(fault),
            Self::Pending => Outcome::Pending(key),
        }
    }
}

/// What came of a command of this type.
pub(crate) type EndOf<C> = End<<C as Apply>::Reply, <C as Apply>::Refusal>;

/// Does it, and tells what came of it; `None` if it is answered later.
pub(crate) fn end_of<C: Apply>(call: &C, tx: &mut Tx<'_>) -> Result<Option<EndOf<C>>, Missing> {
    let end = match call.apply(tx) {
        Ok(reply) => End::Reply(reply),
        Err(Stop::Refused(no)) => {
            debug_assert!(C::REFUSALS.contains(no.def()), "{:?}", no.def());
            tx.refused = Some(no.def().code);
            End::Refused(no)
        }
        Err(Stop::Busy) => End::Fault(BUSY),
        Err(Stop::Wait) if tx.may_wait() => return Ok(None),
        Err(Stop::Wait) => {
            debug_assert!(C::PENDS, "it is declared");
            End::Pending
        }
        Err(Stop::Missing(missing)) => return Err(missing),
    };
    Ok(Some(end))
}

/// A query that reads many rows.
pub trait Scan: Request + Sync {
    /// What a page holds.
    type Item: PageItem + 'static;
    /// How it refuses.
    type Refusal: Refuse + Send + 'static;
    /// Every "no" that it can give, in the order in which they are checked.
    const REFUSALS: &'static [RefusalDef];
    /// Ids of the tables it reads.
    const TABLES: &'static [u16];

    /// What it is about; `None` for all partitions.
    fn key(&self) -> Option<&str>;

    /// The slots that it reads, each for a page of its own; `None` for all of all partitions.
    fn slots(&self, _splits: &Splits) -> Option<Vec<Slot>> {
        self.key().map(|key| vec![Slot::of(key.as_bytes())])
    }

    /// The most items that a page may hold.
    fn limit(&self) -> usize;

    /// The events that it asks for, if it does.
    fn events(&self) -> Option<Wanted> {
        None
    }

    /// Reads one page from a snapshot.
    ///
    /// # Errors
    /// The refusal.
    fn page(&self, context: &ScanContext) -> Result<Page<Self::Item>, Self::Refusal>;

    /// Joins an item to one in the same place that comes from another slot; gives it back if both stand there.
    fn joined(_one: &mut Self::Item, other: Self::Item) -> Option<Self::Item> {
        Some(other)
    }

    /// Of what several partitions refuse with, that which is answered.
    fn foremost(refusals: Vec<Self::Refusal>) -> Option<Self::Refusal> {
        refusals.into_iter().next()
    }
}

/// A scan whose type is not known here.
pub trait ScanCall: Send + Sync {
    /// What it is about; `None` for all partitions.
    fn key(&self) -> Option<&[u8]>;
    /// The slots that it reads, each for a page of its own; `None` for all of all partitions.
    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>>;
    /// Ids of the tables it reads.
    fn tables(&self) -> &'static [u16];
    /// The events that somebody asks for by it, if it does so.
    fn events(&self) -> Option<Wanted> {
        None
    }
    /// Reads one partition's page.
    fn page(&self, context: &ScanContext) -> Box<dyn Any + Send>;
    /// Merges the pages of all partitions asked, and renders the whole.
    fn render(
        &self,
        pages: Vec<Box<dyn Any + Send>>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Status;
}

impl<S: Scan> ScanCall for S {
    fn key(&self) -> Option<&[u8]> {
        Scan::key(self).map(str::as_bytes)
    }

    fn slots(&self, splits: &Splits) -> Option<Vec<Slot>> {
        Scan::slots(self, splits)
    }

    fn tables(&self) -> &'static [u16] {
        S::TABLES
    }

    fn events(&self) -> Option<Wanted> {
        Scan::events(self)
    }

    fn page(&self, context: &ScanContext) -> Box<dyn Any + Send> {
        Box::new(Scan::page(self, context))
    }

    fn render(
        &self,
        pages: Vec<Box<dyn Any + Send>>,
        renderer: &dyn Renderer,
        out: &mut Vec<u8>,
    ) -> Status {
        let merged = merged(self, pages);
        let outcome = match &merged {
            Ok(page) => Outcome::Reply(page),
            Err(refusal) => {
                debug_assert!(S::REFUSALS.contains(refusal.def()), "{:?}", refusal.def());
                Outcome::Refused(refusal)
            }
        };
        renderer.render(&outcome, out);
        outcome.status()
    }
}

/// One page out of what the partitions have given, or a refusal of theirs.
fn merged<S: Scan>(scan: &S, given: Vec<Box<dyn Any + Send>>) -> Result<Page<S::Item>, S::Refusal> {
    let (mut pages, mut refusals) = (Vec::new(), Vec::new());
    for given in given {
        let page = given.downcast::<Result<Page<S::Item>, S::Refusal>>();
        match *page.expect("because `page` above made it") {
            Ok(page) => pages.push(page),
            Err(refusal) => refusals.push(refusal),
        }
    }
    let merged = || merge_joined(pages, scan.limit(), S::joined);
    S::foremost(refusals).map_or_else(|| Ok(merged()), Err)
}

/// One page out of the pages of several partitions, in the order of their places.
pub(crate) fn merge<T: PageItem>(pages: Vec<Page<T>>, limit: usize) -> Page<T> {
    merge_joined(pages, limit, |_, other| Some(other))
}

/// The same, of items that may be joined if they stand in one place.
fn merge_joined<T: PageItem>(
    mut pages: Vec<Page<T>>,
    limit: usize,
    joined: impl Fn(&mut T, T) -> Option<T>,
) -> Page<T> {
    if pages.len() == 1
        && let Some(page) = pages.pop()
    {
        return page;
    }
    // Behind the nearest place where some partition stopped, items of that one may be missing.
    let stopped = pages.iter_mut().filter_map(|page| page.next.take());
    let bound = stopped.min();
    let mut items: Vec<T> = pages.into_iter().flat_map(|page| page.items).collect();
    items.sort_by_cached_key(PageItem::place);
    if let Some(bound) = &bound {
        items.retain(|item| item.place() <= *bound);
    }
    let items = items
        .into_iter()
        .fold(Vec::new(), |mut items: Vec<T>, item| {
            let last = items.last_mut();
            let more = match last.filter(|last| last.place() == item.place()) {
                Some(same) => joined(same, item),
                None => Some(item),
            };
            items.extend(more);
            items
        });
    if items.len() > limit {
        return Page::cut(items, limit);
    }
    Page { items, next: bound }
}

/// What a scan reads from: a snapshot of one partition's tables.
pub struct ScanContext {
    pub(crate) snapshot: Snapshot,
    /// Engine time when it was asked: what happens later happens at this time or after it.
    pub(crate) asked_ms: u64,
    /// The slots asked about: one for a scan with a key, else all of the partition.
    pub(crate) slots: Vec<Slot>,
    /// Which events the partition keeps.
    pub(crate) events: Arc<Kept>,
    pub(crate) splits: Arc<Splits>,
}

impl ScanContext {
    /// Engine time when it was asked, in milliseconds since 1970: what is over by then is to look so.
    #[must_use]
    pub fn asked_ms(&self) -> u64 {
        self.asked_ms
    }

    /// Which shard of this key is read, for a scan that has a key: the only one if it is not split.
    #[must_use]
    pub fn shard(&self, domain: u8, key: &str) -> Shard {
        let slot = self.slots.first();
        let mut shards = Shard::all(self.splits.of(domain, key).unwrap_or(1));
        let read = shards.find(|shard| slot == Some(&Slot::of(shard.key_of(key).as_bytes())));
        read.unwrap_or(Shard { at: 0, of: 1 })
    }

    /// How many rows it has given so far, by where they were found.
    #[must_use]
    pub fn rows_read(&self) -> RowsRead {
        self.snapshot.rows_read()
    }

    /// The row under a key. For a scan that has a key itself.
    pub fn get<R: Row>(&self, table: &Table<R>, parts: impl KeyParts) -> Option<R> {
        let mut key = Vec::new();
        write_key(&mut key, *self.slots.first()?, &parts);
        self.snapshot.get(table, &key)
    }

    /// Up to `most` rows, at most [`SCAN_ROWS_MAX`], whose keys start with `prefix`, behind `after`
    /// if given, in order, for a scan that has a key.
    pub fn rows<R: Row>(
        &self,
        table: &Table<R>,
        prefix: impl KeyParts,
        after: Option<impl KeyParts>,
        most: usize,
    ) -> Vec<(RowKey, R)> {
        let Some(slot) = self.slots.first() else {
            return Vec::new();
        };
        let (mut start, mut from) = (Vec::new(), Vec::new());
        write_key(&mut start, *slot, &prefix);
        if let Some(after) = after {
            write_key(&mut from, *slot, &after);
        }
        let rows = self.snapshot.range(table, &start, &from);
        let behind = rows.filter(|(key, _)| key.as_bytes() != from);
        behind.take(most.min(SCAN_ROWS_MAX)).collect()
    }

    /// Looks at timers of a kind that are set with parts that begin so, in the order in which they are due, behind one
    /// that is due then and was set with these parts behind the others, for a scan that has a key. `look` is told when
    /// each is due, and the parts behind; or for one that is not meant, that all before some time were looked at.
    /// `true` if there may be more: it was told to stop, or has examined [`SCAN_ROWS_MAX`] rows.
    pub fn timers(
        &self,
        timer: &Timer,
        of: impl KeyParts,
        after: Option<(u64, impl KeyParts)>,
        mut look: impl FnMut(u64, Option<KeyReader<'_>>) -> bool,
    ) -> bool {
        let Some(slot) = self.slots.first() else {
            return false;
        };
        let (mut start, mut meant) = (Vec::new(), timer.id.to_be_bytes().to_vec());
        write_key(&mut start, *slot, &());
        of.write(&mut meant);
        let mut from = start.clone();
        if let Some((due_ms, behind)) = after {
            KeyParts::write(&due_ms, &mut from);
            from.extend_from_slice(&meant);
            behind.write(&mut from);
        }
        let rows = self.snapshot.range(timer.table(), &start, &from);
        let rows = rows.filter(|(key, _)| key.as_bytes() != from);
        for (examined, (key, _)) in (1..).zip(rows) {
            let mut parts = key.parts();
            let due_ms = parts.number().unwrap_or_default();
            let is_to_go_on = match parts.rest().strip_prefix(&*meant) {
                Some(behind) => look(due_ms, Some(KeyReader::new(behind))),
                // Those that are meant and due then stand all before it, or all behind.
                None if parts.rest() < &*meant => look(due_ms, None),
                None => look(due_ms + 1, None),
            };
            if !is_to_go_on || examined == SCAN_ROWS_MAX {
                return true;
            }
        }
        false
    }

    /// A page of the rows of all slots whose key is a number behind `after`, oldest first: what `item` makes
    /// of them, which passes over those for which it gives nothing.
    pub fn numbered_page<R: Row, T: PageItem<Place = u64>>(
        &self,
        table: &Table<R>,
        after: Option<u64>,
        limit: usize,
        mut item: impl FnMut(Slot, u64, R) -> Option<T>,
    ) -> Page<T> {
        let from = after.map_or(0, |after| after + 1);
        let rows = self.numbered(table, &(from..u64::MAX));
        let mut items = Vec::new();
        for (examined, (slot, number, row)) in rows.enumerate() {
            if examined == SCAN_ROWS_MAX {
                let next = Some(number - 1);
                return Page { items, next };
            }
            items.extend(item(slot, number, row));
            if items.len() > limit {
                return Page::cut(items, limit);
            }
        }
        Page::of(items, false)
    }

    /// The rows of all slots whose key is a number within `range`, by this number, with their slots. Only
    /// what is taken is read, and one row of each slot.
    pub(crate) fn numbered<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        range: &Range<u64>,
    ) -> impl Iterator<Item = (Slot, u64, R)> + use<'a, R> {
        let end = range.end;
        let rows = self.rows_of_slots(table, &[], &range.start.to_be_bytes());
        let numbered = rows.filter_map(|(key, row)| Some((key.slot(), key.parts().number()?, row)));
        numbered.take_while(move |(_, number, _)| *number < end)
    }

    /// Up to `most` rows of all slots, in the order of their keys without the slot, whose first
    /// part, a text, starts with `prefix` and sorts behind `after`; of what is split, those of the first shard.
    pub fn rows_by_text<R: Row>(
        &self,
        table: &Table<R>,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Vec<(RowKey, R)> {
        let mut from = Vec::new();
        KeyParts::write(&after, &mut from);
        let rows = self.rows_of_slots(table, prefix.as_bytes(), &from);
        let is_first = |key: &RowKey| {
            let text = key.parts().text().unwrap_or_default();
            Shard::whole_of(text).len() == text.len()
        };
        let behind = rows.filter(|(key, _)| key.parts().rest() != from && is_first(key));
        behind.take(most).collect()
    }

    /// Rows of all slots whose keys without the slot start with `prefix`, from `from` on, in the
    /// order of these. Only what is taken is read, and one row of each slot.
    fn rows_of_slots<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R> {
        let slots = self.slots.iter().map(|slot| slot.0.to_be_bytes().to_vec());
        self.rows_behind(table, &slots.collect::<Vec<_>>(), prefix, from)
    }

    /// Rows of an archive, over all slices, whose parts behind the slice start with `prefix`, behind
    /// `after` if given, in the order of these parts, for a scan that has a key. At most
    /// [`SCAN_ROWS_MAX`]; only what is taken is read, and one row of each slice.
    pub fn archived<'a, R: Row, P: KeyParts, A: KeyParts>(
        &'a self,
        table: &'a Table<R>,
        prefix: &P,
        after: Option<&A>,
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R, P, A> {
        let (mut start, mut from) = (Vec::new(), Vec::new());
        prefix.write(&mut start);
        if let Some(after) = after {
            after.write(&mut from);
        }
        let of_slot = |slot: &Slot| {
            let key_of = |slice: Slice| {
                let mut key = Vec::new();
                write_key(&mut key, *slot, &slice);
                key
            };
            let kept = self.snapshot.slices(table);
            let kept = (kept.start().0..=kept.end().0).map(Slice);
            kept.map(key_of).collect::<Vec<_>>()
        };
        let slices = self.slots.first().map(of_slot).unwrap_or_default();
        let rows = self.rows_behind(table, &slices, &start, &from);
        let behind = rows.filter(move |(key, _)| key.as_bytes()[ARCHIVE_HEAD..] != from);
        behind.take(SCAN_ROWS_MAX)
    }

    /// Rows under several heads of keys, all as long, that start with `prefix` behind them, from
    /// `from` on, in the order of what is behind them.
    fn rows_behind<'a, R: Row>(
        &'a self,
        table: &'a Table<R>,
        heads: &[Vec<u8>],
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = (RowKey, R)> + use<'a, R> {
        let length = heads.first().map_or(0, Vec::len);
        let of_head = |head: &[u8]| {
            let (prefix, from) = ([head, prefix].concat(), [head, from].concat());
            self.snapshot.range(table, &prefix, &from).peekable()
        };
        let mut sources: Vec<_> = heads.iter().map(|head| of_head(head)).collect();
        let first = move |(at, rows): (usize, &mut Peekable<_>)| {
            let (key, _): &(RowKey, R) = rows.peek()?;
            Some(Reverse((key.as_bytes()[length..].to_vec(), at)))
        };
        let mut firsts: BinaryHeap<_> = sources.iter_mut().enumerate().filter_map(first).collect();
        std::iter::from_fn(move || {
            let Reverse((_, at)) = firsts.pop()?;
            let row = sources[at].next();
            firsts.extend(first((at, &mut sources[at])));
            row
        })
    }
}

/// Slot and slice in front of a row's key in an archive.
const ARCHIVE_HEAD: usize = 6;

/// A durable future command to the same slot.
#[derive(Clone, Copy)]
pub struct Timer {
    pub(crate) id: u16,
    pub(crate) is_idle: bool,
    pub(crate) fire: fn(&mut Tx<'_>, KeyReader<'_>) -> Result<(), Missing>,
    pub(crate) reads: fn(&mut Reads<'_>, KeyReader<'_>),
}

impl Timer {
    /// A timer of a domain. `number` is stored and for ever. `fire` gets the parts of the key that
    /// the timer was set with; it must accept that what it was set for is gone. `reads` names the
    /// rows that it will read, so that those of many timers are fetched at once.
    #[must_use]
    pub const fn new(
        domain: u8,
        number: u8,
        fire: fn(&mut Tx<'_>, KeyReader<'_>) -> Result<(), Missing>,
        reads: fn(&mut Reads<'_>, KeyReader<'_>),
    ) -> Self {
        Self {
            id: (domain as u16) << 8 | number as u16,
            is_idle: false,
            fire,
            reads,
        }
    }

    /// A timer that nobody waits for, as what leaves for an archive: it fires when a batch has room
    /// left, behind all others that are due, and however many are overdue no command is told BUSY.
    /// Numbered among the domain's other timers.
    #[must_use]
    pub const fn idle(
        domain: u8,
        number: u8,
        fire: fn(&mut Tx<'_>, KeyReader<'_>) -> Result<(), Missing>,
        reads: fn(&mut Reads<'_>, KeyReader<'_>),
    ) -> Self {
        Self {
            is_idle: true,
            ..Self::new(domain, number, fire, reads)
        }
    }

    /// The number of the table in which its rows lie, for a scan that reads them ([`ScanContext::timers`]).
    #[must_use]
    pub const fn table_id(&self) -> u16 {
        if self.is_idle {
            IDLE_TIMERS.id()
        } else {
            TIMERS.id()
        }
    }

    /// Where its rows lie.
    pub(crate) fn table(&self) -> &'static Table<Nothing> {
        if self.is_idle { &IDLE_TIMERS } else { &TIMERS }
    }

    /// The parts of the key of a timer's row.
    pub(crate) fn row<'a, P: KeyParts>(self, due_ms: u64, owner: &'a P) -> TimerRow<'a, P> {
        TimerRow {
            due_ms,
            timer: self.id,
            owner,
        }
    }
}

/// The key of a timer's row, behind its slot: due time, timer, owner.
pub(crate) struct TimerRow<'a, P> {
    due_ms: u64,
    timer: u16,
    owner: &'a P,
}

impl<P: KeyParts> KeyParts for TimerRow<'_, P> {
    fn write(&self, out: &mut Vec<u8>) {
        KeyParts::write(&self.due_ms, out);
        out.extend_from_slice(&self.timer.to_be_bytes());
        self.owner.write(out);
    }
}

/// A kind of mail: what it says, and what the domain that takes it in does about it.
pub trait Mail: Row {
    /// The number of the domain that takes it in, and its own within it: stored and for ever.
    const NUMBERS: (u8, u8);
    /// What it says, in lower case.
    const NAME: &'static str;
    /// Most letters that taking it in sends in turn.
    const LETTERS: usize;

    /// Names the rows that taking it in reads: asked once one was missing.
    fn reads(&self, to: &str, reads: &mut Reads<'_>);

    /// Takes it in. There is no refusing: a "no" is a letter back.
    ///
    /// # Errors
    /// A row has to be fetched first.
    fn take_in(self, to: &str, tx: &mut Tx<'_>) -> Result<(), Missing>;
}

/// A kind of mail without its type.
#[derive(Clone, Copy)]
pub struct MailDef {
    pub(crate) id: u16,
    pub(crate) name: &'static str,
    pub(crate) letters: usize,
    /// Whether these bytes are a letter of this kind.
    pub(crate) is_letter: fn(&[u8]) -> bool,
    pub(crate) reads: fn(&[u8], &str, &mut Reads<'_>),
    pub(crate) take_in: fn(&[u8], &str, &mut Tx<'_>) -> Result<(), Missing>,
}

impl MailDef {
    /// The kind of mail of a type.
    #[must_use]
    pub const fn of<M: Mail>() -> Self {
        let (domain, number) = M::NUMBERS;
        Self {
            id: (domain as u16) << 8 | number as u16,
            name: M::NAME,
            letters: M::LETTERS,
            is_letter: |body| minicbor::decode::<M>(body).is_ok(),
            reads: |body, to, reads| letter::<M>(body).reads(to, reads),
            take_in: |body, to, tx| letter::<M>(body).take_in(to, tx),
        }
    }
}

fn letter<M: Mail>(body: &[u8]) -> M {
    let letter = minicbor::decode(body);
    letter.expect("because it was encoded when it was sent, and kept in a row with a checksum")
}

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDef {
    /// The name of the domain that emits it.
    pub domain: &'static str,
    /// Its name, a fact in the past tense, in lower case.
    pub name: &'static str,
    /// What it says.
    pub doc: &'static str,
    /// How long it is kept, if its domain does not emit too many meanwhile.
    pub keep_ms: u64,
}

impl EventDef {
    /// A kind of event that is kept for [`EVENT_KEPT_MS_DEFAULT`].
    #[must_use]
    pub const fn new(domain: &'static str, name: &'static str, doc: &'static str) -> Self {
        Self {
            domain,
            name,
            doc,
            keep_ms: EVENT_KEPT_MS_DEFAULT,
        }
    }
}

/// A fact that a transaction emits.
pub trait Event: ReplyValue {
    /// Which kind it is.
    const DEF: EventDef;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Writer;

    struct Item(u64);

    impl ReplyValue for Item {
        const TYPE: ReplyType = ReplyType::Integer;

        fn write(&self, out: &mut dyn Writer) {
            out.integer(self.0.cast_signed());
        }
    }

    impl PageItem for Item {
        type Place = u64;

        fn place(&self) -> u64 {
            self.0
        }
    }

    fn page(items: &[u64], next: Option<u64>) -> Page<Item> {
        let items = items.iter().copied().map(Item).collect();
        Page { items, next }
    }

    #[test]
    fn merged_page_ends_where_some_partition_stopped_though_it_found_nothing() {
        let cases = [
            (
                vec![page(&[1, 4], None), page(&[2, 3], None)],
                (vec![1, 2, 3, 4], None),
            ),
            (
                vec![page(&[1, 9], None), page(&[], Some(5))],
                (vec![1], Some(5)),
            ),
            (
                vec![page(&[7], None), page(&[], Some(5))],
                (vec![], Some(5)),
            ),
            (
                vec![page(&[1, 2], Some(2)), page(&[3], Some(8))],
                (vec![1, 2], Some(2)),
            ),
            (
                vec![page(&[1, 3, 5], None), page(&[2, 4], Some(6))],
                (vec![1, 2, 3, 4], Some(4)),
            ),
        ];
        for (pages, expected) in cases {
            let merged = merge(pages, 4);
            let items: Vec<_> = merged.items.iter().map(PageItem::place).collect();
            assert_eq!((items, merged.next), expected);
        }
    }
}
