//! The oldest entries of a stream go, with their messages.

use tidegate_engine::{Missing, Reads, Stop, Tx};

use super::look::Stream;
use super::refusal::StreamRefusal;
use super::words::{Trim, TrimBy};
use crate::TRIMMED_MAX;
use crate::apply::{drop_first, reads_of_first, retain_later};
use crate::table::{PARTS, Part};

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

/// Drops what is to go; how many entries went.
pub(super) fn trim(
    tx: &mut Tx<'_>,
    stream: &mut Stream<'_>,
    trim: &Trim,
) -> Result<u64, Stop<StreamRefusal>> {
    let before = stream.part.live();
    let mut dropped = 0;
    while is_over(tx, stream, trim)? {
        if dropped == trim.most && trim.is_exact {
            return Err(StreamRefusal::trims_too_much().into());
        } else if dropped == trim.most {
            break;
        }
        drop_first(tx, stream.name, &mut stream.part)?;
        dropped += 1;
    }
    drop_deleted(tx, stream)?;
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

/// Drops what is deleted, as far as nothing lies before it.
pub(super) fn drop_deleted(tx: &mut Tx<'_>, stream: &mut Stream<'_>) -> Result<(), Missing> {
    for _ in 0..TRIMMED_MAX {
        let Part { first, deleted, .. } = stream.part;
        if deleted == 0 || !stream.kept(tx, first)?.is_deleted {
            break;
        }
        drop_first(tx, stream.name, &mut stream.part)?;
    }
    Ok(())
}
