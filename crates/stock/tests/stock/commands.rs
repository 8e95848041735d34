//! Every command and every refusal, as tables of what is asked and what is answered.

use tidegate_engine::testing::Stepper;
use tidegate_stock::STOCK;

/// Runs lines of `command => answer`, where `…` stands for any rest, and checks the laws.
#[track_caller]
fn check(script: &str) {
    let mut engine = Stepper::fresh(&[STOCK]);
    run(&mut engine, script);
}

/// Whether the pieces between the `…` stand in the answer, in order, the first and last at its ends.
fn is_like(answer: &str, expected: &str) -> bool {
    let mut pieces = expected.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = answer.strip_prefix(first) else {
        return false;
    };
    let mut last = "";
    let mut open = false;
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        (last, open) = (piece, true);
        rest = &rest[at + piece.len()..];
    }
    if open {
        answer.ends_with(last)
    } else {
        rest.is_empty()
    }
}

#[track_caller]
fn run(engine: &mut Stepper, script: &str) {
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        if let Some(ms) = line.strip_prefix("PASS ") {
            engine.pass_ms(ms.parse().unwrap());
            continue;
        }
        let (command, expected) = line.split_once(" => ").expect("a line has an arrow");
        let answer = engine.call(command);
        assert!(
            is_like(&answer, expected),
            "{command}\n answered {answer}\n expected {expected}"
        );
    }
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

#[test]
fn held_units_are_not_available_and_come_back_when_released() {
    check(
        "STOCK.SET a 10 => sku=a total=10 available=10 held=0 sold=0 version=1
         STOCK.HOLD a h 4 => sku=a id=h state=held quantity=4 … available=6 repeated=false
         STOCK.GET a => sku=a total=10 available=6 held=4 sold=0 version=1
         STOCK.RELEASE a h => sku=a id=h state=released quantity=4 … available=10 repeated=false
         STOCK.GET a => sku=a total=10 available=10 held=0 sold=0 version=1",
    );
}

#[test]
fn refusals_are_checked_in_their_order() {
    check(
        "STOCK.HOLD a h 0 MAX 1 => unknown_sku
         STOCK.SET a 5 => …
         STOCK.HOLD a h 0 MAX 1 => invalid_quantity min=1 max=1000000000
         STOCK.HOLD a h 1000000001 => invalid_quantity min=1 max=1000000000
         STOCK.HOLD a h 1 MAX 1 => buyer_required
         STOCK.HOLD a h 2 BUYER b MAX 2 => … repeated=false
         STOCK.HOLD a h 9 BUYER b MAX 2 => id_conflict
         STOCK.HOLD a i 9 BUYER b MAX 2 => over_limit taken=2 max=2
         STOCK.HOLD a i 9 BUYER c MAX 9 => sold_out available=3
         STOCK.CONFIRM z x => unknown_sku
         STOCK.CONFIRM a x => hold_not_found
         STOCK.RELEASE a x => hold_not_found
         STOCK.HOLDINFO a x => hold_not_found
         STOCK.RETURN a x r QTY 0 => invalid_quantity min=1 max=1000000000
         STOCK.RETURN a x r => hold_not_found
         STOCK.ADD z x 1 => unknown_sku
         STOCK.ADD a x 0 => invalid_quantity min=-1000000000 max=1000000000
         STOCK.ADD a x -4 => below_committed committed=2
         STOCK.ADD a x 1000000000 => above_maximum max=1000000000
         STOCK.SET a -1 => invalid_quantity min=0 max=1000000000
         STOCK.SET a 1 IF 7 => version_changed version=1
         STOCK.SET a 1 => below_committed committed=2",
    );
}

/// The table of states and commands of the documentation, every pair once.
#[test]
fn every_command_answers_by_the_state_of_the_hold() {
    let to_state = [
        ("held", ""),
        ("confirmed", "STOCK.CONFIRM a h => …"),
        ("released", "STOCK.RELEASE a h => …"),
        ("expired", "PASS 900000"),
        (
            "returned",
            "STOCK.CONFIRM a h => …\nSTOCK.RETURN a h r0 => …",
        ),
    ];
    let (first, repeated) = ("repeated=false", "repeated=true");
    let answers = [
        ("held", [first, first, "not_confirmed"]),
        ("confirmed", [repeated, "already_confirmed", first]),
        ("released", ["hold_released", repeated, "not_confirmed"]),
        ("expired", ["hold_expired", "hold_expired", "not_confirmed"]),
        (
            "returned",
            [
                repeated,
                "already_confirmed",
                "return_exceeds_sold returnable=0",
            ],
        ),
    ];
    let commands = [
        "STOCK.CONFIRM a h",
        "STOCK.RELEASE a h",
        "STOCK.RETURN a h r1",
    ];
    for ((state, script), (of, expected)) in to_state.into_iter().zip(answers) {
        assert_eq!(state, of);
        for (command, expected) in commands.into_iter().zip(expected) {
            let any = if expected.contains("repeated") {
                "…"
            } else {
                ""
            };
            check(&format!(
                "STOCK.SET a 5 => …
                 STOCK.HOLD a h 2 => …
                 {script}
                 STOCK.HOLDINFO a h => sku=a id=h state={state} …
                 {command} => {any}{expected}"
            ));
        }
    }
}

