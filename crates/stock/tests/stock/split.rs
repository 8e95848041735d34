//! A split SKU is one SKU: no unit more or less than there are, exact limits, and a "no" only if there are too few.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_stock::STOCK;

/// Buyers of whom there are some in every shard of four.
const BUYERS: [&str; 8] = ["mia", "tom", "ann", "bo", "eve", "jon", "lea", "max"];

/// An engine with a SKU `a` of so many units in four shards.
fn split(units: u64) -> Stepper {
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call(&format!("STOCK.SET a {units}"));
    let split = engine.call("STOCK.SPLIT a 4");
    assert_eq!(split, "sku=a shards=4 repeated=false");
    engine
}

#[track_caller]
fn assert_balanced(engine: &Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

/// Total, available, held and sold.
fn units(engine: &mut Stepper) -> (u64, u64, u64, u64) {
    let told = engine.call("STOCK.GET a");
    let fact = |name: &str| -> u64 {
        let mut words = told.split(' ').filter_map(|word| word.split_once('='));
        words
            .find(|(word, _)| *word == name)
            .unwrap()
            .1
            .parse()
            .unwrap()
    };
    (fact("total"), fact("available"), fact("held"), fact("sold"))
}

#[test]
fn all_units_of_a_split_sku_can_be_held_and_not_one_more() {
    let mut engine = split(10);
    for turn in 0..10 {
        let buyer = BUYERS[turn % BUYERS.len()];
        let told = engine.call(&format!("STOCK.HOLD a h{turn} 1 BUYER {buyer}"));
        assert!(told.contains("state=held"), "{turn}: {told}");
        assert_balanced(&engine);
    }
    for buyer in BUYERS {
        let told = engine.call(&format!("STOCK.HOLD a * 1 BUYER {buyer}"));
        assert_eq!(told, "sold_out available=0", "{buyer}");
    }
    assert_eq!(units(&mut engine), (10, 0, 10, 0));
    assert_balanced(&engine);
}

#[test]
fn one_request_may_want_more_than_any_shard_has() {
    for buyer in BUYERS {
        let mut engine = split(8);
        assert_eq!(
            engine.call(&format!("STOCK.HOLD a x 9 BUYER {buyer}")),
            "sold_out available=8"
        );
        let told = engine.call(&format!("STOCK.HOLD a y 8 BUYER {buyer}"));
        assert!(told.contains("state=held"), "{buyer}: {told}");
        assert_eq!(units(&mut engine), (8, 0, 8, 0));
        assert_balanced(&engine);
    }
}

#[test]
fn unit_that_comes_back_in_any_shard_is_had_in_any_other() {
    let mut engine = split(4);
    for buyer in ["mia", "tom", "ann", "bo"] {
        engine.call(&format!("STOCK.HOLD a {buyer} 1 BUYER {buyer}"));
    }
    for (from, to) in [("mia", "tom"), ("tom", "ann"), ("ann", "bo"), ("bo", "mia")] {
        engine.call(&format!("STOCK.HOLD a no 1 BUYER {to}"));
        let told = engine.call(&format!("STOCK.RELEASE a {from} BUYER {from}"));
        assert!(told.contains("state=released"), "{told}");
        let told = engine.call(&format!("STOCK.HOLD a {to}-{from} 1 BUYER {to}"));
        assert!(told.contains("state=held"), "{from} to {to}: {told}");
        let told = engine.call(&format!("STOCK.HOLD a x 1 BUYER {to}"));
        assert_eq!(told, "sold_out available=0");
        let told = engine.call(&format!("STOCK.RELEASE a {to}-{from} BUYER {to}"));
        assert!(told.contains("state=released"), "{told}");
        engine.call(&format!("STOCK.HOLD a back-{from} 1 BUYER {from}"));
        assert_balanced(&engine);
    }
}

#[test]
fn limit_of_a_buyer_is_exact() {
    let mut engine = split(100);
    for buyer in BUYERS {
        engine.call(&format!("STOCK.HOLD a 1{buyer} 2 BUYER {buyer} MAX 3"));
        let told = engine.call(&format!("STOCK.HOLD a 2{buyer} 2 BUYER {buyer} MAX 3"));
        assert_eq!(told, "over_limit taken=2 max=3");
    }
}

#[test]
fn issued_id_is_enough_and_an_id_of_ones_own_needs_the_buyer() {
    let mut engine = split(100);
    for buyer in BUYERS {
        let told = engine.call(&format!("STOCK.HOLD a * 1 BUYER {buyer}"));
        let id = told
            .split(' ')
            .find_map(|word| word.strip_prefix("id="))
            .unwrap();
        assert!(id.contains('.'), "{id}");
        assert!(
            engine
                .call(&format!("STOCK.HOLDINFO a {id}"))
                .contains("state=held")
        );
        let told = engine.call(&format!("STOCK.CONFIRM a {id}"));
        assert!(told.contains("state=confirmed"), "{told}");
        assert!(
            engine
                .call(&format!("STOCK.RETURN a {id} r"))
                .contains("quantity=1")
        );
        engine.call(&format!("STOCK.HOLD a o{buyer} 1 BUYER {buyer}"));
        for command in ["CONFIRM", "RELEASE", "HOLDINFO"] {
            let told = engine.call(&format!("STOCK.{command} a o{buyer}"));
            assert_eq!(told, "buyer_required");
        }
        for other in BUYERS.iter().filter(|other| **other != buyer) {
            let told = engine.call(&format!("STOCK.RELEASE a o{buyer} BUYER {other}"));
            assert_eq!(told, "hold_not_found");
        }
        let told = engine.call(&format!("STOCK.RELEASE a o{buyer} BUYER {buyer}"));
        assert!(told.contains("state=released"), "{told}");
    }
    assert_eq!(engine.call("STOCK.HOLD a x 1"), "buyer_required");
    assert_balanced(&engine);
}

#[test]
fn sku_is_split_once_and_before_its_first_hold() {
    let mut engine = Stepper::fresh(&[STOCK]);
    assert_eq!(engine.call("STOCK.SPLIT a 4"), "unknown_sku");
    engine.call("STOCK.SET a 7");
    engine.call("STOCK.SPLIT a 3");
    assert_eq!(
        engine.call("STOCK.SPLIT a 3"),
        "sku=a shards=3 repeated=true"
    );
    assert_eq!(engine.call("STOCK.SPLIT a 4"), "already_split shards=3");
    engine.call("STOCK.SET b 7");
    engine.call("STOCK.HOLD b x 1");
    engine.call("STOCK.RELEASE b x");
    assert_eq!(engine.call("STOCK.SPLIT b 4"), "has_holds holds=1");
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("STOCK.SPLIT a 4"), "already_split shards=3");
    assert_eq!(engine.call("STOCK.HOLD a x 1"), "buyer_required");
    engine.checkpoint();
    let mut engine = engine.reopen().unwrap();
    assert_eq!(engine.call("STOCK.HOLD a x 1"), "buyer_required");
    let told = engine.call("STOCK.HOLD a x 7 BUYER mia");
    assert!(told.contains("state=held"), "{told}");
    assert_balanced(&engine);
}

