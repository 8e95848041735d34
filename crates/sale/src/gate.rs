//! Up to whom people are admitted: no more than there are units, and no more than may be inside.

use crate::table::{Gate, Visit};

/// Those who come in within such a part of a visit are counted together.
const VISIT_PARTS: u64 = 16;

impl Gate {
    /// Those up to this position have been admitted by now.
    pub(crate) fn enter(&mut self, up_to: u64, visit_ms: u64, now_ms: u64) {
        if up_to <= self.entered() {
            return;
        }
        match self.visits.last_mut() {
            // They count as gone with those who came first of them.
            Some(last) if now_ms < last.since_ms + visit_ms / VISIT_PARTS => last.up_to = up_to,
            Some(_) | None => self.visits.push(Visit {
                up_to,
                since_ms: now_ms,
                done: 0,
            }),
        }
    }

    /// The last position that is known to have been admitted.
    fn entered(&self) -> u64 {
        self.visits.last().map_or(self.left, |last| last.up_to)
    }

    /// Those whose visit is over count as gone.
    pub(crate) fn leave(&mut self, visit_ms: u64, now_ms: u64) {
        let gone = self
            .visits
            .iter()
            .take_while(|visit| visit.since_ms + visit_ms <= now_ms);
        let gone = gone.count();
        if let Some(last) = self.visits.drain(..gone).next_back() {
            self.left = last.up_to;
        }
    }

    /// When the next ones do.
    pub(crate) fn next_leave_ms(&self, visit_ms: u64) -> Option<u64> {
        self.visits.first().map(|visit| visit.since_ms + visit_ms)
    }

    /// Somebody inside has bought.
    pub(crate) fn done(&mut self, position: u64) {
        if position <= self.left {
            return;
        }
        let visit = self.visits.iter_mut().find(|visit| position <= visit.up_to);
        if let Some(visit) = visit {
            visit.done += 1;
        }
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> u64 {
        let done: u64 = self.visits.iter().map(|visit| visit.done).sum();
        (self.entered() - self.left).saturating_sub(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIT: u64 = 16_000;

    #[test]
    fn who_has_bought_or_whose_visit_is_over_is_inside_no_more() {
        let mut gate = Gate::default();
        gate.enter(10, VISIT, 1_000);
        gate.enter(15, VISIT, 1_999);
        gate.enter(20, VISIT, 2_000);
        assert_eq!((gate.inside(), gate.visits.len()), (20, 2));
        gate.done(3);
        gate.done(16);
        assert_eq!(gate.inside(), 18);
        assert_eq!(gate.next_leave_ms(VISIT), Some(17_000));
        gate.leave(VISIT, 16_999);
        assert_eq!(gate.inside(), 18);
        gate.leave(VISIT, 17_000);
        assert_eq!((gate.inside(), gate.left), (4, 15));
        gate.done(4);
        assert_eq!(gate.inside(), 4, "was gone already");
        gate.leave(VISIT, 18_000);
        assert_eq!(gate.inside(), 0);
        assert_eq!(gate.next_leave_ms(VISIT), None);
    }

    #[test]
    fn few_visits_are_kept_however_many_come() {
        let mut gate = Gate::default();
        for at in 0..10_000 {
            let now = at * 7;
            gate.leave(VISIT, now);
            gate.enter(at, VISIT, now);
            assert!(gate.visits.len() as u64 <= VISIT_PARTS + 1);
        }
    }
}
