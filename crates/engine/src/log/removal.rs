//! Segments that are not needed any more go, beside the log.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::LogError;
use super::embedded::io_error;
use crate::disk::{Disk, free};

/// Segments that go, oldest first.
#[derive(Default)]
pub(super) struct Removal {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    names: VecDeque<String>,
    is_running: bool,
    failed: Option<LogError>,
}

impl Removal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds segments; `true` if somebody is to [`Removal::run`] now.
    ///
    /// # Errors
    /// One could not be removed meanwhile. That is told here, and nowhere at a stop: it stays for the
    /// next start to remove.
    pub(super) fn add(&self, names: Vec<String>) -> Result<bool, LogError> {
        let mut state = self.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        state.names.extend(names);
        let is_idle = !state.is_running && !state.names.is_empty();
        Ok(is_idle && !mem::replace(&mut state.is_running, true))
    }

    /// Removes what there is, one segment after another.
    pub(super) fn run(&self, disk: &dyn Disk) {
        while let Some(name) = self.next() {
            if let Err(error) = remove(disk, &name) {
                let mut state = self.lock();
                (state.failed, state.is_running) = (Some(error), false);
                return;
            }
        }
    }

    fn next(&self) -> Option<String> {
        let mut state = self.lock();
        let next = state.names.pop_front();
        state.is_running = next.is_some();
        next
    }
}

/// Removes a segment that is not needed. Durable before the next one goes, so that a crash leaves no
/// gap; whole or not at all, so that no start meets a part of one.
pub(super) fn remove(disk: &dyn Disk, name: &str) -> Result<(), LogError> {
    // Its room goes with the name if it cannot be opened, only less gently.
    let file = disk.open(name).ok();
    let removed = disk.remove(name).and_then(|()| disk.sync_folder());
    removed.map_err(|error| io_error(disk, name, error))?;
    if let Some(mut file) = file {
        let size = file.size().unwrap_or(0);
        free(size, |left| file.set_size(left));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{FaultDisk, Operation};
    use crate::random::Random;

    /// A disk with a segment, durable.
    fn disk_with(name: &str) -> FaultDisk {
        let disk = FaultDisk::default();
        let mut file = disk.create(name, 0).expect("room");
        file.write_at(0, b"segment").expect("room");
        file.sync().expect("sound");
        disk.sync_folder().expect("sound");
        disk
    }

    #[test]
    fn segment_that_goes_is_there_whole_or_not_at_all() {
        for operations in 0..4 {
            let disk = disk_with("old");
            disk.fail_power_after(operations);
            let removed = remove(&disk, "old");
            disk.crash(&mut Random::new(operations));
            assert_eq!(removed.is_ok(), operations >= 2, "after {operations}");
            if let Ok(file) = disk.open("old") {
                let mut all = [0; 7];
                file.read_at(0, &mut all).expect("long enough");
                assert_eq!(&all, b"segment", "after {operations}");
            }
        }
    }

    #[test]
    fn segments_that_come_while_others_go_are_left_to_whoever_removes_these() {
        let disk = disk_with("a");
        for name in ["b", "c"] {
            disk.create(name, 1).expect("room");
        }
        let removal = Removal::default();
        assert!(removal.add(vec!["a".into()]).expect("none failed"));
        assert!(!removal.add(vec!["b".into()]).expect("none failed"));
        removal.run(&disk);
        assert_eq!(disk.list().expect("sound"), ["c"]);
        assert!(
            !removal.add(Vec::new()).expect("none failed"),
            "nothing to do"
        );
        assert!(removal.add(vec!["c".into()]).expect("none failed"));
    }

    #[test]
    fn segment_that_cannot_be_removed_is_told_once() {
        let disk = disk_with("a");
        let removal = Removal::default();
        removal.add(vec!["a".into()]).expect("none failed");
        disk.fail_power_at(Operation::Remove, 0);
        removal.run(&disk);
        assert!(removal.add(Vec::new()).is_err());
        assert!(removal.add(vec!["a".into()]).expect("told already"));
    }
}
