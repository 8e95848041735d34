//! Random commands against a naive oracle, with time passing, crashes and restarts in between.

use tidegate_engine::testing::{Stepper, keeping};
use tidegate_engine::{Random, Retention};
use tidegate_stock::STOCK;
use tidegate_stock::testing::Oracle;

/// So short that holds leave, and their slices are dropped, while a run goes on.
const RETENTION: Retention = Retention {
    after_ms: 1_500,
    slice_ms: 1_000,
    keep_ms: 6_000,
};

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[keeping(STOCK, RETENTION)]);
    engine.call("STOCK.SET s 20");
    let mut oracle = Oracle::new("s", 20).keeping(RETENTION);
    for step in 0..150 {
        if random.chance(1, 8) {
            engine.pass_ms(random.below(2_000));
            oracle.pass(engine.now_ms());
        }
        if random.chance(1, 20) {
            engine.checkpoint();
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
        if random.chance(1, 5) {
            for (question, expected) in oracle.questions() {
                assert_eq!(engine.call(&question), expected, "seed {seed}, step {step}");
            }
        }
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
    for seed in 0..60 {
        one_run(seed);
    }
}
