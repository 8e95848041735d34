//! Events: how long they are kept, how they are found, and who is told that some are gone.

use std::collections::BTreeMap;

use crate::events_of::{Seen, is_of, listed};
use tidegate_engine::Random;
use tidegate_engine::limits::EVENTS_LATE_MS;
use tidegate_engine::testing::toy::FADED_KEPT_MS;
use tidegate_engine::testing::{Stepper, TOY};

/// A note that fades at once, which is an event about `key`; a moment later it is listed.
fn fade(engine: &mut Stepper, key: &str) {
    engine.call(&format!("NOTE.PUT {key} 1 text TTL 1"));
    engine.pass_ms(1);
    engine.pass_ms(1);
}

fn keys(engine: &mut Stepper, question: &str) -> Vec<String> {
    let (seen, _) = listed(&engine.call(question)).expect("nobody fell behind");
    seen.into_iter().map(|event| event.key).collect()
}

#[test]
fn event_stays_for_its_window_and_leaves_an_idle_engine_soon_after() {
    let mut engine = Stepper::fresh(&[TOY]);
    fade(&mut engine, "a");
    engine.pass_ms(FADED_KEPT_MS / 2);
    fade(&mut engine, "b");
    engine.pass_ms(FADED_KEPT_MS / 2 - 10);
    engine.call("NOTE.GET a");
    assert_eq!(keys(&mut engine, "EVENT.LIST"), ["a", "b"], "not before");
    engine.pass_ms(10 + EVENTS_LATE_MS);
    assert_eq!(keys(&mut engine, "EVENT.LIST"), ["b"]);
    let figures = engine.audit().figures;
    let rows = figures.iter().find(|figure| figure.name == "engine.events");
    assert_eq!(rows.unwrap().value, 1, "it is not only out of sight");
}

#[test]
fn windows_go_on_behind_a_checkpoint_and_a_restart() {
    let mut engine = Stepper::fresh(&[TOY]);
    for key in ["a", "b", "c"] {
        fade(&mut engine, key);
        engine.checkpoint();
        engine.pass_ms(FADED_KEPT_MS / 4);
    }
    let mut engine = engine.reopen().unwrap();
    engine.pass_ms(FADED_KEPT_MS / 4 + EVENTS_LATE_MS);
    assert_eq!(keys(&mut engine, "EVENT.LIST"), ["b", "c"]);
    engine.pass_ms(FADED_KEPT_MS);
    let mut engine = engine.reopen().unwrap();
    assert_eq!(keys(&mut engine, "EVENT.LIST"), [""; 0]);
    assert!(engine.call("EVENT.LIST AFTER 0").starts_with("fell_behind"));
}

#[test]
fn list_of_what_there_can_never_be_is_wrong() {
    let mut engine = Stepper::fresh(&[TOY]);
    let told = engine.call("EVENT.LIST DOMAIN other");
    let expected = "invalid: domain must be one that tells of events: note";
    assert_eq!(told, expected);
    let future = 9_000_000_000_000_000_000_u64;
    let told = engine.call(&format!("EVENT.LIST AFTER {future}"));
    let expected =
        "invalid: after must be a cursor of this server: 9000000000000000000 is of the future";
    assert_eq!(told, expected);
}

#[test]
fn list_gives_what_is_asked_for() {
    let mut engine = Stepper::fresh(&[TOY]);
    for key in ["a", "b", "a"] {
        fade(&mut engine, key);
    }
    for (question, expected) in [
        ("EVENT.LIST", &["a", "b", "a"][..]),
        ("EVENT.LIST KEY a", &["a", "a"]),
        ("EVENT.LIST KEY b NAME faded DOMAIN note", &["b"]),
        ("EVENT.LIST DOMAIN note LIMIT 2", &["a", "b"]),
        ("EVENT.LIST NAME other", &[]),
        ("EVENT.LIST KEY c", &[]),
    ] {
        assert_eq!(keys(&mut engine, question), expected, "{question}");
    }
    let page = engine.call("EVENT.LIST KEY a LIMIT 1");
    let next = listed(&page).unwrap().1.expect("there is one more");
    assert_eq!(
        keys(&mut engine, &format!("EVENT.LIST KEY a AFTER {next}")),
        ["a"]
    );
}

/// Every event that there ever was, and those of them that are kept.
struct Model {
    ever: BTreeMap<u64, Seen>,
    last: u64,
}

impl Model {
    /// Notes what has happened since.
    fn look(&mut self, engine: &mut Stepper) {
        let question = format!("EVENT.LIST AFTER {} LIMIT 1000", self.last);
        for event in listed(&engine.call(&question))
            .expect("it looks all the time")
            .0
        {
            self.last = event.cursor;
            self.ever.insert(event.cursor, event);
        }
    }

    /// Asks behind a cursor: either all is there that ever was, or some was dropped.
    fn check(&self, engine: &mut Stepper, after: u64, filter: &str) -> bool {
        let (kept, _) = listed(&engine.call("EVENT.LIST LIMIT 1000")).unwrap();
        let wanted: Vec<_> = self
            .ever
            .values()
            .filter(|event| is_of(event, filter))
            .collect();
        let dropped = wanted.iter().filter(|event| !kept.contains(event));
        let floor = dropped.map(|event| event.cursor).max();
        let answer = engine.call(&format!("EVENT.LIST AFTER {after} LIMIT 1000{filter}"));
        let Some(floor) = floor.filter(|floor| *floor > after) else {
            let (found, _) = listed(&answer).unwrap_or_else(|| panic!("{filter}: {answer}"));
            let behind = wanted.into_iter().filter(|event| event.cursor > after);
            assert!(behind.eq(&found), "{after}{filter}: {answer}");
            return false;
        };
        assert_eq!(
            answer,
            format!("fell_behind oldest={floor}"),
            "{after}{filter}"
        );
        true
    }
}

#[test]
fn fell_behind_is_told_exactly_when_something_that_was_asked_for_is_gone() {
    let mut told = [0, 0];
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let mut engine = Stepper::fresh(&[TOY]);
        let mut model = Model {
            ever: BTreeMap::new(),
            last: 0,
        };
        for _ in 0..40 {
            match random.below(8) {
                0..4 => fade(&mut engine, &format!("k{}", random.below(6))),
                4..6 => engine.pass_ms(FADED_KEPT_MS / 5),
                6 => engine.checkpoint(),
                _ => engine = engine.reopen().unwrap(),
            }
            model.look(&mut engine);
            let cursors: Vec<_> = model.ever.keys().copied().collect();
            let some = random.below(cursors.len() as u64 + 1) as usize;
            let after = cursors
                .get(some)
                .map_or(0, |cursor| cursor - random.below(2));
            let key = format!(" KEY k{}", random.below(6));
            for filter in ["", " DOMAIN note", " NAME other", &key] {
                told[usize::from(model.check(&mut engine, after, filter))] += 1;
            }
        }
        assert_eq!(engine.audit().faults, [""; 0]);
    }
    assert!(told.iter().all(|times| *times > 50), "{told:?}");
}