#[test]
fn lists_show_a_split_sku_once_and_all_that_happened_to_it() {
    let mut engine = split(40);
    engine.call("STOCK.SET b 1");
    for turn in 0..16 {
        let buyer = BUYERS[turn % BUYERS.len()];
        engine.call(&format!("STOCK.HOLD a h{turn} 1 BUYER {buyer}"));
    }
    engine.pass_ms(300);
    let list = engine.call("STOCK.LIST");
    assert_eq!(list.matches("sku=").count(), 2, "{list}");
    assert!(
        list.contains("sku=a total=40 available=24 held=16 sold=0"),
        "{list}"
    );
    for kind in ["HOLDS", "FLOW"] {
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let page = engine.call(&format!("STOCK.{kind} a LIMIT 3{after}"));
            let words = page.split([' ', '[', '{', ',']);
            let of_page = words.filter_map(|word| word.strip_prefix("id=h"));
            ids.extend(of_page.map(|id| id.trim_end_matches(['}', ']']).to_owned()));
            let next = page
                .split("next=")
                .nth(1)
                .unwrap()
                .trim_end_matches(['}', ']']);
            if next == "null" || next == "none" || next == "-" {
                break;
            }
            after = format!(" AFTER {next}");
        }
        ids.sort_by_key(|id| id.parse::<u64>().unwrap());
        let all: Vec<_> = (0..16).map(|turn| turn.to_string()).collect();
        assert_eq!(ids, all, "{kind}");
    }
}

