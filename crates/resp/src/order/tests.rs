use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread;

use proptest::prelude::*;
use tidegate_engine::contract::Status;

use super::*;

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0)))
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn text_of(token: u64) -> String {
    format!("<{token}>{}", "x".repeat((token % 5) as usize))
}

/// Delivers these answers as one run, with bytes of other connections around them.
fn deliver(sink: &dyn ReplySink, tokens: &[u64]) {
    let mut bytes = b"of another".to_vec();
    let start = bytes.len();
    let answers: Vec<_> = tokens
        .iter()
        .map(|token| {
            bytes.extend(text_of(*token).bytes());
            Answer {
                token: *token,
                status: Status::Done,
                end: bytes.len(),
            }
        })
        .collect();
    bytes.extend(b"of a third");
    sink.deliver(&answers, start, &bytes);
}

fn taken(replies: &Replies, waker: &Waker) -> String {
    let mut out = Vec::new();
    replies.collect(&Context::from_waker(waker), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn in_order(count: u64) -> String {
    (0..count).map(text_of).collect()
}

proptest! {
    #[test]
    fn answers_leave_in_the_order_of_their_requests(
        order in Just((0..200_u64).collect::<Vec<_>>()).prop_shuffle(),
        runs in prop::collection::vec(1_usize..8, 200),
    ) {
        let replies = Arc::<Replies>::default();
        let sink = Sink::shared(Protocol::Resp2, &replies);
        let (mut order, mut got) = (&order[..], String::new());
        for run in runs {
            let (now, later) = order.split_at(run.min(order.len()));
            if now.len() == 1 && now[0] % 2 == 0 {
                replies.answer(now[0], text_of(now[0]).as_bytes());
            } else {
                deliver(&*sink, now);
            }
            got += &taken(&replies, Waker::noop());
            order = later;
        }
        prop_assert_eq!(got, in_order(200));
        let Progress { next, bytes_waiting, .. } = replies.lock().progress();
        prop_assert_eq!((next, bytes_waiting), (200, 0));
    }
}

#[test]
fn task_is_woken_once_and_only_for_what_can_leave() {
    let replies = Arc::<Replies>::default();
    let sink = Sink::shared(Protocol::Resp2, &replies);
    let count = Count::new();
    let waker = Waker::from(Arc::clone(&count));
    assert_eq!(taken(&replies, &waker), "");
    deliver(&*sink, &[1, 2]);
    assert_eq!(count.get(), 0, "nothing can leave before the first");
    deliver(&*sink, &[0]);
    deliver(&*sink, &[3]);
    assert_eq!(count.get(), 1, "the task was told and has not looked yet");
    assert_eq!(taken(&replies, &waker), in_order(4));
    deliver(&*sink, &[4]);
    assert_eq!(count.get(), 2);
}

#[test]
fn no_wake_up_is_lost_between_threads() {
    const ANSWERS: u64 = IN_FLIGHT_MAX;
    for _ in 0..20 {
        let replies = Arc::<Replies>::default();
        let threads: Vec<_> = (0..4)
            .map(|part| {
                let sink = Sink::shared(Protocol::Resp2, &replies);
                let tokens: Vec<_> = (0..ANSWERS).filter(|token| token % 4 == part).collect();
                thread::spawn(move || tokens.chunks(3).for_each(|run| deliver(&*sink, run)))
            })
            .collect();
        struct Unpark(thread::Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut got = String::new();
        loop {
            got += &taken(&replies, &waker);
            if got.len() == in_order(ANSWERS).len() {
                break;
            }
            let since = std::time::Instant::now();
            thread::park_timeout(std::time::Duration::from_secs(10));
            assert!(since.elapsed().as_secs() < 9, "a wake-up was lost");
        }
        assert_eq!(got, in_order(ANSWERS));
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("because it delivers only"));
    }
}

#[test]
fn memory_of_answers_that_left_is_used_again() {
    let replies = Arc::<Replies>::default();
    let sink = Sink::shared(Protocol::Resp2, &replies);
    // There is always one answer that waits, so that the buffer is never empty.
    deliver(&*sink, &[1]);
    for token in (2..100_000).step_by(2) {
        deliver(&*sink, &[token + 1, token - 2]);
        drop(taken(&replies, Waker::noop()));
        assert!(replies.lock().early.bytes.capacity() <= 4 * KEPT_BYTES_MAX);
    }
}

#[test]
fn closed_connection_keeps_no_answers() {
    let replies = Arc::<Replies>::default();
    let sink = Sink::shared(Protocol::Resp2, &replies);
    replies.close();
    deliver(&*sink, &[0, 1, 5]);
    assert_eq!(taken(&replies, Waker::noop()), "");
}
