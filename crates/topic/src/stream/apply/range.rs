//! `XRANGE`, `XREVRANGE` and `XLEN`: the entries of a stream.

use tidegate_engine::contract::{Apply, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx};

use crate::stream::answer::Answer;
use crate::stream::command::{XLen, XRange, XRevRange};
use crate::stream::look::{Stream, check_parts, entry_of, reads_around, reads_from};
use crate::stream::refusal::{SEVERAL_PARTS, StreamRefusal, TOO_MANY};
use crate::stream::words::Range;
use crate::table::PARTS;
use crate::{PASSED_OVER_MAX, RANGE_ENTRIES_MAX, READ_BYTES_MAX};

impl Apply for XRange {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, TOO_MANY];

    fn key(&self) -> &str {
        self.says.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads_around(
            reads,
            self.says.name.as_str(),
            self.says.from,
            most(&self.says),
        );
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let range = &*self.says;
        let Some(stream) = stream_of(tx, range)? else {
            return Ok(nothing(range));
        };
        let from = stream.from(tx, range.from)?;
        list(tx, &stream, range, from..=stream.part.last)
    }
}

impl Apply for XRevRange {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS, TOO_MANY];

    fn key(&self) -> &str {
        self.says.0.name.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        let range = &self.says.0;
        let name = range.name.as_str();
        let Some(part) = reads_around(reads, name, range.to, 1) else {
            return;
        };
        let most = part.at_once(most(range));
        let to = range.to.seq.min(part.last);
        reads_from(reads, name, &part, to.saturating_sub(most), most);
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        let range = &self.says.0;
        let Some(stream) = stream_of(tx, range)? else {
            return Ok(nothing(range));
        };
        let end = match range.to.next() {
            Some(behind) => stream.from(tx, behind)?,
            None => stream.part.last + 1,
        };
        list(tx, &stream, range, (stream.part.first..end).rev())
    }
}

/// How many entries are worth to be read at once.
fn most(range: &Range) -> u64 {
    let most = RANGE_ENTRIES_MAX as u64;
    range.count.unwrap_or(most).min(most)
}

/// The stream, if there may be something in the range.
fn stream_of<'a>(
    tx: &mut Tx<'_>,
    range: &'a Range,
) -> Result<Option<Stream<'a>>, Stop<StreamRefusal>> {
    if range.count == Some(0) || range.from > range.to {
        return Ok(None);
    }
    Stream::of(tx, range.name.as_str())
}

/// Whoever asks for no entry is answered with nothing.
fn nothing(range: &Range) -> Answer {
    match range.count {
        Some(0) => Answer::Null,
        Some(_) | None => Answer::List(Vec::new()),
    }
}

/// The entries at these positions, as far as they are in the range. All of them, or it is refused.
fn list(
    tx: &mut Tx<'_>,
    stream: &Stream<'_>,
    range: &Range,
    positions: impl Iterator<Item = u64>,
) -> Result<Answer, Stop<StreamRefusal>> {
    let most = usize::try_from(range.count.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for (looked_at, position) in positions.enumerate() {
        if entries.len() == most {
            break;
        }
        let message = stream.kept(tx, position)?;
        let id = message.id_at(position);
        if !(range.from..=range.to).contains(&id) {
            break;
        }
        if looked_at == RANGE_ENTRIES_MAX + PASSED_OVER_MAX {
            return Err(StreamRefusal::range_too_large().into());
        }
        if message.is_expired(tx.now_ms()) {
            continue;
        }
        bytes += message.bytes();
        if entries.len() == RANGE_ENTRIES_MAX || bytes > READ_BYTES_MAX && !entries.is_empty() {
            return Err(StreamRefusal::range_too_large().into());
        }
        entries.push(entry_of(id, &message));
    }
    Ok(Answer::List(entries))
}

impl Apply for XLen {
    type Reply = Answer;
    type Refusal = StreamRefusal;
    const REFUSALS: &'static [RefusalDef] = &[SEVERAL_PARTS];

    fn key(&self) -> &str {
        self.says.0.as_str()
    }

    fn reads(&self, reads: &mut Reads<'_>) {
        reads.row(&PARTS, self.says.0.as_str());
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Answer, Stop<StreamRefusal>> {
        check_parts(tx, self.says.0.as_str())?;
        let part = tx.get(&PARTS, self.says.0.as_str())?;
        Ok(Answer::Number(part.map_or(0, |part| part.live())))
    }
}
