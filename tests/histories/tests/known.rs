//! Histories whose verdict is known.

use histories::{Model, Operation, linearize};

/// Units of which each may be taken once; whoever takes gives a name, and is told what is left.
struct Shelf;

#[derive(Clone, Debug)]
enum Ask {
    Take(&'static str),
    Put,
    Count,
}

#[derive(Clone, Debug, PartialEq)]
enum Told {
    Left(u32),
    /// The same name has taken before.
    Repeated,
    SoldOut,
}

impl Model for Shelf {
    type State = (u32, Vec<&'static str>);
    type Input = Ask;
    type Output = Told;

    fn step(state: &Self::State, ask: &Ask, told: Option<&Told>) -> Option<Self::State> {
        let (mut left, mut takers) = state.clone();
        let answer = match ask {
            Ask::Take(name) if takers.contains(name) => Told::Repeated,
            Ask::Take(_) if left == 0 => Told::SoldOut,
            Ask::Take(name) => {
                left -= 1;
                takers.push(name);
                takers.sort_unstable();
                Told::Left(left)
            }
            Ask::Put => {
                left += 1;
                Told::Left(left)
            }
            Ask::Count => Told::Left(left),
        };
        told.is_none_or(|told| *told == answer)
            .then_some((left, takers))
    }
}

type Seen = Operation<Ask, Told>;

fn seen(called: u64, ended: u64, input: Ask, output: Told) -> Seen {
    let output = Some(output);
    Operation {
        input,
        output,
        called,
        ended,
    }
}

fn in_doubt(called: u64, ended: u64, input: Ask) -> Seen {
    let output = None;
    Operation {
        input,
        output,
        called,
        ended,
    }
}

fn order(units: u32, history: &[Seen]) -> Option<Vec<usize>> {
    linearize::<Shelf>((units, Vec::new()), history).ok()
}

#[test]
fn nothing_is_linearizable() {
    assert_eq!(order(1, &[]), Some(vec![]));
}

#[test]
fn operations_that_overlap_may_happen_in_either_order() {
    for (answer, expected) in [(5, [1, 0]), (6, [0, 1])] {
        let history = [
            seen(0, 10, Ask::Put, Told::Left(6)),
            seen(5, 15, Ask::Count, Told::Left(answer)),
        ];
        assert_eq!(order(5, &history), Some(expected.to_vec()));
    }
}

#[test]
fn an_end_and_a_call_at_one_instant_overlap() {
    let history = [
        seen(0, 5, Ask::Put, Told::Left(1)),
        seen(5, 9, Ask::Count, Told::Left(0)),
    ];
    assert_eq!(order(0, &history), Some(vec![1, 0]));
}

/// In another order it would be right, and each of the two clients would not notice: it is
/// sequentially consistent.
#[test]
fn a_stale_read_is_found() {
    let history = [
        seen(0, 1, Ask::Put, Told::Left(1)),
        seen(2, 3, Ask::Count, Told::Left(0)),
    ];
    assert_eq!(order(0, &history), None);
}

#[test]
fn a_read_that_goes_back_in_time_during_a_write_is_found() {
    let history = [
        seen(0, 100, Ask::Put, Told::Left(1)),
        seen(10, 20, Ask::Count, Told::Left(1)),
        seen(30, 40, Ask::Count, Told::Left(0)),
    ];
    assert_eq!(order(0, &history), None);
}

#[test]
fn a_lost_update_is_found() {
    let history = [
        seen(0, 10, Ask::Put, Told::Left(1)),
        seen(5, 15, Ask::Put, Told::Left(1)),
    ];
    assert_eq!(order(0, &history), None);
}

#[test]
fn a_double_success_is_found() {
    let history = [
        seen(0, 10, Ask::Take("ana"), Told::Left(8)),
        seen(5, 15, Ask::Take("ana"), Told::Left(7)),
    ];
    assert_eq!(order(9, &history), None);
}

#[test]
fn an_oversell_is_found() {
    let history = [
        seen(0, 10, Ask::Take("ana"), Told::Left(0)),
        seen(5, 15, Ask::Take("bo"), Told::Left(0)),
    ];
    assert_eq!(order(1, &history), None);
    let sold_out = [
        history[0].clone(),
        seen(5, 15, Ask::Take("bo"), Told::SoldOut),
    ];
    assert_eq!(order(1, &sold_out), Some(vec![0, 1]));
}

#[test]
fn what_was_not_answered_has_happened_once_or_not_at_all() {
    let doubt = in_doubt(0, u64::MAX, Ask::Take("ana"));
    let counts = |answers: &[u32]| {
        let count = |(at, answer)| seen(at, at + 1, Ask::Count, Told::Left(answer));
        let counts = (10..).step_by(10).zip(answers.iter().copied()).map(count);
        let history: Vec<_> = [doubt.clone()].into_iter().chain(counts).collect();
        order(5, &history)
    };
    assert!(counts(&[5, 5]).is_some());
    assert!(counts(&[5, 4]).is_some());
    assert!(counts(&[4, 4]).is_some());
    assert!(counts(&[4, 5]).is_none());
    assert!(counts(&[4, 3]).is_none());
}

#[test]
fn what_was_not_answered_does_not_happen_once_its_server_is_gone() {
    let history = [
        in_doubt(0, 10, Ask::Take("ana")),
        seen(20, 21, Ask::Count, Told::Left(5)),
        seen(30, 31, Ask::Count, Told::Left(4)),
    ];
    assert_eq!(order(5, &history[..2]), Some(vec![1]));
    assert_eq!(order(5, &history), None);
}

#[test]
fn a_retry_finds_what_was_in_doubt() {
    let history = |answer| {
        [
            in_doubt(0, 10, Ask::Take("ana")),
            seen(20, 21, Ask::Take("ana"), answer),
        ]
    };
    assert_eq!(order(5, &history(Told::Repeated)), Some(vec![0, 1]));
    assert_eq!(order(5, &history(Told::Left(4))), Some(vec![1]));
    assert_eq!(order(5, &history(Told::Left(3))), None);
}

/// Twelve operations have 479,001,600 orders, and 4,096 sets.
#[test]
fn the_same_operations_in_another_order_are_not_searched_again() {
    let mut history = vec![in_doubt(0, 10, Ask::Put); 12];
    history.push(seen(5, 15, Ask::Count, Told::Left(13)));
    assert_eq!(order(0, &history), None);
}

#[test]
fn what_is_wrong_names_the_operation_that_is_not_explained() {
    let history = [
        seen(0, 1, Ask::Put, Told::Left(1)),
        seen(2, 3, Ask::Count, Told::Left(0)),
        seen(4, 5, Ask::Count, Told::Left(1)),
    ];
    let found = linearize::<Shelf>((0, Vec::new()), &history).expect_err("a stale read");
    assert_eq!((found.explained.as_slice(), found.stuck), (&[0][..], 1));
    assert_eq!(
        found.to_string(),
        "operation 1 is not explained after 1 others, the last of them [0]"
    );
}
