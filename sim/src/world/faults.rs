//! Faults that are injected while the process runs.

use tidegate_engine::disk::{Disk, FaultDisk, Operation};

use super::{Stop, World, open};
use crate::tally::Fault;

/// Commands on a full disk.
const FULL_COMMANDS: u64 = 40;

/// Of so many bits that flip one is of the last seal.
const SEAL_EVERY: u64 = 8;

/// Commands of a rush: what they write does not fit in a segment.
const RUSH_COMMANDS: u64 = 150;

/// Operations at which the power would hardly ever fail if it failed at any.
const RARE_OPERATIONS: [Operation; 4] = [
    Operation::Create,
    Operation::Rename,
    Operation::Remove,
    Operation::SyncFolder,
];

impl World {
    pub(super) fn step_wall(&mut self) {
        let hour = 3_600_000;
        let wall_ms = self.engine.now_ms();
        let (fault, wall_ms) = if self.random.chance(1, 2) {
            (Fault::WallBack, wall_ms - hour)
        } else {
            (Fault::WallAhead, wall_ms + hour)
        };
        self.tally.fault(fault);
        self.engine.clock.set_wall_ms(wall_ms);
    }

    /// So many commands that the log goes on into further segments, and the power fails at something
    /// that this takes.
    pub(super) fn rush(&mut self) -> Result<(), Stop> {
        let rare = RARE_OPERATIONS[self.random.below(RARE_OPERATIONS.len() as u64) as usize];
        self.engine.disk.fail_power_at(rare, self.random.below(2));
        for _ in 0..RUSH_COMMANDS {
            self.submit()?;
            self.write()?;
            self.write()?;
        }
        Ok(())
    }

    /// One command after the other while the disk takes nothing more; then there is room again.
    pub(super) fn fill_disk(&mut self) -> Result<(), Stop> {
        self.write()?;
        self.tally.fault(Fault::DiskFull);
        self.engine.disk.limit_bytes(Some(0));
        for _ in 0..FULL_COMMANDS {
            self.submit()?;
            self.write()?;
            self.write()?;
            if !self.asked.is_empty() {
                break; // The log is stuck: answers come when there is room.
            }
        }
        self.engine.disk.limit_bytes(None);
        self.write()?;
        self.write()
    }

    /// A bit of a sealed log, or of what checkpoints have written, flips: a start names it and goes no
    /// further, unless it was of the last seal, or of a file that counts no more.
    pub(super) fn flip_bit(&mut self) -> Result<(), Stop> {
        self.write()?;
        self.seal()?;
        let (disk, clock) = (self.engine.disk.clone(), self.engine.clock.clone());
        disk.calm();
        let kind = ["log-", "base", "checkpoint"][self.random.below(3) as usize];
        let place = if self.random.chance(1, SEAL_EVERY) {
            last_byte(&disk)
        } else {
            disk.some_byte(kind, &mut self.random)
        };
        let Some((name, at)) = place else {
            return Ok(());
        };
        let bit = self.random.below(8) as u8;
        disk.flip_bit(&name, at, bit);
        match open(&disk, &clock) {
            Ok(engine) => {
                self.tally.fault(Fault::BitFlipHarmless);
                self.doubt();
                self.engine = engine;
                Ok(self.check_start()?)
            }
            Err(_) => {
                self.tally.fault(Fault::BitFlipNoticed);
                disk.flip_bit(&name, at, bit);
                Ok(self.restart(false)?)
            }
        }
    }
}

/// The last byte of the log that is not zero: the name of its file and where.
fn last_byte(disk: &FaultDisk) -> Option<(String, usize)> {
    let names = disk.list().ok()?.into_iter();
    let logs = names.filter(|name| name.starts_with("log-"));
    let ends = logs.filter_map(|name| {
        let file = disk.open(&name).ok()?;
        let mut bytes = vec![0; usize::try_from(file.size().ok()?).ok()?];
        file.read_at(0, &mut bytes).ok()?;
        let at = bytes.iter().rposition(|byte| *byte != 0)?;
        Some((name, at))
    });
    ends.max()
}
