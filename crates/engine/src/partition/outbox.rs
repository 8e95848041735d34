//! What a partition has sent and what has not been acknowledged yet, in letters and in bytes.

use std::collections::HashMap;

use crate::contract::{Call, Class};
use crate::limits::{
    LETTER_BYTES_MAX, LETTER_HEAD_BYTES, OPEN_SHARE_PERCENT, OUTBOX_BYTES_MAX, OUTBOX_LETTERS_MAX,
};
use crate::mail::Letter;

/// Letters in the outbox, by number, and their bytes.
#[derive(Default)]
pub(super) struct Outbox {
    bytes_of: HashMap<u64, usize>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn add(&mut self, letter: &Letter) {
        let bytes = letter.bytes();
        self.bytes_of.insert(letter.number, bytes);
        self.bytes += bytes;
    }

    pub(super) fn forget(&mut self, number: u64) {
        self.bytes -= self.bytes_of.remove(&number).unwrap_or(0);
    }

    /// Whether a command of this class finds room for what it may send.
    pub(super) fn has_room_for(&self, class: Class, call: &dyn Call) -> bool {
        let letters = call.letters();
        if letters == 0 {
            return true;
        }
        let percent = match class {
            Class::Opens => OPEN_SHARE_PERCENT,
            Class::Finishes | Class::Reads => 100,
        };
        let bytes = letters
            * call
                .letter_bytes()
                .min(LETTER_BYTES_MAX + LETTER_HEAD_BYTES);
        self.bytes_of.len() + letters <= OUTBOX_LETTERS_MAX * percent / 100
            && self.bytes + bytes <= OUTBOX_BYTES_MAX * percent / 100
    }
}
