//! What the row of a queue says: its lines, how many jobs are in which state, and what may begin.

use tidegate_engine::Tx;

use crate::apply::OPEN;
use crate::hand::word_of_takers;
use crate::limits::{Halt, Limits, May};
use crate::line::{DEAD_LINE, Line, PARENT_LINE};
use crate::table::{JobState, Queue};

impl Queue {
    /// A line, which it has from now on.
    pub(crate) fn line(&mut self, number: u8) -> &mut Line {
        let at = match self.lines.binary_search_by_key(&number, |line| line.number) {
            Ok(at) => at,
            Err(at) => {
                self.lines.insert(at, Line::new(number));
                at
            }
        };
        &mut self.lines[at]
    }

    /// A line, if anybody has ever stood in it.
    pub(crate) fn line_at(&self, number: u8) -> Option<&Line> {
        self.lines.iter().find(|line| line.number == number)
    }

    /// Lines of priorities that have somebody in them, the highest first.
    pub(crate) fn lines_of_ready(&self) -> impl Iterator<Item = &Line> {
        let lines = self.lines.iter();
        lines.filter(|line| line.number < DEAD_LINE && line.live > 0)
    }

    /// The first of them.
    pub(crate) fn first_line(&self) -> Option<&Line> {
        self.lines_of_ready().next()
    }

    /// How many of its jobs are in a state.
    pub(crate) fn count(&self, state: JobState) -> u64 {
        let in_lines = |is_of: fn(&&Line) -> bool| {
            let lines = self.lines.iter().filter(is_of);
            lines.map(|line| line.live).sum()
        };
        match state {
            JobState::Scheduled => self.scheduled,
            JobState::Ready => in_lines(|line| line.number < DEAD_LINE),
            JobState::Running => self.running,
            JobState::Done => self.done,
            JobState::Dead => in_lines(|line| line.number == DEAD_LINE),
            JobState::Cancelled => self.cancelled,
            JobState::Blocked => self.blocked,
            JobState::Waiting => in_lines(|line| line.number == PARENT_LINE),
        }
    }

    /// Its limits.
    pub(crate) fn limits(&self) -> Limits {
        self.limits.as_deref().copied().unwrap_or_default()
    }

    /// Whether all that gathers is to be taken as it is.
    pub(crate) fn flushes(&self) -> bool {
        self.halt == Some(Halt::Draining)
    }

    /// Whether one more of its jobs may be taken.
    pub(crate) fn may_begin(&self, now_ms: u64) -> May {
        if self.halt == Some(Halt::Paused) {
            return May::Full;
        }
        let limit = self.limits().queue;
        limit.may(self.running, self.expected_us, now_ms)
    }

    /// Those who wait for a job are told when one may be taken.
    pub(crate) fn open_at(&mut self, tx: &mut Tx<'_>, name: &str, at_ms: u64) {
        if self.opens_at_ms.is_none() {
            tx.wake_at(&OPEN, at_ms, name);
            self.opens_at_ms = Some(at_ms);
        }
    }

    /// Tells as many of those who wait for a job as there are jobs.
    pub(crate) fn offer_all(&self, tx: &mut Tx<'_>, name: &str) {
        let ready = usize::try_from(self.count(JobState::Ready)).unwrap_or(usize::MAX);
        tx.tell_some(&word_of_takers(name), ready);
    }
}
