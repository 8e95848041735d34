//! Random commands against a naive oracle, with time passing, crashes and restarts in between.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_stock::STOCK;
use tidegate_stock::testing::Oracle;

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[STOCK]);
    engine.call("STOCK.SET s 20");
    let mut oracle = Oracle::new("s", 20);
    for step in 0..150 {
        if random.chance(1, 8) {
            engine.pass_ms(random.below(2_000));
        }
        if random.chance(1, 40) {
            if random.chance(1, 2) {
                engine.disk.crash(&mut random);
            }
            engine = engine
                .reopen()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            engine.settle();
        }
        oracle.pass(engine.now_ms());
        let command = oracle.random_command(&mut random);
        let expected = oracle.apply(&command);
        let answer = engine.call(&command);
        assert!(
            answer.contains(&expected),
            "seed {seed}, step {step}: {command}\n answered {answer}\n expected {expected}\n{oracle:?}"
        );
        let faults = engine.audit().faults;
        assert_eq!(
            faults,
            Vec::<String>::new(),
            "seed {seed}, step {step}: after {command}"
        );
    }
}

#[test]
fn random_commands_answer_as_the_oracle_and_keep_the_laws() {
    for seed in 0..120 {
        one_run(seed);
    }
}
