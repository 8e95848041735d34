//! A topic that is deleted is gone with all that it had, and its name may be had again.

use tidegate_engine::testing::Stepper;
use tidegate_engine::{Random, Receivers, Settings};
use tidegate_topic::{STREAM, TOPIC};

const DECLARED: [&str; 4] = [
    "TOPIC.CREATE t SCHEMA {\"type\":\"integer\"} RETAIN_MS 100000000",
    "TOPIC.GROUP t g LEASE 60000 TRIES 2 REST 1000 MAXLAG_MS 60000",
    "TOPIC.GROUP t h ORDER none LEASE 60000 TRIES 1",
    "TOPIC.CREATE other",
];

fn fresh() -> Stepper {
    let receivers = Receivers(["r".to_owned()].into());
    let settings = Settings::default().with(receivers);
    Stepper::fresh_told(&[TOPIC, STREAM], settings)
}

fn declared(parts: u64) -> Stepper {
    let mut engine = fresh();
    for command in DECLARED {
        let command = match parts {
            1 => command.to_owned(),
            _ => command.replace("CREATE t", &format!("CREATE t PARTS {parts}")),
        };
        says(&mut engine, &command, "name=");
    }
    engine
}

#[track_caller]
fn says(engine: &mut Stepper, command: &str, expected: &str) {
    let answer = engine.call(command);
    assert!(answer.contains(expected), "{command}: {answer}");
}

#[track_caller]
fn sound(engine: &Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

/// What a name in an answer is, the first time.
fn value<'a>(answer: &'a str, name: &str) -> &'a str {
    let rest = answer.split(&format!("{name}=")).nth(1).unwrap_or("-");
    let end = rest.find([' ', '}', ']']).unwrap_or(rest.len());
    &rest[..end]
}

/// Messages of every kind, leased, given back, dead, replayed and delayed ones, in groups that are moved now and then.
fn fill(engine: &mut Stepper, random: &mut Random, rounds: u64) {
    let mut leases = Vec::new();
    for n in 0..rounds {
        let group = ["g", "h"][usize::from(random.chance(1, 2))];
        match random.below(12) {
            0..5 => {
                let key = random.below(5);
                let delay = ["", "", " DELAY 50000", " TTL 70000"][random.below(4) as usize];
                let id = if random.chance(1, 3) {
                    "*".to_owned()
                } else {
                    format!("m{n}")
                };
                says(
                    engine,
                    &format!("TOPIC.PUBLISH t {id} 1 KEY k{key}{delay}"),
                    "position=",
                );
            }
            5..8 => {
                let read = engine.call(&format!("TOPIC.READ t {group} me COUNT 3"));
                if value(&read, "lease") != "-" {
                    leases.push((group, value(&read, "lease").to_owned()));
                }
            }
            8..10 if !leases.is_empty() => {
                let at = random.below(leases.len() as u64) as usize;
                let (group, lease) = leases.swap_remove(at);
                let how = ["ACK", "NACK", "NACK"][random.below(3) as usize];
                engine.call(&format!("TOPIC.{how} t {group} {lease}"));
            }
            8..11 => drop(engine.call(&format!("TOPIC.REPLAYALL t {group}"))),
            _ => {
                let groups = engine.call("TOPIC.GROUPS t");
                let of = groups
                    .split(&format!("group={group} "))
                    .nth(1)
                    .unwrap_or("");
                let version = value(of, "version");
                engine.call(&format!("TOPIC.MOVE t {group} {version} TO 3"));
                engine.pass_ms(random.below(900));
            }
        }
    }
}

/// Tables of topics that have rows, with how many.
fn left(engine: &Stepper) -> Vec<(&'static str, i64)> {
    let figures = engine.audit().figures.into_iter();
    let of_topics = |name: &str| name.starts_with("topic.") || name.starts_with("stream.");
    let tables = figures.filter(|figure| of_topics(figure.name) && figure.value > 0);
    tables.map(|figure| (figure.name, figure.value)).collect()
}

/// Every command about what is not there.
const GONE: [(&str, &str); 16] = [
    ("TOPIC.GET t", "unknown_topic"),
    ("TOPIC.PUBLISH t m0 1", "unknown_topic"),
    (
        "TOPIC.PUBLISHALL t 1 m0 \"\" \"\" \"\" \"\" 1",
        "unknown_topic",
    ),
    ("TOPIC.BROWSE t", "unknown_topic"),
    ("TOPIC.FIND t m0", "unknown_topic"),
    ("TOPIC.HISTORY t k1", "unknown_topic"),
    ("TOPIC.GROUPS t", "unknown_topic"),
    ("TOPIC.GROUP t g", "unknown_topic"),
    ("TOPIC.READ t g me", "unknown_group"),
    ("TOPIC.ACK t g 1.1", "unknown_group"),
    ("TOPIC.PAUSE t g", "unknown_group"),
    ("TOPIC.MOVE t g 1 TO 1", "unknown_group"),
    ("TOPIC.AUDIT t g", "unknown_group"),
    ("TOPIC.DEAD t g", "unknown_group"),
    ("TOPIC.REPLAYALL t g", "unknown_group"),
    ("TOPIC.PUSH t g r", "unknown_group"),
];

