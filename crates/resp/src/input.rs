//! The read buffer of a connection. It grows with what has arrived, never with what is announced.

use crate::limits::{READ_BYTES_BUSY, READ_BYTES_IDLE, READ_BYTES_MAX};

/// Bytes that have arrived and are not consumed yet, and room for more.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// All of it initialised; `start..end` is what has arrived.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The last reading filled all the room there was: more can be had at once.
    was_filled: bool,
}

impl Input {
    /// What has arrived.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Forgets the first bytes.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        debug_assert!(self.start <= self.end, "only what has arrived is consumed");
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > READ_BYTES_BUSY {
                self.shrink_to(READ_BYTES_BUSY);
            }
        }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size(&self) -> usize {
        self.buffer.len()
    }

    /// Room for a reading. Empty only if the largest request has arrived and was not consumed, or
    /// if what has arrived fills it and it may not grow.
    pub(crate) fn room(&mut self, may_grow: bool) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let size = self.buffer.len();
        let wanted = if size < READ_BYTES_IDLE {
            READ_BYTES_IDLE
        } else if !may_grow {
            size
        } else if self.was_filled && size < READ_BYTES_BUSY || self.end > size - size / 4 {
            (size * 2).min(READ_BYTES_MAX)
        } else {
            size
        };
        if wanted > size {
            self.buffer.resize(wanted, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Takes note that so many bytes were read into [`Self::room`].
    pub(crate) fn arrived(&mut self, bytes: usize) {
        self.end += bytes;
        debug_assert!(
            self.end <= self.buffer.len(),
            "they were read into the room"
        );
        self.was_filled = self.end == self.buffer.len();
    }

    /// Gives memory back that a quiet connection does not need.
    pub(crate) fn relax(&mut self) {
        if self.start == self.end && self.buffer.len() > READ_BYTES_IDLE {
            (self.start, self.end) = (0, 0);
            self.shrink_to(READ_BYTES_IDLE);
        }
    }

    fn shrink_to(&mut self, bytes: usize) {
        self.was_filled = false;
        self.buffer.truncate(bytes);
        self.buffer.shrink_to(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(input: &mut Input, mut bytes: usize) {
        while bytes > 0 {
            let some = input.room(true).len().min(bytes);
            assert!(some > 0, "there is room below the largest request");
            input.arrived(some);
            bytes -= some;
        }
    }

    #[test]
    fn buffer_grows_with_what_arrives_and_shrinks_when_it_is_consumed() {
        let mut input = Input::default();
        feed(&mut input, 10);
        assert_eq!(input.buffer.len(), READ_BYTES_IDLE);
        feed(&mut input, 1_000_000);
        assert!(input.buffer.len() >= 1_000_010 && input.buffer.len() <= READ_BYTES_MAX);
        input.consume(1_000_010);
        assert_eq!(input.buffer.capacity(), READ_BYTES_BUSY);
        input.relax();
        assert_eq!(input.buffer.capacity(), READ_BYTES_IDLE);
    }

    #[test]
    fn buffer_never_exceeds_its_bound() {
        let mut input = Input::default();
        feed(&mut input, crate::limits::REQUEST_BYTES_MAX);
        assert!(!input.room(true).is_empty());
        assert!(input.buffer.len() <= READ_BYTES_MAX);
    }

    #[test]
    fn buffer_that_may_not_grow_takes_what_an_idle_connection_may_send() {
        let mut input = Input::default();
        let room = input.room(false).len();
        assert_eq!(room, READ_BYTES_IDLE);
        input.arrived(room);
        assert!(input.room(false).is_empty());
        input.consume(1);
        assert_eq!(input.room(false).len(), 1);
    }

    #[test]
    fn what_is_left_moves_to_the_front_and_stays_the_same() {
        let mut input = Input::default();
        input.room(true)[..6].copy_from_slice(b"abcdef");
        input.arrived(6);
        input.consume(4);
        input.room(true)[..2].copy_from_slice(b"gh");
        input.arrived(2);
        assert_eq!(input.bytes(), b"efgh");
    }
}
