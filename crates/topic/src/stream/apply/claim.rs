//! `XCLAIM` and `XAUTOCLAIM`: a consumer takes over what others have left pending.
//!
//! An entry that is not kept any more is pending no more when somebody would take it over, as in Redis.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use crate::stream::answer::Answer;
use crate::stream::command::{XAutoClaim, XClaim};
use crate::stream::desk::{Desk, Of, reads_of_pending};
use crate::stream::id::StreamId;
use crate::stream::look::{Stream, entry_of};
use crate::stream::refusal::{NO_GROUP, SEVERAL_PARTS, StreamRefusal, TOO_MANY};
use crate::stream::row::{GROUPS, PENDING, Pending, chunk_of};
use crate::table::{MESSAGES, Message, PARTS};
use crate::{PASSED_OVER_MAX, READ_BYTES_MAX};

/// Entries that `XAUTOCLAIM` looks at, for each that it may take over: as many as Redis.
const LOOKED_AT: u64 = 10;

impl Apply for XClaim {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, NO_GROUP, TOO_MANY];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let (name, group) = (self.says.name.as_str(), self.says.group.as_str());
        reads.row(&PARTS, name);
        reads.row(&GROUPS, (name, group));
        for id in &self.says.ids {
            reads.row(&PENDING, (name, group, chunk_of(id.seq)));
            reads.row(&MESSAGES, (name, id.seq));
        }
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let of = (self.says.name.as_str(), self.says.group.as_str());
        let (mut desk, stream) = open(tx, of)?;
        let consumer = self.says.consumer.as_str();
        let number = desk.meet(consumer, tx.now_ms())?;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for id in &self.says.ids {
            let Some((entry, message)) = self.look(tx, &mut desk, &stream, (*id, number))? else {
                continue;
            };
            bytes += message.bytes();
            if bytes > READ_BYTES_MAX && !taken.is_empty() && !self.says.just_ids {
                return Err(StreamRefusal::range_too_large().into());
            }
            desk.set(tx, self.taken_over(entry, number, tx.now_ms()))?;
            taken.push(told(*id, &message, self.says.just_ids));
        }
        if !taken.is_empty() {
            desk.is_active(consumer, tx.now_ms());
        }
        desk.put(tx);
        Ok(Answer::List(taken))
    }
}

impl XClaim {
    fn taken_over(&self, entry: Pending, consumer: u8, now_ms: u64) -> Pending {
        let counted = u64::from(!self.says.just_ids);
        let deliveries = self.says.deliveries;
        let given = self.says.given;
        Pending {
            consumer,
            at_ms: given.map_or(now_ms, |given| given.at_ms(now_ms)),
            deliveries: deliveries.unwrap_or(entry.deliveries + counted),
            ..entry
        }
    }

    /// An entry that may be taken over, or is to be given to somebody for the first time.
    fn look(
        &self,
        tx: &mut Tx<'_>,
        desk: &mut Desk<'_>,
        stream: &Stream<'_>,
        (id, consumer): (StreamId, u8),
    ) -> Result<Option<(Pending, Message)>, Stop<StreamRefusal>> {
        let Some(entry) = desk.find(tx, id)? else {
            return self.force(tx, desk, stream, (id, consumer));
        };
        let Some(message) = stream.live(tx, entry.position)? else {
            desk.remove(tx, entry.position)?;
            return Ok(None);
        };
        let is_idle = entry.idle_ms(tx.now_ms()) >= self.says.idle_ms;
        Ok(is_idle.then_some((entry, message)))
    }

    fn force(
        &self,
        tx: &mut Tx<'_>,
        desk: &Desk<'_>,
        stream: &Stream<'_>,
        (id, consumer): (StreamId, u8),
    ) -> Result<Option<(Pending, Message)>, Stop<StreamRefusal>> {
        if !self.says.is_forced {
            return Ok(None);
        }
        let Some((position, message)) = stream.at(tx, id)? else {
            return Ok(None);
        };
        if !desk.has_room(position) {
            return Err(StreamRefusal::too_many_pending().into());
        }
        let entry = Pending {
            position,
            id,
            consumer,
            at_ms: tx.now_ms(),
            deliveries: 1, // As Redis has it, before it counts the claim itself.
        };
        Ok(Some((entry, message)))
    }
}

