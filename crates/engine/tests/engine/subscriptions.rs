//! Subscriptions: a snapshot, and then every event after it, once and in order, once durable.

use std::collections::{BTreeMap, BTreeSet};

use crate::events_of::{Seen, listed};
use tidegate_engine::contract::{Fault, Wanted};
use tidegate_engine::limits::{
    EVENTS_LATE_MS, REPLAY_ITEMS_MAX, SUBSCRIBER_BYTES_MAX, SUBSCRIBERS_MAX,
};
use tidegate_engine::testing::toy::FADED_KEPT_MS;
use tidegate_engine::testing::{Canary, Stepper, TOY, line_of};
use tidegate_engine::{Begin, EventFilter, Random, Subscription, Taken};

fn all() -> EventFilter {
    EventFilter::default()
}

fn about(key: &str) -> EventFilter {
    EventFilter {
        key: Some(key.into()),
        ..all()
    }
}

/// A note that fades after so many milliseconds.
fn put(engine: &mut Stepper, key: &str, text: &str, ttl_ms: u64) {
    let words = format!("NOTE.PUT {key} 1 {text} TTL {ttl_ms}");
    engine.submit(&words).unwrap();
}

/// A note that has faded.
fn fade(engine: &mut Stepper, key: &str) {
    put(engine, key, "text", 1);
    engine.settle();
    engine.pass_ms(1);
}

/// Takes whatever has come, without waiting for more.
fn taken(subscription: &mut Subscription) -> Vec<Seen> {
    let mut seen = Vec::new();
    loop {
        match subscription.take() {
            Taken::Events(events) => seen.extend(events.iter().map(|event| {
                let page = format!("items=[{{{}}}] next=-", line_of(event));
                listed(&page).unwrap().0.remove(0)
            })),
            Taken::Nothing => return seen,
            other @ (Taken::Busy(_) | Taken::FellBehind(_) | Taken::Stopped) => panic!("{other:?}"),
        }
    }
}

/// Takes until nothing more comes.
fn taken_all(engine: &mut Stepper, subscription: &mut Subscription) -> Vec<Seen> {
    let mut seen = Vec::new();
    for _ in 0..5 {
        engine.pass_ms(1); // A little less where time leans back from a lead.
        loop {
            let more = taken(subscription);
            engine.settle();
            if more.is_empty() {
                break;
            }
            seen.extend(more);
        }
    }
    seen
}

fn cursors(seen: &[Seen]) -> Vec<u64> {
    seen.iter().map(|event| event.cursor).collect()
}

fn keys(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|event| &*event.key).collect()
}

/// All events that are kept.
fn kept(engine: &mut Stepper) -> Vec<Seen> {
    engine.pass_ms(1);
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = engine.call(&format!("EVENT.LIST AFTER {after} LIMIT 1000"));
        let (events, next) = listed(&page).unwrap();
        all.extend(events);
        let Some(next) = next else { return all };
        after = next;
    }
}

#[test]
fn subscriber_gets_what_happens_from_now_on_and_only_what_it_wants() {
    let mut engine = Stepper::fresh(&[TOY]);
    fade(&mut engine, "before");
    engine.pass_ms(1);
    let mut everything = engine.subscribe(all(), Begin::Now).unwrap();
    let mut about_b = engine.subscribe(about("b"), Begin::Now).unwrap();
    assert_eq!(taken_all(&mut engine, &mut everything), []);
    for key in ["a", "b", "c"] {
        put(&mut engine, key, "text", 1);
        engine.pass_ms(2);
    }
    assert_eq!(
        keys(&taken_all(&mut engine, &mut everything)),
        ["a", "b", "c"]
    );
    assert_eq!(keys(&taken_all(&mut engine, &mut about_b)), ["b"]);
    let unlike = EventFilter {
        domain: Some("stock".into()),
        ..all()
    };
    let mut nothing = engine.subscribe(unlike, Begin::After(0)).unwrap();
    assert_eq!(taken_all(&mut engine, &mut nothing), []);
}

