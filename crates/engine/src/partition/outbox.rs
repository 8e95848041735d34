//! What a partition has sent and what has not been acknowledged yet, in letters and in bytes.

use std::collections::HashMap;

use super::OWN;
use crate::contract::{Call, Class};
use crate::hash::Seeded;
use crate::limits::{
    LETTER_BYTES_MAX, LETTER_HEAD_BYTES, OPEN_SHARE_PERCENT, OUTBOX_BYTES_MAX, OUTBOX_LETTERS_MAX,
};
use crate::mail::Letter;

/// Letters in the outbox, by number.
pub(super) struct Outbox {
    letters: HashMap<u64, Waiting, Seeded>,
    bytes: usize,
}

/// A letter that waits for its acknowledgement.
struct Waiting {
    bytes: usize,
    /// The place of the domain that has sent it.
    domain: usize,
}

impl Outbox {
    pub(super) fn new(seed: Seeded) -> Self {
        Self {
            letters: HashMap::with_hasher(seed),
            bytes: 0,
        }
    }

    pub(super) fn add(&mut self, letter: &Letter, domain: usize) {
        let bytes = letter.bytes();
        self.letters
            .insert(letter.number, Waiting { bytes, domain });
        self.bytes += bytes;
    }

    /// Forgets a letter; gives the place of the domain that has sent it, the engine's own if that is not
    /// known.
    pub(super) fn forget(&mut self, number: u64) -> usize {
        let Some(letter) = self.letters.remove(&number) else {
            return OWN;
        };
        self.bytes -= letter.bytes;
        letter.domain
    }

    /// How full it is, in percent.
    pub(super) fn percent(&self) -> usize {
        let letters = 100 * self.letters.len() / OUTBOX_LETTERS_MAX;
        letters.max(100 * self.bytes / OUTBOX_BYTES_MAX)
    }

    /// Whether a command of this class finds room for what it may send.
    pub(super) fn has_room_for(&self, class: Class, call: &dyn Call) -> bool {
        let letters = call.letters();
        if letters == 0 {
            return true;
        }
        let bytes = letters
            * call
                .letter_bytes()
                .min(LETTER_BYTES_MAX + LETTER_HEAD_BYTES);
        let (room, bytes_room) = self.room(class);
        letters <= room && bytes <= bytes_room
    }

    /// How many more letters there is room for of a command of this class, and how many bytes of them.
    pub(super) fn room(&self, class: Class) -> (usize, usize) {
        let percent = match class {
            Class::Opens => OPEN_SHARE_PERCENT,
            Class::Finishes | Class::Reads => 100,
        };
        let letters = OUTBOX_LETTERS_MAX * percent / 100;
        let bytes = OUTBOX_BYTES_MAX * percent / 100;
        (
            letters.saturating_sub(self.letters.len()),
            bytes.saturating_sub(self.bytes),
        )
    }
}
