//! How fast a checkpoint takes rows to the base, no faster than it has to; and how soon the next may.
//!
//! Left to itself it has a core for a part of a second and then rests, and whoever answers meanwhile
//! feels each burst. So it pauses where it is ahead: where the share that it has taken of its rows is
//! more than the share that was used meanwhile of the room for rows changed. That of a server which is
//! as busy as can be never is.

use std::sync::atomic::Ordering;

use crate::limits::{
    BASE_BACKLOG_MAX, BASE_REST_MS, BASE_REST_MS_MAX, CHECKPOINT_LOG_BYTES, PACE_PAUSES_MAX,
    PACE_ROOM_PERCENT, PACE_ROWS,
};
use crate::log::Room;
use crate::shared::Shared;

/// How long a base has between two checkpoints to put in order what they bring: none while it keeps
/// up, and the more the further it is behind. Meanwhile memory fills and opening commands are told BUSY, so
/// that in the long run no more comes than is put in order. Nothing if it can take no more in.
pub(super) fn rest_ms(backlog: usize) -> Option<u64> {
    let rest_ms = (backlog as u64 * BASE_REST_MS).min(BASE_REST_MS_MAX);
    (backlog < BASE_BACKLOG_MAX).then_some(rest_ms)
}

/// How far a checkpoint is, and what it does where it is ahead.
#[derive(Default)]
pub(super) struct Pace {
    /// Without one it is as fast as it can be.
    pause: Option<Box<dyn FnMut() + Send>>,
    rows: usize,
    taken: usize,
    pauses: u32,
}

impl Pace {
    pub(super) fn set_pause(&mut self, pause: Box<dyn FnMut() + Send>) {
        self.pause = Some(pause);
    }

    /// A checkpoint begins, of so many rows.
    pub(super) fn begin(&mut self, rows: usize) {
        (self.rows, self.taken, self.pauses) = (rows, 0, 0);
    }

    /// A row was taken.
    pub(super) fn took(&mut self, shared: &Shared) {
        self.taken += 1;
        if self.taken.is_multiple_of(PACE_ROWS) {
            while self.is_ahead(shared) && self.may_pause() {}
        }
    }

    /// Never when somebody may wait for its end: for room in memory or for the log, or for a stop.
    fn is_ahead(&self, shared: &Shared) -> bool {
        let changed = shared.checkpoints.changed_bytes.load(Ordering::Relaxed);
        let room = shared.memory.checkpoint_bytes() / 100 * PACE_ROOM_PERCENT;
        let is_urgent = shared.stopping.load(Ordering::Acquire)
            || shared.memory.is_tight(shared.checkpoints.bytes())
            || matches!(shared.room(), Room::Short { .. })
            || shared.log_bytes() >= CHECKPOINT_LOG_BYTES;
        !is_urgent && product(self.taken, room) > product(changed, self.rows)
    }

    /// Pauses, unless there is no way to or it has been too often.
    fn may_pause(&mut self) -> bool {
        let Some(pause) = &mut self.pause else {
            return false;
        };
        let may = self.pauses < PACE_PAUSES_MAX;
        if may {
            self.pauses += 1;
            pause();
        }
        may
    }
}

fn product(a: usize, b: usize) -> u128 {
    a as u128 * b as u128
}