#[test]
fn total_of_a_split_sku_falls_as_far_as_nothing_is_held_wherever_that_is() {
    let mut engine = split(20);
    for buyer in BUYERS {
        engine.call(&format!("STOCK.HOLD a {buyer} 1 BUYER {buyer}"));
    }
    assert_eq!(engine.call("STOCK.SET a 7"), "below_committed committed=8");
    assert!(engine.call("STOCK.SET a 9").contains("total=9"));
    assert_eq!(
        engine.call("STOCK.ADD a x -2"),
        "below_committed committed=8"
    );
    assert!(engine.call("STOCK.ADD a y -1").contains("total=8"));
    assert_eq!(
        engine.call("STOCK.HOLD a n 1 BUYER mia"),
        "sold_out available=0"
    );
    assert!(engine.call("STOCK.ADD a z 2").contains("total=10"));
    assert!(
        engine
            .call("STOCK.HOLD a n 2 BUYER tom")
            .contains("state=held")
    );
    assert_eq!(units(&mut engine), (10, 0, 10, 0));
    assert_balanced(&engine);
}

#[test]
fn totals_that_fall_at_once_are_refused_where_there_is_not_so_much() {
    let mut engine = split(12);
    for buyer in &BUYERS[..4] {
        engine.call(&format!("STOCK.HOLD a {buyer} 1 BUYER {buyer}"));
    }
    // All wait for one gathering; what the first ones take, the last one does not find.
    let asked = [
        "HOLD a x 9 BUYER ann",
        "ADD a c -9",
        "ADD a d -8",
        "ADD a w -100",
    ];
    let asked = asked.map(|command| engine.submit(&format!("STOCK.{command}")).unwrap());
    engine.settle();
    let [_, c, d, w] = asked.map(|token| engine.answer(token).unwrap().1);
    assert!(c.starts_with("below_committed"), "{c}");
    assert!(d.contains("total=4"), "{d}");
    assert!(w.starts_with("below_committed"), "{w}");
    assert_eq!(units(&mut engine), (4, 0, 4, 0));
    assert_balanced(&engine);
}

#[test]
fn lists_of_a_sku_can_be_asked_for_while_it_is_being_split() {
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET a 9");
    let split = engine.submit("STOCK.SPLIT a 4").unwrap();
    while engine.answer(split).is_none() {
        engine.execute();
        engine.write().unwrap();
        for list in ["STOCK.HOLDS a", "STOCK.FLOW a"] {
            let asked = engine.submit(list).unwrap();
            engine.execute();
            let told = engine.answer(asked).map(|(_, told)| told);
            assert_ne!(told.as_deref(), Some("unknown_sku"), "{list}");
        }
    }
}

#[test]
fn id_that_only_looks_issued_needs_the_buyer_too() {
    let mut engine = split(100);
    for (buyer, turn) in BUYERS.iter().zip(0..) {
        let id = format!("1700.{}", turn % 4);
        engine.call(&format!("STOCK.HOLD a {id} 1 BUYER {buyer}"));
        let told = engine.call(&format!("STOCK.HOLDINFO a {id}"));
        let is_found = told.contains("state=held") || told == "buyer_required";
        assert!(is_found, "{buyer}: {told}");
    }
}

