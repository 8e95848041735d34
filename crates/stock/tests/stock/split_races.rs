//! Many at once at a split SKU, with crashes between any two steps: nobody is told `sold_out` while there was enough
//! the whole time, and no unit is lost or sold twice.

use std::collections::BTreeMap;

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_stock::STOCK;
use tidegate_stock::testing::Races;

const UNITS: u64 = 17;

fn collect(races: &mut Races, engine: &Stepper, tally: &mut BTreeMap<&'static str, u64>) {
    for told in races.collect(|token| engine.answer(token).map(|(_, told)| told)) {
        for word in ["state=held", "sold_out", "state=released", "busy"] {
            if told.contains(word) {
                *tally.entry(word).or_default() += 1;
            }
        }
    }
}

fn one_run(seed: u64, tally: &mut BTreeMap<&'static str, u64>) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call(&format!("STOCK.SET a {UNITS}"));
    engine.call(&format!("STOCK.SPLIT a {}", 2 + random.below(5)));
    let mut races = Races::new("a", UNITS);
    for _ in 0..300 {
        match random.below(20) {
            0..=7 => races.ask(&mut random, |command| engine.submit(command).unwrap()),
            8..=13 => drop(engine.execute()),
            14..=17 => drop(engine.write().unwrap()),
            18 => engine.clock.advance_ms(random.below(60)),
            _ if random.chance(1, 4) => {
                engine.disk.crash(&mut random);
                engine = engine.reopen().unwrap();
                races.break_off();
            }
            _ => {}
        }
        collect(&mut races, &engine, tally);
    }
    engine.settle();
    for _ in 0..3 {
        engine.pass_ms(600);
        collect(&mut races, &engine, tally);
    }
    assert_eq!(races.under_way(), 0, "seed {seed}");
    assert_eq!(races.wrong_no(), None, "seed {seed}");
    let faults = engine.audit().faults;
    assert_eq!(faults, Vec::<String>::new(), "seed {seed}");
}

#[test]
fn nobody_is_told_that_nothing_is_left_while_there_is_enough() {
    let mut tally = BTreeMap::new();
    for seed in 0..300 {
        one_run(seed, &mut tally);
    }
    for word in ["state=held", "sold_out", "state=released"] {
        let often = tally.get(word).copied().unwrap_or(0);
        assert!(often > 300, "{tally:?}");
    }
}
