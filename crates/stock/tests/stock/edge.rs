//! Who comes too late is told so at the edge, and nobody else is.

use tidegate_engine::limits::BATCH_TIMERS_MAX;
use tidegate_engine::testing::Stepper;
use tidegate_stock::STOCK;

const SOLD_OUT: &str = "sold_out available=0";

/// An engine with one unit of `a`, and the hold `h` that has it.
fn sold_out() -> Stepper {
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET a 1");
    engine.call("STOCK.HOLD a h 1 BUYER mia MAX 1");
    engine
}

/// What is answered without a step of the engine, if anything is; what is not is taken back.
#[track_caller]
fn at_edge(engine: &mut Stepper, command: &str) -> Option<String> {
    let token = engine.submit(command).unwrap();
    let told = engine.answer(token).map(|(_, told)| told);
    engine.settle();
    told
}

/// The engine has told somebody new at the edge that there is nothing.
#[track_caller]
fn assert_told(engine: &mut Stepper) {
    assert_eq!(
        at_edge(engine, "STOCK.HOLD a * 1").as_deref(),
        Some(SOLD_OUT)
    );
}

/// It has not.
#[track_caller]
fn assert_untold(engine: &mut Stepper) {
    assert_eq!(at_edge(engine, "STOCK.HOLD a * 2"), None);
}

#[test]
fn who_comes_when_the_last_unit_has_gone_is_told_at_the_edge() {
    let mut engine = sold_out();
    let before = engine.door().metrics().requests_at_edge.get();
    for command in ["a * 1", "a i 1", "a i 5", "a i 1 BUYER tom MAX 1"] {
        let told = at_edge(&mut engine, &format!("STOCK.HOLD {command}"));
        assert_eq!(told.as_deref(), Some(SOLD_OUT), "{command}");
    }
    let told = engine.door().metrics().requests_at_edge.get() - before;
    assert_eq!(told, 4);
}

#[test]
fn retry_of_who_has_a_unit_goes_through() {
    let mut engine = sold_out();
    let retry = "STOCK.HOLD a h 1 BUYER mia MAX 1";
    assert_eq!(at_edge(&mut engine, retry), None);
    assert!(engine.call(retry).ends_with("repeated=true"));
    let mut engine = engine.reopen().unwrap();
    engine.call("STOCK.HOLD a * 1");
    assert_told(&mut engine);
    assert!(engine.call(retry).ends_with("repeated=true"));
    engine.checkpoint();
    let mut engine = engine.reopen().unwrap();
    engine.call("STOCK.HOLD a * 1");
    assert!(engine.call(retry).ends_with("repeated=true"));
    engine.tend();
    assert_told(&mut engine);
    assert!(engine.call(retry).ends_with("repeated=true"));
}

#[test]
fn what_is_refused_for_another_reason_is_told_by_the_partition() {
    let mut engine = sold_out();
    let others = [
        ("a h 2", "id_conflict"),
        ("a i 1 BUYER mia MAX 1", "over_limit taken=1 max=1"),
        ("a i 2 BUYER tom MAX 1", "over_limit taken=0 max=1"),
        ("a i 1 MAX 1", "buyer_required"),
        ("a i 0", "invalid_quantity min=1 max=1000000000"),
        ("b i 1", "unknown_sku"),
    ];
    for (command, expected) in others {
        let command = format!("STOCK.HOLD {command}");
        assert_eq!(at_edge(&mut engine, &command), None, "{command}");
        assert_eq!(engine.call(&command), expected, "{command}");
    }
}

