//! Commands taken from the inbox and not yet run: mail, and a lane for each domain. Lanes take turns by
//! the work that they make, so that large commands of one domain do not keep another's small ones
//! waiting (deficit round robin, Shreedhar and Varghese 1995; paid afterwards, when the work is known).

use std::collections::VecDeque;

use crate::inbox::Envelope;
use crate::limits::{AHEAD_BYTES_MAX, AHEAD_SHARED_BYTES_MAX, BATCH_SHARED_WORK};
use crate::mail::Ack;
use crate::shared::Shared;

/// What a command costs beside the bytes of its rows and its answer, in bytes: so many are written in
/// the time that a small command takes.
pub(crate) const COMMAND_WORK: usize = 1024;

/// Work of one turn of a domain of weight 1: some sixteen small commands.
const TURN_WORK: i64 = 16 * 1024;

/// Work that a domain may have had beyond its turns and still be asked to give back: one record.
const DEBT_MAX: i64 = 1024 * 1024;

/// What waits to run in a partition.
pub(crate) struct Lanes {
    pub(crate) mail: VecDeque<Envelope>,
    /// Of letters that were taken in.
    pub(crate) acks: Vec<Ack>,
    lanes: Vec<Lane>,
    turn: usize,
}

struct Lane {
    commands: VecDeque<Envelope>,
    turn_work: i64,
    /// Work left of its turn; below zero what it has had too much.
    credit: i64,
    /// Work that it may still do in this batch.
    allowed: usize,
    /// The log has to take what waits for it before this domain goes on.
    is_held_up: bool,
}

impl Lane {
    fn is_ready(&self, now_ms: u64) -> bool {
        let first = self.commands.front();
        self.allowed > 0 && first.is_some_and(|first| first.may_run(now_ms))
    }
}

impl Lanes {
    /// A lane for each weight.
    pub(super) fn new(weights: impl Iterator<Item = u32>) -> Self {
        let lane = |weight| Lane {
            commands: VecDeque::new(),
            turn_work: TURN_WORK * i64::from(weight),
            credit: 0,
            allowed: 0,
            is_held_up: false,
        };
        Self {
            mail: VecDeque::new(),
            acks: Vec::new(),
            lanes: weights.map(lane).collect(),
            turn: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let is_without_mail = self.mail.is_empty() && self.acks.is_empty();
        is_without_mail && self.lanes.iter().all(|lane| lane.commands.is_empty())
    }

    /// All that waits here.
    #[cfg(feature = "testing")]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Envelope> {
        let commands = self.lanes.iter().flat_map(|lane| &lane.commands);
        self.mail.iter().chain(commands)
    }

    /// Takes in what has come, behind what is here; leaves it empty.
    pub(crate) fn take(&mut self, domain: usize, commands: &mut VecDeque<Envelope>) {
        let lane = &mut self.lanes[domain].commands;
        if lane.is_empty() {
            std::mem::swap(lane, commands);
        } else {
            lane.append(commands);
        }
    }

    /// Puts something before everything else of its lane.
    pub(super) fn put_back(&mut self, envelope: Envelope) {
        if envelope.is_mail() {
            self.mail.push_front(envelope);
        } else {
            self.lanes[envelope.domain].commands.push_front(envelope);
        }
    }

    /// Takes those that stand first in the lane of a domain, so many at most, up to one that is not wanted or that is more
    /// than the domain may still do in this batch.
    pub(super) fn take_behind(
        &mut self,
        domain: usize,
        most: usize,
        mut is_wanted: impl FnMut(&Envelope) -> bool,
    ) -> Vec<Envelope> {
        let lane = &mut self.lanes[domain];
        let most = most.min(lane.allowed / COMMAND_WORK);
        let commands = &mut lane.commands;
        let wanted = commands.iter().take(most);
        let wanted = wanted.take_while(|next| is_wanted(next)).count();
        commands.drain(..wanted).collect()
    }

    /// Whether something waits that could run in another batch.
    pub(super) fn has_more(&self) -> bool {
        let mut lanes = self.lanes.iter();
        let has_mail = !self.mail.is_empty() || !self.acks.is_empty();
        has_mail || lanes.any(|lane| !lane.commands.is_empty() && !lane.is_held_up)
    }

    /// A batch begins: a domain may do what it likes while it is alone, and its share while others
    /// have work. Of each so many bytes wait for the log, by place.
    pub(super) fn begin(&mut self, now_ms: u64, ahead: &[usize], shared: &Shared) {
        let usages = shared.usages();
        for (lane, usage) in self.lanes.iter().zip(usages) {
            if !lane.commands.is_empty() {
                usage.works(now_ms);
            }
        }
        for (domain, lane) in self.lanes.iter_mut().enumerate() {
            let part = usages[domain].part;
            // The first is the engine's own, which only answers scans.
            let others = usages.iter().enumerate().skip(1);
            let others = others.filter(|(at, usage)| *at != domain && usage.worked_lately(now_ms));
            let others: u32 = others.map(|(_, usage)| usage.part.weight).sum();
            let (ahead_max, allowed) = if others == 0 {
                (AHEAD_BYTES_MAX, usize::MAX)
            } else {
                let all = (part.weight + others) as usize;
                let work = BATCH_SHARED_WORK * part.weight as usize / all;
                (AHEAD_SHARED_BYTES_MAX / 100 * part.log_percent, work)
            };
            lane.is_held_up = ahead[domain] > ahead_max;
            lane.allowed = if lane.is_held_up { 0 } else { allowed };
        }
    }

    /// A domain runs nothing more in this batch.
    pub(super) fn pass(&mut self, domain: usize) {
        self.lanes[domain].allowed = 0;
    }

    /// A domain has made so much work.
    pub(super) fn charge(&mut self, domain: usize, work: usize) {
        let lane = &mut self.lanes[domain];
        lane.allowed = lane.allowed.saturating_sub(work);
        let work = i64::try_from(work).unwrap_or(i64::MAX);
        lane.credit = lane.credit.saturating_sub(work).max(-DEBT_MAX);
    }

    /// What runs next at this time of engine: mail first.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<Envelope> {
        if let Some(mail) = self.mail.pop_front() {
            return Some(mail);
        }
        let ready = self.lanes.iter().filter(|lane| lane.is_ready(now_ms));
        let ready = ready.count();
        if ready == 0 {
            return None;
        }
        loop {
            let lane = &mut self.lanes[self.turn];
            let is_ready = lane.is_ready(now_ms);
            if is_ready && (ready == 1 || lane.credit > 0) {
                // Nobody is kept waiting: what it owes is forgiven.
                lane.credit = lane.credit.max(0);
                return lane.commands.pop_front();
            }
            if !is_ready {
                lane.credit = lane.credit.min(0);
            }
            self.turn = (self.turn + 1) % self.lanes.len();
            let next = &mut self.lanes[self.turn];
            next.credit = (next.credit + next.turn_work).min(next.turn_work);
        }
    }
}
