//! Random histories: those that were made from a sequential run are accepted, and of others the
//! verdict is that of a search which tries everything.

use histories::{Model, Operation, linearize};
use proptest::collection::vec;
use proptest::prelude::*;

/// A number that is read, and to which something is added, which answers with the sum.
struct Sum;

impl Model for Sum {
    type State = u32;
    type Input = u32;
    type Output = u32;

    fn step(sum: &u32, added: &u32, answer: Option<&u32>) -> Option<u32> {
        let sum = sum + added;
        answer.is_none_or(|answer| *answer == sum).then_some(sum)
    }
}

type Seen = Operation<u32, u32>;

/// Tries every order of every choice of the operations that may not have happened.
fn some_order_explains(sum: u32, left: &[&Seen]) -> bool {
    let others = |at: usize| {
        let mut others = left.to_vec();
        others.remove(at);
        others
    };
    left.iter().all(|one| one.output.is_none())
        || left.iter().enumerate().any(|(at, one)| {
            let (others, is_optional) = (others(at), one.output.is_none());
            let is_first = others.iter().all(|other| other.ended >= one.called);
            let after = Sum::step(&sum, &one.input, one.output.as_ref()).filter(|_| is_first);
            is_optional && some_order_explains(sum, &others)
                || after.is_some_and(|after| some_order_explains(after, &others))
        })
}

/// Few operations, which mostly overlap, with few different answers.
fn small_history() -> impl Strategy<Value = Vec<Seen>> {
    let one = (
        0..3_u32,
        prop::option::weighted(0.8, 0..5_u32),
        0..12_u64,
        0..8_u64,
    );
    let seen = one.prop_map(|(input, output, called, takes)| Operation {
        input,
        output,
        called,
        ended: called + takes,
    });
    vec(seen, 0..7)
}

/// A sequential run whose operations reach from up to `overlap` others before to as many behind.
fn run_of_one_after_the_other(overlap: u64) -> impl Strategy<Value = Vec<Seen>> {
    let one = (
        0..3_u32,
        0..=overlap,
        0..=overlap,
        prop::bool::weighted(0.95),
    );
    vec(one, 1..200).prop_map(move |run| {
        let mut sum = 0;
        let seen = |(at, (input, early, late, is_answered)): (u64, (u32, u64, u64, bool))| {
            sum += input;
            let now = (at + overlap) * 10;
            Operation {
                input,
                output: is_answered.then_some(sum),
                called: now - early * 10,
                ended: now + late * 10,
            }
        };
        (0..).zip(run).map(seen).collect()
    })
}

proptest! {
    #[test]
    fn the_verdict_is_that_of_a_search_which_tries_everything(history in small_history()) {
        let expected = some_order_explains(0, &history.iter().collect::<Vec<_>>());
        prop_assert_eq!(linearize::<Sum>(0, &history).is_ok(), expected);
    }

    #[test]
    fn what_was_made_from_a_sequential_run_is_accepted_by_an_order_that_explains_it(
        history in run_of_one_after_the_other(4),
    ) {
        let order = linearize::<Sum>(0, &history).expect("it is linearizable");
        let mut sum = 0;
        for at in &order {
            let Operation { input, output, .. } = &history[*at];
            sum = Sum::step(&sum, input, output.as_ref()).expect("the order explains it");
        }
        for (place, at) in order.iter().enumerate() {
            let is_first = |later: &usize| history[*later].ended >= history[*at].called;
            prop_assert!(order[place..].iter().all(is_first), "against the order of time");
        }
        let answered = history.iter().filter(|one| one.output.is_some()).count();
        prop_assert!(answered <= order.len());
    }

    #[test]
    fn one_wrong_answer_is_found(
        history in run_of_one_after_the_other(4),
        at in any::<prop::sample::Index>(),
        is_too_much in any::<bool>(),
    ) {
        let mut wrong = history;
        let most: u32 = wrong.iter().map(|one| one.input).sum();
        let at = at.index(wrong.len());
        // Zero is stale only where much was added before, by operations that have ended.
        let behind: u32 = wrong[at..].iter().map(|one| one.input).sum();
        prop_assume!(is_too_much || most - behind > 30);
        wrong[at].output = Some(if is_too_much { most + 1 } else { 0 });
        prop_assert!(linearize::<Sum>(0, &wrong).is_err());
    }
}