#[test]
fn units_that_come_back_are_had_at_once_after_that_is_acknowledged() {
    for back in [
        "STOCK.RELEASE a h",
        "STOCK.ADD a more 1",
        "STOCK.SET a 2",
        "STOCK.RETURN a h r",
    ] {
        let mut engine = sold_out();
        if back.starts_with("STOCK.RETURN") {
            engine.call("STOCK.CONFIRM a h");
        }
        assert_told(&mut engine);
        let back = engine.submit(back).unwrap();
        while engine.answer(back).is_none() {
            engine.execute();
            engine.write().unwrap();
        }
        let held = engine.call("STOCK.HOLD a i 1");
        assert!(held.contains("state=held"), "{held}");
        assert_told(&mut engine);
    }
}

/// One buyer of each of four shards.
const OF_SHARDS: [&str; 4] = ["ann", "mia", "tom", "bo"];

/// An engine with a SKU `a` of four units in four shards, each of which has sold out.
fn sold_out_in_shards() -> Stepper {
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET a 4");
    engine.call("STOCK.SPLIT a 4");
    for buyer in OF_SHARDS {
        engine.call(&format!("STOCK.HOLD a {buyer} 1 BUYER {buyer}"));
    }
    engine.call("STOCK.HOLD a * 1 BUYER mia");
    engine
}

#[test]
fn split_sku_is_told_sold_out_at_the_edge_to_buyers_of_any_shard() {
    let mut engine = sold_out_in_shards();
    for buyer in OF_SHARDS {
        let told = at_edge(&mut engine, &format!("STOCK.HOLD a * 1 BUYER {buyer}"));
        assert_eq!(told.as_deref(), Some(SOLD_OUT), "{buyer}");
    }
}

#[test]
fn unit_that_comes_back_in_any_shard_is_had_at_once_by_a_buyer_of_any_other() {
    for from in OF_SHARDS {
        for to in OF_SHARDS {
            let mut engine = sold_out_in_shards();
            let back = format!("STOCK.RELEASE a {from} BUYER {from}");
            let back = engine.submit(&back).unwrap();
            while engine.answer(back).is_none() {
                engine.execute();
                engine.write().unwrap();
            }
            let held = engine.call(&format!("STOCK.HOLD a new 1 BUYER {to}"));
            assert!(held.contains("state=held"), "{from} to {to}: {held}");
        }
    }
}

#[test]
fn units_that_expire_are_had() {
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET a 1");
    engine.call("STOCK.HOLD a h 1 TTL 200");
    assert_told(&mut engine);
    engine.pass_ms(200);
    assert!(engine.call("STOCK.HOLD a i 1").contains("state=held"));
}

#[test]
fn edge_knows_it_once_it_is_durable_and_for_a_second_and_again_from_who_is_refused() {
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET a 1");
    engine.submit("STOCK.HOLD a h 1").unwrap();
    while engine.execute() {}
    let early = engine.submit("STOCK.HOLD a * 1").unwrap();
    assert_eq!(engine.answer(early), None);
    engine.settle();
    assert_told(&mut engine);
    engine.pass_ms(1_000);
    assert_untold(&mut engine);
    assert_told(&mut engine); // The one before has brought word.
    let mut engine = engine.reopen().unwrap();
    assert_untold(&mut engine);
    assert_told(&mut engine);
}

#[test]
fn while_timers_are_overdue_who_would_be_told_sold_out_is_told_busy() {
    let mut engine = sold_out();
    // Enough keys make every partition overdue.
    for n in 0..BATCH_TIMERS_MAX * 8 {
        engine.submit(&format!("STOCK.SET s{n} 1")).unwrap();
        let hold = format!("STOCK.HOLD s{n} h 1 TTL 1000");
        engine.submit(&hold).unwrap();
        if n % 1_000 == 0 {
            engine.settle();
        }
    }
    engine.settle();
    engine.pass_ms(900);
    engine.call("STOCK.RELEASE a h");
    engine.call("STOCK.HOLD a i 1");
    engine.clock.advance_ms(500);
    engine.execute();
    let told = at_edge(&mut engine, "STOCK.HOLD a * 1");
    assert_eq!(told.as_deref(), Some("busy"));
    assert_told(&mut engine);
}
