use super::*;

/// Where the wall stands at first.
const WALL_MS: u64 = 1_800_000_000_000;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Two clocks that go as they are told to.
struct Hands {
    monotonic_us: AtomicU64,
    wall_us: AtomicU64,
}

impl Clock for Hands {
    fn monotonic_us(&self) -> u64 {
        self.monotonic_us.load(Ordering::Relaxed)
    }

    fn wall_ms(&self) -> u64 {
        self.wall_us.load(Ordering::Relaxed) / 1_000
    }
}

impl Hands {
    fn pass_us(&self, us: u64) {
        self.monotonic_us.fetch_add(us, Ordering::Relaxed);
        self.wall_us.fetch_add(us, Ordering::Relaxed);
    }

    fn step_wall(&self, by_ms: i64) {
        let moved = |wall_us: u64| wall_us.checked_add_signed(by_ms * 1_000);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.wall_us.fetch_update(set, fetch, moved).unwrap();
    }
}

/// A clock, and the hands that it goes by.
struct Run {
    hands: Arc<Hands>,
    clock: EngineClock,
}

impl Run {
    /// A start at which an earlier run has promised time up to so much ahead of the wall.
    fn ahead_by(lead_ms: u64) -> Self {
        let hands = Arc::new(Hands {
            monotonic_us: AtomicU64::new(0),
            wall_us: AtomicU64::new(WALL_MS * 1_000),
        });
        Self::start(hands, Some(WALL_MS + lead_ms))
    }

    fn start(hands: Arc<Hands>, promised_ms: Option<u64>) -> Self {
        let source = Arc::clone(&hands) as Arc<dyn Clock>;
        let clock = EngineClock::start(source, promised_ms, false).unwrap();
        Self { hands, clock }
    }

    /// Time passes, with a look a second.
    fn pass_ms(&self, ms: u64) {
        for _ in 0..ms / SECOND {
            self.hands.pass_us(SECOND * 1_000);
            self.clock.moment_ms();
        }
        self.hands.pass_us(ms % SECOND * 1_000);
        self.clock.moment_ms();
    }

    /// By how much engine time is ahead of the wall.
    fn lead_ms(&self) -> i64 {
        let now_ms = self.clock.moment_ms();
        now_ms.cast_signed() - self.hands.wall_ms().cast_signed()
    }

    /// The log makes the promise durable that the clock wants, if it wants one.
    fn promise(&self) {
        if self.clock.wants_promise() {
            self.clock.promised(self.clock.next_promise_ms());
        }
    }
}

#[test]
fn lead_that_starts_have_brought_leans_back_whatever_its_size_up_to_the_limit() {
    for lead_ms in [5 * SECOND, 204 * SECOND, CLOCK_LEAD_MS_MAX] {
        let run = Run::ahead_by(lead_ms);
        run.pass_ms(20 * SECOND);
        let left = (lead_ms - SECOND).cast_signed();
        assert_eq!(run.lead_ms(), left, "a twentieth of the time");
        assert_eq!(run.clock.stepped_ms(), 0);
        run.pass_ms(20 * lead_ms);
        assert_eq!(run.lead_ms(), 0);
        run.pass_ms(MINUTE);
        assert_eq!(run.lead_ms(), 0, "and stays there");
    }
}

#[test]
fn larger_lead_is_a_wall_that_was_set_back_and_is_reported_and_not_followed() {
    let lead_ms = CLOCK_LEAD_MS_MAX + 1;
    let run = Run::ahead_by(lead_ms);
    run.pass_ms(HOUR);
    assert_eq!(run.lead_ms(), lead_ms.cast_signed());
    assert_eq!(run.clock.stepped_ms(), lead_ms);
    run.hands.step_wall(lead_ms.cast_signed());
    run.pass_ms(SECOND);
    assert_eq!(run.lead_ms(), 0);
    assert_eq!(run.clock.stepped_ms(), 0, "somebody has set it right");
}

#[test]
fn step_of_the_wall_is_not_followed_until_it_is_stepped_back() {
    let hour = HOUR.cast_signed();
    for step_ms in [hour, -hour, 11_000, -11_000] {
        let run = Run::ahead_by(0);
        run.pass_ms(MINUTE);
        run.hands.step_wall(step_ms);
        run.pass_ms(HOUR);
        assert_eq!(run.lead_ms(), -step_ms);
        assert_eq!(run.clock.stepped_ms(), step_ms.unsigned_abs());
        run.hands.step_wall(-step_ms + 200);
        run.pass_ms(MINUTE);
        assert_eq!(run.lead_ms(), 0, "what is left of it is followed");
        assert_eq!(run.clock.stepped_ms(), 0);
    }
}

