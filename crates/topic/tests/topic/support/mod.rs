//! Scripts of what is asked and what is answered.

pub(crate) mod leases;

use leases::Leases;
use tidegate_engine::testing::Stepper;
use tidegate_topic::{STREAM, TOPIC};

/// Runs lines of `command => answer`, where `…` stands for any rest, and checks the laws.
#[track_caller]
pub(crate) fn check(script: &str) {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    run(&mut engine, script);
}

/// Whether the pieces between the `…` stand in the answer, in order, the first and last at its ends.
fn is_like(answer: &str, expected: &str) -> bool {
    let mut pieces = expected.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = answer.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        last = Some(piece);
        rest = &rest[at + piece.len()..];
    }
    last.map_or(rest.is_empty(), |last| answer.ends_with(last))
}

/// The same on an engine that has done something before.
#[track_caller]
pub(crate) fn run(engine: &mut Stepper, script: &str) {
    let mut leases = Leases::default();
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        if let Some(ms) = line.strip_prefix("PASS ") {
            engine.pass_ms(ms.parse().unwrap());
        } else {
            let (command, expected) = line.split_once(" => ").expect("a line has an arrow");
            let answer = leases.call(engine, command);
            assert!(
                is_like(&answer, expected),
                "{command}\n answered {answer}\n expected {expected}"
            );
        }
        assert_eq!(engine.audit().faults, Vec::<String>::new(), "{line}");
    }
}
