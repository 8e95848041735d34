//! Random commands against a naive oracle, with time passing, crashes and restarts in between.

use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_job::JOB;
use tidegate_job::testing::Oracle;

/// The ids in an answer, in their order.
fn ids(answer: &str) -> String {
    let words = answer.split([' ', '[', '{', '}', ']']);
    let ids: Vec<_> = words.filter_map(|word| word.strip_prefix("id=")).collect();
    ids.join(" ")
}

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[JOB]);
    let mut oracle = Oracle::new("q");
    oracle.pass(engine.now_ms());
    for step in 0..200 {
        if random.chance(1, 5) {
            engine.pass_ms(random.below(900));
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
        oracle.heard(&answer);
        assert!(
            answer.contains(&expected),
            "seed {seed}, step {step}: {command}\n answered {answer}\n expected {expected}\n{oracle:#?}"
        );
        if random.chance(1, 5) {
            for (question, expected) in oracle.questions() {
                let answer = engine.call(&question);
                let told = match question.starts_with("JOB.LIST") {
                    true => ids(&answer),
                    false => answer.clone(),
                };
                let is_unknown = answer == "unknown_queue";
                assert!(
                    told.starts_with(&expected) || is_unknown,
                    "seed {seed}, step {step}: {question}\n answered {answer}\n expected {expected}"
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
fn random_commands_answer_as_the_oracle_and_keep_the_laws() {
    for seed in 0..60 {
        one_run(seed);
    }
}