#[test]
fn event_is_told_only_once_it_is_durable() {
    let mut engine = Stepper::fresh(&[TOY]);
    let mut subscription = engine.subscribe(all(), Begin::Now).unwrap();
    taken_all(&mut engine, &mut subscription);
    put(&mut engine, "a", "text", 1);
    engine.settle();
    for _ in 0..5 {
        engine.clock.advance_ms(1);
        engine.execute();
    }
    assert_eq!(
        taken(&mut subscription),
        [],
        "it has happened, and is not written"
    );
    assert_eq!(keys(&taken_all(&mut engine, &mut subscription)), ["a"]);
}

/// What the snapshot says of each note that there was: in its how-manieth life it is.
fn lives(snapshot: &str) -> BTreeMap<String, usize> {
    let notes = snapshot.split("{key=").skip(1).map(|note| {
        let (key, rest) = note.split_once(" text=life").unwrap();
        (
            key.to_owned(),
            rest.split(' ').next().unwrap().parse().unwrap(),
        )
    });
    notes.collect()
}

/// A note in its n-th life has faded n − 1 times before: so its fadings after the snapshot are known.
fn check(snapshot: &str, seen: &[Seen], ever: &[Seen], seed: u64) -> usize {
    assert!(cursors(seen).is_sorted_by(|a, b| a < b), "seed {seed}");
    let lives = lives(snapshot);
    for (key, life) in &lives {
        let of = |events: &[Seen]| -> Vec<_> {
            let of_key = events.iter().filter(|event| event.key == *key);
            of_key.cloned().collect()
        };
        assert_eq!(
            of(seen),
            of(ever)[life - 1..],
            "seed {seed}: {key} in life {life}"
        );
    }
    lives.len()
}

#[test]
fn every_event_after_the_snapshot_comes_once_whatever_happens_meanwhile() {
    let (mut told, mut noted) = (0, 0);
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let mut engine = Stepper::fresh(&[TOY]);
        let mut lives = [0; 12];
        let mut watchers: Vec<(Subscription, u64, Vec<Seen>)> = Vec::new();
        for _ in 0..400 {
            match random.below(20) {
                0..7 => {
                    let at = random.below(12) as usize;
                    let key = format!("k{at}");
                    if engine
                        .call(&format!("NOTE.GET {key}"))
                        .starts_with("unknown")
                    {
                        lives[at] += 1;
                        put(
                            &mut engine,
                            &key,
                            &format!("life{}", lives[at]),
                            1 + random.below(6),
                        );
                    }
                }
                7..10 => engine.clock.advance_ms(random.below(3)),
                10..13 => drop(engine.execute()),
                13..15 => drop(engine.write().unwrap()),
                15 => {
                    let began = engine.subscribe_with(all(), "NOTE.LIST").unwrap();
                    watchers.push((began.0, began.1, Vec::new()));
                }
                16 => engine.ask_checkpoint(),
                17 => drop(engine.checkpoint_step().unwrap()),
                _ => {
                    for (subscription, _, seen) in &mut watchers {
                        seen.extend(taken(subscription));
                    }
                }
            }
        }
        engine.settle();
        engine.pass_ms(10);
        for (subscription, _, seen) in &mut watchers {
            seen.extend(taken_all(&mut engine, subscription));
        }
        let ever = kept(&mut engine);
        for (_, token, seen) in &watchers {
            let (_, snapshot) = engine.answer(*token).unwrap();
            noted += check(&snapshot, seen, &ever, seed);
            told += seen.len();
        }
    }
    assert!(told > 5_000 && noted > 1_000, "{told} {noted}");
}

#[test]
fn snapshot_of_one_key_is_followed_by_the_events_of_that_key() {
    let mut engine = Stepper::fresh(&[TOY]);
    for life in 1..=3 {
        put(&mut engine, "a", "text", 3);
        let (mut subscription, token) = engine.subscribe_with(about("a"), "NOTE.GET a").unwrap();
        assert_eq!(taken(&mut subscription), []);
        engine.pass_ms(1);
        assert_eq!(engine.answer(token).unwrap().1, "key=a text=text times=1");
        engine.pass_ms(2);
        assert_eq!(
            keys(&taken_all(&mut engine, &mut subscription)),
            ["a"],
            "{life}"
        );
    }
}

