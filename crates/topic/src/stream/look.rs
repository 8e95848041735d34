//! Messages of a stream by their ids. A minted id tells the position, so that it is found at once; any other one is
//! looked for by halves.

use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::answer::Answer;
use super::entry::flat_of;
use super::id::StreamId;
use super::refusal::StreamRefusal;
use crate::table::{DOMAIN, MESSAGES, Message, PARTS, Part};

/// A stream that is there.
pub(super) struct Stream<'a> {
    pub(super) name: &'a str,
    pub(super) part: Part,
}

/// Names the rows of a stream around an id, and of so many entries behind it, as far as the id tells where they are.
pub(super) fn reads_around(
    reads: &mut Reads<'_>,
    name: &str,
    id: StreamId,
    most: u64,
) -> Option<Part> {
    let part = reads.get(&PARTS, name)?;
    let from = id.seq.clamp(part.first, part.last.max(part.first));
    reads_from(reads, name, &part, from.saturating_sub(1), most + 1);
    Some(part)
}

/// Names so many messages, and not more than one answer has room for.
pub(super) fn reads_from(reads: &mut Reads<'_>, name: &str, part: &Part, from: u64, most: u64) {
    let from = from.max(part.first);
    let end = from.saturating_add(part.at_once(most.max(1)));
    for position in from..end.min(part.last + 1) {
        reads.row(&MESSAGES, (name, position));
    }
}

/// A topic of several parts is no stream.
pub(super) fn check_parts(tx: &Tx<'_>, name: &str) -> Result<(), StreamRefusal> {
    match tx.splits().of(DOMAIN, name) {
        Some(_) => Err(StreamRefusal::several_parts()),
        None => Ok(()),
    }
}

impl<'a> Stream<'a> {
    pub(super) fn of(tx: &mut Tx<'_>, name: &'a str) -> Result<Option<Self>, Stop<StreamRefusal>> {
        check_parts(tx, name)?;
        let part = tx.get(&PARTS, name)?;
        Ok(part.map(|part| Self { name, part }))
    }

    /// A message that is kept, and neither expired nor deleted.
    pub(super) fn live(&self, tx: &mut Tx<'_>, position: u64) -> Result<Option<Message>, Missing> {
        if !(self.part.first..=self.part.last).contains(&position) {
            return Ok(None); // It may be pinned, for others.
        }
        let message = tx.get(&MESSAGES, (self.name, position))?;
        Ok(message.filter(|message| !message.is_expired(tx.now_ms())))
    }

    /// A message that is kept, whatever has become of it.
    pub(super) fn kept(&self, tx: &mut Tx<'_>, position: u64) -> Result<Message, Missing> {
        let message = tx.get(&MESSAGES, (self.name, position))?;
        Ok(message.expect("because messages are kept from the first one on"))
    }

    fn id_at(&self, tx: &mut Tx<'_>, position: u64) -> Result<StreamId, Missing> {
        self.kept(tx, position)
            .map(|message| message.id_at(position))
    }

    /// The position of the first message that is kept and whose id is not less; that behind the last if there is none.
    pub(super) fn from(&self, tx: &mut Tx<'_>, id: StreamId) -> Result<u64, Missing> {
        let (mut low, mut high) = (self.part.first, self.part.last + 1);
        if id > self.part.last_id() {
            return Ok(high);
        }
        let guess = id.seq.clamp(low, high);
        if self.is_from(tx, guess, id)? {
            return Ok(guess);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.id_at(tx, middle)? < id {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn is_from(&self, tx: &mut Tx<'_>, position: u64, id: StreamId) -> Result<bool, Missing> {
        let Part { first, last, .. } = self.part;
        let is_behind = position == first || self.id_at(tx, position - 1)? < id;
        Ok(is_behind && (position > last || self.id_at(tx, position)? >= id))
    }

    /// The message with this id, if it is kept, and neither expired nor deleted.
    pub(super) fn at(
        &self,
        tx: &mut Tx<'_>,
        id: StreamId,
    ) -> Result<Option<(u64, Message)>, Missing> {
        let position = self.from(tx, id)?;
        let message = self.live(tx, position)?;
        let message = message.filter(|message| message.id_at(position) == id);
        Ok(message.map(|message| (position, message)))
    }
}

/// A message as an entry.
pub(super) fn entry_of(id: StreamId, message: &Message) -> Answer {
    Answer::entry(id, Some(flat_of(&message.payload)))
}
