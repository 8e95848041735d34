//! Requests that divide: the things that one is about lie in slots of several partitions.
//!
//! At the door such a request becomes several works, each about things of one slot. Room for all of them is reserved
//! before any is submitted, so who is told BUSY there has done nothing. They run in their partitions, side by side;
//! each is told to the gather as an answer would leave, once what it rests on is durable, and the last one makes one
//! answer of all. A front sees one request and one answer. If some of the works were done and others were not, the
//! answer is [`PARTLY_DONE`], whatever the reason: whoever sends the whole again would do the first ones twice, unless
//! their ids say that they are the same.

use std::any::Any;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::contract::{
    Apply, Call, Class, End, EndOf, Fault, Outcome, RefusalDef, Refuse, Renderer, ReplyValue,
    Request, ScanCall, Status, Writer, end_of, joined, take_end,
};
use crate::edge::Edge;
use crate::key::Slot;
use crate::limits::PIECES_MAX;
use crate::round::Place;
use crate::shared::Shared;
use crate::sink::{Answer, ReplySink};
use crate::splits::Splits;
use crate::table::Missing;
use crate::tx::{Reads, Tx};

/// What a request that divides and changes something lists among its refusals.
pub const PARTLY_DONE: RefusalDef = RefusalDef {
    code: "partly_done",
    status: Status::Conflict,
    doc: "Of its `of` items `done` were done, those at `left` (counted from 1) were not, for a reason of which \
          `because` is the code, the first one's if there are several. Send those that are left again; of the \
          others only such with an id of yours are safe to repeat.",
};

/// What of a request goes to one place, or came of it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<T> {
    /// What it is.
    pub what: T,
    /// Which of the request's items it is about, counted from 0, in their order.
    pub items: Box<[u16]>,
}

impl<T> Piece<T> {
    /// The same items, with something else about them.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Piece<U> {
        Piece {
            what: make(self.what),
            items: self.items,
        }
    }
}

/// What came of each item, in the order of the request.
#[must_use]
pub fn in_order<T>(pieces: Vec<Piece<Vec<T>>>) -> Vec<T> {
    let of_piece = |piece: Piece<Vec<T>>| piece.items.into_iter().zip(piece.what);
    let mut all: Vec<(u16, T)> = pieces.into_iter().flat_map(of_piece).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, what)| what).collect()
}

/// A request as it was divided, with the types of its answer and of its refusals.
pub struct Division<R, F> {
    begin: Box<dyn FnOnce(Asked, Retold<F>) -> Begun>,
    retold: Retold<F>,
    reply: PhantomData<fn() -> R>,
}

/// The same, whatever its types.
pub struct Divided(Box<dyn FnOnce(Asked) -> Begun>);

/// How the request says what one of its pieces is refused with.
type Retold<F> = Box<dyn FnOnce(Piece<F>) -> F + Send>;

impl<R: ReplyValue + 'static, F: Refuse + Send + 'static> Division<R, F> {
    /// Into works of one slot each, at most [`PIECES_MAX`], whose replies are joined so once all are there.
    pub fn new<P>(
        pieces: Vec<Piece<P>>,
        join: impl FnOnce(Vec<Piece<P::Reply>>) -> R + Send + 'static,
    ) -> Self
    where
        P: Apply<Refusal = F>,
        P::Reply: Send + 'static,
    {
        const { assert!(!P::PENDS, "it is known what has come of a piece") };
        let many = pieces.len();
        assert!((1..=PIECES_MAX).contains(&many), "{many} pieces");
        let begin = |asked, retold| Gather::begin(asked, pieces, (Box::new(join), retold));
        Self {
            begin: Box::new(begin),
            retold: Box::new(|refused| refused.what),
            reply: PhantomData,
        }
    }

    /// The request says so what a piece is refused with, which knows its own items only.
    #[must_use]
    pub fn retelling(self, retold: impl FnOnce(Piece<F>) -> F + Send + 'static) -> Self {
        Self {
            retold: Box::new(retold),
            ..self
        }
    }
}

impl<R: 'static, F: 'static> Division<R, F> {
    pub(crate) fn untyped(self) -> Divided {
        let Self { begin, retold, .. } = self;
        Divided(Box::new(|asked| begin(asked, retold)))
    }
}

impl Divided {
    /// What is to be submitted.
    pub(crate) fn begin(self, asked: Asked) -> Begun {
        self.0(asked)
    }
}

/// Who has asked for what is divided.
pub(crate) struct Asked {
    pub(crate) sink: Arc<dyn ReplySink>,
    pub(crate) token: u64,
    pub(crate) domain: usize,
    pub(crate) class: Class,
    pub(crate) shared: Arc<Shared>,
}

/// Works that are to be submitted, each with its place as token, and where they are answered.
pub(crate) struct Begun {
    pub(crate) calls: Vec<Box<dyn Call>>,
    pub(crate) sink: Arc<dyn ReplySink>,
}

