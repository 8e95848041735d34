//! Commands that look in several places, one after the other, until they find something.
//!
//! Places lie in slots of several partitions, so the command itself goes from one to the next, and only it can
//! answer: whatever it finds, it finds once. It leaves a place as answers do, once what it has seen there is
//! durable. If there is nothing anywhere and it may wait, it goes round a second time and leaves in each place
//! where it is found from then on, its seat; so nothing that comes behind its back is missed: what is told
//! while it is away waits for it in the seat.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use compact_str::CompactString;

use crate::inbox::Envelope;
use crate::key::Slot;

/// A place in which a command looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its slot.
    pub slot: Slot,
    /// Whatever the domain knows it by: [`crate::Tx::place`].
    pub number: u16,
    /// What it waits to be told of there: [`crate::Tx::tell`].
    pub awaits: CompactString,
}

/// The way of a command through its places.
pub(crate) struct Round {
    places: Box<[Place]>,
    /// Where it is.
    at: usize,
    /// In how many, one behind the other, it has found nothing.
    seen: usize,
    /// Where it is found once it waits, and in which places that is known.
    seat: Option<(Arc<Seat>, Box<[bool]>)>,
}

impl Round {
    /// Through some places, at least one.
    pub(crate) fn new(places: Vec<Place>) -> Self {
        assert!(!places.is_empty(), "a round has a place");
        Self {
            places: places.into(),
            at: 0,
            seen: 0,
            seat: None,
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.places[self.at]
    }

    /// Whether there is a place in which it has not been yet, before it waits.
    pub(crate) fn goes_on(&self) -> bool {
        self.seat.is_none() && self.seen + 1 < self.places.len()
    }

    /// There was nothing in this place. `true` if it goes on in the next one, `false` once it has been in all.
    pub(crate) fn next(&mut self) -> bool {
        self.seen += 1;
        let goes_on = self.seen < self.places.len();
        if goes_on {
            self.at = (self.at + 1) % self.places.len();
        }
        goes_on
    }

    /// It begins to wait where it is: gives its seat and the place, if that is not known there.
    pub(crate) fn leave_seat(&mut self) -> Option<(Arc<Seat>, usize)> {
        let (seat, known) = self.seat.get_or_insert_with(|| {
            self.seen = 0;
            (Arc::default(), vec![false; self.places.len()].into())
        });
        let is_known = std::mem::replace(&mut known[self.at], true);
        (!is_known).then(|| (Arc::clone(seat), self.at))
    }

    /// Bytes that it takes beside its own.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.places.len() * (size_of::<Place>() + 1)
    }

    /// It goes where it was told that there is something.
    fn go_to(&mut self, at: usize) {
        self.at = at;
        self.seen = self.places.len() - 1;
    }
}

/// Where a command is found that waits in several places.
#[derive(Default)]
pub(crate) struct Seat(Mutex<Sitting>);

enum Sitting {
    /// It is on its way, and there may be something in these places meanwhile.
    Away(Vec<usize>),
    Here(Box<Envelope>),
    /// It was answered.
    Gone,
}

impl Default for Sitting {
    fn default() -> Self {
        Self::Away(Vec::new())
    }
}

/// What became of a command that somebody looked for at its seat.
pub(crate) enum Found {
    /// It was there, and runs in that place.
    Here(Envelope),
    /// It comes by itself.
    Away,
    Gone,
}

impl Seat {
    fn lock(&self) -> MutexGuard<'_, Sitting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command sits down; it comes back if there may be something in a place, to go there.
    pub(crate) fn sit(mut envelope: Envelope) -> Option<Envelope> {
        let round = envelope.round.as_mut()?;
        let (seat, _) = round.seat.as_ref()?;
        let seat = Arc::clone(seat);
        let mut sitting = seat.lock();
        let told = match &mut *sitting {
            Sitting::Away(told) => told.pop(),
            Sitting::Here(_) | Sitting::Gone => None,
        };
        if let Some(at) = told {
            round.go_to(at);
            envelope.slot = round.place().slot;
            return Some(envelope);
        }
        *sitting = Sitting::Here(Box::new(envelope));
        None
    }

    /// There may be something in this place.
    pub(crate) fn tell(&self, at: usize) -> Found {
        let mut sitting = self.lock();
        match &mut *sitting {
            Sitting::Away(told) => {
                if !told.contains(&at) {
                    told.push(at);
                }
                Found::Away
            }
            Sitting::Here(_) => Self::stand_up(&mut sitting, at),
            Sitting::Gone => Found::Gone,
        }
    }

    /// Its time is over: it runs a last time in this place, if it is there.
    pub(crate) fn end(&self, at: usize) -> Found {
        let mut sitting = self.lock();
        match &*sitting {
            Sitting::Away(_) => Found::Away,
            Sitting::Here(_) => Self::stand_up(&mut sitting, at),
            Sitting::Gone => Found::Gone,
        }
    }

    fn stand_up(sitting: &mut Sitting, at: usize) -> Found {
        let Sitting::Here(envelope) = std::mem::take(sitting) else {
            return Found::Away;
        };
        let mut envelope = *envelope;
        if let Some(round) = &mut envelope.round {
            round.go_to(at);
            envelope.slot = round.place().slot;
        }
        Found::Here(envelope)
    }

    pub(crate) fn is_gone(&self) -> bool {
        matches!(&*self.lock(), Sitting::Gone)
    }
}

impl Envelope {
    /// It was answered: nobody need look for it any more.
    pub(crate) fn leave(&self) {
        if let Some(round) = &self.round
            && let Some((seat, _)) = &round.seat
        {
            *seat.lock() = Sitting::Gone;
        }
    }
}