#[test]
fn snapshot_of_several_partitions_is_followed_by_what_comes_behind_all_of_it() {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.PUTALL 3 a x b y c z");
    let words = "NOTE.GETALL 3 a b c";
    let (mut subscription, token) = engine.subscribe_with(all(), words).unwrap();
    assert_eq!(taken(&mut subscription), []);
    engine.settle();
    assert!(engine.answer(token).unwrap().1.starts_with("notes=["));
    engine.pass_ms(60_000);
    let told = taken_all(&mut engine, &mut subscription);
    let told: BTreeSet<_> = keys(&told).into_iter().collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}

/// A subscriber that goes on behind the last event that it saw, over crashes of the process and of
/// itself, has seen every event once in the end.
#[test]
fn who_goes_on_behind_its_cursor_misses_no_event_and_gets_none_twice() {
    let mut total = 0;
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let mut engine = Stepper::fresh(&[TOY]);
        let (mut seen, mut cursor) = (Vec::new(), 0);
        let mut subscription = engine.subscribe(all(), Begin::After(0)).unwrap();
        for step in 0..400 {
            match random.below(20) {
                0..8 => {
                    let key = format!("s{step}");
                    put(&mut engine, &key, "text", 1 + random.below(3));
                }
                8..11 => engine.clock.advance_ms(random.below(3)),
                11..14 => drop(engine.execute()),
                14..16 => drop(engine.write().unwrap()),
                16 => engine.checkpoint(),
                17..19 => {
                    let more = taken(&mut subscription);
                    cursor = subscription.cursor().unwrap();
                    seen.extend(more);
                }
                _ => {
                    if random.chance(1, 2) {
                        let (disk, clock) = (engine.disk.clone(), engine.clock.clone());
                        disk.crash(&mut random);
                        engine = Stepper::open(&[TOY], &disk, &clock).unwrap();
                    }
                    subscription = engine.subscribe(all(), Begin::After(cursor)).unwrap();
                }
            }
        }
        engine.settle();
        seen.extend(taken_all(&mut engine, &mut subscription));
        assert_eq!(seen, kept(&mut engine), "seed {seed}");
        total += seen.len();
    }
    assert!(total > 2_000, "{total}");
}

#[test]
fn long_past_is_told_page_by_page_before_the_present() {
    let mut engine = Stepper::fresh(&[TOY]);
    for n in 0..REPLAY_ITEMS_MAX * 5 / 2 {
        put(&mut engine, &format!("n{n}"), "text", 1);
        if n % 50 == 0 {
            engine.pass_ms(1);
        }
    }
    engine.pass_ms(2);
    let mut subscription = engine.subscribe(all(), Begin::After(0)).unwrap();
    assert_eq!(subscription.take(), Taken::Nothing);
    engine.settle();
    let Taken::Events(first) = subscription.take() else {
        panic!("there is a page");
    };
    assert!(first.len() <= REPLAY_ITEMS_MAX && !subscription.follows());
    put(&mut engine, "last", "text", 1);
    engine.pass_ms(2);
    let rest = taken_all(&mut engine, &mut subscription);
    assert_eq!(first.len() + rest.len(), REPLAY_ITEMS_MAX * 5 / 2 + 1);
    assert!(subscription.follows() && rest.last().unwrap().key == "last");
}

#[test]
fn who_never_reads_is_told_that_it_fell_behind_and_holds_up_nobody() {
    let mut engine = Stepper::fresh(&[TOY]);
    let mut asleep = engine.subscribe(all(), Begin::Now).unwrap();
    let mut awake = engine.subscribe(all(), Begin::Now).unwrap();
    taken_all(&mut engine, &mut asleep);
    let mut seen = taken_all(&mut engine, &mut awake).len();
    let many = SUBSCRIBER_BYTES_MAX / 200;
    for n in 0..many {
        put(&mut engine, &format!("n{n}"), "text", 1);
        if n % 100 == 99 {
            engine.pass_ms(2);
            seen += taken(&mut awake).len();
        }
    }
    seen += taken_all(&mut engine, &mut awake).len();
    assert_eq!(seen, many);
    let Taken::FellBehind(fell) = asleep.take() else {
        panic!("too much waits for it");
    };
    assert_eq!(fell.oldest, None);
    assert!(matches!(asleep.take(), Taken::FellBehind(_)), "for good");
}