type Join<P, R> = Box<dyn FnOnce(Vec<Piece<P>>) -> R + Send>;

type Ends<P> = Vec<Piece<EndOf<P>>>;

/// Where pieces are answered.
struct Gather<P: Apply, R> {
    asked: Asked,
    coming: Mutex<Coming<P, R>>,
}

struct Coming<P: Apply, R> {
    /// What came of each piece, durable or not yet.
    ends: Vec<Piece<Option<EndOf<P>>>>,
    /// Those that are not durable yet.
    missing: usize,
    told: Option<Told<P, R>>,
}

/// What is told of replies, and of a refusal.
type Told<P, R> = (Join<<P as Apply>::Reply, R>, Retold<<P as Apply>::Refusal>);

/// One work, which is answered at the gather.
struct Part<P: Apply, R> {
    call: P,
    at: usize,
    gather: Arc<Gather<P, R>>,
}

impl<P, R> Gather<P, R>
where
    P: Apply<Reply: Send + 'static, Refusal: Send + 'static>,
    R: ReplyValue + 'static,
{
    fn begin(asked: Asked, pieces: Vec<Piece<P>>, told: Told<P, R>) -> Begun {
        let (mut ends, mut works) = (Vec::new(), Vec::new());
        for Piece { what, items } in pieces {
            ends.push(Piece { what: None, items });
            works.push(what);
        }
        let coming = Coming {
            missing: ends.len(),
            ends,
            told: Some(told),
        };
        let gather = Arc::new(Self {
            asked,
            coming: Mutex::new(coming),
        });
        let part = |(at, call)| {
            let gather = Arc::clone(&gather);
            Box::new(Part { call, at, gather }) as Box<dyn Call>
        };
        Begun {
            calls: works.into_iter().enumerate().map(part).collect(),
            sink: gather,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Coming<P, R>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many more are durable: gives what came of all, once all are.
    fn arrived(&self, many: usize) -> Option<Ends<P>> {
        let mut coming = self.lock();
        coming.missing -= many;
        if coming.missing > 0 {
            return None;
        }
        let ends = std::mem::take(&mut coming.ends).into_iter();
        let end = |end: Option<_>| end.expect("because a piece has run when it is answered");
        Some(ends.map(|piece| piece.map(end)).collect())
    }

    /// What was replied to all of them, if nothing else was.
    fn joined(&self, ends: Ends<P>) -> Result<R, Ends<P>> {
        if !ends.iter().all(|end| matches!(end.what, End::Reply(_))) {
            return Err(ends);
        }
        let reply = |Piece { what, items }| match what {
            End::Reply(what) => Some(Piece { what, items }),
            End::Refused(_) | End::Fault(_) | End::Pending => None,
        };
        let replies = ends.into_iter().filter_map(reply).collect();
        let (join, _) = self.told();
        Ok(join(replies))
    }

    fn told(&self) -> Told<P, R> {
        let told = self.lock().told.take();
        told.expect("because all are there once")
    }

    /// Answers who has asked.
    fn answer(&self, outcome: &Outcome<'_>) {
        let Asked { sink, token, .. } = &self.asked;
        let mut bytes = Vec::new();
        sink.renderer().render(outcome, &mut bytes);
        let answer = Answer {
            token: *token,
            status: outcome.status(),
            end: bytes.len(),
        };
        sink.deliver(&[answer], 0, &bytes);
    }

    /// The answer if not all were done.
    fn answer_short(&self, ends: Ends<P>) {
        let done = ends.iter().any(|end| matches!(end.what, End::Reply(_)));
        if done && self.asked.class != Class::Reads {
            let partly = Partly::of(&ends);
            let usage = &self.asked.shared.usages()[self.asked.domain];
            usage.tally.refused(PARTLY_DONE.code);
            return self.answer(&Outcome::Refused(&partly));
        }
        let mut refused = None;
        for Piece { what, items } in ends {
            match what {
                End::Fault(fault) => return self.answer(&Outcome::Fault(&fault)),
                End::Refused(what) => refused = refused.or(Some(Piece { what, items })),
                End::Reply(_) | End::Pending => {}
            }
        }
        if let Some(refused) = refused {
            let (_, retold) = self.told();
            self.answer(&Outcome::Refused(&retold(refused)));
        }
    }
}

impl<P, R> ReplySink for Gather<P, R>
where
    P: Apply<Reply: Send + 'static, Refusal: Send + 'static>,
    R: ReplyValue + 'static,
{
    fn renderer(&self) -> &dyn Renderer {
        self.asked.sink.renderer()
    }

    fn is_next(&self, _token: u64) -> bool {
        self.asked.sink.is_next(self.asked.token)
    }

    fn is_gone(&self, _token: u64) -> bool {
        self.asked.sink.is_gone(self.asked.token)
    }

    fn deliver(&self, answers: &[Answer], _start: usize, _bytes: &[u8]) {
        let Some(ends) = self.arrived(answers.len()) else {
            return;
        };
        match self.joined(ends) {
            Ok(reply) => self.answer(&Outcome::Reply(&reply)),
            Err(ends) => self.answer_short(ends),
        }
    }
}

/// Some pieces were done, and others were not.
struct Partly {
    done: usize,
    left: Vec<u16>,
    because: &'static str,
}

impl Partly {
    fn of<R, F: Refuse>(ends: &[Piece<End<R, F>>]) -> Self {
        let mut partly = Self {
            done: 0,
            left: Vec::new(),
            because: "",
        };
        for end in ends {
            let because = match &end.what {
                End::Reply(_) | End::Pending => {
                    partly.done += end.items.len();
                    continue;
                }
                End::Refused(refusal) => refusal.def().code,
                End::Fault(fault) => fault.code(),
            };
            if partly.left.is_empty() {
                partly.because = because;
            }
            partly.left.extend(end.items.iter().map(|item| item + 1));
        }
        partly.left.sort_unstable();
        partly
    }
}

impl Refuse for Partly {
    fn def(&self) -> &'static RefusalDef {
        &PARTLY_DONE
    }

    fn facts(&self, out: &mut dyn Writer) {
        let count = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
        out.name("done");
        out.integer(count(self.done));
        out.name("of");
        out.integer(count(self.done + self.left.len()));
        out.name("because");
        out.text(self.because);
        out.name("left");
        out.list(self.left.len());
        for item in &self.left {
            out.integer(i64::from(*item));
        }
        out.end();
    }
}

impl<P, R> Call for Part<P, R>
where
    P: Apply<Reply: Send + 'static, Refusal: Send + 'static>,
    R: ReplyValue + 'static,
{
    fn key(&self) -> &[u8] {
        Apply::key(&self.call).as_bytes()
    }

    fn slot(&self, splits: &Splits) -> Slot {
        Apply::slot(&self.call, splits)
    }

    /// It is about one slot.
    fn spread(&self, _splits: &Splits) -> Option<Box<dyn ScanCall>> {
        None
    }

    fn divide(&mut self, _splits: &Splits, _nth: u64) -> Option<Divided> {
        None
    }

    fn round(&self, _splits: &Splits, _nth: u64) -> Option<Vec<Place>> {
        None
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        Apply::reads(&self.call, reads);
    }

    fn letters(&self) -> usize {
        Apply::letters(&self.call)
    }

    fn letter_bytes(&self) -> usize {
        Apply::letter_bytes(&self.call)
    }

    fn calls(&self) -> usize {
        Apply::calls(&self.call)
    }

    fn writes(&self) -> usize {
        Apply::writes(&self.call)
    }

    fn waits_ms(&self) -> u64 {
        Apply::waits_ms(&self.call)
    }

    fn awaits(&self) -> Cow<'_, str> {
        Apply::awaits(&self.call)
    }

    /// It is submitted already.
    fn glance(
        &self,
        _edge: &Edge<'_>,
        _renderer: &dyn Renderer,
        _out: &mut Vec<u8>,
    ) -> Option<(Status, Option<&'static str>)> {
        None
    }

    fn run(
        &self,
        tx: &mut Tx<'_>,
        _renderer: &dyn Renderer,
        _out: &mut Vec<u8>,
    ) -> Result<Option<Status>, Missing> {
        tx.is_piece = true;
        let end = end_of(&self.call, tx)?;
        Ok(end.map(|end| self.end(end)))
    }

    fn joins(&self) -> Option<&dyn Any> {
        P::JOINS.then_some(&self.call as &dyn Any)
    }

    fn run_joined(
        &self,
        these: &[&dyn Any],
        tx: &mut Tx<'_>,
    ) -> Result<Option<Box<dyn Any>>, Missing> {
        joined::<P>(these, tx)
    }

    fn tell_joined(
        &self,
        ends: &mut dyn Any,
        at: usize,
        _renderer: &dyn Renderer,
        _out: &mut Vec<u8>,
    ) -> (Status, Option<&'static str>) {
        let end = take_end::<P>(ends, at);
        let code = end.code();
        (self.end(end), code)
    }

    fn turn_away(&self, fault: Fault, _renderer: &dyn Renderer, _out: &mut Vec<u8>) -> Status {
        self.end(End::Fault(fault))
    }

    fn weight(&self) -> usize {
        Request::bytes(&self.call)
    }

    fn pends(&self) -> bool {
        P::PENDS
    }
}

impl<P, R> Part<P, R>
where
    P: Apply<Reply: Send + 'static, Refusal: Send + 'static>,
    R: ReplyValue + 'static,
{
    /// What came of it, in place of what came of it in a run that was undone.
    fn end(&self, end: EndOf<P>) -> Status {
        let status = end.outcome("").status();
        self.gather.lock().ends[self.at].what = Some(end);
        status
    }
}
