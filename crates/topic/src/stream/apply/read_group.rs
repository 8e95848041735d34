//! `XREADGROUP`: gives a consumer of a group what no consumer of it has, or what it has itself.

use std::borrow::Cow;

use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Place, Reads, Splits, Stop, Tx};

use crate::apply::word_of_stream_readers;
use crate::stream::answer::Answer;
use crate::stream::command::XReadGroup;
use crate::stream::desk::{Desk, Of, reads_of_pending};
use crate::stream::entry::flat_of;
use crate::stream::id::StreamId;
use crate::stream::look::{Stream, entry_of, reads_from};
use crate::stream::refusal::{NO_GROUP, SEVERAL_PARTS, StreamRefusal, TOO_MANY};
use crate::stream::row::{Pending, chunk_of};
use crate::stream::words::From;
use crate::table::{Message, PARTS};
use crate::{PASSED_OVER_MAX, READ_BYTES_MAX};

impl Apply for XReadGroup {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, NO_GROUP, TOO_MANY];

    fn key(&self) -> &str {
        self.says.read.streams[0].0.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let (name, from) = self.says.read.at(reads.place());
        let name = name.as_str();
        let part = reads.get(&PARTS, name);
        let chunk = match (from, &part) {
            (From::News, Some(part)) => chunk_of(part.last.saturating_sub(self.says.read.count)),
            (From::News, None) | (From::Behind(_), _) => 0,
        };
        let group = reads_of_pending(reads, (name, self.says.group.as_str()), chunk);
        if let (Some(part), Some(group), From::News) = (part, group, from) {
            reads_from(reads, name, &part, group.next, self.says.read.count);
        }
    }

    fn waits_ms(&self) -> u64 {
        self.says.read.wait_ms
    }

    fn awaits(&self) -> Cow<'_, str> {
        let of = (self.key(), self.says.group.as_str());
        String::from(word_of_stream_readers(of)).into()
    }

    fn round(&self, _splits: &Splits, nth: u64) -> Option<Vec<Place>> {
        let group = self.says.group.as_str();
        let word = |name: &Name| word_of_stream_readers((name.as_str(), group));
        self.says.read.round(nth, word)
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let (name, from) = self.says.read.at(tx.place());
        let of = (name.as_str(), self.says.group.as_str());
        let desk = Desk::of(tx, of)?;
        let stream = Stream::of(tx, of.0)?;
        let (Some(desk), Some(stream)) = (desk, stream) else {
            let behind = " in XREADGROUP with GROUP option";
            return Err(StreamRefusal::no_group(of, behind).into());
        };
        match from {
            From::News => {
                let given = self.give_new(tx, desk, &stream);
                self.pass_on(tx, of, given)
            }
            From::Behind(id) => self.give_own(tx, desk, &stream, *id),
        }
    }
}

/// What a read is going to give.
#[derive(Default)]
struct Basket {
    entries: Vec<Answer>,
    bytes: usize,
    passed_over: usize,
}

impl XReadGroup {
    fn consumer(&self) -> &str {
        self.says.consumer.as_str()
    }

    /// Who was told of a message and may not be given it has another one told, and answers as if there were nothing: a
    /// refusal would leave no trace. Who asks again is refused if there is something.
    fn pass_on(
        &self,
        tx: &mut Tx<'_>,
        of: Of<'_>,
        given: Result<Answer, Stop<StreamRefusal>>,
    ) -> Result<Answer, Stop<StreamRefusal>> {
        let has_waited = self.says.read.wait_ms > 0 && tx.runs_again() && !tx.is_last_run();
        match given {
            Err(Stop::Refused(_)) if has_waited => {
                tx.tell_some(&word_of_stream_readers(of), 1);
                Ok(Answer::Null)
            }
            given => given,
        }
    }