#[test]
fn topic_that_is_deleted_is_not_there_and_its_name_may_be_had_once_all_of_it_has_gone() {
    for (seed, parts) in (0..8).zip([1, 3].into_iter().cycle()) {
        let mut random = Random::new(seed);
        let mut engine = declared(parts);
        fill(&mut engine, &mut random, 200);
        says(&mut engine, "TOPIC.PUBLISH other m0 1", "position=1");
        engine.checkpoint();
        engine.suspend_timers(true);
        says(&mut engine, "TOPIC.DELETE t", "name=t repeated=false");
        says(&mut engine, "TOPIC.DELETE t", "name=t repeated=true");
        for (command, expected) in GONE {
            says(&mut engine, command, expected);
        }
        says(&mut engine, "TOPIC.CREATE t", "being_deleted");
        let list = engine.call("TOPIC.LIST");
        assert_eq!(list.matches("name=").count(), 1, "{list}");
        sound(&engine);
        engine.suspend_timers(false);
        while engine.execute() {
            engine.write().unwrap();
            if random.chance(1, 5) {
                sound(&engine);
            }
        }
        engine.settle();
        sound(&engine);
        says(&mut engine, "TOPIC.DELETE t", "unknown_topic");
        for (command, expected) in GONE {
            says(&mut engine, command, expected);
        }
        says(&mut engine, "TOPIC.CREATE t", &format!("parts={parts} "));
        says(
            &mut engine,
            "TOPIC.GROUP t g TRIES 2 LEASE 500000",
            "version=1",
        );
        for id in ["m0", "m1", "m2"] {
            says(
                &mut engine,
                &format!("TOPIC.PUBLISH t {id} 1 KEY k1"),
                "repeated=false",
            );
        }
        let history = engine.call("TOPIC.HISTORY t k1");
        assert_eq!(history.matches("id=").count(), 3, "{history}");
        let read = engine.call("TOPIC.READ t g me COUNT 9");
        assert_eq!(read.matches("id=").count(), 3, "{read}");
        sound(&engine);
        // What the one before had open ends, and is nothing to this one.
        for _ in 0..4 {
            engine.pass_ms(30_000);
            sound(&engine);
        }
        says(&mut engine, "TOPIC.READ t g me", "lease=-");
        says(&mut engine, "TOPIC.DEAD t g", "items=[]");
        let ack = format!("TOPIC.ACK t g {}", value(&read, "lease"));
        says(&mut engine, &ack, "acked=3");
        says(&mut engine, "TOPIC.BROWSE other", "id=m0");
        sound(&engine);
    }
}

#[test]
fn nothing_is_left_of_a_topic_that_was_deleted_once_no_lease_can_be() {
    for parts in [1, 3] {
        let mut random = Random::new(parts);
        let mut engine = declared(parts);
        says(&mut engine, "TOPIC.DELETE other", "repeated=false");
        fill(&mut engine, &mut random, 250);
        says(&mut engine, "TOPIC.DELETE t", "repeated=false");
        engine.settle();
        sound(&engine);
        assert!(left(&engine).iter().any(|(name, _)| *name == "topic.gone"));
        for _ in 0..26 {
            engine.pass_ms(3_600_000);
            sound(&engine);
        }
        let stays: &[_] = if parts == 1 {
            &[]
        } else {
            &[("topic.told", 1)]
        };
        assert_eq!(left(&engine), stays);
        says(&mut engine, "TOPIC.CREATE t", &format!("parts={parts} "));
        says(&mut engine, "TOPIC.PUBLISH t m 1 KEY k", "repeated=false");
        sound(&engine);
    }
}

#[test]
fn positions_go_on_behind_those_of_the_topic_before() {
    let mut engine = fresh();
    engine.call("TOPIC.CREATE t");
    engine.call("TOPIC.GROUP t g");
    for n in 1..=3 {
        says(
            &mut engine,
            &format!("TOPIC.PUBLISH t m{n} x"),
            &format!("position={n}"),
        );
    }
    let lease = engine.call("TOPIC.READ t g me COUNT 3");
    says(&mut engine, "TOPIC.DELETE t", "repeated=false");
    says(&mut engine, "TOPIC.CREATE t", "version=1 ");
    says(
        &mut engine,
        "TOPIC.GET t",
        "first=4 last=3 last_at_ms=- bytes=0 delayed=0 groups=0",
    );
    says(&mut engine, "TOPIC.GROUP t g", "version=1");
    says(&mut engine, "TOPIC.PUBLISH t m1 x", "position=4");
    // Whoever had that lease is done with it.
    let ack = format!("TOPIC.ACK t g {}", value(&lease, "lease"));
    says(&mut engine, &ack, "acked=0 left=0 repeated=true");
    let given = engine.call("TOPIC.READ t g me COUNT 3");
    assert_eq!(given.matches("position=").count(), 1, "{given}");
    engine.pass_ms(30_000);
    says(&mut engine, "TOPIC.READ t g me", "position=4 id=m1");
    says(&mut engine, "TOPIC.MOVE t g 1 TO 1", "next=4");
    sound(&engine);
}

