//! Random stream commands against a naive oracle, with time passing, crashes, restarts and rows in the base.

use tidegate_engine::Random;
use tidegate_engine::limits::NAME_BYTES_MAX;
use tidegate_engine::testing::Stepper;
use tidegate_topic::testing::StreamOracle;
use tidegate_topic::{STREAM, TOPIC};

/// The same with names of the longest: the oracle's are one letter each.
fn with_long_names(words: &str) -> String {
    let pieces = words.split_inclusive(|one: char| !one.is_alphanumeric());
    let long = pieces.map(|piece| match piece.split_at_checked(1) {
        Some((name @ ("s" | "g" | "h" | "a" | "b" | "c"), rest))
            if !rest.starts_with(char::is_alphanumeric) =>
        {
            format!("{name:x<NAME_BYTES_MAX$}{rest}")
        }
        Some(_) | None => piece.to_owned(),
    });
    long.collect()
}

fn one_run(seed: u64) {
    let spelled = |words: String| match seed % 3 {
        0 => with_long_names(&words),
        _ => words,
    };
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    let mut oracle = StreamOracle::default();
    engine.call(&spelled("TOPIC.CREATE s".to_owned()));
    for step in 0..300 {
        if random.chance(1, 5) {
            engine.pass_ms(random.below(700));
        }
        if random.chance(1, 15) {
            engine.checkpoint();
        }
        if random.chance(1, 30) {
            if random.chance(1, 2) {
                engine.disk.crash(&mut random);
            }
            engine = engine
                .reopen()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            engine.settle();
        }
        oracle.pass(engine.now_ms());
        let (command, expected) = oracle.random(&mut random);
        let (command, expected) = (spelled(command), spelled(expected));
        let answer = engine.call(&command);
        assert_eq!(
            answer, expected,
            "seed {seed}, step {step}: {command}\n{oracle:?}"
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
fn random_commands_are_answered_as_the_oracle_answers_and_keep_the_laws() {
    for seed in 0..60 {
        one_run(seed);
    }
}
