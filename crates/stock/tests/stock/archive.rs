//! Finished holds leave for the archive, and nobody can tell until their details are dropped.

use tidegate_engine::Retention;
use tidegate_engine::limits::SCAN_ROWS_MAX;
use tidegate_engine::testing::{Stepper, keeping};
use tidegate_stock::STOCK;

const RETENTION: Retention = Retention {
    after_ms: 10_000,
    slice_ms: 10_000,
    keep_ms: 100_000,
};

fn fresh() -> Stepper {
    Stepper::fresh(&[keeping(STOCK, RETENTION)])
}

#[track_caller]
fn assert_sound(engine: &Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

/// Rows of a table, as an audit counts them.
fn rows(engine: &Stepper, table: &str) -> i64 {
    let figures = engine.audit().figures;
    let figure = figures.iter().find(|figure| figure.name == table);
    figure.map_or(0, |figure| figure.value)
}

/// One hold of each final state, and one that is held.
fn worked() -> Stepper {
    let mut engine = fresh();
    for command in [
        "STOCK.SET a 20",
        "STOCK.HOLD a sold 3 BUYER b MAX 5 TTL 5000",
        "STOCK.CONFIRM a sold",
        "STOCK.RETURN a sold r1 QTY 1",
        "STOCK.HOLD a back 1 BUYER c TTL 5000",
        "STOCK.RELEASE a back",
        "STOCK.HOLD a late 1 BUYER d TTL 1000",
        "STOCK.HOLD a whole 2 TTL 5000",
        "STOCK.CONFIRM a whole",
        "STOCK.RETURN a whole r1",
        "STOCK.HOLD a held 4 BUYER b MAX 6 TTL 86400000",
    ] {
        engine.call(command);
    }
    engine.pass_ms(2_000);
    engine
}

const QUESTIONS: [&str; 13] = [
    "STOCK.GET a",
    "STOCK.HOLDINFO a sold",
    "STOCK.HOLDINFO a back",
    "STOCK.HOLDINFO a late",
    "STOCK.HOLDINFO a whole",
    "STOCK.HOLDS a",
    "STOCK.HOLDS a AFTER 1 LIMIT 2",
    "STOCK.HOLDS a STATE confirmed",
    "STOCK.HOLDS a STATE returned LIMIT 1",
    "STOCK.FLOW a",
    "STOCK.FLOW a AFTER 3 LIMIT 4",
    "STOCK.FLOW a AFTER 12 LIMIT 4",
    "STOCK.CONFIRM a sold",
];

const RETRIES: [(&str, &str); 9] = [
    (
        "STOCK.HOLD a sold 3 BUYER b MAX 5 TTL 5000",
        "state=confirmed quantity=3",
    ),
    (
        "STOCK.HOLD a sold 3 BUYER b MAX 5 TTL 5000",
        "repeated=true",
    ),
    ("STOCK.HOLD a sold 2 BUYER b MAX 5 TTL 5000", "id_conflict"),
    ("STOCK.RELEASE a back", "repeated=true"),
    ("STOCK.RELEASE a sold", "already_confirmed"),
    ("STOCK.CONFIRM a late", "hold_expired"),
    ("STOCK.RETURN a sold r1 QTY 1", "repeated=true"),
    ("STOCK.RETURN a sold r1 QTY 2", "id_conflict"),
    (
        "STOCK.RETURN a whole r2",
        "return_exceeds_sold returnable=0",
    ),
];

#[track_caller]
fn assert_retries(engine: &mut Stepper) {
    for (command, expected) in RETRIES {
        let answer = engine.call(command);
        assert!(answer.contains(expected), "{command}: {answer}");
    }
}

#[test]
fn archived_holds_answer_as_they_did_before() {
    let mut engine = worked();
    let before = QUESTIONS.map(|question| engine.call(question));
    assert_retries(&mut engine);
    engine.pass_ms(RETENTION.after_ms);
    assert_eq!(rows(&engine, "stock.holds_archive"), 4);
    assert_eq!(rows(&engine, "stock.by_state"), 1);
    assert_eq!(rows(&engine, "stock.flow"), 0);
    for is_in_base in [false, true] {
        if is_in_base {
            engine.checkpoint();
        }
        assert_eq!(QUESTIONS.map(|question| engine.call(question)), before);
        assert_retries(&mut engine);
        assert_sound(&engine);
    }
    let mut engine = engine.reopen().unwrap();
    assert_eq!(QUESTIONS.map(|question| engine.call(question)), before);
    assert_sound(&engine);
}

#[test]
fn archived_hold_that_is_returned_comes_back_and_leaves_again() {
    let mut engine = worked();
    engine.pass_ms(RETENTION.after_ms);
    engine.checkpoint();
    let answer = engine.call("STOCK.RETURN a sold r2 QTY 1");
    assert!(answer.contains("returnable=1 repeated=false"), "{answer}");
    assert_eq!(rows(&engine, "stock.holds_archive"), 3);
    assert_sound(&engine);
    // Limits know of what was given back.
    assert!(
        engine
            .call("STOCK.HOLD a more 2 BUYER b MAX 6")
            .contains("over_limit taken=5")
    );
    assert!(
        engine
            .call("STOCK.HOLD a more 1 BUYER b MAX 6")
            .contains("repeated=false")
    );
    engine.pass_ms(RETENTION.after_ms);
    assert_eq!(rows(&engine, "stock.holds_archive"), 4);
    let info = engine.call("STOCK.HOLDINFO a sold");
    assert_eq!(info.matches("kind=return").count(), 2, "{info}");
    assert_sound(&engine);
}

#[test]
fn dropped_hold_is_known_by_its_id_and_counted_for_ever() {
    let mut engine = worked();
    engine.pass_ms(RETENTION.after_ms);
    engine.checkpoint();
    let sku = engine.call("STOCK.GET a");
    engine.pass_ms(RETENTION.keep_ms + RETENTION.slice_ms);
    for is_removed in [false, true] {
        if is_removed {
            engine.checkpoint();
            engine = engine.reopen().unwrap();
        }
        assert_eq!(engine.call("STOCK.GET a"), sku);
        assert_eq!(rows(&engine, "stock.holds_archive"), 0);
        assert_retries(&mut engine);
        assert_eq!(
            engine.call("STOCK.HOLDINFO a sold"),
            "hold_dropped quantity=3 returned=1 state=confirmed"
        );
        assert_eq!(
            engine.call("STOCK.RETURN a sold r9"),
            "hold_dropped quantity=3 returned=1 state=confirmed"
        );
        let holds = engine.call("STOCK.HOLDS a");
        assert_eq!(holds.matches("id=").count(), 1, "{holds}");
        assert!(engine.call("STOCK.FLOW a").contains("items=[] next=-"));
        // What was sold to a buyer counts, though no row says what it was.
        let answer = engine.call("STOCK.HOLD a more 1 BUYER b MAX 6");
        assert!(answer.contains("over_limit taken=6"), "{answer}");
        assert_sound(&engine);
    }
    engine.call("STOCK.RELEASE a held");
    assert!(
        engine
            .call("STOCK.FLOW a")
            .contains("items=[{position=13 kind=release")
    );
    assert_sound(&engine);
}

#[test]
fn flow_leaves_in_steps_and_in_its_order() {
    let mut engine = fresh();
    engine.call("STOCK.SET a 1000");
    for add in 0..200 {
        engine.call(&format!("STOCK.ADD a a{add} 1"));
    }
    engine.pass_ms(5_000);
    engine.call("STOCK.ADD a young 1");
    engine.checkpoint();
    engine.pass_ms(5_000);
    assert_eq!(rows(&engine, "stock.flow_archive"), 201);
    assert_eq!(rows(&engine, "stock.flow"), 1);
    let flow = engine.call("STOCK.FLOW a LIMIT 1000");
    let positions = flow.split("{position=").skip(1);
    let positions = positions.map(|entry| entry.split(' ').next().unwrap().parse::<u64>().unwrap());
    assert!(positions.eq(1..=202), "{flow}");
    assert_sound(&engine);
    engine.pass_ms(5_000);
    assert_eq!(rows(&engine, "stock.flow"), 0);
    assert_sound(&engine);
}

#[test]
fn page_of_an_archive_stops_at_its_bound_of_rows_and_its_cursor_goes_on() {
    let mut engine = fresh();
    let holds = SCAN_ROWS_MAX + 5;
    engine.call(&format!("STOCK.SET a {}", holds + 1));
    for hold in 0..holds {
        engine.submit(&format!("STOCK.HOLD a h{hold} 1")).unwrap();
        let end = if hold == holds - 1 {
            "CONFIRM"
        } else {
            "RELEASE"
        };
        engine.submit(&format!("STOCK.{end} a h{hold}")).unwrap();
        if hold % 500 == 0 {
            engine.settle();
        }
    }
    engine.settle();
    engine.pass_ms(RETENTION.after_ms);
    assert_eq!(rows(&engine, "stock.holds_archive"), holds as i64);
    engine.call("STOCK.HOLD a held 1");
    // Of ten thousand released ones none is asked for.
    let page = engine.call("STOCK.HOLDS a STATE confirmed");
    assert_eq!(page, format!("items=[] next={SCAN_ROWS_MAX}"));
    let page = engine.call(&format!(
        "STOCK.HOLDS a STATE confirmed AFTER {SCAN_ROWS_MAX}"
    ));
    assert!(
        page.starts_with(&format!("items=[{{id=h{} ", holds - 1)),
        "{page}"
    );
    assert!(page.ends_with("] next=-"), "{page}");
    // What is held is in no archive.
    let page = engine.call("STOCK.HOLDS a STATE held");
    assert!(
        page.contains("items=[{id=held ") && page.ends_with("next=-"),
        "{page}"
    );
}