#[test]
fn cursor_behind_the_window_is_told_where_the_window_begins() {
    let mut engine = Stepper::fresh(&[TOY]);
    fade(&mut engine, "a");
    let first = kept(&mut engine)[0].cursor;
    engine.pass_ms(FADED_KEPT_MS + EVENTS_LATE_MS);
    fade(&mut engine, "b");
    let mut subscription = engine.subscribe(all(), Begin::After(first - 1)).unwrap();
    assert_eq!(subscription.take(), Taken::Nothing);
    engine.settle();
    let Taken::FellBehind(fell) = subscription.take() else {
        panic!("the event about a is gone");
    };
    assert_eq!(fell.oldest.map(|oldest| oldest.0), Some(first));
    let mut subscription = engine.subscribe(all(), Begin::After(first)).unwrap();
    assert_eq!(keys(&taken_all(&mut engine, &mut subscription)), ["b"]);
}

#[test]
fn cursor_that_was_given_is_of_the_past_also_after_a_restart_and_that_of_a_later_engine_is_not() {
    let cursor_now = |engine: &Stepper| {
        let now = engine.subscribe(all(), Begin::Now).unwrap();
        now.cursor().unwrap()
    };
    let is_ahead = |engine: &Stepper, cursor: u64| {
        let (filter, after) = (all(), Some(cursor));
        let checked = engine
            .door()
            .check_events(&Wanted { filter, after }, "after");
        checked.is_err()
    };
    let mut engine = Stepper::fresh(&[TOY]);
    engine.pass_ms(3_600_000);
    fade(&mut engine, "a");
    let given = [kept(&mut engine)[0].cursor, cursor_now(&engine)];
    let engine = engine.reopen().unwrap();
    assert_eq!(given.map(|cursor| is_ahead(&engine, cursor)), [false; 2]);
    let earlier = Stepper::fresh(&[TOY]);
    assert_eq!(given.map(|cursor| is_ahead(&earlier, cursor)), [true; 2]);
}

#[test]
fn there_is_room_for_so_many_subscribers_and_for_another_once_one_leaves() {
    let engine = Stepper::fresh(&[TOY]);
    let subscribe = || engine.subscribe(all(), Begin::Now);
    let mut subscriptions: Vec<_> = (0..SUBSCRIBERS_MAX).map(|_| subscribe().unwrap()).collect();
    assert!(matches!(subscribe().err(), Some(Fault::Busy { .. })));
    subscriptions.pop();
    assert!(subscribe().is_ok());
}

#[test]
fn subscription_ends_when_the_engine_does() {
    let mut engine = Stepper::fresh(&[TOY]);
    let mut follows = engine.subscribe(all(), Begin::Now).unwrap();
    taken_all(&mut engine, &mut follows);
    let mut replays = engine.subscribe(all(), Begin::After(0)).unwrap();
    engine.door().stop();
    engine.settle();
    assert_eq!(
        follows.take(),
        Taken::Nothing,
        "what is under way may still come"
    );
    assert_eq!(replays.take(), Taken::Stopped);
    engine.door().finish();
    assert_eq!(follows.take(), Taken::Stopped);
    let another = engine.subscribe(all(), Begin::Now);
    assert_eq!(another.err(), Some(Fault::Stopping));
}

/// Without this a test that sees nothing too early could not fail.
#[test]
fn an_engine_that_tells_before_it_has_written_is_noticed() {
    let mut engine = Stepper::fresh(&[TOY]);
    let mut subscription = engine.subscribe(all(), Begin::Now).unwrap();
    taken_all(&mut engine, &mut subscription);
    engine.break_rule(Canary::AnswerBeforeSync);
    put(&mut engine, "a", "text", 1);
    engine.settle();
    for _ in 0..5 {
        engine.clock.advance_ms(1);
        engine.execute();
    }
    assert_eq!(keys(&taken(&mut subscription)), ["a"]);
}
