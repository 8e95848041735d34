//! A group while a command or a timer works on it: its row, and which of its positions are open. What has changed of
//! both is written at the end, once, whatever number of messages it was about.

use compact_str::CompactString;
use tidegate_engine::{Missing, Reads, Tx};

use super::pin::{pin, unpin};
use super::{LEASE_END, REST_OVER, word_of_readers};
use crate::OPEN_MAX;
use crate::lease_id::LeaseId;
use crate::open::{OpenSet, chunk_of};
use crate::table::{
    BLOCKED, Blocked, DEAD, Dead, GROUPS, Group, LEASES, Lease, READY, RESTING, Resting, Waiting,
};

/// A topic and a group of it.
pub(super) type Of<'a> = (&'a str, &'a str);

pub(super) struct Desk<'a> {
    pub(super) of: Of<'a>,
    pub(super) group: Group,
    /// The key of what is open: another one each time that the group is moved.
    work: CompactString,
    open: OpenSet,
    /// How many messages can be leased that could not before.
    news: usize,
    /// How many were open at first.
    had_open: u64,
}

/// Names the rows of a group and of a lease; gives the key of what is open, once memory has the group.
pub(super) fn reads_of_lease(
    reads: &mut Reads<'_>,
    of: Of<'_>,
    lease: &LeaseId,
) -> Option<CompactString> {
    let work = reads.get(&GROUPS, of)?.work(of.1);
    reads.row(&LEASES, (of.0, &*work, lease.number));
    Some(work)
}

impl<'a> Desk<'a> {
    /// The group, if it is there.
    pub(super) fn of(tx: &mut Tx<'_>, of: Of<'a>) -> Result<Option<Self>, Missing> {
        let group = tx.get(&GROUPS, of)?;
        Ok(group.map(|group| Self {
            of,
            group,
            work: group.work(of.1),
            open: OpenSet::default(),
            news: 0,
            had_open: group.open,
        }))
    }

    /// The key of what is open.
    pub(super) fn work(&self) -> &str {
        &self.work
    }

    /// Writes what has changed, and tells as many readers as there are messages for them.
    pub(super) fn put(self, tx: &mut Tx<'_>) {
        let room = OPEN_MAX.saturating_sub(self.group.open);
        let room = if self.had_open < OPEN_MAX { 0 } else { room };
        let news = self
            .news
            .saturating_add(usize::try_from(room).unwrap_or(usize::MAX));
        if news > 0 {
            tx.tell_some(&word_of_readers(self.of), news);
        }
        self.open.put(tx, (self.of.0, &self.work));
        tx.put(&GROUPS, self.of, self.group);
    }

    pub(super) fn is_open(&mut self, tx: &mut Tx<'_>, position: u64) -> Result<bool, Missing> {
        self.open.has(tx, (self.of.0, &self.work), position)
    }

    /// The group goes on there. What it had open is its no more.
    pub(super) fn go_to(&mut self, to: u64) {
        let group = &mut self.group;
        group.moves += 1;
        group.next = to;
        group.floor = chunk_of(to);
        (group.open, group.leased, group.resting, group.blocked) = (0, 0, 0, 0);
        (group.ready_from, group.ready_to) = (1, 1);
        self.work = group.work(self.of.1);
        self.open = OpenSet::default();
    }

    /// Whether the group is done with a message.
    pub(super) fn is_settled(&mut self, tx: &mut Tx<'_>, position: u64) -> Result<bool, Missing> {
        Ok(position < self.group.next && !self.is_open(tx, position)?)
    }

    /// A message was looked at, or is replayed, and is not settled.
    pub(super) fn open(&mut self, tx: &mut Tx<'_>, position: u64) -> Result<(), Missing> {
        self.open.set(tx, (self.of.0, &self.work), position, true)?;
        self.group.open += 1;
        self.group.floor = self.group.floor.min(chunk_of(position));
        Ok(())
    }

    /// A message is settled.
    pub(super) fn settle(&mut self, tx: &mut Tx<'_>, of: Waiting) -> Result<(), Missing> {
        if of.is_replay {
            unpin(tx, self.of.0, of.position)?;
        }
        self.close(tx, of.position)
    }

    /// A message is open no more: what waits for it is in line now.
    fn close(&mut self, tx: &mut Tx<'_>, position: u64) -> Result<(), Missing> {
        self.open
            .set(tx, (self.of.0, &self.work), position, false)?;
        self.group.open -= 1;
        if let Some(position) = self.unblock(tx, position)? {
            self.line_up(tx, Waiting::untried(position));
        }
        Ok(())
    }

    /// A message waits for the one before it of its key.
    pub(super) fn block(&mut self, tx: &mut Tx<'_>, position: u64, before: u64) {
        let (name, work) = (self.of.0, &*self.work);
        tx.put(&BLOCKED, (name, work, before), Blocked { position });
        self.group.blocked += 1;
    }