#[test]
fn whoever_waits_for_messages_is_told_that_there_is_no_such_group() {
    for parts in [1, 3] {
        let mut engine = declared(parts);
        let waits = engine.submit("TOPIC.READ t g me WAIT 20000").unwrap();
        engine.settle();
        says(&mut engine, "TOPIC.DELETE t", "repeated=false");
        let (_, told) = engine.answer(waits).unwrap();
        assert_eq!(told, "unknown_group");
    }
}

#[test]
fn topic_is_deleted_only_at_a_version_and_if_it_is_not_pushed() {
    let mut engine = declared(1);
    says(&mut engine, "TOPIC.DELETE u", "unknown_topic");
    says(
        &mut engine,
        "TOPIC.DELETE t IF 2",
        "version_changed version=1",
    );
    says(&mut engine, "TOPIC.PUSH t g r", "receiver=r");
    says(&mut engine, "TOPIC.DELETE t IF 1", "topic_pushed");
    says(&mut engine, "TOPIC.GET t", "groups=2");
    says(&mut engine, "TOPIC.PULL t g", "repeated=false");
    says(&mut engine, "TOPIC.DELETE t IF 1", "repeated=false");
    sound(&engine);
}

#[test]
fn stream_goes_with_its_groups_and_another_one_may_have_its_name_and_any_ids() {
    let mut engine = fresh();
    for n in 1..=70 {
        engine.call(&format!("XADD s {n}-1 a b"));
    }
    for group in ["g", "h"] {
        says(&mut engine, &format!("XGROUP CREATE s {group} 0"), "OK");
        says(
            &mut engine,
            &format!("XREADGROUP GROUP {group} me STREAMS s >"),
            "1-1",
        );
    }
    says(&mut engine, "XGROUP CREATE s i 0", "OK");
    says(&mut engine, "XGROUP DESTROY s i", "1");
    sound(&engine);
    engine.checkpoint();
    engine.suspend_timers(true);
    says(&mut engine, "TOPIC.DELETE s", "repeated=false");
    sound(&engine);
    says(&mut engine, "XLEN s", "0");
    says(&mut engine, "XREADGROUP GROUP g me STREAMS s 0", "NOGROUP");
    for declares in ["XADD s * a b", "XGROUP CREATE s g 0 MKSTREAM"] {
        says(&mut engine, declares, "ERR the topic was deleted");
    }
    says(&mut engine, "XADD s NOMKSTREAM * a b", "-");
    engine.suspend_timers(false);
    engine.settle();
    sound(&engine);
    assert_eq!(left(&engine), [("topic.gone", 1)]);
    says(&mut engine, "XADD s 1-1 a b", "1-1");
    says(&mut engine, "XGROUP CREATE s g 0", "OK");
    says(&mut engine, "XREADGROUP GROUP g me STREAMS s >", "1-1");
    says(&mut engine, "XLEN s", "1");
    sound(&engine);
}

#[test]
fn a_crash_on_the_way_leaves_nothing_behind() {
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let parts = [1, 3][usize::from(seed % 2 == 1)];
        let mut engine = declared(parts);
        fill(&mut engine, &mut random, 80);
        if random.chance(1, 2) {
            engine.checkpoint();
        }
        let token = engine.submit("TOPIC.DELETE t").unwrap();
        for _ in 0..random.below(14) {
            engine.execute();
            if random.chance(1, 2) {
                engine.write().unwrap();
            }
            if random.chance(1, 9) {
                engine.checkpoint();
            }
        }
        let is_answered = engine.answer(token).is_some();
        engine.disk.crash(&mut random);
        let mut engine = engine.reopen().unwrap();
        sound(&engine);
        engine.settle();
        sound(&engine);
        if is_answered {
            says(&mut engine, "TOPIC.GET t", "unknown_topic");
        } else {
            engine.call("TOPIC.DELETE t");
        }
        for _ in 0..26 {
            engine.pass_ms(3_600_000);
        }
        sound(&engine);
        let left = left(&engine);
        let topics = left.iter().filter(|(name, _)| *name != "topic.told");
        let of_other = [("topic.topics", 1), ("topic.parts", 1)];
        assert_eq!(topics.copied().collect::<Vec<_>>(), of_other, "seed {seed}");
    }
}

/// Each waits until all parts know what it has declared.
#[test]
fn who_declares_something_that_is_deleted_meanwhile_is_told_so() {
    let mut engine = declared(3);
    let asked = [
        "TOPIC.CREATE t OWNER me",
        "TOPIC.GROUP t i",
        "TOPIC.PAUSE t g",
        "TOPIC.MOVE t h 1 TO 1",
        "TOPIC.DELETE t",
    ];
    let tokens = asked.map(|command| engine.submit(command).unwrap());
    engine.settle();
    let told = tokens.map(|token| engine.answer(token).unwrap().1);
    assert_eq!(
        told,
        [
            "being_deleted",
            "unknown_topic",
            "unknown_group",
            "unknown_group",
            "name=t repeated=false"
        ]
    );
    sound(&engine);
}
