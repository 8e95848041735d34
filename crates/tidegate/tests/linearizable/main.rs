//! What concurrent clients are told of a SKU is what they could have been told one after the other,
//! also over a kill -9 in between.

mod caller;
mod model;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use caller::{Caller, Course, Seen};
use histories::linearize;
use model::{Answer, Command, Sku};
use support::{Client, Server, folder, wait_for};

const CALLERS: u64 = 6;
const SKUS: usize = 3;

/// Few enough that many holds are refused.
const UNITS: i64 = 10;

/// Answers before the kill, and in all.
const ANSWERS_BEFORE: u64 = 5_000;
const ANSWERS: u64 = 10_000;

/// Answers after which a new id comes into use.
const ANSWERS_PER_ID: u64 = 40;

/// What must have been answered, so that a history says something.
const REFUSALS: [&str; 9] = [
    "ALREADYCONFIRMED",
    "BELOWCOMMITTED",
    "HOLDNOTFOUND",
    "HOLDRELEASED",
    "IDCONFLICT",
    "NOTCONFIRMED",
    "OVERLIMIT",
    "RETURNEXCEEDSSOLD",
    "SOLDOUT",
];

/// All callers at once, over one life of a server.
fn run_all(callers: &mut [Caller], addr: &str, course: &Course, until: u64, kill: impl FnOnce()) {
    thread::scope(|scope| {
        for caller in callers {
            scope.spawn(|| caller.run(addr, course, until));
        }
        kill();
    });
}

/// What all callers saw of each SKU, over two lives of a server.
fn histories() -> Vec<Vec<Seen>> {
    let folder = folder();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    for sku in 0..SKUS {
        client.ask(&format!("STOCK.SET sku-{sku} {UNITS}"));
    }
    let course = Course {
        began: Instant::now(),
        answers: AtomicU64::new(0),
    };
    let mut callers: Vec<_> = (0..CALLERS).map(Caller::new).collect();
    let addr = server.resp.clone();
    run_all(&mut callers, &addr, &course, u64::MAX, || {
        wait_for("answers", || {
            (course.answers.load(Ordering::Relaxed) >= ANSWERS_BEFORE).then_some(())
        });
        server.kill();
    });
    let ended = course.now();
    for caller in &mut callers {
        caller.note_end(ended);
    }
    let server = Server::start(&data);
    run_all(&mut callers, &server.resp, &course, ANSWERS, || {});
    server.stop();
    let of = |sku: usize| callers.iter().flat_map(move |caller| &caller.seen[sku]);
    (0..SKUS).map(|sku| of(sku).cloned().collect()).collect()
}

fn is_linearizable(history: &[Seen]) -> bool {
    linearize::<Sku>(Sku::new(UNITS), history).is_ok()
}

/// Two reads of which one had ended before the other began, with a change of the total between.
fn reads_around_a_change(history: &[Seen]) -> Option<(usize, usize)> {
    let version = |at: usize| {
        if let Some(Answer::Units { version, .. }) = history[at].output {
            Some((at, version))
        } else {
            None
        }
    };
    let mut reads: Vec<_> = (0..history.len()).filter_map(version).collect();
    reads.sort_by_key(|(at, _)| history[*at].called);
    reads.windows(2).find_map(|pair| {
        let [(one, before), (other, after)] = [pair[0], pair[1]];
        let is_behind = history[one].ended < history[other].called;
        (is_behind && before != after).then_some((one, other))
    })
}

/// A hold that was made, and made by this command.
fn is_hold_made(seen: &Seen) -> bool {
    let is_made = matches!(
        seen.output,
        Some(Answer::Held {
            repeated: false,
            ..
        })
    );
    is_made && matches!(seen.input, Command::Hold { .. })
}

fn refusal(seen: &Seen) -> Option<&str> {
    if let Some(Answer::Refused(text)) = &seen.output {
        text.split(' ').next()
    } else {
        None
    }
}

fn is_repeated(seen: &Seen) -> bool {
    matches!(
        seen.output,
        Some(
            Answer::Held { repeated: true, .. }
                | Answer::Returned { repeated: true, .. }
                | Answer::Added { repeated: true, .. }
        )
    )
}

/// A history says something only if there was in it what it is for.
fn assert_eventful(histories: &[Vec<Seen>]) {
    let all: Vec<_> = histories.iter().flatten().collect();
    let refusals: BTreeSet<_> = all.iter().filter_map(|seen| refusal(seen)).collect();
    let repeated = all.iter().filter(|seen| is_repeated(seen)).count();
    let in_doubt = all.iter().filter(|seen| seen.output.is_none()).count();
    println!(
        "{} operations, {repeated} repeated, {in_doubt} in doubt",
        all.len()
    );
    assert_eq!(refusals, REFUSALS.into());
    assert!(repeated > 0 && in_doubt > 0);
}

#[test]
fn what_concurrent_clients_are_told_is_linearizable_also_over_a_kill() {
    let histories = histories();
    for (sku, history) in histories.iter().enumerate() {
        if let Err(wrong) = linearize::<Sku>(Sku::new(UNITS), history) {
            let around = wrong.explained.iter().rev().take(10).rev();
            let told: Vec<_> = around.map(|at| &history[*at]).collect();
            panic!(
                "sku-{sku}: {wrong}: {told:#?}\nand then {:#?}",
                history[wrong.stuck]
            );
        }
    }
    assert_eventful(&histories);

    // Had the server done one thing wrong, it would have been noticed.
    for mut wrong in histories {
        let (one, other) = reads_around_a_change(&wrong).expect("reads");
        let swap = |history: &mut [Seen]| {
            let answer = history[one].output.take();
            history[one].output = std::mem::replace(&mut history[other].output, answer);
        };
        swap(&mut wrong);
        assert!(!is_linearizable(&wrong), "a stale read passes");
        swap(&mut wrong);
        let made = wrong.iter().position(is_hold_made).expect("a hold");
        let lost = wrong.remove(made);
        assert!(!is_linearizable(&wrong), "a hold that nobody made passes");
        wrong.extend([lost.clone(), lost]);
        assert!(!is_linearizable(&wrong), "a double success passes");
    }
}
