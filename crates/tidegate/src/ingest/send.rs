//! The sender: batches in flight over one connection, sent again until each is answered.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use super::event::Counted;
use super::wire::{self, Done, Meaning};
use crate::client::{Connection, Halt, Patience, Peer, Unserved};

/// Batches that are sent and not answered.
const IN_FLIGHT_MAX: usize = 8;

/// The longest rest without a look around.
const REST_MAX: Duration = Duration::from_millis(50);

type Batch = Vec<Counted>;

/// What came of batches, how often they had to be sent again, and why.
pub(super) trait Ledger {
    fn done(&mut self, batch: &[Counted], done: Done);
    fn busy(&mut self);
    fn lost(&mut self);
}

/// Sends batches. As events have ids, one that was counted and whose answer was lost is counted once.
pub(super) struct Sender {
    counter: String,
    patience: Patience,
    connection: Option<Connection>,
    waiting: VecDeque<Batch>,
    in_flight: VecDeque<Batch>,
    rest_until: Option<Instant>,
}

impl Sender {
    pub(super) fn new(counter: String, peer: Peer) -> Self {
        Self {
            counter,
            patience: Patience::new(peer),
            connection: None,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            rest_until: None,
        }
    }

    /// Whether another batch can be taken.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() + self.in_flight.len() < IN_FLIGHT_MAX
    }

    /// Whether all batches are answered.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// Takes a batch.
    pub(super) fn take(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.waiting.push_back(batch);
        }
    }

    /// Sends what may be sent, and waits a short while for answers.
    pub(super) fn step(&mut self, ledger: &mut impl Ledger) -> Result<(), Unserved> {
        if self.is_done() {
            return self.patience.check();
        }
        let Some(mut connection) = self.connection.take() else {
            self.connection = self.patience.connect()?;
            return Ok(());
        };
        match self.exchange(&mut connection, ledger) {
            Ok(()) => {
                self.connection = Some(connection);
                self.patience.check()
            }
            Err(Halt::Failed(unserved)) => Err(unserved),
            Err(Halt::Lost(lost)) => {
                ledger.lost();
                while let Some(batch) = self.in_flight.pop_back() {
                    self.waiting.push_front(batch);
                }
                self.patience.lost(&lost)
            }
        }
    }

    fn exchange(
        &mut self,
        connection: &mut Connection,
        ledger: &mut impl Ledger,
    ) -> Result<(), Halt<Unserved>> {
        if !self.rests() {
            for batch in self.waiting.drain(..) {
                wire::push(connection, &self.counter, &batch);
                self.in_flight.push_back(batch);
            }
            connection.flush()?;
        }
        if self.in_flight.is_empty() {
            thread::sleep(REST_MAX.min(self.rest_left()));
            return Ok(());
        }
        self.patience.begin();
        connection.fill()?;
        while let Some(reply) = connection.next()? {
            let Some(batch) = self.in_flight.pop_front() else {
                return Err(self.patience.stopped("a reply to nothing").into());
            };
            match wire::meaning(&reply, &self.counter, batch.len()) {
                Meaning::Done(done) => {
                    ledger.done(&batch, done);
                    self.patience.renew();
                }
                Meaning::Again(rest) => {
                    ledger.busy();
                    self.patience.blame("it is busy".to_owned());
                    self.rest_until = Some(Instant::now() + rest);
                    self.waiting.push_back(batch);
                }
                Meaning::Stop(why) => return Err(self.patience.stopped(&why).into()),
            }
        }
        Ok(())
    }

    fn rests(&self) -> bool {
        !self.rest_left().is_zero()
    }

    fn rest_left(&self) -> Duration {
        let until = self
            .rest_until
            .map(|until| until.saturating_duration_since(Instant::now()));
        until.unwrap_or_default()
    }
}