#[test]
fn retry_with_the_same_content_gets_the_first_receipt_and_the_present_state() {
    check(
        "STOCK.SET a 5 => …
         STOCK.HOLD a h 2 BUYER b TTL 5000 => … repeated=false
         STOCK.CONFIRM a h => … repeated=false
         STOCK.HOLD a h 2 BUYER b TTL 5000 => … state=confirmed … repeated=true
         STOCK.HOLD a h 2 BUYER b TTL 5001 => id_conflict
         STOCK.HOLD a h 2 BUYER b => id_conflict
         STOCK.HOLD a h 2 TTL 5000 => id_conflict
         STOCK.ADD a x 5 => sku=a id=x delta=5 total=10 repeated=false
         STOCK.ADD a x 5 => sku=a id=x delta=5 total=10 repeated=true
         STOCK.ADD a x 6 => id_conflict
         STOCK.RETURN a h r QTY 1 => … repeated=false
         STOCK.RETURN a h r QTY 1 => … repeated=true
         STOCK.RETURN a h r => id_conflict
         STOCK.GET a => sku=a total=10 available=9 held=0 sold=1 version=2",
    );
}

#[test]
fn default_that_is_sent_is_the_same_content_as_one_that_is_not() {
    check(
        "STOCK.SET a 5 => …
         STOCK.HOLD a h 2 => … repeated=false
         STOCK.HOLD a h 2 TTL 900000 => … repeated=true",
    );
}

#[test]
fn refusal_is_not_remembered() {
    check(
        "STOCK.SET a 1 => …
         STOCK.HOLD a h 2 => sold_out available=1
         STOCK.ADD a x 1 => …
         STOCK.HOLD a h 2 => … repeated=false",
    );
}

