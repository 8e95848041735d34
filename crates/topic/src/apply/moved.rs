//! What a group had open before it was moved, or went with its topic, goes, each message when it comes up: its lease ends, or its rest. What
//! was in line goes some at a time, and so does what was blocked.

use tidegate_engine::contract::Timer;
use tidegate_engine::{KeyReader, Missing, Reads, Tx};

use super::desk::{Desk, Of};
use super::owner_of;
use super::pin::unpin;
use crate::open::OpenSet;
use crate::table::{BLOCKED, Blocked, DOMAIN, GROUPS, Group, READY, Waiting};

/// Set with (topic, work, place), once the group is moved: what was in line from there on goes.
pub(crate) const LINE_GOES: Timer = Timer::idle(DOMAIN, 5, line_goes, reads_of_line);

/// Set with (topic, work, position), once that goes: what it has blocked goes.
pub(crate) const BLOCKED_GOES: Timer = Timer::idle(DOMAIN, 6, blocked_goes, reads_of_blocked);

/// Messages that go at once.
const AT_ONCE: u64 = 200;

/// A group where a timer of it was set.
pub(super) enum Place<'a> {
    /// It works there.
    Here(Box<Desk<'a>>),
    /// It was moved since, or went with its topic.
    Moved(Moved<'a>),
}

impl<'a> Place<'a> {
    pub(super) fn of(tx: &mut Tx<'_>, (name, work): Of<'a>) -> Result<Option<Self>, Missing> {
        let Some((group, moves)) = Group::of_work(work) else {
            return Ok(None);
        };
        let desk = Desk::of(tx, (name, group))?;
        let here = desk.filter(|desk| desk.group.moves == moves);
        Ok(Some(match here {
            Some(desk) => Self::Here(Box::new(desk)),
            None => {
                let open = OpenSet::default();
                let of = (name, work);
                Self::Moved(Moved { of, open })
            }
        }))
    }
}

/// Names the row of the group of such a key.
pub(super) fn reads_of_group(reads: &mut Reads<'_>, (name, work): Of<'_>) {
    if let Some((group, _)) = Group::of_work(work) {
        reads.row(&GROUPS, (name, group));
    }
}

/// A topic, and the key of what was open.
pub(super) struct Moved<'a> {
    of: Of<'a>,
    open: OpenSet,
}

impl Moved<'_> {
    /// Nothing has a message any more that was open.
    pub(super) fn let_go(&mut self, tx: &mut Tx<'_>, of: Waiting) -> Result<(), Missing> {
        let (name, work) = self.of;
        if of.is_replay {
            unpin(tx, name, of.position)?;
        }
        self.open.set(tx, self.of, of.position, false)?;
        let key = (name, work, of.position);
        if tx.get(&BLOCKED, key)?.is_some() {
            let now_ms = tx.now_ms();
            tx.wake_at(&BLOCKED_GOES, now_ms, key);
        }
        Ok(())
    }

    /// Writes what has changed.
    pub(super) fn put(self, tx: &mut Tx<'_>) {
        self.open.put(tx, self.of);
    }
}

fn reads_of_line(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, work, first) = owner_of(&mut owner);
    for place in first..first + AT_ONCE {
        reads.row(&READY, (name, work, place));
    }
}

fn line_goes(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, work, first) = owner_of(&mut owner);
    let open = OpenSet::default();
    let of = (name, work);
    let mut moved = Moved { of, open };
    for place in first..first + AT_ONCE {
        let Some(waiting) = tx.get(&READY, (name, work, place))? else {
            moved.put(tx);
            return Ok(());
        };
        tx.remove(&READY, (name, work, place));
        moved.let_go(tx, waiting)?;
    }
    let now_ms = tx.now_ms();
    tx.wake_at(&LINE_GOES, now_ms, (name, work, first + AT_ONCE));
    moved.put(tx);
    Ok(())
}

fn reads_of_blocked(reads: &mut Reads<'_>, mut owner: KeyReader<'_>) {
    let (name, work, mut before) = owner_of(&mut owner);
    for _ in 0..AT_ONCE {
        match reads.get(&BLOCKED, (name, work, before)) {
            Some(Blocked { position }) => before = position,
            None => return,
        }
    }
}

fn blocked_goes(tx: &mut Tx<'_>, mut owner: KeyReader<'_>) -> Result<(), Missing> {
    let (name, work, mut before) = owner_of(&mut owner);
    let mut open = OpenSet::default();
    for _ in 0..AT_ONCE {
        let Some(Blocked { position }) = tx.get(&BLOCKED, (name, work, before))? else {
            open.put(tx, (name, work));
            return Ok(());
        };
        tx.remove(&BLOCKED, (name, work, before));
        open.set(tx, (name, work), position, false)?;
        before = position;
    }
    let now_ms = tx.now_ms();
    tx.wake_at(&BLOCKED_GOES, now_ms, (name, work, before));
    open.put(tx, (name, work));
    Ok(())
}
