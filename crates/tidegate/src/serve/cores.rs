//! Executors stay on cores of their own.
//!
//! Left to itself the system puts several of them on one core for a good part of a second, while what
//! works for later has another to itself: niceness counts on one core only.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores for so many executors, one each, if that is as many as there are to run on.
pub(super) fn cores_for(executors: usize) -> Option<Vec<usize>> {
    let allowed = sched_getaffinity(None).ok()?;
    let cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let cores: Vec<_> = cores.collect();
    (cores.len() == executors).then_some(cores)
}

/// This thread runs on this core alone, as far as that is up to us: where it cannot, it runs on.
pub(super) fn stay_on(core: usize) {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stays_on_its_core_and_others_do_not() {
        let before = sched_getaffinity(None).unwrap();
        let count = usize::try_from(before.count()).unwrap();
        let cores = cores_for(count).unwrap();
        let last = *cores.last().unwrap();
        let pinned = std::thread::spawn(move || {
            stay_on(last);
            sched_getaffinity(None).unwrap()
        });
        let pinned = pinned.join().unwrap();
        assert!(pinned.is_set(last));
        assert_eq!(pinned.count(), 1);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
        assert_eq!(cores_for(count + 1), None, "there is not one for each");
    }
}