#[test]
fn declaring_again_as_it_is_changes_nothing() {
    check(
        "STOCK.SET a 5 IF 0 ALERT 2 => … version=1
         STOCK.SET a 5 IF 0 ALERT 2 => … version=1
         STOCK.SET a 5 ALERT 2 => … version=1
         STOCK.SET a 6 IF 0 ALERT 2 => version_changed version=1
         STOCK.SET a 6 IF 1 ALERT 2 => … version=2
         STOCK.SET a 6 => … version=3
         STOCK.FLOW a => items=[{position=1 … next=-",
    );
}

#[test]
fn minted_ids_differ_and_name_their_thing() {
    let mut engine = Stepper::fresh(&[STOCK]);
    run(&mut engine, "STOCK.SET a 5 => …");
    let id = |answer: String| {
        answer
            .split_once("id=")
            .unwrap()
            .1
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    let (first, second) = (
        id(engine.call("STOCK.HOLD a * 1")),
        id(engine.call("STOCK.HOLD a * 1")),
    );
    assert_ne!(first, second);
    assert!(
        engine
            .call(&format!("STOCK.CONFIRM a {first}"))
            .contains("state=confirmed")
    );
    assert!(
        engine
            .call(&format!("STOCK.HOLDINFO a {second}"))
            .contains("state=held")
    );
}

#[test]
fn limit_of_a_buyer_counts_held_and_sold_less_returned() {
    check(
        "STOCK.SET a 9 => …
         STOCK.HOLD a h1 2 BUYER b => … repeated=false
         STOCK.HOLD a h2 2 BUYER b MAX 3 => over_limit taken=2 max=3
         STOCK.CONFIRM a h1 => …
         STOCK.HOLD a h2 2 BUYER b MAX 3 => over_limit taken=2 max=3
         STOCK.RETURN a h1 r QTY 1 => …
         STOCK.HOLD a h2 2 BUYER b MAX 3 => … repeated=false
         STOCK.RELEASE a h2 => …
         STOCK.HOLD a h3 2 BUYER b MAX 3 TTL 1000 => … repeated=false
         PASS 1000
         STOCK.HOLD a h4 2 BUYER b MAX 3 => … repeated=false
         STOCK.HOLD a h5 3 BUYER c MAX 3 => … repeated=false",
    );
}

#[test]
fn hold_expires_by_itself_and_its_units_can_be_held_again() {
    check(
        "STOCK.SET a 1 => …
         STOCK.HOLD a h 1 TTL 1000 => … repeated=false
         PASS 999
         STOCK.HOLD a i 1 => sold_out available=0
         PASS 1
         STOCK.HOLD a i 1 => … repeated=false
         STOCK.CONFIRM a h => hold_expired",
    );
}

#[test]
fn expired_hold_cannot_be_confirmed_though_its_timer_has_not_fired() {
    let mut engine = Stepper::fresh(&[STOCK]);
    run(
        &mut engine,
        "STOCK.SET a 1 => …\nSTOCK.HOLD a h 1 TTL 1000 => …",
    );
    engine.suspend_timers(true);
    engine.pass_ms(1_000);
    assert_eq!(engine.call("STOCK.CONFIRM a h"), "hold_expired");
    assert_eq!(engine.call("STOCK.RELEASE a h"), "hold_expired");
    assert!(engine.call("STOCK.HOLDINFO a h").contains("state=expired"));
    engine.suspend_timers(false);
    engine.pass_ms(1);
    run(
        &mut engine,
        "STOCK.GET a => sku=a total=1 available=1 held=0 sold=0 version=1",
    );
}

#[test]
fn holds_are_paged_by_state_and_age() {
    let mut engine = Stepper::fresh(&[STOCK]);
    run(&mut engine, "STOCK.SET a 99 => …");
    for n in 1..=7 {
        engine.call(&format!("STOCK.HOLD a h{n} 1"));
    }
    run(
        &mut engine,
        "STOCK.CONFIRM a h2 => …
         STOCK.CONFIRM a h5 => …
         STOCK.HOLDS b => unknown_sku
         STOCK.HOLDS a LIMIT 0 => invalid: limit must be 1 to 1000, not 0
         STOCK.HOLDS a STATE sideways => invalid: state must be one of held confirmed released expired returned",
    );
    let ids = |page: &str| -> Vec<String> {
        let found = page.match_indices("id=");
        found
            .map(|(at, _)| page[at + 3..at + 5].to_owned())
            .collect()
    };
    assert_eq!(
        ids(&engine.call("STOCK.HOLDS a STATE confirmed")),
        ["h2", "h5"]
    );
    let first = engine.call("STOCK.HOLDS a LIMIT 4");
    assert_eq!(ids(&first), ["h1", "h2", "h3", "h4"]);
    assert!(first.ends_with("next=4"), "{first}");
    assert_eq!(
        ids(&engine.call("STOCK.HOLDS a LIMIT 4 AFTER 4")),
        ["h5", "h6", "h7"]
    );
    let held = engine.call("STOCK.HOLDS a STATE held LIMIT 2 AFTER 3");
    assert_eq!(ids(&held), ["h4", "h6"]);
}

#[test]
fn flow_tells_every_change_in_order() {
    check(
        "STOCK.SET a 5 => …
         STOCK.HOLD a h 2 => …
         STOCK.CONFIRM a h => …
         STOCK.RETURN a h r QTY 1 => …
         STOCK.ADD a x -1 => …
         STOCK.HOLD a i 1 TTL 1000 => …
         PASS 1000
         STOCK.FLOW a AFTER 3 LIMIT 2 => items=[{position=4 kind=return id=r owner=- quantity=1 before=3 after=4 …} {position=5 kind=add id=x owner=- quantity=-1 before=4 after=3 …}] next=5
         STOCK.FLOW a AFTER 6 => items=[{position=7 kind=expire id=i owner=- quantity=1 before=2 after=3 …}] next=-
         STOCK.FLOW a AFTER 7 => items=[] next=-",
    );
}

#[test]
fn list_is_by_the_bytes_of_skus_with_a_prefix() {
    let mut engine = Stepper::fresh(&[STOCK]);
    for sku in ["b", "a1", "a2", "c", "a", "å"] {
        engine.call(&format!("STOCK.SET {sku} 1"));
    }
    let skus = |page: String| -> Vec<String> {
        let found = page.split("sku=").skip(1);
        found
            .map(|rest| rest.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        skus(engine.call("STOCK.LIST")),
        ["a", "a1", "a2", "b", "c", "å"]
    );
    assert_eq!(skus(engine.call("STOCK.LIST PREFIX a")), ["a", "a1", "a2"]);
    assert_eq!(
        skus(engine.call("STOCK.LIST PREFIX a AFTER a1 LIMIT 1")),
        ["a2"]
    );
    assert_eq!(skus(engine.call("STOCK.LIST AFTER a2 LIMIT 2")), ["b", "c"]);
}

#[test]
fn history_of_a_hold_is_bounded_and_the_flow_is_not() {
    let mut engine = Stepper::fresh(&[STOCK]);
    run(
        &mut engine,
        "STOCK.SET a 200 => …\nSTOCK.HOLD a h 200 => …\nSTOCK.CONFIRM a h => …",
    );
    for n in 0..100 {
        engine.call(&format!("STOCK.RETURN a h r{n} QTY 1"));
    }
    let info = engine.call("STOCK.HOLDINFO a h");
    assert_eq!(info.matches("kind=").count(), 64);
    assert!(info.contains("returned=100"));
    assert_eq!(
        engine
            .call("STOCK.FLOW a LIMIT 1000")
            .matches("kind=return")
            .count(),
        100
    );
    run(
        &mut engine,
        "STOCK.GET a => sku=a total=200 available=100 held=0 sold=100 version=1",
    );
}

#[test]
fn events_are_listed_with_their_facts_in_the_order_of_time() {
    let mut engine = Stepper::fresh(&[STOCK]);
    run(
        &mut engine,
        "STOCK.SET a 5 ALERT 5 => …
         PASS 1
         STOCK.SET b 3 ALERT 1 => …
         STOCK.HOLD b h 2 => …
         PASS 1
         EVENT.LIST LIMIT 1 => items=[{at_ms=1800000000000 domain=stock name=stock_low key=a facts={available=5 alert=5} cursor=269737…}] next=269737…
         EVENT.LIST AFTER 269737367961612288 => items=[{at_ms=1800000000001 domain=stock name=stock_low key=b facts={available=1 alert=1} cursor=…}] next=-",
    );
}

/// Events of one moment come from several partitions, in any order.
#[test]
fn who_goes_on_behind_the_last_cursor_misses_no_event() {
    let mut engine = Stepper::fresh(&[STOCK]);
    let mut seen = Vec::new();
    let mut after = "0".to_owned();
    for n in 0..300 {
        engine.call(&format!("STOCK.SET sku{} 5 ALERT 5", n * 7 % 300));
        let page = engine.call(&format!("EVENT.LIST AFTER {after} LIMIT 7"));
        seen.extend(words_behind(&page, "key="));
        after = words_behind(&page, "cursor=").pop().unwrap_or(after);
        if n % 3 == 0 {
            engine.pass_ms(1);
        }
    }
    engine.pass_ms(1);
    let page = engine.call(&format!("EVENT.LIST AFTER {after}"));
    seen.extend(words_behind(&page, "key="));
    assert_eq!(seen.len(), 300);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 300, "each once");
}

fn words_behind(line: &str, name: &str) -> Vec<String> {
    let found = line.split(name).skip(1);
    found
        .filter_map(|rest| rest.split([' ', '}', ']']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn stock_low_is_emitted_when_availability_falls_to_the_alert_and_only_then() {
    let mut engine = Stepper::fresh(&[STOCK]);
    let events = |engine: &Stepper| {
        let audit = engine.audit();
        audit
            .figures
            .iter()
            .find(|figure| figure.name == "engine.events")
            .unwrap()
            .value
    };
    run(
        &mut engine,
        "STOCK.SET a 5 ALERT 3 => …\nSTOCK.HOLD a h 1 => …",
    );
    assert_eq!(events(&engine), 0);
    run(&mut engine, "STOCK.HOLD a i 1 => …\nSTOCK.HOLD a j 1 => …");
    assert_eq!(events(&engine), 1);
    run(
        &mut engine,
        "STOCK.RELEASE a i => …\nSTOCK.RELEASE a j => …\nSTOCK.HOLD a k 2 => …",
    );
    assert_eq!(events(&engine), 2);
}

#[test]
fn minted_id_is_never_one_that_a_caller_chose() {
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET a 100");
    let minted = words_behind(&engine.call("STOCK.HOLD a * 1"), "id=");
    let minted: u64 = minted[0].parse().unwrap();
    for ahead in 1..=20 {
        engine.call(&format!("STOCK.HOLD a {} 2", minted + ahead));
    }
    let next = engine.call("STOCK.HOLD a * 1");
    assert!(
        next.contains("quantity=1") && next.ends_with("repeated=false"),
        "{next}"
    );
}

#[test]
fn ids_are_minted_though_it_is_not_known_yet_which_are_taken() {
    let mut engine = Stepper::fresh(&[STOCK]);
    run(
        &mut engine,
        "STOCK.SET a 9 => sku=a…\nSTOCK.ADD a first 1 => …\nSTOCK.HOLD a h 1 => …",
    );
    engine.checkpoint_under_way();
    // A start knows of no row of the base at first: each id that is minted has to be looked for there.
    let mut engine = engine.reopen().unwrap();
    run(
        &mut engine,
        "STOCK.ADD a * 1 => sku=a…\nSTOCK.HOLD a * 1 => sku=a…state=held…",
    );
}
