//! Requests about several notes, which divide.

use super::{FULL, Get, NoteInfo, Put, Refusal, UNKNOWN};
use crate::contract::{Apply, Id, List, Name, RefusalDef};
use crate::divide::{Division, PARTLY_DONE, Piece, in_order};
use crate::key::Slot;
use crate::splits::Splits;
use crate::tx::{Reads, Stop, Tx};
use crate::{reply, request};

/// Most notes of one request.
const NOTES_MAX: usize = 8;

request! {
    /// A note to be written.
    pub(super) struct Writing {
        /// The key.
        key: Name,
        /// The text.
        text: Name,
    }
}

request! {
    /// A note to be read.
    pub(super) struct Wanted {
        /// The key.
        key: Name,
    }
}

request! {
    /// Writes several notes.
    pub(super) struct PutAll {
        /// The notes.
        notes: List<Writing, NOTES_MAX>,
    }
}

request! {
    /// Reads several notes.
    pub(super) struct GetAll {
        /// The keys.
        notes: List<Wanted, NOTES_MAX>,
    }
}

reply! {
    /// Notes.
    pub(super) struct Notes {
        /// The notes, in the order of the request.
        notes: Vec<NoteInfo>,
    }
}

fn slot_of(key: &Name) -> Slot {
    Slot::of(key.as_str().as_bytes())
}

/// The notes of all pieces.
fn joined(pieces: Vec<Piece<Notes>>) -> Notes {
    let pieces = pieces.into_iter();
    let notes = pieces.map(|piece| piece.map(|Notes { notes }| notes));
    Notes {
        notes: in_order(notes.collect()),
    }
}

impl Apply for PutAll {
    type Reply = Notes;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[FULL, PARTLY_DONE];

    fn key(&self) -> &str {
        self.notes.items()[0].key.as_str()
    }

    fn divide(&mut self, _splits: &Splits, _nth: u64) -> Option<Division<Notes, Refusal>> {
        let divided = self.notes.divide(|note| slot_of(&note.key))?;
        let pieces = divided.into_values();
        let pieces = pieces.map(|piece| piece.map(|notes| Self { notes }));
        Some(Division::new(pieces.collect(), joined))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    /// As if it sent one: a partition whose outbox is full turns it away once it is there.
    fn letters(&self) -> usize {
        1
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Notes, Stop<Refusal>> {
        let put = |Writing { key, text }: &Writing| {
            let put = Put {
                key: key.clone(),
                id: Id::Mint,
                text: text.clone(),
                ttl_ms: 60_000.into(),
            };
            put.apply(tx)
        };
        let notes: Result<_, _> = self.notes.items().iter().map(put).collect();
        Ok(Notes { notes: notes? })
    }
}

impl Apply for GetAll {
    type Reply = Notes;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN];

    fn key(&self) -> &str {
        self.notes.items()[0].key.as_str()
    }

    fn divide(&mut self, _splits: &Splits, _nth: u64) -> Option<Division<Notes, Refusal>> {
        let divided = self.notes.divide(|note| slot_of(&note.key))?;
        let pieces = divided.into_values();
        let pieces = pieces.map(|piece| piece.map(|notes| Self { notes }));
        Some(Division::new(pieces.collect(), joined))
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Notes, Stop<Refusal>> {
        let get = |Wanted { key }: &Wanted| Get { key: key.clone() }.apply(tx);
        let notes: Result<_, _> = self.notes.items().iter().map(get).collect();
        Ok(Notes { notes: notes? })
    }
}
