//! The oldest entries of a stream go, with their messages.

use tidegate_engine::limits::{
    COMMAND_ROWS_BYTES, NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX,
};
use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::look::Stream;
use super::refusal::StreamRefusal;
use super::words::{Trim, TrimBy};
use crate::TRIMMED_MAX;
use crate::apply::{drop_first, reads_of_first, retain_later};
use crate::table::{PARTS, Part};

/// Bytes of the key of a message, with what the log has beside it.
pub(super) const KEY_BYTES_MAX: usize = 2 + NAME_BYTES_MAX + 1 + 8 + 9;
/// Bytes with which a message is dropped: its key, and those of its id and of its own key, of two names each.
const DROPPED_BYTES_MAX: usize = KEY_BYTES_MAX + 2 * (2 + 2 * (NAME_BYTES_MAX + 1) + 9);
/// Bytes in a record for what is dropped, and for what a command writes for each entry.
const ROOM: usize = RECORD_BYTES_MAX - COMMAND_ROWS_BYTES;

const _: () = assert!(most_dropped(0) == TRIMMED_MAX);
const _: () = assert!(most_dropped(PAYLOAD_BYTES_MAX) > 0);

/// How many messages one command drops that writes so many bytes besides, whatever their names are.
pub(super) const fn most_dropped(written: usize) -> u64 {
    let most = (ROOM.saturating_sub(written) / DROPPED_BYTES_MAX) as u64;
    if most < TRIMMED_MAX {
        most
    } else {
        TRIMMED_MAX
    }
}

/// Names the rows that trimming reads, one more being added before; for ids only the first of them.
pub(super) fn reads_of_trim(reads: &mut Reads<'_>, name: &str, trim: &Trim) {
    let Some(part) = reads.get(&PARTS, name) else {
        return;
    };
    let most = match trim.by {
        TrimBy::MaxLen(count) => (part.live() + 1).saturating_sub(count).min(trim.most),
        TrimBy::MinId(_) => 1,
    };
    if most > 0 {
        reads_of_first(reads, name, &part, most);
    }
}

/// Drops what is to go, by a command that writes so many bytes besides; how many entries went.
pub(super) fn trim(
    tx: &mut Tx<'_>,
    stream: &mut Stream<'_>,
    trim: &Trim,
    written: usize,
) -> Result<u64, Stop<StreamRefusal>> {
    let before = stream.part.live();
    let most = trim.most.min(most_dropped(written));
    let mut dropped = 0;
    while is_over(tx, stream, trim)? {
        if dropped == most && trim.is_exact {
            return Err(StreamRefusal::trims_too_much(most).into());
        } else if dropped == most {
            break;
        }
        drop_first(tx, stream.name, &mut stream.part)?;
        dropped += 1;
    }
    drop_deleted(tx, stream, most_dropped(written) - dropped)?;
    retain_later(tx, stream.name, &mut stream.part);
    Ok(before - stream.part.live())
}

fn is_over(tx: &mut Tx<'_>, stream: &Stream<'_>, trim: &Trim) -> Result<bool, Missing> {
    let Part { first, last, .. } = stream.part;
    match trim.by {
        TrimBy::MaxLen(count) => Ok(stream.part.live() > count),
        TrimBy::MinId(_) if first > last => Ok(false),
        TrimBy::MinId(id) => Ok(stream.kept(tx, first)?.id_at(first) < id),
    }
}

/// Drops what is deleted, as far as nothing lies before it, and so many at most: the others go later.
pub(super) fn drop_deleted(
    tx: &mut Tx<'_>,
    stream: &mut Stream<'_>,
    most: u64,
) -> Result<(), Missing> {
    for _ in 0..most {
        let Part { first, deleted, .. } = stream.part;
        if deleted == 0 || !stream.kept(tx, first)?.is_deleted {
            break;
        }
        drop_first(tx, stream.name, &mut stream.part)?;
    }
    Ok(())
}
