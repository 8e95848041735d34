//! What each command answers, and what it leaves of stock.

use tidegate_engine::contract::Status;
use tidegate_engine::limits::CLOCK_AHEAD_MS;
use tidegate_engine::testing::Stepper;
use tidegate_order::{ORDER, PLACING_MS};
use tidegate_stock::STOCK;

/// A shop whose SKUs have so many units.
fn shop(skus: &[(&str, u64)]) -> Stepper {
    let mut engine = Stepper::fresh(&[STOCK, ORDER]);
    for (sku, total) in skus {
        engine.call(&format!("STOCK.SET {sku} {total}"));
    }
    engine
}

/// Available, held and sold units of a SKU.
fn units(engine: &mut Stepper, sku: &str) -> [u64; 3] {
    let told = engine.call(&format!("STOCK.GET {sku}"));
    ["available=", "held=", "sold="].map(|name| {
        let value = told
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name));
        value.unwrap().parse().unwrap()
    })
}

fn balances(engine: &Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

/// What of an answer people look at.
fn state_of(told: &str) -> &str {
    told.split_whitespace()
        .find_map(|word| word.strip_prefix("state="))
        .unwrap_or(told)
}

#[test]
fn order_holds_all_its_lines() {
    let mut engine = shop(&[("a", 5), ("b", 5), ("c", 5)]);
    let placed = engine.call("ORDER.PLACE o1 mia 3 c 1 250 a 2 100 b 5 10 CURRENCY EUR TTL 60000");
    let now = tidegate_engine::testing::ManualClock::START_MS;
    let expected = format!(
        "id=o1 state=reserved version=2 total=500 currency=EUR expires_at_ms={} repeated=false",
        now + 60_000
    );
    assert_eq!(placed, expected);
    let left = ["a", "b", "c"].map(|sku| units(&mut engine, sku));
    assert_eq!(left, [[3, 2, 0], [0, 5, 0], [4, 1, 0]]);
    balances(&engine);
}

#[test]
fn lines_of_one_sku_are_added_up() {
    let mut engine = shop(&[("a", 5)]);
    engine.call("ORDER.PLACE o1 mia 3 a 1 100 a 2 90 a 1 100");
    assert_eq!(units(&mut engine, "a"), [1, 4, 0]);
    let refused = engine.call("ORDER.PLACE o2 mia 2 a 1 100 a 1 90");
    assert_eq!(refused, "refused cause=sold_out sku=a available=1");
    balances(&engine);
}

#[test]
fn order_that_cannot_have_all_has_nothing_and_stays_refused() {
    let mut engine = shop(&[("a", 5), ("b", 1), ("c", 5)]);
    let refused = "refused cause=sold_out sku=b available=1";
    let place = "ORDER.PLACE o1 mia 3 a 1 100 b 2 100 c 1 100";
    assert_eq!(engine.call(place), refused);
    engine.call("STOCK.ADD b more 10");
    assert_eq!(engine.call(place), refused, "it is remembered");
    let left = ["a", "b", "c"].map(|sku| units(&mut engine, sku));
    assert_eq!(left, [[5, 0, 0], [11, 0, 0], [5, 0, 0]]);
    let unknown = engine.call("ORDER.PLACE o2 mia 2 a 1 100 zzz 1 100");
    assert_eq!(unknown, "refused cause=unknown_sku sku=zzz available=0");
    assert_eq!(units(&mut engine, "a"), [5, 0, 0]);
    balances(&engine);
}

#[test]
fn retry_answers_what_became_of_the_order() {
    let mut engine = shop(&[("a", 5)]);
    let place = "ORDER.PLACE o1 mia 1 a 1 100";
    let first = engine.call(place);
    assert_eq!(
        engine.call(&format!("{place} WAIT 9")),
        first.replace("repeated=false", "repeated=true"),
        "how long it waits is no part of it"
    );
    assert_eq!(engine.call("ORDER.PLACE o1 mia 1 a 2 100"), "id_conflict");
    engine.call("ORDER.CANCEL o1");
    assert_eq!(state_of(&engine.call(place)), "cancelled");
    assert_eq!(units(&mut engine, "a"), [5, 0, 0]);
    balances(&engine);
}

#[test]
fn order_that_is_cancelled_or_expires_gives_everything_back() {
    let mut engine = shop(&[("a", 5), ("b", 5)]);
    engine.call("ORDER.PLACE o1 mia 2 a 1 100 b 1 100 TTL 1000");
    engine.call("ORDER.PLACE o2 mia 2 a 1 100 b 1 100 TTL 1000");
    assert_eq!(state_of(&engine.call("ORDER.CANCEL o1")), "cancelled");
    assert!(engine.call("ORDER.CANCEL o1").ends_with("repeated=true"));
    assert_eq!(units(&mut engine, "b"), [4, 1, 0]);
    engine.pass_ms(999);
    assert_eq!(state_of(&engine.call("ORDER.GET o2")), "reserved");
    engine.pass_ms(1);
    assert_eq!(state_of(&engine.call("ORDER.GET o2")), "expired");
    assert_eq!(engine.call("ORDER.CANCEL o2"), "wrong_state state=expired");
    let left = ["a", "b"].map(|sku| units(&mut engine, sku));
    assert_eq!(left, [[5, 0, 0], [5, 0, 0]]);
    balances(&engine);
}

/// A shop in which `o1` has the only unit of each of so many SKUs, which are told of it one after the other.
fn shop_of_one(count: usize) -> Stepper {
    let skus: Vec<String> = (0..count).map(|at| format!("sku-{at:03}")).collect();
    let all: Vec<(&str, u64)> = skus.iter().map(|sku| (sku.as_str(), 1)).collect();
    let mut engine = shop(&all);
    let lines: String = skus.iter().map(|sku| format!(" {sku} 1 5")).collect();
    let placed = engine.call(&format!("ORDER.PLACE o1 mia {count}{lines}"));
    assert!(placed.contains("state=reserved"), "{placed}");
    engine
}

#[test]
fn who_is_told_that_an_order_is_cancelled_can_have_its_units_at_once() {
    // The last thing of the first letter of many, and of the last one.
    for (count, last) in [(12, "sku-011"), (130, "sku-063"), (130, "sku-129")] {
        let mut engine = shop_of_one(count);
        // Since somebody has asked, it is known that these units stay: nobody waits for them in line.
        let early = engine.call(&format!("ORDER.PLACE early tom 1 {last} 1 5"));
        assert!(early.starts_with("refused "), "{early}");
        let cancel = engine.submit("ORDER.CANCEL o1").unwrap();
        while engine.answer(cancel).is_none() {
            one_hop(&mut engine);
            balances(&engine);
        }
        let told = engine.answer(cancel).unwrap().1;
        assert!(
            told.contains("state=cancelled") && told.ends_with("repeated=false"),
            "{told}"
        );
        // It may come to that SKU before what is under way.
        let next = engine.call(&format!("ORDER.PLACE o2 tom 1 {last} 1 5"));
        assert_eq!(state_of(&next), "reserved", "{last} of {count}");
    }
}

#[test]
fn commands_sent_again_while_the_first_is_under_way_are_repeated() {
    let mut engine = shop(&[("a", 1), ("b", 1)]);
    for command in ["ORDER.PLACE o1 mia 2 a 1 5 b 1 5", "ORDER.CANCEL o1"] {
        let first = submit_and_hop(&mut engine, command, 1);
        let again = submit_and_hop(&mut engine, command, 1);
        assert_eq!((engine.answer(first), engine.answer(again)), (None, None));
        engine.settle();
        let [first, again] = [first, again].map(|token| engine.answer(token).unwrap().1);
        assert!(first.ends_with("repeated=false"), "{first}");
        assert!(again.ends_with("repeated=true"), "{again}");
    }
}

#[test]
fn who_does_not_wait_for_units_that_come_back_asks_again() {
    let mut engine = shop_of_one(12);
    engine.pass_ms(CLOCK_AHEAD_MS); // From now on it promises so far ahead.
    let cancel = "ORDER.CANCEL o1 WAIT 1000";
    let first = submit_and_hop(&mut engine, cancel, 2);
    assert_eq!(engine.answer(first), None);
    engine.clock.advance_ms(1_000);
    (0..2).for_each(|_| one_hop(&mut engine));
    assert_eq!(engine.answer(first).unwrap().0, Status::Pending);
    let again = engine.submit(cancel).unwrap();
    while engine.execute() {}
    assert_eq!(engine.answer(again), None, "they are not back yet");
    // What it waits for is in the rows.
    let mut engine = engine.reopen().unwrap();
    let again = engine.call(cancel);
    assert_eq!(state_of(&again), "cancelled");
    assert!(again.ends_with("repeated=true"), "it was cancelled before");
    assert!(engine.call(cancel).ends_with("repeated=true"));
    assert_eq!(units(&mut engine, "sku-011"), [1, 0, 0]);
    balances(&engine);
}

#[test]
fn who_wants_units_in_doubt_waits_though_they_were_sold_out_a_moment_ago() {
    let mut engine = shop(&[("a", 1), ("b", 1)]);
    engine.call("STOCK.HOLD a h 1");
    assert_eq!(engine.call("STOCK.HOLD a * 1"), "sold_out available=0");
    engine.call("STOCK.RELEASE a h");
    let placed = submit_and_hop(&mut engine, "ORDER.PLACE o1 mia 2 a 1 100 b 1 100", 1);
    assert_eq!(engine.answer(placed), None);
    let hold = engine.submit("STOCK.HOLD a * 1").unwrap();
    assert_eq!(engine.answer(hold), None, "it may come back");
    engine.settle();
    assert_eq!(state_of(&engine.answer(placed).unwrap().1), "reserved");
    assert_eq!(engine.answer(hold).unwrap().1, "sold_out available=0");
    balances(&engine);
}

#[test]
fn order_that_stands_in_line_is_given_up_at_once() {
    let mut engine = shop(&[("a", 1), ("b", 1), ("c", 1)]);
    let first = submit_and_hop(&mut engine, "ORDER.PLACE o1 mia 2 b 1 100 c 1 100", 1);
    assert_eq!(engine.answer(first), None);
    submit_and_hop(&mut engine, "ORDER.PLACE o2 tom 2 a 1 100 b 1 100", 2);
    let cancel = engine.submit("ORDER.CANCEL o2").unwrap();
    engine.settle();
    assert_eq!(state_of(&engine.answer(cancel).unwrap().1), "cancelled");
    assert_eq!(units(&mut engine, "a"), [1, 0, 0]);
    balances(&engine);
}

#[test]
fn holds_of_an_order_are_no_callers_to_move() {
    let mut engine = shop(&[("a", 5)]);
    engine.call("ORDER.PLACE o1 mia 1 a 1 100");
    assert_eq!(engine.call("STOCK.RELEASE a o1"), "hold_not_found");
    assert_eq!(engine.call("STOCK.CONFIRM a o1"), "hold_not_found");
    let holds = engine.call("STOCK.HOLDS a");
    assert!(
        holds.contains("id=o1 owner=o1 ") && holds.contains("expires_at_ms=-"),
        "{holds}"
    );
    assert!(engine.call("STOCK.HOLD a o1 1").contains("state=held"));
    for list in ["STOCK.HOLDS a", "STOCK.FLOW a AFTER 1"] {
        let told = engine.call(list);
        let [of_order, of_caller] = ["id=o1 owner=o1 ", "id=o1 owner=- "].map(|id| told.find(id));
        assert!(of_order.is_some() && of_order < of_caller, "{told}");
    }
    balances(&engine);
}

#[test]
fn what_is_out_of_range_is_refused_and_leaves_nothing() {
    let mut engine = shop(&[("a", 5)]);
    let cases = [
        (
            "1 a 0 1",
            "invalid: lines item 1: quantity must be 1 to 1000000000, not 0",
        ),
        (
            "1 a 1 -1",
            "invalid: lines item 1: unit_price must be 0 to 1000000000000, not -1",
        ),
        ("1 a 1 1 CURRENCY eur", "invalid_currency"),
        ("2 a 1000000000 1 a 1 1", "invalid_quantity max=1000000000"),
        (
            "1 a 1000000000 1000000000000",
            "amount_overflow max=9007199254740991",
        ),
        (
            "2 a 9007 1000000000000 a 1 199254740992",
            "amount_overflow max=9007199254740991",
        ),
    ];
    for (lines, told) in cases {
        assert_eq!(
            engine.call(&format!("ORDER.PLACE o1 mia {lines}")),
            told,
            "{lines}"
        );
    }
    assert_eq!(engine.call("ORDER.GET o1"), "unknown_order");
    engine.call("STOCK.SET a 9008");
    let most = engine.call("ORDER.PLACE o1 mia 2 a 9007 1000000000000 a 1 199254740991");
    assert!(most.contains("total=9007199254740991"), "{most}");
    balances(&engine);
}

/// The ids of a page.
fn ids(told: &str) -> Vec<String> {
    let words = told.split(|at: char| !at.is_alphanumeric());
    let words: Vec<_> = words.collect();
    let ids = words.iter().zip(words.iter().skip(1));
    ids.filter(|(name, _)| name.ends_with("id"))
        .map(|(_, id)| (*id).to_owned())
        .collect()
}

#[test]
fn list_tells_what_has_expired_from_the_moment_on_that_the_order_does() {
    let mut engine = shop(&[("a", 9)]);
    engine.call("ORDER.PLACE o1 mia 1 a 1 100");
    engine
        .submit("ORDER.PLACE o2 mia 1 a 1 100 TTL 1000")
        .unwrap();
    for _ in 0..3 {
        one_hop(&mut engine);
    }
    // The list has it, and the order hears of that later.
    engine.pass_ms(300);
    engine.suspend_timers(true);
    let told = |engine: &mut Stepper| {
        let lists = ["", " STATE reserved", " STATE expired"];
        let lists = lists.map(|state| engine.call(&format!("ORDER.LIST mia{state}")));
        let [all, reserved, expired] = lists.map(|list| ids(&list).concat());
        let order = engine.call("ORDER.GET o2");
        let state = state_of(&order);
        format!("{state}: all {all}, reserved {reserved}, expired {expired}")
    };
    engine.pass_ms(699);
    let before = "reserved: all o1o2, reserved o1o2, expired ";
    assert_eq!(told(&mut engine), before);
    engine.pass_ms(1);
    let after = "expired: all o1o2, reserved o1, expired o2";
    assert_eq!(told(&mut engine), after);
    engine.suspend_timers(false);
    engine.settle();
    assert_eq!(told(&mut engine), after);
    balances(&engine);
}

#[test]
fn list_of_a_buyer_has_living_and_finished_orders_in_their_order() {
    let mut engine = shop(&[("a", 50)]);
    for id in ["o1", "o2", "o3", "o4"] {
        engine.call(&format!("ORDER.PLACE {id} mia 1 a 1 100"));
        engine.pass_ms(1);
    }
    engine.call("ORDER.PLACE other tom 1 a 1 100");
    engine.call("ORDER.CANCEL o2");
    engine.call("ORDER.PLACE o5 mia 1 a 99 100");
    assert_eq!(
        ids(&engine.call("ORDER.LIST mia")),
        ["o1", "o2", "o3", "o4", "o5"]
    );
    assert_eq!(
        ids(&engine.call("ORDER.LIST mia STATE reserved")),
        ["o1", "o3", "o4"]
    );
    assert_eq!(ids(&engine.call("ORDER.LIST mia STATE cancelled")), ["o2"]);
    assert_eq!(ids(&engine.call("ORDER.LIST mia STATE refused")), ["o5"]);
    let first = engine.call("ORDER.LIST mia LIMIT 3");
    assert_eq!(ids(&first), ["o1", "o2", "o3"]);
    let next = first.rsplit("next=").next().unwrap().trim().to_owned();
    assert_eq!(
        ids(&engine.call(&format!("ORDER.LIST mia AFTER {next}"))),
        ["o4", "o5"]
    );
    balances(&engine);
}

#[test]
fn order_that_was_never_listed_asks_the_base_nothing() {
    let mut engine = shop(&[("a", 9)]);
    engine.call("ORDER.PLACE o1 mia 1 a 1 100");
    engine.checkpoint();
    // The row of `a` is fetched once more, and stays.
    engine.call("ORDER.PLACE o2 mia 1 a 1 100");
    let placed = engine.submit("ORDER.PLACE o3 mia 1 a 1 100").unwrap();
    for _ in 0..9 {
        while engine.execute_without_base() {}
        engine.write().unwrap();
    }
    assert_eq!(state_of(&engine.answer(placed).unwrap().1), "reserved");
}

#[test]
fn order_of_many_lines_is_claimed_bit_by_bit() {
    let skus: Vec<String> = (0..300).map(|at| format!("sku-{at:03}")).collect();
    let all: Vec<(&str, u64)> = skus.iter().map(|sku| (sku.as_str(), 2)).collect();
    let mut engine = shop(&all);
    let lines: String = skus.iter().rev().map(|sku| format!(" {sku} 1 5")).collect();
    let placed = engine.call(&format!("ORDER.PLACE o1 mia 300{lines}"));
    assert!(
        placed.contains("state=reserved") && placed.contains("total=1500"),
        "{placed}"
    );
    balances(&engine);
    engine.call("STOCK.HOLD sku-250 x 1");
    let refused = engine.call(&format!("ORDER.PLACE o2 mia 300{lines}"));
    assert_eq!(refused, "refused cause=sold_out sku=sku-250 available=0");
    assert_eq!(units(&mut engine, "sku-100"), [1, 1, 0]);
    assert_eq!(state_of(&engine.call("ORDER.CANCEL o1")), "cancelled");
    for sku in &skus {
        let held = u64::from(sku == "sku-250");
        assert_eq!(units(&mut engine, sku), [2 - held, held, 0], "{sku}");
    }
    balances(&engine);
}

/// Runs what can be run and has it written, but for letters that leave then.
fn one_hop(engine: &mut Stepper) {
    for _ in 0..4 {
        while engine.execute() {}
    }
    engine.write().unwrap();
}

/// Submits a command, and has what it causes come so far on its way.
fn submit_and_hop(engine: &mut Stepper, words: &str, hops: usize) -> u64 {
    let token = engine.submit(words).unwrap();
    (0..hops).for_each(|_| one_hop(engine));
    token
}

#[test]
fn units_that_may_come_back_are_not_sold_out() {
    // `o1` has taken the last `a` and will not get `b`; `o2` wants that `a` meanwhile.
    let mut engine = shop(&[("a", 1), ("b", 0)]);
    let first = submit_and_hop(&mut engine, "ORDER.PLACE o1 mia 2 a 1 100 b 1 100", 2);
    assert_eq!(engine.answer(first), None);
    let second = engine.submit("ORDER.PLACE o2 tom 1 a 1 100").unwrap();
    let hold = engine.submit("STOCK.HOLD a plain 1").unwrap();
    engine.settle();
    assert_eq!(
        engine.answer(first).unwrap().1,
        "refused cause=sold_out sku=b available=0"
    );
    assert_eq!(state_of(&engine.answer(second).unwrap().1), "reserved");
    let told = engine.answer(hold).unwrap().1;
    assert_eq!(told, "sold_out available=0", "nobody overtakes who waits");
    balances(&engine);
}

#[test]
fn who_waits_for_units_that_stay_is_told_that_they_are_sold_out() {
    let mut engine = shop(&[("a", 1), ("b", 1)]);
    let first = submit_and_hop(&mut engine, "ORDER.PLACE o1 mia 2 a 1 100 b 1 100", 2);
    let second = engine.submit("ORDER.PLACE o2 tom 1 a 1 100").unwrap();
    engine.settle();
    assert_eq!(state_of(&engine.answer(first).unwrap().1), "reserved");
    assert_eq!(
        engine.answer(second).unwrap().1,
        "refused cause=sold_out sku=a available=0"
    );
    // Long after it was placed nobody has asked for it, and it is known to be whole when somebody does.
    engine.call("STOCK.ADD a more 1");
    engine.call("STOCK.ADD b more 1");
    engine.call("ORDER.PLACE o3 mia 2 a 1 100 b 1 100");
    let third = engine.call("ORDER.PLACE o4 tom 1 a 1 100");
    assert_eq!(third, "refused cause=sold_out sku=a available=0");
    balances(&engine);
}

#[test]
fn order_that_gets_no_answer_in_time_gives_back_what_it_has_and_may_be_placed_again() {
    let mut engine = shop(&[("a", 1), ("b", 1)]);
    let place = "ORDER.PLACE o1 mia 2 a 1 100 b 1 100";
    let first = submit_and_hop(&mut engine, place, 1);
    while engine.execute() {}
    // Nothing is written from here on, so no letter leaves.
    engine.clock.advance_ms(PLACING_MS);
    while engine.execute() {}
    engine.settle();
    assert_eq!(engine.answer(first).unwrap().0, Status::Busy);
    let left = ["a", "b"].map(|sku| units(&mut engine, sku));
    assert_eq!(left, [[1, 0, 0], [1, 0, 0]]);
    balances(&engine);
    let again = engine.call(place);
    assert!(again.contains("state=reserved"), "{again}");
    balances(&engine);
}

#[test]
fn hold_behind_an_order_that_is_whole_is_told_that_units_are_sold_out() {
    let mut engine = shop(&[("a", 1), ("b", 1)]);
    engine.call("ORDER.PLACE o1 mia 2 a 1 100 b 1 100");
    // Nobody has asked `o1` yet whether it stays: it is asked now, and the hold waits for that.
    assert_eq!(engine.call("STOCK.HOLD a plain 1"), "sold_out available=0");
    engine.call("ORDER.CANCEL o1");
    assert_eq!(state_of(&engine.call("STOCK.HOLD a plain 1")), "held");
    balances(&engine);
}

#[test]
fn hold_waits_for_units_that_come_back_and_only_for_a_while() {
    let mut engine = shop(&[("a", 1), ("b", 0)]);
    let first = submit_and_hop(&mut engine, "ORDER.PLACE o1 mia 2 a 1 100 b 1 100", 2);
    let holds = ["x", "y"].map(|id| engine.submit(&format!("STOCK.HOLD a {id} 1")).unwrap());
    for _ in 0..4 {
        while engine.execute() {}
    }
    assert_eq!(holds.map(|hold| engine.answer(hold)), [None, None]);
    engine.clock.advance_ms(tidegate_stock::HOLD_WAIT_MS);
    for _ in 0..4 {
        while engine.execute() {}
    }
    let third = engine.submit("STOCK.HOLD a z 1").unwrap();
    engine.settle();
    assert_eq!(
        holds.map(|hold| engine.answer(hold).unwrap().0),
        [Status::Busy; 2]
    );
    assert_eq!(state_of(&engine.answer(third).unwrap().1), "held");
    assert!(engine.answer(first).unwrap().1.starts_with("refused"));
    balances(&engine);
}

#[test]
fn order_that_was_busy_can_be_given_up_for_good() {
    let mut engine = shop(&[("a", 1), ("b", 1)]);
    let place = "ORDER.PLACE o1 mia 2 a 1 100 b 1 100";
    let first = submit_and_hop(&mut engine, place, 1);
    while engine.execute() {}
    engine.clock.advance_ms(PLACING_MS);
    engine.settle();
    assert_eq!(engine.answer(first).unwrap().0, Status::Busy);
    assert_eq!(state_of(&engine.call("ORDER.GET o1")), "busy");
    assert_eq!(state_of(&engine.call("ORDER.CANCEL o1")), "cancelled");
    assert_eq!(state_of(&engine.call(place)), "cancelled");
    assert!(engine.call("ORDER.LIST mia").contains("state=cancelled"));
    balances(&engine);
}

#[test]
fn who_asks_may_wait_for_the_next_state() {
    let mut engine = shop(&[("a", 1)]);
    engine.call("ORDER.PLACE o1 mia 1 a 1 100 TTL 1000");
    let next = engine.submit("ORDER.GET o1 WAIT 5000").unwrap();
    let known = engine.submit("ORDER.GET o1 WAIT 5000 AFTER 2").unwrap();
    let old = engine.submit("ORDER.GET o1 WAIT 5000 AFTER 1").unwrap();
    engine.settle();
    assert_eq!(engine.answer(next), None);
    assert_eq!(state_of(&engine.answer(old).unwrap().1), "reserved");
    engine.pass_ms(1_000);
    for token in [next, known] {
        assert_eq!(state_of(&engine.answer(token).unwrap().1), "expired");
    }
    let over = engine.submit("ORDER.GET o1 WAIT 100").unwrap();
    engine.settle();
    engine.pass_ms(100);
    assert_eq!(
        state_of(&engine.answer(over).unwrap().1),
        "expired",
        "as it is then"
    );
}

#[test]
fn list_forgets_an_order_that_it_got_too_late() {
    let mut engine = shop(&[("a", 1)]);
    let place = "ORDER.PLACE o1 mia 1 a 1 100";
    let first = engine.submit(place).unwrap();
    for _ in 0..3 {
        one_hop(&mut engine);
    }
    // The list has it, and the order does not know.
    engine.clock.advance_ms(PLACING_MS);
    engine.settle();
    assert_eq!(engine.answer(first).unwrap().0, Status::Busy);
    assert_eq!(engine.call("ORDER.LIST mia"), "items=[] next=-");
    assert_eq!(units(&mut engine, "a"), [1, 0, 0]);
    assert_eq!(state_of(&engine.call(place)), "reserved");
    assert!(engine.call("ORDER.LIST mia").contains("state=reserved"));
    balances(&engine);
}

/// A shop with three of `a`, of which `o1` has two and claims others for long; `o2`, who wants all three,
/// and `o3`, who wants one, stand in line. Gives the tokens of the three.
fn shop_with_a_line() -> (Stepper, [u64; 3]) {
    let mut engine = shop(&[("a", 3)]);
    let skus: Vec<String> = (0..20).map(|at| format!("m{at:02}")).collect();
    for sku in &skus {
        engine.call(&format!("STOCK.SET {sku} 1"));
    }
    let lines: String = skus.iter().map(|sku| format!(" {sku} 1 5")).collect();
    let place = |engine: &mut Stepper, order: &str| {
        let token = engine.submit(order).unwrap();
        (0..2).for_each(|_| one_hop(engine));
        token
    };
    let first = place(&mut engine, &format!("ORDER.PLACE o1 mia 21 a 2 5{lines}"));
    let second = place(&mut engine, "ORDER.PLACE o2 tom 1 a 3 5");
    let third = place(&mut engine, "ORDER.PLACE o3 zoe 1 a 1 5");
    (engine, [first, second, third])
}

#[test]
fn who_waits_is_not_overtaken_by_who_wants_less() {
    let (mut engine, tokens) = shop_with_a_line();
    engine.submit("ORDER.CANCEL o1").unwrap();
    engine.settle();
    let told = tokens.map(|token| engine.answer(token).unwrap().1);
    let [first, second, third] = told.each_ref().map(|told| state_of(told));
    assert_eq!((first, second), ("cancelled", "reserved"));
    assert_eq!(third, "refused cause=sold_out sku=a available=0");
    balances(&engine);
}

#[test]
fn who_stands_behind_one_that_gives_up_is_served_then() {
    let (mut engine, [first, second, third]) = shop_with_a_line();
    engine.submit("ORDER.CANCEL o2").unwrap();
    for _ in 0..6 {
        one_hop(&mut engine);
        balances(&engine);
    }
    assert_eq!(engine.answer(first), None, "it is still being placed");
    let told = [second, third].map(|token| engine.answer(token).unwrap().1);
    assert_eq!(state_of(&told[0]), "cancelled");
    assert_eq!(state_of(&told[1]), "reserved");
    engine.settle();
    assert_eq!(state_of(&engine.answer(first).unwrap().1), "reserved");
    balances(&engine);
}

#[test]
fn order_that_is_placed_very_often_keeps_the_laws() {
    let mut engine = shop(&[("a", 1)]);
    let place = "ORDER.PLACE o1 mia 1 a 1 100";
    for _ in 0..40 {
        let token = engine.submit(place).unwrap();
        while engine.execute() {}
        engine.clock.advance_ms(PLACING_MS);
        engine.settle();
        assert_eq!(engine.answer(token).unwrap().0, Status::Busy);
        balances(&engine);
    }
    let placed = engine.call(place);
    assert!(placed.contains("state=reserved version=82"), "{placed}");
    balances(&engine);
}

#[test]
fn units_that_come_while_an_order_waits_at_a_split_sku_are_had_by_whoever_asks() {
    for steps in 0..12 {
        let mut engine = shop(&[("a", 4)]);
        engine.call("STOCK.SPLIT a 4");
        for buyer in ["ann", "mia", "tom", "bo"] {
            engine.call(&format!("STOCK.HOLD a {buyer} 1 BUYER {buyer}"));
        }
        let told = engine.call("STOCK.HOLD a no 1 BUYER mia");
        assert_eq!(told, "sold_out available=0");
        engine
            .submit("ORDER.PLACE o eve 1 a 1 100 CURRENCY EUR")
            .unwrap();
        for _ in 0..steps {
            engine.execute();
            engine.write().unwrap();
        }
        let more = engine.submit("STOCK.ADD a more 10").unwrap();
        while engine.answer(more).is_none() {
            engine.execute();
            engine.write().unwrap();
        }
        let held = engine.call("STOCK.HOLD a new 1 BUYER mia");
        assert!(held.contains("state=held"), "after {steps} steps: {held}");
        balances(&engine);
    }
}