    /// What no consumer has been given.
    fn give_new(
        &self,
        tx: &mut Tx<'_>,
        mut desk: Desk<'_>,
        stream: &Stream<'_>,
    ) -> Result<Answer, Stop<StreamRefusal>> {
        let mut basket = Basket::default();
        let mut next = desk.group.next.max(stream.part.first);
        while next <= stream.part.last
            && (basket.entries.len() as u64) < self.says.read.count
            && basket.passed_over < PASSED_OVER_MAX
            && self.look(tx, &mut desk, (stream, next), &mut basket)?
        {
            next += 1;
        }
        let is_none = basket.entries.is_empty();
        if is_none && basket.passed_over < PASSED_OVER_MAX {
            return if tx.may_wait() {
                Err(Stop::Wait)
            } else {
                Ok(Answer::Null)
            };
        }
        desk.group.next = next;
        if is_none {
            desk.put(tx); // It goes on from there when it is asked again.
            return Ok(Answer::Null);
        }
        desk.is_active(self.consumer(), tx.now_ms());
        desk.put(tx);
        Ok(Answer::Stream(stream.name.into(), basket.entries))
    }

    /// Gives a message, or passes it over; `false` if it has to wait for another read.
    fn look(
        &self,
        tx: &mut Tx<'_>,
        desk: &mut Desk<'_>,
        (stream, position): (&Stream<'_>, u64),
        basket: &mut Basket,
    ) -> Result<bool, Stop<StreamRefusal>> {
        let message = stream.kept(tx, position)?;
        let id = message.id_at(position);
        if id <= desk.group.last || message.is_expired(tx.now_ms()) {
            basket.passed_over += 1;
        } else {
            let is_first = basket.entries.is_empty();
            basket.bytes += message.bytes();
            let is_full = basket.bytes > READ_BYTES_MAX && !is_first;
            if is_full || !self.note(tx, desk, (position, id), is_first)? {
                return Ok(false);
            }
            basket.entries.push(entry_of(id, &message));
        }
        desk.group.last = desk.group.last.max(id);
        Ok(true)
    }

    /// An entry is given for the first time; `false` if so many are pending that it has to wait.
    fn note(
        &self,
        tx: &mut Tx<'_>,
        desk: &mut Desk<'_>,
        (position, id): (u64, StreamId),
        is_first: bool,
    ) -> Result<bool, Stop<StreamRefusal>> {
        let consumer = desk.meet(self.consumer(), tx.now_ms())?;
        if self.says.no_ack {
            return Ok(true);
        }
        if !desk.has_room(position) && is_first {
            return Err(StreamRefusal::too_many_pending().into());
        } else if !desk.has_room(position) {
            return Ok(false);
        }
        let given = Pending {
            position,
            id,
            consumer,
            at_ms: tx.now_ms(),
            deliveries: 1,
        };
        desk.set(tx, given)?;
        Ok(true)
    }

    /// What it was given, and has not acknowledged: given once more. Of what is not kept any more, the id alone.
    fn give_own(
        &self,
        tx: &mut Tx<'_>,
        mut desk: Desk<'_>,
        stream: &Stream<'_>,
        behind: StreamId,
    ) -> Result<Answer, Stop<StreamRefusal>> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        let own = desk.number_of(self.consumer());
        let mut next = match behind.next() {
            Some(id) => desk.from(tx, id)?,
            None => None,
        };
        while let Some(entry) = next
            && (entries.len() as u64) < self.says.read.count
        {
            next = desk.behind(tx, entry.position)?;
            if Some(entry.consumer) != own {
                continue;
            }
            let message = stream.live(tx, entry.position)?;
            bytes += message.as_ref().map_or(0, Message::bytes);
            if bytes > READ_BYTES_MAX && !entries.is_empty() {
                break;
            }
            let id = entry.id;
            if message.is_some() {
                let given = Pending {
                    at_ms: tx.now_ms(),
                    deliveries: entry.deliveries + 1,
                    ..entry
                };
                desk.set(tx, given)?;
            }
            entries.push(Answer::entry(
                id,
                message.map(|message| flat_of(&message.payload)),
            ));
        }
        if !entries.is_empty() {
            desk.meet(self.consumer(), tx.now_ms())?;
            desk.is_active(self.consumer(), tx.now_ms());
            desk.put(tx);
        }
        Ok(Answer::Stream(stream.name.into(), entries))
    }
}
