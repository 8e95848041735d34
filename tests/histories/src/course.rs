//! The calls and ends of a history in the order of time, as a list from which operations can be
//! taken and put back in the reverse order.

/// What happens at an instant of a history.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    /// From here on the operation may happen.
    Called(usize),
    /// From here on it cannot.
    Ended(usize),
}

/// The events of the operations that are not taken, and a place among them.
pub(crate) struct Course {
    events: Vec<Event>,
    /// Of each event the next one and the one before; behind the last event stands the end, which
    /// is also before the first.
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Where the two events of each operation stand.
    places: Vec<[usize; 2]>,
    at: usize,
}

impl Course {
    /// The events of operations that were called and ended at these instants. What ended at the
    /// instant of a call overlaps it.
    pub(crate) fn new(spans: &[(u64, u64)]) -> Self {
        assert!(
            spans.iter().all(|(called, ended)| called <= ended),
            "an operation ended before it was called"
        );
        let mut timed: Vec<_> = (0..spans.len())
            .flat_map(|operation| [(operation, false), (operation, true)])
            .collect();
        timed.sort_by_key(|(operation, is_end)| {
            let (called, ended) = spans[*operation];
            (if *is_end { ended } else { called }, *is_end)
        });
        let mut places = vec![[0; 2]; spans.len()];
        for (place, (operation, is_end)) in timed.iter().enumerate() {
            places[*operation][usize::from(*is_end)] = place;
        }
        let event = |(operation, is_end)| {
            if is_end {
                Event::Ended(operation)
            } else {
                Event::Called(operation)
            }
        };
        let size = timed.len() + 1;
        Self {
            events: timed.into_iter().map(event).collect(),
            next: (1..size).chain([0]).collect(),
            previous: [size - 1].into_iter().chain(0..size - 1).collect(),
            places,
            at: 0,
        }
    }

    /// The event at the place; none at the end.
    pub(crate) fn event(&self) -> Option<Event> {
        self.events.get(self.at).copied()
    }

    /// Moves to the next event.
    pub(crate) fn skip(&mut self) {
        self.at = self.next[self.at];
    }

    /// Takes an operation out and moves to the first event; gives the place as it was.
    pub(crate) fn take(&mut self, operation: usize) -> usize {
        let was = self.at;
        for place in self.places[operation] {
            let (before, behind) = (self.previous[place], self.next[place]);
            self.next[before] = behind;
            self.previous[behind] = before;
        }
        self.at = self.next[self.events.len()];
        was
    }

    /// Puts back the operation that was taken last, and moves to a place.
    pub(crate) fn put_back(&mut self, operation: usize, at: usize) {
        for place in self.places[operation].into_iter().rev() {
            self.next[self.previous[place]] = place;
            self.previous[self.next[place]] = place;
        }
        self.at = at;
    }
}
