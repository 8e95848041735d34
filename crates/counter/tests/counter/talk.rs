//! Commands, and words that their answers have.

use tidegate_counter::COUNTER;
use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

/// An engine that was given some commands.
pub(crate) fn engine(commands: &[&str]) -> Stepper {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    for command in commands {
        let answer = engine.call(command);
        assert!(answer.starts_with("name="), "{command}: {answer}");
    }
    engine
}

/// Asks, looks for words in the answer, and at all laws.
pub(crate) fn says(engine: &mut Stepper, command: &str, words: &str) {
    let answer = engine.call(command);
    assert!(
        answer.contains(words),
        "{command}\n answered {answer}\n not {words}"
    );
    let faults = engine.audit().faults;
    assert_eq!(faults, Vec::<String>::new(), "after {command}");
}

/// The beginning of a minute that is to come, to which time passes.
pub(crate) fn next_minute(engine: &mut Stepper) -> u64 {
    let now_ms = engine.now_ms();
    let next_ms = (now_ms / 60_000 + 1) * 60_000;
    engine.pass_ms(next_ms - now_ms);
    next_ms
}
