//! `XREAD`: entries behind an id.
//!
//! Of several streams it answers with one that has some: each lies in its slot, and whoever asks again gets the others.

use compact_str::CompactString;
use tidegate_engine::contract::{Apply, Name, RefusalDef};
use tidegate_engine::{Place, Reads, Slot, Splits, Stop, Tx};

use crate::stream::answer::Answer;
use crate::stream::command::XRead;
use crate::stream::look::{Stream, entry_of, reads_around};
use crate::stream::refusal::{SEVERAL_PARTS, StreamRefusal, TOO_MANY};
use crate::stream::words::{From, Read};
use crate::{PASSED_OVER_MAX, READ_BYTES_MAX};

impl Apply for XRead {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, TOO_MANY];

    fn key(&self) -> &str {
        self.says.streams[0].0.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let (name, from) = self.says.at(reads.place());
        if let From::Behind(id) = from {
            reads_around(reads, name.as_str(), *id, self.says.count);
        }
    }

    fn waits_ms(&self) -> u64 {
        self.says.wait_ms
    }

    fn round(&self, _splits: &Splits, nth: u64) -> Option<Vec<Place>> {
        self.says.round(nth, Name::compact)
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let (name, from) = self.says.at(tx.place());
        let entries = match Stream::of(tx, name.as_str())? {
            Some(stream) => self.entries(tx, &stream, *from)?,
            None => {
                remember_from(tx, 1);
                Vec::new()
            }
        };
        if !entries.is_empty() {
            return Ok(Answer::Stream(name.compact(), entries));
        }
        if tx.may_wait() {
            return Err(Stop::Wait);
        }
        Ok(Answer::Null)
    }
}

/// What comes behind what was there when it was asked for begins here.
fn remember_from(tx: &mut Tx<'_>, position: u64) -> u64 {
    if tx.remembered() == 0 {
        tx.remember(position);
    }
    tx.remembered()
}

impl XRead {
    /// Those that one answer has room for.
    fn entries(
        &self,
        tx: &mut Tx<'_>,
        stream: &Stream<'_>,
        from: From,
    ) -> Result<Vec<Answer>, Stop<StreamRefusal>> {
        let from = match from {
            From::News => remember_from(tx, stream.part.last + 1).max(stream.part.first),
            From::Behind(id) => match id.next() {
                Some(next) => stream.from(tx, next)?,
                None => return Ok(Vec::new()),
            },
        };
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for (looked_at, position) in (from..=stream.part.last).enumerate() {
            if entries.len() as u64 == self.says.count {
                break;
            }
            if looked_at == PASSED_OVER_MAX && entries.is_empty() {
                return Err(StreamRefusal::too_many_expired().into());
            }
            let Some(message) = stream.live(tx, position)? else {
                continue;
            };
            bytes += message.bytes();
            if bytes > READ_BYTES_MAX && !entries.is_empty() {
                break;
            }
            entries.push(entry_of(message.id_at(position), &message));
        }
        Ok(entries)
    }
}

impl Read {
    /// The stream in which it looks.
    pub(crate) fn at(&self, place: u16) -> &(Name, From) {
        &self.streams[usize::from(place)]
    }

    /// All of them, beginning with another one each time, with what it waits for in each; nothing if it is one.
    pub(crate) fn round(
        &self,
        nth: u64,
        word: impl Fn(&Name) -> CompactString,
    ) -> Option<Vec<Place>> {
        if self.streams.len() == 1 {
            return None;
        }
        let mut places: Vec<Place> = Vec::new();
        for (number, (name, _)) in (0..).zip(&self.streams) {
            let awaits = word(name);
            if places.iter().all(|place| place.awaits != awaits) {
                let slot = Slot::of(name.as_str().as_bytes());
                places.push(Place {
                    slot,
                    number,
                    awaits,
                });
            }
        }
        let first = nth % places.len() as u64;
        places.rotate_left(usize::try_from(first).unwrap_or(0));
        Some(places)
    }
}
