//! Groups that are far behind read what no memory has any more.

use tidegate_engine::testing::Stepper;
use tidegate_topic::TOPIC;

/// An engine that has so many messages in its base, and knows nothing of them.
fn behind(messages: usize) -> Stepper {
    let mut engine = Stepper::fresh(&[TOPIC]);
    engine.call("TOPIC.CREATE t");
    engine.call("TOPIC.GROUP t g");
    for _ in 0..messages / 100 {
        let items = "* k \"\" \"\" \"\" x ".repeat(100);
        engine.call(&format!("TOPIC.PUBLISHALL t 100 {items}"));
    }
    engine.checkpoint();
    engine.reopen().unwrap()
}

/// How often the executors and readers have their turn until a command is answered.
fn turns_of(engine: &mut Stepper, command: &str) -> u32 {
    let token = engine.submit(command).unwrap();
    let mut turns = 0;
    while engine.answer(token).is_none() {
        engine.execute();
        engine.write().unwrap();
        turns += 1;
        assert!(turns < 1_000, "{command} is never answered");
    }
    turns
}

#[test]
fn read_of_many_messages_takes_as_many_turns_as_one_of_a_few() {
    let few = turns_of(&mut behind(300), "TOPIC.READ t g me COUNT 2");
    let many = turns_of(&mut behind(300), "TOPIC.READ t g me COUNT 300");
    assert!(few == many && many < 8, "{few} and {many} turns");
}

#[test]
fn group_reads_all_that_it_is_behind_with_in_order() {
    let mut engine = behind(1_000);
    for from in [1, 401, 801] {
        let answer = engine.call("TOPIC.READ t g me COUNT 400");
        let first = format!("messages=[{{position={from} ");
        assert!(answer.contains(&first), "{answer:.80}");
        let lease = answer
            .split(' ')
            .next()
            .unwrap()
            .trim_start_matches("lease=");
        let acked = engine.call(&format!("TOPIC.ACK t g {lease}"));
        assert!(acked.ends_with("left=0 repeated=false"), "{acked}");
        engine.checkpoint();
    }
    assert!(engine.call("TOPIC.GROUPS t").contains(" lag=0 "));
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}
