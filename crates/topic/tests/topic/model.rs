//! Random commands against a naive oracle, with time passing, crashes and restarts in between.

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;
use tidegate_topic::testing::{Oracle, is};

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[TOPIC]);
    let mut oracle = Oracle::new("t");
    if seed % 2 == 1 {
        oracle = oracle.keeping(10);
    }
    for declaration in oracle.declarations() {
        engine.call(&declaration);
    }
    for step in 0..250 {
        if random.chance(1, 5) {
            engine.pass_ms(random.below(700));
            oracle.pass(engine.now_ms()); // A restart may set the clock ahead.
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
        let learned = oracle.learn(&engine.call("TOPIC.GET t"));
        assert_eq!(learned, Ok(()), "seed {seed}, step {step}");
        let command = oracle.random_command(&mut random);
        let answer = engine.call(&command);
        if let Err(expected) = oracle.check(&command, &answer) {
            panic!(
                "seed {seed}, step {step}: {command}\n answered {answer}\n expected {expected}\n{oracle:?}"
            );
        }
        for (question, expected) in oracle.questions() {
            let answer = engine.call(&question);
            for expected in expected {
                assert_eq!(
                    is(&answer, &expected),
                    Ok(()),
                    "seed {seed}, step {step}: {answer}"
                );
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
fn random_commands_are_answered_as_the_oracle_allows_and_keep_the_laws() {
    for seed in 0..60 {
        one_run(seed);
    }
}
