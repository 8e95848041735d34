//! Groups: jobs of a queue with one key, of which so many may be ready or running at once, and so many become ready in a
//! time. The others wait in a line of their group until they are let in; so whoever takes a job never has to pass one
//! over.

use minicbor::{Decode, Encode};
use tidegate_engine::{Missing, Reads, Row, Tx};

use crate::LET_IN_BYTES_MAX;
use crate::apply::OPEN_GROUP;
use crate::hand::word_of_takers;
use crate::limits::{Batch, Limit, Limits, May};
use crate::line::{GATHER_LINE, Line, Of, line_of};
use crate::table::{GROUPS, JOBS, Queue, Stand};

/// Jobs that a group lets in at once; a timer goes on with the rest.
const LET_IN_MAX: u64 = 16;

/// A group that has a job which is let in, or waits for that, or that has to know when the next one may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Group {
    /// Jobs that were let in, and are ready or running.
    #[n(0)]
    pub(crate) admitted: u64,
    /// Those that wait.
    #[n(1)]
    pub(crate) line: Line,
    /// When the next one is expected at the latest, in µs.
    #[cbor(n(2), skip_if = "tidegate_engine::is_zero")]
    pub(crate) expected_us: u64,
    /// When it is looked at again.
    #[n(3)]
    pub(crate) opens_at_ms: Option<u64>,
    /// Where jobs are taken together: when the first of those that wait has come, or one before it, and when the last.
    #[cbor(n(4), skip_if = "tidegate_engine::is_zero")]
    pub(crate) first_at_ms: u64,
    #[cbor(n(5), skip_if = "tidegate_engine::is_zero")]
    pub(crate) last_at_ms: u64,
    /// Bytes of the payloads of those that wait.
    #[cbor(n(6), skip_if = "tidegate_engine::is_zero")]
    pub(crate) bytes: u64,
    /// Its place in the line of groups whose jobs gather.
    #[n(7)]
    pub(crate) gathers: Option<u64>,
}

impl Row for Group {}

/// A group in hand.
pub(crate) struct Gate<'a> {
    name: &'a str,
    key: &'a str,
    pub(crate) row: Group,
}

impl<'a> Gate<'a> {
    pub(crate) fn of(tx: &mut Tx<'_>, name: &'a str, key: &'a str) -> Result<Self, Missing> {
        let row = tx.get(&GROUPS, (name, key))?.unwrap_or_default();
        Ok(Self { name, key, row })
    }

    /// Names the rows of a group from which somebody leaves.
    pub(crate) fn reads(reads: &mut Reads<'_>, name: &str, key: &str) {
        let Some(row) = reads.get(&GROUPS, (name, key)) else {
            return;
        };
        for id in row.line.read_first(reads, Of::Group(name, key), 1) {
            reads.row(&JOBS, (name, &*id));
        }
    }

