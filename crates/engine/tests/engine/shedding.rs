//! What is shed, by hand or by load: optional work before normal work, core work never.

use tidegate_engine::limits::{
    INBOX_COMMANDS_MAX, MEMORY_BYTES_MIN, PAYLOAD_BYTES_MAX, SHED_LOOK_MS, SHED_LOOK_STEPS,
    SHED_MS_MIN, SHED_NORMAL_PERCENT, SHED_OPTIONAL_PERCENT,
};
use tidegate_engine::testing::{Stepper, TOY};
use tidegate_engine::{Shed, Why};

/// Of each class of work one request.
const OPTIONAL: &str = "NOTE.LIST";
const NORMAL: &str = "NOTE.GET k";
const CORE: &str = "NOTE.STAY k TTL 60000";

const PARTITIONS: usize = 4;

fn fresh() -> Stepper {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.PUT k 1 text TTL 60000");
    engine
}

/// Of which classes requests are told BUSY at once.
fn shed(engine: &mut Stepper) -> Vec<&'static str> {
    let asked = [(OPTIONAL, "optional"), (NORMAL, "normal"), (CORE, "core")];
    let told = asked.map(|(words, class)| (engine.submit(words).unwrap(), class));
    let told = told.into_iter().filter(|(token, _)| {
        engine
            .answer(*token)
            .is_some_and(|(_, said)| said == "busy")
    });
    told.map(|(_, class)| class).collect()
}

/// Time passes beyond what the log has promised, so that nothing runs until it is written.
fn stall(engine: &Stepper) {
    engine.clock.advance_ms(10_000);
}

/// The executors look at the load.
fn look(engine: &mut Stepper) {
    engine.clock.advance_ms(SHED_LOOK_MS);
    (0..SHED_LOOK_STEPS).for_each(|_| {
        engine.execute();
    });
}

/// Core work comes until inboxes are so full on average, about these keys.
fn fill(engine: &mut Stepper, keys: usize, percent: usize) {
    let room = INBOX_COMMANDS_MAX * if keys == 1 { 1 } else { PARTITIONS };
    while engine.door().waiting() < (room * (percent + 1) / 100) as u64 {
        for n in 0..keys {
            engine.submit(&format!("NOTE.STAY k{n} TTL 60000")).unwrap();
        }
    }
}

#[test]
fn load_sheds_optional_work_before_normal_work_and_both_come_back_and_core_work_is_served_throughout()
 {
    let mut engine = fresh();
    stall(&engine);
    look(&mut engine);
    assert_eq!(shed(&mut engine), [""; 0]);
    fill(&mut engine, 1, SHED_OPTIONAL_PERCENT);
    look(&mut engine);
    assert_eq!(shed(&mut engine), ["optional"]);
    fill(&mut engine, 256, SHED_NORMAL_PERCENT);
    look(&mut engine);
    assert_eq!(shed(&mut engine), ["optional", "normal"]);
    let figures = engine.door().shed_figures();
    assert_eq!((figures.shed, figures.why), (Shed::Normal, Some(Why::Load)));
    assert_eq!(figures.since_ms, engine.now_ms());

    let core = engine.submit(CORE).unwrap();
    engine.settle();
    assert!(
        engine
            .answer(core)
            .unwrap()
            .1
            .starts_with("key=k text=text")
    );
    assert_eq!(shed(&mut engine), ["optional", "normal"], "for a while");
    engine.clock.advance_ms(SHED_MS_MIN);
    assert_eq!(shed(&mut engine), ["optional"], "a step at a time");
    engine.clock.advance_ms(SHED_MS_MIN);
    assert_eq!(
        shed(&mut engine),
        [""; 0],
        "though nothing has run meanwhile"
    );
    let figures = engine.door().shed_figures();
    assert_eq!((figures.shed, figures.why), (Shed::None, None));
    assert_eq!((figures.shed_optional, figures.shed_normal), (4, 2));
}

#[test]
fn one_partition_that_is_full_costs_others_no_normal_work() {
    let mut engine = fresh();
    stall(&engine);
    fill(&mut engine, 1, 90);
    look(&mut engine);
    assert_eq!(shed(&mut engine), ["optional"]);
}

/// Rows take so much of their memory.
fn fill_memory(engine: &mut Stepper, percent: usize) {
    let text = "x".repeat(PAYLOAD_BYTES_MAX);
    let rows = MEMORY_BYTES_MIN as usize / 16 * 7;
    for n in 0..=rows * percent / 100 / PAYLOAD_BYTES_MAX {
        engine.submit(&format!("NOTE.ATTACH a{n} {text}")).unwrap();
        engine.execute();
        engine.write().unwrap();
    }
    look(engine);
}

#[test]
fn memory_that_fills_with_rows_sheds_what_makes_more_but_no_reads() {
    let mut engine = fresh();
    fill_memory(&mut engine, SHED_OPTIONAL_PERCENT);
    assert_eq!(engine.door().shed_figures().shed, Shed::Optional);
    assert_eq!(shed(&mut engine), [""; 0], "what is optional here reads");
    let mut engine = fresh();
    fill_memory(&mut engine, SHED_NORMAL_PERCENT);
    assert_eq!(engine.door().shed_figures().shed, Shed::Normal);
    assert_eq!(shed(&mut engine), [""; 0], "so does NOTE.GET");
    let put = engine.submit("NOTE.PUT new 1 text").unwrap();
    assert_eq!(engine.answer(put).unwrap().1, "busy");
}

#[test]
fn hand_sheds_at_once_and_what_sheds_more_counts() {
    let mut engine = fresh();
    let at_ms = engine.now_ms();
    let told = engine.call("SHED.SET optional");
    assert_eq!(
        told,
        format!(
            "shed=optional why=hand since_ms={at_ms} by_hand=optional by_load=none \
             fullest_percent=0 mean_percent=0"
        )
    );
    assert_eq!(shed(&mut engine), ["optional"]);
    engine.call("SHED.SET NORMAL");
    assert_eq!(shed(&mut engine), ["optional", "normal"]);
    engine.settle();
    engine.call("SHED.SET optional");
    stall(&engine);
    fill(&mut engine, 256, SHED_NORMAL_PERCENT);
    look(&mut engine);
    let told = engine.call("SHED.GET");
    assert!(told.starts_with("shed=normal why=load"), "{told}");
    assert!(told.contains("by_hand=optional by_load=normal"), "{told}");
    let told = engine.call("SHED.SET everything");
    assert_eq!(told, "invalid: by_hand must be one of none optional normal");
}

#[test]
fn none_by_hand_leaves_what_the_load_sheds() {
    let mut engine = fresh();
    stall(&engine);
    fill(&mut engine, 1, SHED_OPTIONAL_PERCENT);
    look(&mut engine);
    let told = engine.submit("SHED.SET none").unwrap();
    let told = engine.answer(told).unwrap().1;
    assert!(told.starts_with("shed=optional why=load"), "{told}");
}

#[test]
fn what_is_answered_from_memory_is_not_shed() {
    let mut engine = fresh();
    engine.call("NOTE.HOIST a news FOR 60000");
    engine.call("SHED.SET normal");
    assert_eq!(engine.call("NOTE.HOISTED a"), "what=news by=edge");
    assert!(engine.call("TIME.GET").starts_with("now_ms="));
    assert_eq!(engine.call("NOTE.GET a"), "busy");
}

#[test]
fn restart_forgets_what_was_shed_by_hand() {
    let mut engine = fresh();
    engine.call("SHED.SET normal");
    let mut engine = engine.reopen().unwrap();
    assert_eq!(shed(&mut engine), [""; 0]);
}
