//! A slow base: what is read comes when the test says so, in the order in which it says so.

use super::Stepper;
use crate::engine::Executor;
use crate::reader::Read;

/// What was read and not brought.
pub(super) struct Late {
    read: Read,
    /// Checkpoints that had ended when it was read.
    checkpoints: u64,
}

impl Stepper {
    /// Reads one thing that is waited for, and keeps it; `false` if nothing is waited for.
    pub fn read_one(&mut self) -> bool {
        let read = self.door.read_late();
        let Some(read) = read.expect("because no file is damaged") else {
            return false;
        };
        let checkpoints = self.door.metrics().checkpoints.get();
        self.late.push(Late { read, checkpoints });
        true
    }

    /// How many things were read and not brought.
    #[must_use]
    pub fn late(&self) -> usize {
        self.late.len()
    }

    /// Brings one of them. `true` if a checkpoint has ended since it was read.
    pub fn bring(&mut self, at: usize) -> bool {
        let Late { read, checkpoints } = self.late.remove(at);
        self.door.bring(read);
        self.door.metrics().checkpoints.get() > checkpoints
    }

    /// Whether the command with this token was taken from its inbox and has not run.
    #[must_use]
    pub fn is_waiting(&self, token: u64) -> bool {
        let executors: &[Executor] = &self.executors;
        executors.iter().any(|executor| executor.is_waiting(token))
    }

    /// Reads whatever is waited for and brings it, what is late first; `false` if it was nothing.
    pub(super) fn read_all(&mut self) -> bool {
        while self.read_one() {}
        let is_some = !self.late.is_empty();
        while !self.late.is_empty() {
            self.bring(0);
        }
        is_some
    }
}