#[test]
fn wall_that_slews_back_from_a_step_draws_nothing_with_it() {
    let run = Run::ahead_by(0);
    run.hands.step_wall(HOUR.cast_signed());
    run.pass_ms(SECOND);
    for _ in 0..HOUR / SECOND - 11 {
        run.hands.step_wall(-1_000);
        run.pass_ms(SECOND);
        let moved = run.lead_ms() + run.clock.stepped_ms().cast_signed();
        assert_eq!(moved, 0);
    }
    run.hands.step_wall(-11_000);
    run.pass_ms(SECOND);
    assert_eq!((run.lead_ms(), run.clock.stepped_ms()), (0, 0));
}

#[test]
fn lead_goes_on_leaning_back_while_a_step_is_not_followed() {
    let run = Run::ahead_by(3 * MINUTE);
    run.pass_ms(20 * MINUTE);
    assert_eq!(run.lead_ms(), (2 * MINUTE).cast_signed());
    let day = (24 * HOUR).cast_signed();
    run.hands.step_wall(day);
    run.pass_ms(20 * MINUTE);
    assert_eq!(run.lead_ms() + day, MINUTE.cast_signed());
    assert_eq!(run.clock.stepped_ms(), day.unsigned_abs());
    run.pass_ms(HOUR);
    assert_eq!(run.lead_ms() + day, 0);
    run.hands.step_wall(-day);
    run.pass_ms(SECOND);
    assert_eq!((run.lead_ms(), run.clock.stepped_ms()), (0, 0));
}

#[test]
fn wall_that_was_a_few_minutes_back_at_the_start_and_is_set_right_soon_is_followed() {
    let run = Run::ahead_by(8 * MINUTE);
    run.pass_ms(MINUTE);
    run.hands.step_wall((8 * MINUTE).cast_signed());
    run.pass_ms(MINUTE);
    assert_eq!((run.lead_ms(), run.clock.stepped_ms()), (0, 0));
}

#[test]
fn machine_that_slept_is_a_step_of_the_wall() {
    let run = Run::ahead_by(0);
    run.hands.step_wall((8 * HOUR).cast_signed());
    run.pass_ms(MINUTE);
    assert_eq!(run.clock.stepped_ms(), 8 * HOUR);
    let run = Run::ahead_by(0);
    run.hands.step_wall(5_000);
    run.pass_ms(MINUTE);
    assert_eq!(run.lead_ms(), -2_000, "a nap is caught up with");
    assert_eq!(run.clock.stepped_ms(), 0);
}

#[test]
fn clock_leans_however_often_it_is_looked_at() {
    for every_us in [1, 7, 19, 20, 1_000] {
        let run = Run::ahead_by(10);
        for _ in 0..133_000 / every_us {
            run.hands.pass_us(every_us);
            run.clock.moment_ms();
        }
        assert_eq!(run.lead_ms(), 3, "looked at every {every_us} us");
    }
}

#[test]
fn engine_time_never_runs_back_while_it_leans() {
    let run = Run::ahead_by(MINUTE);
    let mut last_ms = run.clock.moment_ms();
    for n in 0..100_000 {
        run.hands.pass_us(n % 23);
        let now_ms = run.clock.moment_ms();
        assert!(last_ms <= now_ms);
        last_ms = now_ms;
    }
}

#[test]
fn starts_in_quick_succession_put_time_ahead_by_little_more_than_they_last() {
    let mut run = Run::ahead_by(0);
    for _ in 0..10 {
        run.promise();
        run.pass_ms(110);
        run.clock.now_ms().unwrap();
        run.promise();
        let promised_ms = run.clock.promised_ms();
        run = Run::start(run.hands, Some(promised_ms));
    }
    let lead_ms = run.lead_ms();
    assert!((1..3_000).contains(&lead_ms), "{lead_ms}");
}

#[test]
fn run_that_lasts_promises_two_seconds_ahead() {
    let run = Run::ahead_by(0);
    run.promise();
    let mut promises = 0;
    for _ in 0..1_000 {
        run.pass_ms(10);
        assert!(run.clock.now_ms().is_some(), "it is promised in time");
        promises += u64::from(run.clock.wants_promise());
        run.promise();
    }
    assert!((10..25).contains(&promises), "{promises} in ten seconds");
    let ahead_ms = run.clock.promised_ms() - run.clock.moment_ms();
    assert!(ahead_ms > CLOCK_AHEAD_MS / 2, "{ahead_ms}");
}