    pub(crate) fn line(&self) -> Of<'a> {
        Of::Group(self.name, self.key)
    }

    /// Lets one in, if nobody waits and it may be.
    pub(crate) fn admit(&mut self, limit: &Limit, now_ms: u64) -> bool {
        let May::Begin { next_us } = limit.may(self.row.admitted, self.row.expected_us, now_ms)
        else {
            return false;
        };
        let is_free = self.row.line.live == 0;
        if is_free {
            self.row.admitted += 1;
            self.row.expected_us = next_us;
        }
        is_free
    }

    /// Somebody stands in its line now: it is looked at again as soon as somebody may be let in, unless that is once
    /// another one leaves.
    pub(crate) fn open_in_time(&mut self, tx: &mut Tx<'_>, limit: &Limit) {
        let now_ms = tx.now_ms();
        match limit.may(self.row.admitted, self.row.expected_us, now_ms) {
            May::Begin { .. } => self.open_at(tx, now_ms),
            May::At { at_ms } => self.open_at(tx, at_ms),
            May::Full => {}
        }
    }

    /// A job waits from now on; gives its place.
    pub(crate) fn push(&mut self, tx: &mut Tx<'_>, id: &str, bytes: u64) -> u64 {
        let of = self.line();
        if self.row.line.live == 0 {
            self.row.first_at_ms = tx.now_ms();
        }
        self.row.last_at_ms = tx.now_ms();
        self.row.bytes += bytes;
        self.row.line.push(tx, of, id)
    }

    /// A job waits no longer.
    pub(crate) fn leave(
        &mut self,
        tx: &mut Tx<'_>,
        queue: &mut Queue,
        (place, bytes): (u64, u64),
    ) -> Result<(), Missing> {
        let of = self.line();
        self.row.line.leave(tx, of, place)?;
        // Rows of before there were bytes in them count those that came since.
        self.row.bytes = self.row.bytes.saturating_sub(bytes);
        if self.row.line.live == 0 {
            self.row.first_at_ms = 0;
            self.row.last_at_ms = 0;
            self.stop_gathering(tx, queue)?;
        }
        Ok(())
    }

    /// When those that wait are to be taken as they are.
    fn due_ms(&self, batch: &Batch, flushes: bool) -> u64 {
        let Group {
            line,
            bytes,
            first_at_ms,
            last_at_ms,
            ..
        } = self.row;
        if flushes || line.live >= batch.jobs || bytes >= batch.bytes {
            return 0;
        }
        (first_at_ms + batch.delay_ms).min(last_at_ms + batch.grace_ms)
    }

    /// Those that wait are taken together once they are due: then the first of them is ready.
    pub(crate) fn gather(
        &mut self,
        tx: &mut Tx<'_>,
        queue: &mut Queue,
        batch: &Batch,
    ) -> Result<(), Missing> {
        if self.row.line.live == 0 || self.row.admitted > 0 {
            return self.stop_gathering(tx, queue);
        }
        let due_ms = self.due_ms(batch, queue.flushes());
        if due_ms <= tx.now_ms() {
            self.stop_gathering(tx, queue)?;
            self.let_first_in(tx, queue)?;
            self.row.admitted += 1;
            return Ok(());
        }
        self.open_at(tx, due_ms);
        if self.row.gathers.is_none() {
            let line = queue.line(GATHER_LINE);
            self.row.gathers = Some(line.push(tx, Of::Queue(self.name), self.key));
        }
        Ok(())
    }

    fn stop_gathering(&mut self, tx: &mut Tx<'_>, queue: &mut Queue) -> Result<(), Missing> {
        match self.row.gathers.take() {
            Some(place) => {
                let line = queue.line(GATHER_LINE);
                line.leave(tx, Of::Queue(self.name), place)
            }
            None => Ok(()),
        }
    }

    /// It is looked at again at this time at the latest.
    fn open_at(&mut self, tx: &mut Tx<'_>, at_ms: u64) {
        let of = (self.name, self.key);
        match self.row.opens_at_ms {
            Some(before_ms) if before_ms <= at_ms => return,
            Some(before_ms) => tx.cancel(&OPEN_GROUP, before_ms, of),
            None => {}
        }
        tx.wake_at(&OPEN_GROUP, at_ms, of);
        self.row.opens_at_ms = Some(at_ms);
    }

    /// Lets those in who wait, as many as may be and there is room for in what is written at once: of a command about
    /// many jobs each may be of another group.
    pub(crate) fn let_in(&mut self, tx: &mut Tx<'_>, queue: &mut Queue) -> Result<(), Missing> {
        let Limits {
            group: limit,
            batch,
            ..
        } = queue.limits();
        if let Some(batch) = batch {
            return self.gather(tx, queue, &batch);
        }
        self.stop_gathering(tx, queue)?;
        let mut let_in = 0;
        while self.row.line.live > 0
            && let_in < LET_IN_MAX
            && tx.written() < LET_IN_BYTES_MAX
            && let May::Begin { next_us } =
                limit.may(self.row.admitted, self.row.expected_us, tx.now_ms())
        {
            self.let_first_in(tx, queue)?;
            self.row.admitted += 1;
            self.row.expected_us = next_us;
            let_in += 1;
        }
        if self.row.line.live > 0 {
            self.open_in_time(tx, &limit);
        }
        Ok(())
    }

    /// The first one that waits is ready.
    fn let_first_in(&mut self, tx: &mut Tx<'_>, queue: &mut Queue) -> Result<(), Missing> {
        let (name, of) = (self.name, self.line());
        let id = self.row.line.first(tx, of)?;
        let job = tx.get(&JOBS, (name, &*id))?;
        let mut job = job.expect("because a job stands in line until it leaves it");
        let place = (self.row.line.head, job.payload_bytes());
        self.leave(tx, queue, place)?;
        let line = queue.line(line_of(job.priority));
        job.stand = Stand::Ready(line.push(tx, Of::Queue(name), &id));
        job.is_admitted = true;
        queue.blocked -= 1;
        tx.put(&JOBS, (name, &*id), job);
        tx.tell_some(&word_of_takers(name), 1);
        Ok(())
    }

    /// Stores it, as long as there is something to know of it.
    pub(crate) fn put(mut self, tx: &mut Tx<'_>) {
        let is_empty = self.row.admitted == 0 && self.row.line.live == 0;
        let expected_ms = self.row.expected_us.div_ceil(1_000);
        if is_empty && expected_ms > tx.now_ms() {
            self.open_at(tx, expected_ms); // It is forgotten then.
        }
        if is_empty && self.row.opens_at_ms.is_none() {
            tx.remove(&GROUPS, (self.name, self.key));
        } else {
            tx.put(&GROUPS, (self.name, self.key), self.row);
        }
    }
}