/// The group, and its stream.
fn open<'a>(tx: &mut Tx<'_>, of: Of<'a>) -> Result<(Desk<'a>, Stream<'a>), Stop<StreamRefusal>> {
    let desk = Desk::of(tx, of)?;
    let stream = Stream::of(tx, of.0)?;
    let both = desk.zip(stream);
    both.ok_or_else(|| StreamRefusal::no_group(of, "").into())
}

fn told(id: StreamId, message: &Message, just_ids: bool) -> Answer {
    if just_ids {
        Answer::id(id)
    } else {
        entry_of(id, message)
    }
}

impl Apply for XAutoClaim {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, NO_GROUP, TOO_MANY];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let of = (self.says.name.as_str(), self.says.group.as_str());
        reads.row(&PARTS, of.0);
        // Where it is to begin is an id, which says where it lies unless it was chosen.
        reads_of_pending(reads, of, chunk_of(self.says.from.seq));
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let of = (self.says.name.as_str(), self.says.group.as_str());
        let (mut desk, stream) = open(tx, of)?;
        let consumer = self.says.consumer.as_str();
        let mut sweep = Sweep::of(desk.meet(consumer, tx.now_ms())?);
        let looks = self.says.count.saturating_mul(LOOKED_AT);
        let looks = looks.min(PASSED_OVER_MAX as u64);
        let mut next = desk.from(tx, self.says.from)?;
        for _ in 0..looks {
            let Some(entry) = &next else {
                break;
            };
            if sweep.count() == self.says.count
                || !self.look(tx, &mut desk, &stream, entry, &mut sweep)?
            {
                break;
            }
            next = desk.behind(tx, entry.position)?;
        }
        if !sweep.taken.is_empty() {
            desk.is_active(consumer, tx.now_ms());
        }
        desk.put(tx);
        Ok(sweep.answer(next.map_or(StreamId::NONE, |entry| entry.id)))
    }
}

/// What was come across.
struct Sweep {
    /// The number of the consumer for whom it is taken over.
    consumer: u8,
    taken: Vec<Answer>,
    /// Ids of what is not kept any more.
    gone: Vec<Answer>,
    bytes: usize,
}

impl Sweep {
    fn of(consumer: u8) -> Self {
        Self {
            consumer,
            taken: Vec::new(),
            gone: Vec::new(),
            bytes: 0,
        }
    }

    fn count(&self) -> u64 {
        (self.taken.len() + self.gone.len()) as u64
    }

    /// With where to go on.
    fn answer(self, next: StreamId) -> Answer {
        let [taken, gone] = [self.taken, self.gone].map(Answer::List);
        Answer::List(vec![Answer::id(next), taken, gone])
    }
}

impl XAutoClaim {
    /// Takes an entry over if it was idle for long enough; `false` if the answer has no room for it.
    fn look(
        &self,
        tx: &mut Tx<'_>,
        desk: &mut Desk<'_>,
        stream: &Stream<'_>,
        entry: &Pending,
        sweep: &mut Sweep,
    ) -> Result<bool, Missing> {
        let Some(message) = stream.live(tx, entry.position)? else {
            desk.remove(tx, entry.position)?;
            sweep.gone.push(Answer::id(entry.id));
            return Ok(true);
        };
        if entry.idle_ms(tx.now_ms()) < self.says.idle_ms {
            return Ok(true);
        }
        let bytes = sweep.bytes + message.bytes();
        if bytes > READ_BYTES_MAX && !sweep.taken.is_empty() && !self.says.just_ids {
            return Ok(false);
        }
        sweep.bytes = bytes;
        desk.set(tx, self.taken_over(entry, sweep.consumer, tx.now_ms()))?;
        sweep
            .taken
            .push(told(entry.id, &message, self.says.just_ids));
        Ok(true)
    }

    fn taken_over(&self, entry: &Pending, consumer: u8, now_ms: u64) -> Pending {
        Pending {
            consumer,
            at_ms: now_ms,
            deliveries: entry.deliveries + u64::from(!self.says.just_ids),
            ..entry.clone()
        }
    }
}
