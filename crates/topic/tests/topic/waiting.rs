//! Readers that wait are woken when there is something for them: as many of each group as there are messages.

use crate::support::leases::Leases;
use tidegate_engine::testing::Stepper;
use tidegate_topic::{OPEN_MAX, TOPIC};

const ITEM: &str = "* \"\" \"\" \"\" \"\" x ";

fn fresh(groups: &[&str]) -> Stepper {
    let mut engine = Stepper::fresh(&[TOPIC]);
    engine.call("TOPIC.CREATE t");
    for group in groups {
        engine.call(&format!("TOPIC.GROUP t {group}"));
    }
    engine
}

/// So many reads of one message each, that wait.
fn readers(engine: &mut Stepper, group: &str, many: usize) -> Vec<u64> {
    let read = format!("TOPIC.READ t {group} me WAIT 20000");
    let readers = (0..many).map(|_| engine.submit(&read).unwrap()).collect();
    engine.settle();
    readers
}

/// The positions that readers were given.
fn given(engine: &Stepper, readers: &[u64]) -> Vec<String> {
    let answers = readers.iter().filter_map(|reader| engine.answer(*reader));
    let position = |answer: String| {
        let rest = answer
            .split("{position=")
            .nth(1)
            .unwrap_or("none ")
            .to_owned();
        rest.split(' ').next().unwrap().to_owned()
    };
    answers.map(|(_, answer)| position(answer)).collect()
}

#[test]
fn as_many_readers_of_each_group_are_given_something_as_there_are_messages() {
    let mut engine = fresh(&["g", "h"]);
    let (of_g, of_h) = (readers(&mut engine, "g", 4), readers(&mut engine, "h", 4));
    engine.call("TOPIC.PUBLISH t * x");
    for readers in [&of_g, &of_h] {
        assert_eq!(given(&engine, readers), ["1"]);
    }
    engine.call("TOPIC.PUBLISH t * x DELAY 100");
    assert_eq!(given(&engine, &of_g), ["1"]);
    engine.pass_ms(100);
    engine.settle();
    engine.call(&format!(
        "TOPIC.PUBLISHALL t 3 {ITEM} * \"\" 60000 \"\" \"\" x {ITEM}"
    ));
    for readers in [&of_g, &of_h] {
        assert_eq!(given(&engine, readers), ["1", "2", "3", "4"]);
    }
}

#[test]
fn what_is_given_back_or_unblocked_is_given_to_those_who_wait() {
    let mut engine = fresh(&["g"]);
    let item = ITEM.replacen("\"\"", "k", 1);
    engine.call(&format!("TOPIC.PUBLISHALL t 4 {ITEM} {ITEM} {item} {item}"));
    let mut leases = Leases::default();
    leases.call(&mut engine, "TOPIC.READ t g me COUNT 3");
    let waiting = readers(&mut engine, "g", 4);
    assert_eq!(given(&engine, &waiting), [""; 0]);
    let nack = "TOPIC.NACK t g 1.1-2 POSITIONS 2 1 2 DELAY 0";
    leases.call(&mut engine, nack);
    assert_eq!(given(&engine, &waiting), ["1", "2"]);
    leases.call(&mut engine, "TOPIC.ACK t g 1.1-2 POSITIONS 1 3");
    assert_eq!(given(&engine, &waiting), ["1", "2", "4"]);
}

#[test]
fn readers_of_a_group_that_may_go_on_are_all_given_something() {
    let mut engine = fresh(&["g"]);
    engine.call("TOPIC.PAUSE t g");
    let waiting = readers(&mut engine, "g", 3);
    engine.call(&format!("TOPIC.PUBLISHALL t 2 {ITEM} {ITEM}"));
    assert_eq!(given(&engine, &waiting), [""; 0]);
    engine.call("TOPIC.RESUME t g");
    assert_eq!(given(&engine, &waiting), ["1", "2"]);
    engine.call("TOPIC.MOVE t g 3 TO 1");
    assert_eq!(given(&engine, &waiting), ["1", "2", "1"]);
}

#[test]
fn group_that_has_as_many_open_as_it_may_goes_on_once_some_are_settled() {
    let mut engine = fresh(&["g"]);
    let batch = format!("TOPIC.PUBLISHALL t 500 {}", ITEM.repeat(500));
    for _ in 0..=OPEN_MAX / 500 {
        engine.call(&batch);
    }
    let mut leases = Leases::default();
    for _ in 0..OPEN_MAX / 500 {
        leases.call(&mut engine, "TOPIC.READ t g me COUNT 500");
    }
    let waiting = readers(&mut engine, "g", 3);
    assert_eq!(given(&engine, &waiting), [""; 0]);
    let ack = "TOPIC.ACK t g 1.1-499";
    leases.call(&mut engine, &format!("{ack} POSITIONS 2 1 2"));
    assert_eq!(given(&engine, &waiting), ["10001", "10002"]);
    leases.call(&mut engine, ack);
    assert_eq!(given(&engine, &waiting), ["10001", "10002", "10003"]);
}
