//! Every law of topics, broken once: a row of each table is removed, added and changed, and `check` names the law
//! that is broken.

mod cases;

use crate::support::leases::Leases;
use cases::CASES;
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::Stepper;
use tidegate_engine::testing::mutations::{Folder, assert_all_tried};
use tidegate_engine::{Receivers, Settings, tables_of};
use tidegate_topic::TOPIC;

const DOMAINS: &[Domain] = &[TOPIC];

/// Topic `a` with messages 1 and 2 of key `k`, 3, 4 and 5 of key `j`, 6 and 7, and two that are delayed. Of its group
/// `g` lease 1 has 1 and 2, lease 3 has 4, which blocks 5; 3 rests, 7 is in line, 6 is dead letter 1. Group `h` was moved once; lease 1 of
/// before has message 1 still. Both are pushed. Topic `p` has two parts, and a group `q`.
fn folder() -> Folder {
    let receivers = Receivers(["r".to_owned()].into());
    let settings = Settings::default().with(receivers);
    let mut engine = Stepper::fresh_told(DOMAINS, settings);
    let mut leases = Leases::default();
    for command in [
        "TOPIC.CREATE a SCHEMA {\"type\":\"integer\"}",
        "TOPIC.GROUP a g LEASE 3600000 TRIES 2",
        "TOPIC.GROUP a h ORDER none MAXLAG_MS 60000",
        "TOPIC.PUBLISH a m1 1 KEY k",
        "TOPIC.PUBLISH a m2 1 KEY k",
        "TOPIC.PUBLISH a * 1",
        "TOPIC.PUBLISH a m4 1 KEY j",
        "TOPIC.PUBLISH a m5 1 KEY j",
        "TOPIC.PUBLISH a m6 1",
        "TOPIC.PUBLISH a m7 1",
        "TOPIC.PUBLISH a d1 1 DELAY 86400000",
        "TOPIC.PUBLISH a * 1 DELAY 86400000",
        "TOPIC.READ a g me COUNT 2",
        "TOPIC.READ a g you",
        "TOPIC.NACK a g 2.3 DELAY 86400000",
        "TOPIC.READ a g me",
        "TOPIC.READ a g me",
        "TOPIC.NACK a g 4.6 DELAY 0",
        "TOPIC.READ a g me",
        "TOPIC.NACK a g 5.6 CAUSE no",
        "TOPIC.READ a g me",
        "TOPIC.NACK a g 6.7 DELAY 0",
        "TOPIC.READ a h me",
        "TOPIC.READ a h me",
        "TOPIC.NACK a h 2.2 DELAY 0",
        "TOPIC.MOVE a h 1 TO 3",
        "TOPIC.PUSH a h r",
        "TOPIC.PUSH a g r",
        "TOPIC.CREATE p PARTS 2",
        "TOPIC.GROUP p q MAXLAG_MS 60000",
    ] {
        let answer = leases.call(&mut engine, command);
        assert!(answer.contains('='), "{command}: {answer}");
    }
    engine.checkpoint();
    engine.seal().unwrap();
    Folder::of(engine, DOMAINS)
}

/// Groups that are not pushed are no worse.
const UNTOLD: &[(&str, &str)] = &[("topic.pushes", "removed")];

#[test]
fn check_names_the_law_that_a_mutated_row_breaks() {
    folder().check_cases(CASES);
}

#[test]
fn every_table_has_a_row_removed_added_and_changed() {
    let tables = tables_of(DOMAINS).into_iter().map(|table| table.name());
    let is_of_topics = |name: &&str| name.starts_with("topic.") && *name != "topic.gone"; // `delete_mutations.rs` has it.
    let tables: Vec<_> = tables.filter(is_of_topics).collect();
    assert_all_tried(&tables, CASES, UNTOLD);
}
