//! What the laws of what is pushed notice, and what has gone wrong once.

use tidegate_engine::testing::Canary;
use tidegate_job::JOB;
use tidegate_topic::TOPIC as TOPICS;

use super::*;

/// An engine that pushes, and what is known of it.
fn pushed() -> (Stepper, Pushes) {
    let settings = tidegate_engine::Settings::default().with(receivers());
    let mut engine = Stepper::fresh_told(&[TOPICS, JOB], settings);
    Pushes::declare(&mut engine, 0);
    (engine, Pushes::default())
}

/// Until what is ready is brought.
fn bring(engine: &mut Stepper, pushes: &mut Pushes) {
    for _ in 0..4 {
        pushes.go_on(engine).unwrap();
        engine.pass_ms(100);
    }
    pushes.go_on(engine).unwrap();
}

fn taken() -> Act {
    Act::Answer(200, "r".to_owned(), None)
}

/// A message or a job that was brought and taken, of which the engine has heard.
fn brought_and_taken(command: &str) -> (Stepper, Pushes) {
    let (mut engine, mut pushes) = pushed();
    engine.call(command);
    bring(&mut engine, &mut pushes);
    while let Some(one) = pushes.in_hand.pop() {
        pushes.answer(one, &taken(), &engine);
    }
    bring(&mut engine, &mut pushes);
    (engine, pushes)
}

/// The message comes again as it would to a group that forgets.
fn comes_again(engine: &mut Stepper, pushes: &mut Pushes) -> Result<(), String> {
    let version = figure(engine, "key", "version");
    engine.call(&format!("TOPIC.MOVE {TOPIC} key {version} TO 1"));
    for _ in 0..8 {
        engine.pass_ms(500);
        pushes.go_on(engine)?;
    }
    Ok(())
}

#[test]
fn message_that_was_taken_and_comes_again_is_noticed() {
    let command = format!("TOPIC.PUBLISH {TOPIC} m1 m1 KEY k1");
    let (mut engine, mut pushes) = brought_and_taken(&command);
    let again = comes_again(&mut engine, &mut pushes);
    assert!(again.is_err_and(|what| what.contains("it was taken")));

    let (mut engine, mut pushes) = brought_and_taken(&command);
    pushes.ledger.positions.insert(1, 1);
    assert_eq!(pushes.check(&mut engine), Ok(()));
    pushes.break_off();
    let again = comes_again(&mut engine, &mut pushes);
    assert!(again.is_err_and(|what| what.contains("the engine had all")));
}

#[test]
fn what_is_told_as_done_and_nobody_has_taken_is_noticed() {
    let (mut engine, mut pushes) = pushed();
    engine.call(&command_to_add(1));
    engine.call(&format!("JOB.PULL {QUEUE}"));
    pushes.jobs.insert(1);
    assert_eq!(pushes.check(&mut engine), Ok(()));
    let answer = engine.call(&format!("JOB.TAKE w 1 {QUEUE}"));
    let lease = word(&answer, "lease").unwrap().to_owned();
    engine.call(&format!("JOB.DONE {QUEUE} j1 {lease} RESULT r"));
    assert!(pushes.check(&mut engine).is_err());

    let (mut engine, mut pushes) = pushed();
    engine.call(&format!("TOPIC.PUBLISH {TOPIC} m1 m1"));
    engine.call(&format!("TOPIC.PULL {TOPIC} none"));
    let answer = engine.call(&format!("TOPIC.READ {TOPIC} none w"));
    let lease = word(&answer, "lease").unwrap().to_owned();
    engine.call(&format!("TOPIC.ACK {TOPIC} none {lease}"));
    let checked = pushes.check(&mut engine);
    assert!(checked.is_err_and(|what| what.contains("are acknowledged")));
}

#[test]
fn message_that_is_passed_over_in_its_key_is_noticed() {
    let (mut engine, mut pushes) = pushed();
    for id in [1, 5] {
        engine.call(&format!("TOPIC.PUBLISH {TOPIC} m{id} m{id} KEY k1"));
    }
    pushes.ledger.positions.extend([(1, 1), (5, 2)]);
    engine.call(&format!("TOPIC.PULL {TOPIC} key"));
    let answer = engine.call(&format!("TOPIC.READ {TOPIC} key w"));
    let lease = word(&answer, "lease").unwrap().to_owned();
    engine.call(&format!("TOPIC.ACK {TOPIC} key {lease}"));
    engine.call(&push_group("key", 3));
    bring(&mut engine, &mut pushes);
    let checked = pushes.check(&mut engine);
    assert!(checked.is_err_and(|what| what.contains("was passed over")));
}

/// An engine that loses what it has answered.
#[test]
fn job_that_is_lost_is_noticed() {
    let (mut engine, mut pushes) = pushed();
    engine.break_rule(Canary::AnswerBeforeSync);
    let token = engine.submit(&command_to_add(1)).unwrap();
    pushes.asked.push((token, About::Job(1)));
    while engine.execute() {}
    assert_eq!(pushes.collect(&engine), Ok(1));
    engine.disk.crash(&mut Random::new(1));
    let mut engine = engine.reopen().unwrap();
    engine.settle();
    pushes.break_off();
    let checked = pushes.check(&mut engine);
    assert!(checked.is_err_and(|what| what.contains("told to be there")));
}

/// Its lease was over when the process came to hear of it: it was asked for without end, and held its place for ever.
#[test]
fn message_whose_lease_is_over_when_it_is_heard_of_is_brought_again() {
    let (mut engine, mut pushes) = pushed();
    engine.call(&format!("TOPIC.PUBLISH {TOPIC} m1 m1 KEY k1"));
    pushes.ledger.positions.insert(1, 1);
    for _ in 0..3 {
        pushes.go_on(&engine).unwrap();
        engine.settle();
    }
    assert_eq!(figure(&mut engine, "key", "leased"), 1);
    assert_eq!(pushes.in_hand.len(), 0);
    engine.pass_ms(2 * LEASE_MS);
    assert_eq!(pushes.drain(&mut engine), Ok(()));
}
