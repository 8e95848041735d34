//! Random events against a naive oracle, late, repeated and out of order, with time passing, crashes and restarts in
//! between.

use tidegate_counter::COUNTER;
use tidegate_counter::testing::{DECLARED, Oracle};
use tidegate_engine::Random;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    engine.pass_ms(3_600_000);
    let declared = engine.call(DECLARED);
    assert!(declared.starts_with("name=v "), "{declared}");
    let mut oracle = Oracle::default();
    for step in 0..150 {
        if random.chance(1, 4) {
            let ms = if random.chance(1, 12) { 90_000 } else { 4_000 };
            engine.pass_ms(random.below(ms));
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
        // Several in one batch: those of one kind that stand behind each other are done as one.
        let many = if random.chance(1, 2) {
            1
        } else {
            1 + random.below(12)
        };
        let commands = (0..many).map(|_| oracle.random_command(&mut random));
        let commands: Vec<_> = commands.collect();
        let submit = |(command, _): &(String, String)| engine.submit(command).unwrap();
        let tokens: Vec<_> = commands.iter().map(submit).collect();
        engine.settle();
        for (token, (command, expected)) in tokens.into_iter().zip(&commands) {
            let (_, answer) = engine.answer(token).unwrap();
            assert!(
                answer.contains(expected),
                "seed {seed}, step {step}: {command}\n answered {answer}\n expected {expected}\n{oracle:#?}"
            );
        }
        if random.chance(1, 3) {
            for (question, expected) in oracle.questions(&mut random) {
                let answer = engine.call(&question);
                if let Err(wrong) = expected.check(&answer) {
                    panic!(
                        "seed {seed}, step {step}: {question}\n answered {answer}\n {wrong}\n{oracle:#?}"
                    );
                }
            }
        }
        let faults = engine.audit().faults;
        assert_eq!(
            faults,
            Vec::<String>::new(),
            "seed {seed}, step {step}: after {commands:?}"
        );
    }
}

#[test]
fn random_events_are_counted_as_the_oracle_does_and_keep_the_laws() {
    for seed in 0..60 {
        one_run(seed);
    }
}
