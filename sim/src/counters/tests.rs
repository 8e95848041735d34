//! What the model of counters notices.

use tidegate_counter::COUNTER;
use tidegate_engine::testing::Canary;
use tidegate_topic::TOPIC;

use super::*;

/// Counters of which much was asked, and what is known of them.
fn counters(random: &mut Random) -> (Stepper, Counters) {
    let mut engine = Stepper::fresh(&[COUNTER, TOPIC]);
    Counters::declare(&mut engine);
    let mut counters = Counters::default();
    for _ in 0..60 {
        ask_some(&mut engine, &mut counters, random);
    }
    assert_eq!(counters.check(&mut engine), Ok(()));
    assert_eq!(counters.drain(&mut engine), Ok(()));
    (engine, counters)
}

fn ask_some(engine: &mut Stepper, counters: &mut Counters, random: &mut Random) {
    for _ in 0..ASKED_MAX {
        counters.ask(engine, random);
    }
    engine.pass_ms(100);
    assert!(counters.collect(engine).is_ok());
    counters.written();
}

#[test]
fn what_nobody_has_sent_and_was_counted_is_noticed() {
    for command in [
        "COUNTER.ADD hits * k0",
        "COUNTER.ADD taps * k0",
        "COUNTER.ADD taps * k9",
        "COUNTER.ADD brief * k0",
        "COUNTER.ADD hits * k0 AT 1",
        "COUNTER.ADD plays * k0",
        "COUNTER.FACT plays k0 d=x9",
        "COUNTER.ADD round * k0",
        "COUNTER.FACT round k0 f=y9",
    ] {
        let (mut engine, mut counters) = counters(&mut Random::new(1));
        engine.call(command);
        let checked = counters.check(&mut engine);
        assert!(checked.is_err(), "{command}");
    }
}

/// An engine that loses what it has answered, and a client that takes for durable what a relaxed counter answers.
#[test]
fn event_that_was_told_to_be_durable_and_is_lost_is_noticed() {
    for (counter, canary) in [(0, Some(Canary::AnswerBeforeSync)), (1, None)] {
        let random = &mut Random::new(2);
        let (mut engine, mut counters) = counters(random);
        if let Some(canary) = canary {
            engine.break_rule(canary);
        }
        let number = counters.new_event(counter, engine.now_ms(), random);
        let (about, command) = counters.one(number);
        let token = engine.submit(&command).expect("because it is well formed");
        let at = counters.at;
        counters.asked.push(Asked { token, about, at });
        while engine.execute() {}
        assert_eq!(counters.collect(&engine), Ok(1), "{command}");
        counters.written();
        engine.disk.crash(random);
        let mut engine = engine.reopen().expect("because the log is sound");
        engine.settle();
        counters.break_off();
        let checked = counters.check(&mut engine);
        assert!(checked.is_err(), "{command}");
    }
}

#[test]
fn event_of_a_relaxed_counter_that_is_lost_is_sent_again_but_not_one_before_another_that_is_there()
{
    let (mut engine, mut counters) = counters(&mut Random::new(3));
    let numbers = [(); 2].map(|()| counters.new_event(1, engine.now_ms(), &mut Random::new(4)));
    for number in numbers {
        counters.at += 1;
        counters.events[number].sent_at = counters.at;
        counters.at += 1;
        counters
            .learn(number, Fate::Counted)
            .expect("because it is new");
    }
    let [_, second] = numbers;
    let (_, command) = counters.one(second);
    engine.call(&command);
    counters.break_off();
    let checked = counters.check(&mut engine);
    assert!(checked.is_err_and(|what| what.contains("was lost, and")));
}
