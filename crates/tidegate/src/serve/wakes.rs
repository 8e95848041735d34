//! Waking tasks of an executor's thread. What other threads wake is handed over as a list, for one wake-up of the thread: to
//! wake each by itself is a system call each, though answers to many connections leave at once.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

thread_local! {
    /// The executor that this thread steps.
    static HERE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What other threads have woken of one thread's tasks.
pub(super) struct Wakes {
    index: usize,
    /// Has the executor stepped soon.
    ring: Box<dyn Fn() + Send + Sync>,
    woken: Mutex<Vec<Waker>>,
}

impl Wakes {
    pub(super) fn new(index: usize, ring: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            index,
            ring: Box::new(ring),
            woken: Mutex::default(),
        }
    }

    /// This thread is the executor's from here on.
    pub(super) fn settle(&self) {
        HERE.set(Some(self.index));
    }

    /// Wakes all that others have woken. On the executor's thread, after each step: whoever puts the first one on the list
    /// has it stepped.
    pub(super) fn pass_on(&self) {
        // Not under the lock, for which other threads would wait.
        let woken = std::mem::take(&mut *self.lock());
        woken.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_over(&self, task: Waker) {
        let mut woken = self.lock();
        woken.push(task);
        let is_first = woken.len() == 1;
        drop(woken);
        if is_first {
            (self.ring)();
        }
    }
}

/// Wakes a task of an executor's thread.
struct TaskWaker {
    task: Waker,
    wakes: Arc<Wakes>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if HERE.get() == Some(self.wakes.index) {
            self.task.wake_by_ref();
        } else {
            self.wakes.hand_over(self.task.clone());
        }
    }
}

/// A task of an executor's thread.
pub(super) async fn woken_through<F: Future>(wakes: Arc<Wakes>, task: F) -> F::Output {
    let mut task = pin!(task);
    let mut known: Option<(Waker, Waker)> = None;
    poll_fn(|cx| {
        let is_known = known
            .as_ref()
            .is_some_and(|(task, _)| task.will_wake(cx.waker()));
        if !is_known {
            let waker = TaskWaker {
                task: cx.waker().clone(),
                wakes: Arc::clone(&wakes),
            };
            known = Some((cx.waker().clone(), Arc::new(waker).into()));
        }
        let (_, waker) = known.as_ref().expect("because it was just made");
        task.as_mut().poll(&mut Context::from_waker(waker))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    /// A waker that counts.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn tasks_that_another_thread_wakes_wait_on_one_list_and_ring_once() {
        let (rung, woken) = (Arc::<Count>::default(), Arc::<Count>::default());
        let rings = Waker::from(Arc::clone(&rung));
        let wakes = Arc::new(Wakes::new(7, move || rings.wake_by_ref()));
        wakes.settle();
        let wakers = Arc::new(Mutex::new(Vec::new()));
        let tasks = [(); 3].map(|()| {
            let wakers = Arc::clone(&wakers);
            let task = poll_fn(move |cx| {
                wakers.lock().unwrap().push(cx.waker().clone());
                std::task::Poll::<()>::Pending
            });
            Box::pin(woken_through(Arc::clone(&wakes), task))
        });
        let waker = Waker::from(Arc::clone(&woken));
        for mut task in tasks {
            assert!(
                task.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        let counts = || [&rung, &woken].map(|count| count.0.load(Ordering::Relaxed));
        let mut wakers = std::mem::take(&mut *wakers.lock().unwrap());
        wakers.pop().unwrap().wake();
        assert_eq!(counts(), [0, 1], "here it is woken at once");
        thread::spawn(move || wakers.into_iter().for_each(Waker::wake))
            .join()
            .unwrap();
        assert_eq!(counts(), [1, 1], "others put it on the list");
        wakes.pass_on();
        assert_eq!(counts(), [1, 3]);
        wakes.hand_over(waker);
        assert_eq!(counts(), [2, 3], "an empty list rings again");
    }
}