#[test]
fn id_of_a_hold_is_its_buyers_where_these_have_different_shards() {
    let mut engine = split(100);
    let hold =
        |engine: &mut Stepper, buyer| engine.call(&format!("STOCK.HOLD a h 1 BUYER {buyer}"));
    assert!(hold(&mut engine, "mia").contains("repeated=false"));
    assert!(hold(&mut engine, "mia").contains("repeated=true"));
    assert!(hold(&mut engine, "tom").contains("repeated=false"));
    assert_eq!(units(&mut engine), (100, 98, 2, 0));
    assert_balanced(&engine);
}

#[derive(Default)]
struct Oracle {
    total: u64,
    holds: BTreeMap<u64, (&'static str, u64, &'static str)>,
}

impl Oracle {
    fn committed(&self) -> u64 {
        let has = |state: &str| state == "held" || state == "confirmed";
        let holds = self.holds.values().filter(|(_, _, state)| has(state));
        holds.map(|(_, quantity, _)| quantity).sum()
    }

    fn hold(&mut self, id: u64, buyer: &'static str, quantity: u64) -> String {
        if let Some((_, _, state)) = self.holds.get(&id) {
            return format!("state={state}");
        }
        let available = self.total - self.committed();
        if quantity > available {
            return format!("sold_out available={available}");
        }
        self.holds.insert(id, (buyer, quantity, "held"));
        "state=held".to_owned()
    }

    fn end(&mut self, id: u64, buyer: &str, state: &'static str) -> String {
        match self.holds.get_mut(&id).filter(|(of, _, _)| *of == buyer) {
            None => "hold_not_found".to_owned(),
            Some((_, _, now)) if *now == "held" || *now == state => {
                *now = state;
                format!("state={state}")
            }
            Some((_, _, "confirmed")) => "already_confirmed".to_owned(),
            Some(_) => "hold_released".to_owned(),
        }
    }
}

#[test]
fn random_commands_are_answered_as_if_it_were_not_split() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut engine = split(24);
        let mut oracle = Oracle {
            total: 24,
            ..Oracle::default()
        };
        for step in 0..120 {
            let id = random.below(60);
            let buyer = BUYERS[(id % 8) as usize];
            let (command, expected) = match random.below(10) {
                0..=4 => {
                    let quantity = 1 + id % 7;
                    let command = format!("STOCK.HOLD a h{id} {quantity} BUYER {buyer}");
                    (command, oracle.hold(id, buyer, quantity))
                }
                5..=7 => {
                    let command = format!("STOCK.RELEASE a h{id} BUYER {buyer}");
                    (command, oracle.end(id, buyer, "released"))
                }
                8 => {
                    let command = format!("STOCK.CONFIRM a h{id} BUYER {buyer}");
                    (command, oracle.end(id, buyer, "confirmed"))
                }
                _ => {
                    let total = oracle.committed() + random.below(12);
                    oracle.total = total;
                    (format!("STOCK.SET a {total}"), format!("total={total}"))
                }
            };
            let told = engine.call(&command);
            assert!(
                told.contains(&expected),
                "seed {seed} step {step}: {command}\n{told}\nnot {expected}"
            );
            if random.chance(1, 15) {
                engine.checkpoint();
            }
            if random.chance(1, 20) {
                if random.chance(1, 2) {
                    engine.disk.crash(&mut random);
                }
                engine = engine.reopen().unwrap();
                engine.settle();
            }
            let committed = oracle.committed();
            let (total, available, held, sold) = units(&mut engine);
            assert_eq!(
                (total, available, held + sold),
                (oracle.total, oracle.total - committed, committed)
            );
            assert_eq!(
                engine.audit().faults,
                Vec::<String>::new(),
                "seed {seed} step {step}: {command}"
            );
        }
    }
}
