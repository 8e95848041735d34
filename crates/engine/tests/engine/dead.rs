//! Timers and letters that stop the process: set aside, looked at, run once more, given up.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tidegate_engine::disk::Disk;
use tidegate_engine::testing::{Stepper, TOY};

fn started() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.GET nothing");
    engine
}

/// Steps until domain code panics, notes what it was, as a process does before it ends, and starts anew.
fn panics(mut engine: Stepper) -> Stepper {
    let settled = catch_unwind(AssertUnwindSafe(|| engine.settle()));
    assert!(settled.is_err(), "it panics");
    engine.strike();
    engine.reopen().unwrap()
}

/// An engine in which the fading of the note `k` was set aside.
fn with_dead_timer() -> Stepper {
    let mut engine = started();
    engine.call("NOTE.PUT k 1 panic-later TTL 1000");
    engine.call("NOTE.PUT k2 1 text TTL 1000");
    engine.clock.advance_ms(2_000);
    let mut engine = panics(panics(engine));
    engine.settle();
    engine
}

/// An engine in which a letter to the note `k` was set aside.
fn with_dead_letter() -> Stepper {
    let mut engine = started();
    engine.submit("NOTE.SHARE panic k").unwrap();
    let mut engine = panics(panics(engine));
    engine.settle();
    engine
}

/// The value of a field of the only one that is listed.
fn of_the_one(engine: &mut Stepper, field: &str) -> String {
    let listed = engine.call("DEAD.LIST");
    assert_eq!(listed.matches("what=").count(), 1, "{listed}");
    let (_, from) = listed.split_once(&format!("{field}=")).unwrap();
    let ends = [' ', ']', '}'];
    from.split(ends).next().unwrap().to_owned()
}

fn assert_state(engine: &mut Stepper, state: &str, replays: &str) {
    let found = ["state", "replays"].map(|field| of_the_one(engine, field));
    assert_eq!(found, [state, replays]);
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

#[test]
fn timer_that_stops_the_process_twice_is_set_aside_and_the_partition_goes_on() {
    let mut engine = with_dead_timer();
    assert_eq!(engine.call("NOTE.GET k2"), "unknown_note", "others fire");
    assert!(
        engine.call("NOTE.GET k").contains("text=panic-later"),
        "it did not"
    );
    let dead = engine.call("DEAD.LIST");
    assert!(dead.contains("what=timer kind=255.1 key=k\\x00"), "{dead}");
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("DEAD.LIST"), dead, "it is kept");
}

#[test]
fn letter_that_stops_the_process_twice_is_set_aside_and_the_partition_goes_on() {
    let mut engine = with_dead_letter();
    let dead = engine.call("DEAD.LIST");
    assert!(dead.contains("what=letter kind=255.1 key=k"), "{dead}");
    assert_eq!(
        engine.call("NOTE.SHARES k"),
        "key=k sent=0 received=0 thanked=0"
    );
    engine.call("NOTE.SHARE other k");
    assert_eq!(
        engine.call("NOTE.SHARES k"),
        "key=k sent=0 received=1 thanked=0"
    );
}

#[test]
fn command_that_stops_the_process_is_nothing_that_comes_again() {
    let mut engine = started();
    engine.submit("NOTE.PUT k 1 panic").unwrap();
    let engine = panics(engine);
    assert!(!engine.disk.list().unwrap().contains(&"strikes".to_owned()));
}

#[test]
fn letter_is_taken_in_once_by_its_replay_however_often_that_is_asked_for() {
    let mut engine = with_dead_letter();
    engine.call("NOTE.PUT k 1 calm");
    // What it needs is only in the base.
    engine.checkpoint();
    let mut engine = engine.reopen().unwrap();
    let id = of_the_one(&mut engine, "id");
    let replay = format!("DEAD.REPLAY {id}");
    let replaying = format!("id={id} state=replaying replays=1 repeated=");
    engine.suspend_timers(true);
    assert_eq!(engine.call(&replay), format!("{replaying}false"));
    assert_eq!(engine.call(&replay), format!("{replaying}true"));
    assert_state(&mut engine, "replaying", "1");
    assert_eq!(engine.call(&format!("DEAD.DROP {id}")), "being_replayed");
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_state(&mut engine, "replayed", "1");
    let replayed = format!("id={id} state=replayed replays=1 repeated=true");
    assert_eq!(engine.call(&replay), replayed);
    assert_eq!(engine.call(&format!("DEAD.DROP {id}")), "dead_replayed");
    engine.settle();
    let shares = ["k", "panic"].map(|key| engine.call(&format!("NOTE.SHARES {key}")));
    let expected = [
        "key=k sent=0 received=1 thanked=0",
        "key=panic sent=1 received=0 thanked=1",
    ];
    assert_eq!(shares, expected);
    assert_state(&mut engine, "replayed", "1");
}

#[test]
fn replay_that_stops_the_process_waits_again_with_the_next_start() {
    let mut engine = with_dead_timer();
    let id = of_the_one(&mut engine, "id");
    for replays in ["1", "2"] {
        engine.submit(&format!("DEAD.REPLAY {id}")).unwrap();
        engine = panics(engine);
        engine.settle();
        assert_state(&mut engine, "waiting", replays);
    }
    engine.call("NOTE.PUT k 2 calm TTL 1000");
    engine.call(&format!("DEAD.REPLAY {id}"));
    engine.settle();
    assert_state(&mut engine, "replayed", "3");
    assert!(engine.call("NOTE.GET k").contains("text=calm"), "not yet");
}

#[test]
fn what_is_dropped_never_runs() {
    let mut engine = with_dead_timer();
    let id = of_the_one(&mut engine, "id");
    let drop = format!("DEAD.DROP {id}");
    let dropped = format!("id={id} state=dropped replays=0 repeated=");
    assert_eq!(engine.call(&drop), format!("{dropped}false"));
    assert_eq!(engine.call(&drop), format!("{dropped}true"));
    assert_eq!(engine.call(&format!("DEAD.REPLAY {id}")), "dead_dropped");
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    assert_state(&mut engine, "dropped", "0");
}

#[test]
fn only_what_is_in_the_state_asked_for_is_listed() {
    let mut engine = with_dead_timer();
    let all = engine.call("DEAD.LIST");
    assert_eq!(engine.call("DEAD.LIST STATE waiting"), all);
    let none = engine.call("DEAD.LIST STATE dropped");
    assert!(!none.contains("id="), "{none}");
    let id = of_the_one(&mut engine, "id");
    engine.call(&format!("DEAD.DROP {id}"));
    let all = engine.call("DEAD.LIST");
    assert_eq!(engine.call("DEAD.LIST STATE dropped"), all);
    assert_eq!(engine.call("DEAD.LIST STATE waiting"), none);
}

#[test]
fn id_of_another_slot_or_number_is_unknown() {
    let mut engine = with_dead_timer();
    let id = of_the_one(&mut engine, "id");
    let (slot, number) = id.split_once('-').unwrap();
    let slot: u16 = slot.parse().unwrap();
    for id in [
        format!("{}-{number}", (slot + 1) % 4096),
        format!("{slot}-1"),
    ] {
        for command in ["DEAD.REPLAY", "DEAD.DROP"] {
            assert_eq!(engine.call(&format!("{command} {id}")), "unknown_dead");
        }
    }
}