    /// What waits for a message does so no more.
    pub(super) fn unblock(&mut self, tx: &mut Tx<'_>, before: u64) -> Result<Option<u64>, Missing> {
        if self.group.blocked == 0 {
            return Ok(None);
        }
        let (name, work) = (self.of.0, &*self.work);
        let Some(Blocked { position }) = tx.get(&BLOCKED, (name, work, before))? else {
            return Ok(None);
        };
        tx.remove(&BLOCKED, (name, work, before));
        self.group.blocked -= 1;
        Ok(Some(position))
    }

    /// A message is to be given, behind what is in line.
    pub(super) fn line_up(&mut self, tx: &mut Tx<'_>, of: Waiting) {
        let (name, work) = (self.of.0, &*self.work);
        tx.put(&READY, (name, work, self.group.ready_to), of);
        self.group.ready_to += 1;
        self.news += 1;
    }

    /// The message that is first in line.
    pub(super) fn first_in_line(&self, tx: &mut Tx<'_>) -> Result<Option<Waiting>, Missing> {
        let (name, work) = (self.of.0, &*self.work);
        if self.group.ready_from == self.group.ready_to {
            return Ok(None);
        }
        let first = tx.get(&READY, (name, work, self.group.ready_from))?;
        Ok(Some(first.expect("because places in line have no gaps")))
    }

    /// It is in line no more.
    pub(super) fn leave_line(&mut self, tx: &mut Tx<'_>) {
        let (name, work) = (self.of.0, &*self.work);
        tx.remove(&READY, (name, work, self.group.ready_from));
        self.group.ready_from += 1;
    }

    /// A message rests before it is given again.
    pub(super) fn rest(&mut self, tx: &mut Tx<'_>, of: Waiting, for_ms: u64) {
        if for_ms == 0 {
            return self.line_up(tx, of);
        }
        let (name, work) = (self.of.0, &*self.work);
        let until_ms = tx.now_ms() + for_ms;
        let owner = (name, work, of.position);
        tx.wake_at(&REST_OVER, until_ms, owner);
        tx.put(&RESTING, owner, Resting { of, until_ms });
        self.group.resting += 1;
    }

    /// A message was tried in vain too often. One that was dropped meanwhile is none any more.
    pub(super) fn die(
        &mut self,
        tx: &mut Tx<'_>,
        of: Waiting,
        (cause, member): (&str, &str),
    ) -> Result<(), Missing> {
        let (name, group) = self.of;
        if !of.is_replay && !pin(tx, name, of.position)? {
            self.group.dropped += 1;
            return self.close(tx, of.position);
        }
        self.group.died += 1;
        self.group.dead += 1;
        let dead = Dead {
            position: of.position,
            tries: of.tries,
            cause: CompactString::new(cause),
            member: CompactString::new(member),
            at_ms: tx.now_ms(),
        };
        tx.put(&DEAD, (name, group, self.group.died), dead);
        self.close(tx, of.position)
    }

    /// Gives a lease; its number.
    pub(super) fn lease(&mut self, tx: &mut Tx<'_>, lease: &Lease) -> u64 {
        let (name, work) = (self.of.0, &*self.work);
        self.group.leased += lease.items.len() as u64;
        let number = tx.mint();
        tx.wake_at(&LEASE_END, lease.until_ms, (name, work, number));
        tx.put(&LEASES, (name, work, number), lease);
        number
    }

    /// A lease that is not over, and has messages.
    pub(super) fn lease_of(&self, tx: &mut Tx<'_>, number: u64) -> Result<Option<Lease>, Missing> {
        let lease = self.last_of_lease(tx, number)?;
        Ok(lease.filter(|lease| !lease.items.is_empty()))
    }

    /// The same, or one that has no messages any more and is kept so long.
    pub(super) fn last_of_lease(
        &self,
        tx: &mut Tx<'_>,
        number: u64,
    ) -> Result<Option<Lease>, Missing> {
        let (name, work) = (self.of.0, &*self.work);
        let lease = tx.get(&LEASES, (name, work, number))?;
        Ok(lease.filter(|lease| tx.now_ms() < lease.until_ms))
    }

    /// Some messages of a lease are its no more; it had so many.
    pub(super) fn shrink(&mut self, tx: &mut Tx<'_>, number: u64, lease: &Lease, had: usize) {
        let (name, work) = (self.of.0, &*self.work);
        self.group.leased -= (had - lease.items.len()) as u64;
        if lease.items.is_empty() && !lease.is_torn {
            tx.cancel(&LEASE_END, lease.until_ms, (name, work, number));
            tx.remove(&LEASES, (name, work, number));
        } else {
            tx.put(&LEASES, (name, work, number), lease);
        }
    }
}
