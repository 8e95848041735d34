//! The rows of a slot, by queue.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::contract::{Books, Timer};
use tidegate_engine::{KeyReader, RowKey};

use crate::apply::{DEADLINE, FLUSH, FORGET, LEASE_END, OPEN, OPEN_GROUP, SWEEP, WAKE};
use crate::early::{Early, FORGET_EARLY};
use crate::group::Group;
use crate::line::Entry;
use crate::table::{
    BODIES, EARLY, GROUP_LINES, GROUPS, JOBS, Job, LINES, PUSHES, Push, QUEUES, Queue,
};

/// The timers of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Wake,
    LeaseEnd,
    Deadline,
    Forget,
}

const TIMERS: [(Kind, &Timer); 4] = [
    (Kind::Wake, &WAKE),
    (Kind::LeaseEnd, &LEASE_END),
    (Kind::Deadline, &DEADLINE),
    (Kind::Forget, &FORGET),
];

#[derive(Default)]
pub(super) struct Rows {
    pub(super) queue: Option<Queue>,
    pub(super) push: Option<Push>,
    /// By id.
    pub(super) jobs: BTreeMap<String, Job>,
    /// By line and place.
    pub(super) lines: BTreeMap<(u8, u64), Entry>,
    /// How many bytes lie beside jobs, by id and which they are.
    pub(super) bodies: BTreeMap<(String, u8), u64>,
    /// When they are due, and of which jobs.
    pub(super) timers: BTreeSet<(Kind, u64, String)>,
    pub(super) set_aside: BTreeSet<(Kind, String)>,
    /// Children that ended early, by the id of their parent.
    pub(super) early: BTreeMap<String, Early>,
    /// When that is forgotten.
    pub(super) early_timers: BTreeSet<(u64, String)>,
    pub(super) early_set_aside: BTreeSet<String>,
    /// When the dead are seen to.
    pub(super) sweeps: Vec<u64>,
    pub(super) sweep_set_aside: bool,
    /// By key.
    pub(super) groups: BTreeMap<String, Group>,
    /// By key and place.
    pub(super) group_lines: BTreeMap<(String, u64), Entry>,
    /// When it opens; the key of a group that does so, or nothing.
    pub(super) opens: BTreeSet<(u64, String)>,
    pub(super) opens_set_aside: BTreeSet<String>,
    /// When what gathers is let in.
    pub(super) flushes: Vec<u64>,
    pub(super) flush_set_aside: bool,
}

impl Rows {
    /// Whether there is something of a queue, but that children of a job of it have ended that is not there.
    pub(super) fn are_of_queue(&self) -> bool {
        !(self.push.is_none()
            && self.jobs.is_empty()
            && self.lines.is_empty()
            && self.bodies.is_empty()
            && self.timers.is_empty()
            && self.sweeps.is_empty()
            && self.groups.is_empty()
            && self.group_lines.is_empty()
            && self.opens.is_empty()
            && self.flushes.is_empty())
    }
}

/// The rows of every queue; those that lie elsewhere than they should are told.
pub(super) fn by_queue(books: &Books<'_>, faults: &mut Vec<String>) -> BTreeMap<String, Rows> {
    let mut queues = Queues {
        queues: BTreeMap::new(),
        books,
        faults,
    };
    for (key, queue) in books.rows(&QUEUES) {
        queues.of(&key).0.queue = Some(queue);
    }
    for (key, push) in books.rows(&PUSHES) {
        queues.of(&key).0.push = Some(push);
    }
    for (key, job) in books.rows(&JOBS) {
        let (rows, mut behind) = queues.of(&key);
        rows.jobs.insert(text(&mut behind), job);
    }
    for (key, entry) in books.rows(&LINES) {
        let (rows, mut behind) = queues.of(&key);
        let line = behind.byte().unwrap_or(u8::MAX);
        let place = behind.number().unwrap_or(u64::MAX);
        rows.lines.insert((line, place), entry);
    }
    for (key, body) in books.rows(&BODIES) {
        let (rows, mut behind) = queues.of(&key);
        let (id, which) = (text(&mut behind), behind.byte().unwrap_or_default());
        rows.bodies.insert((id, which), body.bytes.len() as u64);
    }
    for (kind, timer) in TIMERS {
        for set in books.timers(timer) {
            let (rows, mut behind) = queues.behind(set.owner());
            rows.timers.insert((kind, set.due_ms(), text(&mut behind)));
        }
        for aside in books.timers_set_aside(timer) {
            let (rows, mut behind) = queues.behind(aside.owner());
            rows.set_aside.insert((kind, text(&mut behind)));
        }
    }
    for (key, early) in books.rows(&EARLY) {
        let (rows, mut behind) = queues.of(&key);
        rows.early.insert(text(&mut behind), early);
    }
    for set in books.timers(&FORGET_EARLY) {
        let (rows, mut behind) = queues.behind(set.owner());
        let of = text(&mut behind);
        rows.early_timers.insert((set.due_ms(), of));
    }
    for aside in books.timers_set_aside(&FORGET_EARLY) {
        let (rows, mut behind) = queues.behind(aside.owner());
        rows.early_set_aside.insert(text(&mut behind));
    }
    for (key, group) in books.rows(&GROUPS) {
        let (rows, mut behind) = queues.of(&key);
        rows.groups.insert(text(&mut behind), group);
    }
    for (key, entry) in books.rows(&GROUP_LINES) {
        let (rows, mut behind) = queues.of(&key);
        let (group, place) = (text(&mut behind), behind.number().unwrap_or(u64::MAX));
        rows.group_lines.insert((group, place), entry);
    }
    for timer in [&OPEN, &OPEN_GROUP] {
        for set in books.timers(timer) {
            let (rows, mut behind) = queues.behind(set.owner());
            rows.opens.insert((set.due_ms(), text(&mut behind)));
        }
        for aside in books.timers_set_aside(timer) {
            let (rows, mut behind) = queues.behind(aside.owner());
            rows.opens_set_aside.insert(text(&mut behind));
        }
    }
    for set in books.timers(&FLUSH) {
        let (rows, _) = queues.behind(set.owner());
        rows.flushes.push(set.due_ms());
    }
    for aside in books.timers_set_aside(&FLUSH) {
        let (rows, _) = queues.behind(aside.owner());
        rows.flush_set_aside = true;
    }
    for set in books.timers(&SWEEP) {
        let (rows, _) = queues.behind(set.owner());
        rows.sweeps.push(set.due_ms());
    }
    for aside in books.timers_set_aside(&SWEEP) {
        let (rows, _) = queues.behind(aside.owner());
        rows.sweep_set_aside = true;
    }
    queues.queues
}

fn text(parts: &mut KeyReader<'_>) -> String {
    parts.text().unwrap_or_default().to_owned()
}

struct Queues<'a, 'b> {
    queues: BTreeMap<String, Rows>,
    books: &'a Books<'b>,
    faults: &'a mut Vec<String>,
}

impl Queues<'_, '_> {
    /// The rows of the queue that a key begins with, and what is behind it.
    fn of<'k>(&mut self, key: &'k RowKey) -> (&mut Rows, KeyReader<'k>) {
        self.behind(key.parts())
    }

    fn behind<'k>(&mut self, mut parts: KeyReader<'k>) -> (&mut Rows, KeyReader<'k>) {
        let name = text(&mut parts);
        if !self.books.is_home_of(&name) {
            self.faults
                .push(format!("job {name}: a row of it lies in another slot"));
        }
        (self.queues.entry(name).or_default(), parts)
    }
}
