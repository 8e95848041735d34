//! Topics of several parts: one topic to whoever asks, and the work of several partitions.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Random, Receivers, Settings, Shard, Slot};
use tidegate_topic::{PARTS_MAX, STREAM, TOPIC};

const OF: u16 = 3;

fn fresh() -> Stepper {
    let receivers = Receivers(["r".to_owned()].into());
    let settings = Settings::default().with(receivers);
    let mut engine = Stepper::fresh_told(&[TOPIC, STREAM], settings);
    let created = engine.call("TOPIC.CREATE t PARTS 3");
    assert!(created.contains(" parts=3 "), "{created}");
    engine
}

/// The first key of a part, and further ones.
fn keys_of(part: u16) -> impl Iterator<Item = String> {
    let keys = (0..).map(|n| format!("k{n}"));
    keys.filter(move |key| Shard::of_whom(key, OF).at == part)
}

fn key_of(part: u16) -> String {
    keys_of(part).next().unwrap()
}

/// What a name in an answer is, the first time.
fn value<'a>(answer: &'a str, name: &str) -> &'a str {
    let rest = answer.split(&format!("{name}=")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("{name} in {answer}"));
    let end = rest.find([' ', '}', ']']).unwrap_or(rest.len());
    &rest[..end]
}

fn number(answer: &str, name: &str) -> u64 {
    let value = value(answer, name);
    value
        .parse()
        .unwrap_or_else(|_| panic!("{name} in {answer}"))
}

/// All values of a name.
fn values(answer: &str, name: &str) -> Vec<u64> {
    let begin = format!("{name}=");
    let items = answer.split(&begin).skip(1);
    items
        .filter_map(|rest| rest.split([' ', '}', ']']).next()?.parse().ok())
        .collect()
}

fn publish(engine: &mut Stepper, id: &str, key: &str) -> u64 {
    let answer = engine.call(&format!("TOPIC.PUBLISH t {id} x KEY {key}"));
    number(&answer, "position")
}

#[track_caller]
fn sound(engine: &Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

#[test]
fn parts_lie_in_several_partitions() {
    let parts = Shard::all(OF).map(|part| Slot::of(part.key_of("t").as_bytes()).0 / 1024);
    assert_eq!(parts.collect::<BTreeSet<_>>().len(), usize::from(OF));
}

#[test]
fn position_tells_the_part_and_those_of_a_key_are_one_behind_the_other() {
    let mut engine = fresh();
    for part in 0..OF {
        let key = key_of(part);
        let positions = [1, 2].map(|n| publish(&mut engine, &format!("{key}-{n}"), &key));
        let first = u64::from(part) + 1;
        assert_eq!(positions, [first, first + u64::from(OF)]);
        let history = engine.call(&format!("TOPIC.HISTORY t {key}"));
        assert_eq!(values(&history, "position"), [first + 3, first]);
        assert_eq!(values(&history, "before"), [first]);
        let next = engine.call(&format!("TOPIC.HISTORY t {key} LIMIT 1"));
        assert_eq!(value(&next, "next"), (first + 3).to_string());
        let rest = engine.call(&format!("TOPIC.HISTORY t {key} AFTER {}", first + 3));
        assert_eq!(values(&rest, "position"), [first]);
    }
    let topic = engine.call("TOPIC.GET t");
    let figures = ["first", "last", "bytes", "parts"].map(|name| number(&topic, name));
    assert_eq!(figures, [1, 6, 6, 3], "{topic}");
    sound(&engine);
}

#[test]
fn pages_go_through_all_parts_by_position() {
    let mut engine = fresh();
    for n in 0..30 {
        engine.call(&format!("TOPIC.PUBLISH t m{n} x{n}"));
    }
    let all = values(&engine.call("TOPIC.BROWSE t"), "position");
    assert_eq!(all.len(), 30);
    assert!(all.is_sorted(), "{all:?}");
    let (mut paged, mut after) = (Vec::new(), "0".to_owned());
    while after != "-" {
        let page = engine.call(&format!("TOPIC.BROWSE t AFTER {after} LIMIT 4"));
        paged.extend(values(&page, "position"));
        after = value(&page, "next").to_owned();
    }
    assert_eq!(paged, all);
    let behind = values(&engine.call("TOPIC.BROWSE t AFTER 7"), "position");
    let expected = all.iter().filter(|position| **position > 7).copied();
    assert_eq!(behind, expected.collect::<Vec<_>>());
    let list = engine.call("TOPIC.LIST");
    assert_eq!(list.matches("name=").count(), 1, "{list}");
}

#[test]
fn retry_meets_its_first_try_and_minted_ids_go_to_all_parts() {
    let mut engine = fresh();
    for part in 0..OF {
        let key = key_of(part);
        for publish in [
            format!("TOPIC.PUBLISH t with-{key} x KEY {key}"),
            format!("TOPIC.PUBLISH t {key} x"),
        ] {
            let first = engine.call(&publish);
            let again = engine.call(&publish);
            assert_eq!(again, first.replace("repeated=false", "repeated=true"));
            let other = publish.replace(" x", " y");
            assert_eq!(engine.call(&other), "id_conflict");
        }
        let found = engine.call(&format!("TOPIC.FIND t with-{key}"));
        assert_eq!(value(&found, "key"), key, "its id does not tell its part");
    }
    assert_eq!(engine.call("TOPIC.FIND t nothing"), "message_not_found");
    let minted = (0..9).map(|_| number(&engine.call("TOPIC.PUBLISH t * x"), "position"));
    let parts: BTreeSet<_> = minted.map(|position| (position - 1) % 3).collect();
    assert_eq!(parts.len(), 3);
    sound(&engine);
}

#[test]
fn key_is_published_to_if_its_last_position_is_known() {
    let mut engine = fresh();
    for part in 0..OF {
        let key = key_of(part);
        let to = |n: u64, last: u64| format!("TOPIC.PUBLISH t {key}-{n} x KEY {key} LAST {last}");
        let first = u64::from(part) + 1;
        let other = first % 3 + 1; // Of another part.
        let none = engine.call(&to(1, other));
        assert_eq!(none, "key_changed last=0");
        assert_eq!(number(&engine.call(&to(1, 0)), "position"), first);
        for wrong in [0, other, first + 3] {
            assert_eq!(
                engine.call(&to(2, wrong)),
                format!("key_changed last={first}")
            );
        }
        assert_eq!(number(&engine.call(&to(2, first)), "position"), first + 3);
    }
}

/// A list to publish, of ids and keys.
fn list(items: &[(&str, &str)]) -> String {
    let many = items.len();
    let items = items
        .iter()
        .map(|(id, key)| format!(r#"{id} {key} "" "" "" x"#));
    let items: Vec<_> = items.collect();
    format!("TOPIC.PUBLISHALL t {many} {}", items.join(" "))
}

#[test]
fn list_is_published_atomically_in_each_part_and_answered_in_its_order() {
    let mut engine = fresh();
    let [a, b, c] = [0, 1, 2].map(key_of);
    let items = [("1", &*c), ("2", &*a), ("3", &*b), ("4", &*a), ("5", &*c)];
    let answer = engine.call(&list(&items));
    assert_eq!(values(&answer, "id"), [1, 2, 3, 4, 5]);
    assert_eq!(values(&answer, "position"), [3, 1, 2, 4, 6]);
    let again = engine.call(&list(&items));
    assert_eq!(again, answer.replace("repeated=false", "repeated=true"));
    // The part of `a` has used the id 2, for what is in no list.
    engine.call(&format!("TOPIC.PUBLISH t used y KEY {a}"));
    let partly = engine.call(&list(&[("6", &b), ("7", &a), ("8", &b), ("used", &a)]));
    assert_eq!(
        partly,
        "partly_done done=2 of=4 because=id_conflict left=[2 4]"
    );
    let found = engine.call("TOPIC.FIND t 7");
    assert_eq!(
        found, "message_not_found",
        "its part has refused all of its items"
    );
    let refused = engine.call(&list(&[("9", &a), ("used", &a)]));
    assert_eq!(refused, "id_conflict item=2");
    let wrong = engine.call("TOPIC.PUBLISHALL u 1 * \"\" \"\" \"\" \"\" x");
    assert_eq!(wrong, "unknown_topic");
    sound(&engine);
}

#[test]
fn refusal_of_a_list_names_the_item_of_the_whole() {
    let mut engine = fresh();
    let [a, b, _] = [0, 1, 2].map(key_of);
    for (id, key) in [("x1", &a), ("x2", &b)] {
        engine.call(&format!("TOPIC.PUBLISH t {id} other KEY {key}"));
    }
    let refused = engine.call(&list(&[("n", &b), ("x2", &b), ("m", &a), ("x1", &a)]));
    assert_eq!(
        refused, "id_conflict item=4",
        "the first part's comes first"
    );
}

/// Reads, and gives the lease and the positions.
fn read(engine: &mut Stepper, rest: &str) -> (String, Vec<u64>) {
    let answer = engine.call(&format!("TOPIC.READ t g me {rest}"));
    (
        value(&answer, "lease").to_owned(),
        values(&answer, "position"),
    )
}

#[test]
fn member_is_given_what_any_part_has_and_the_lease_tells_its_part() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g TRIES 2");
    for part in 0..OF {
        let key = key_of(part);
        let position = publish(&mut engine, &key, &key);
        let (lease, positions) = read(&mut engine, "COUNT 10");
        assert_eq!(positions, [position]);
        assert_eq!(lease.starts_with(&format!("p{part}.")), part > 0, "{lease}");
        let foreign = position % 3 + 1;
        let ack = |rest: &str| format!("TOPIC.ACK t g {lease}{rest}");
        let wrong = engine.call(&ack(&format!(" POSITIONS 1 {foreign}")));
        assert_eq!(wrong, format!("not_leased position={foreign}"));
        let extended = engine.call(&format!("TOPIC.EXTEND t g {lease} MS 60000"));
        assert!(extended.starts_with("until_ms="), "{extended}");
        let right = engine.call(&ack(&format!(" POSITIONS 1 {position}")));
        assert_eq!(right, "acked=1 left=0 repeated=false");
        assert_eq!(engine.call(&ack("")), "acked=0 left=0 repeated=true");
    }
    let (lease, positions) = read(&mut engine, "");
    assert_eq!((&*lease, positions), ("-", vec![]));
    sound(&engine);
}

#[test]
fn member_that_waits_is_given_what_comes_in_any_part() {
    for part in 0..OF {
        let mut engine = fresh();
        engine.call("TOPIC.GROUP t g");
        let waits = engine.submit("TOPIC.READ t g me WAIT 5000").unwrap();
        engine.settle();
        assert_eq!(engine.answer(waits), None);
        let key = key_of(part);
        let position = publish(&mut engine, &key, &key);
        let (_, told) = engine.answer(waits).unwrap();
        assert_eq!(values(&told, "position"), [position]);
        let waits = engine.submit("TOPIC.READ t g me WAIT 500").unwrap();
        engine.settle();
        engine.pass_ms(500);
        let (_, told) = engine.answer(waits).unwrap();
        assert_eq!(value(&told, "lease"), "-");
    }
}

/// No part is read only when others have nothing left.
#[test]
fn reads_begin_in_all_parts_by_turns() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g");
    for part in 0..OF {
        for key in keys_of(part).take(40) {
            publish(&mut engine, &key, &key);
        }
    }
    let mut reads: BTreeMap<u64, u64> = BTreeMap::new();
    for _ in 0..60 {
        let (lease, positions) = read(&mut engine, "");
        engine.call(&format!("TOPIC.ACK t g {lease}"));
        *reads.entry((positions[0] - 1) % 3).or_default() += 1;
    }
    assert!(
        reads.len() == 3 && reads.values().all(|many| *many >= 8),
        "{reads:?}"
    );
}

/// Members beyond the number of parts have as much to do as any, and nobody takes over from who is gone but by time.
#[test]
fn what_a_member_had_that_vanishes_is_given_to_the_others_once_its_leases_end() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g LEASE 5000");
    let members = ["a", "b", "c", "d"];
    let mut had: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for part in 0..OF {
        for key in keys_of(part).take(20) {
            publish(&mut engine, &key, &key);
        }
    }
    for _ in 0..5 {
        for member in members {
            let given = engine.call(&format!("TOPIC.READ t g {member} COUNT 3"));
            let positions = values(&given, "position");
            assert!(!positions.is_empty(), "{member} has nothing to do");
            had.entry(member).or_default().extend(positions);
            if member != "a" {
                engine.call(&format!("TOPIC.ACK t g {}", value(&given, "lease")));
            }
        }
    }
    let vanished: BTreeSet<_> = had["a"].iter().copied().collect();
    let parts: BTreeSet<_> = vanished.iter().map(|at| at % u64::from(OF)).collect();
    assert!(parts.len() > 1, "{vanished:?}");
    read_all(&mut engine);
    engine.pass_ms(4_999);
    assert_eq!(read_all(&mut engine), BTreeSet::new(), "its leases last");
    engine.pass_ms(1);
    assert_eq!(read_all(&mut engine), vanished);
    sound(&engine);
}

#[test]
fn key_waits_for_what_is_before_it_and_other_parts_do_not() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g");
    let [a, b, _] = [0, 1, 2].map(key_of);
    let first = publish(&mut engine, "a1", &a);
    publish(&mut engine, "a2", &a);
    let (lease, positions) = read(&mut engine, "");
    assert_eq!(positions, [first]);
    assert_eq!(
        read(&mut engine, "").1,
        [0; 0],
        "it waits for the first one"
    );
    let other = publish(&mut engine, "b1", &b);
    assert_eq!(read(&mut engine, "").1, [other]);
    engine.call(&format!("TOPIC.NACK t g {lease} DELAY 0"));
    let (lease, positions) = read(&mut engine, "COUNT 2");
    assert_eq!(positions, [first, first + 3]);
    let early = engine.call(&format!("TOPIC.ACK t g {lease} POSITIONS 1 {}", first + 3));
    let expected = format!("out_of_order position={} before={first}", first + 3);
    assert_eq!(early, expected);
}

/// Three dead letters, one of each part.
fn dead() -> (Stepper, Vec<u64>) {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g TRIES 1");
    for part in 0..OF {
        let key = key_of(part);
        publish(&mut engine, &key, &key);
    }
    for _ in 0..OF {
        let (lease, _) = read(&mut engine, "");
        engine.call(&format!("TOPIC.NACK t g {lease} CAUSE no"));
    }
    let dead = engine.call("TOPIC.DEAD t g");
    let numbers = values(&dead, "number");
    assert_eq!(values(&dead, "position"), [1, 2, 3]);
    (engine, numbers)
}

#[test]
fn dead_letters_of_all_parts_are_one_list_and_each_is_found_by_its_number() {
    let (mut engine, numbers) = dead();
    assert_eq!(numbers, [1, 2, 3]);
    for number in &numbers {
        let info = engine.call(&format!("TOPIC.DEADINFO t g {number}"));
        assert_eq!(values(&info, "position"), [*number]);
        assert_eq!(values(&info, "number"), [*number]);
    }
    let page = engine.call("TOPIC.DEAD t g AFTER 1 LIMIT 1");
    assert_eq!(
        (values(&page, "number"), value(&page, "next")),
        (vec![2], "2")
    );
    let replayed = engine.call("TOPIC.REPLAY t g 2");
    assert_eq!(values(&replayed, "position"), [2]);
    assert_eq!(read(&mut engine, "").1, [2]);
    assert!(engine.call("TOPIC.DROP t g 3").starts_with("dead="));
    for gone in [0, 2, 3, 4] {
        let told = engine.call(&format!("TOPIC.DROP t g {gone}"));
        assert_eq!(told, "dead_not_found", "{gone}");
    }
    assert_eq!(values(&engine.call("TOPIC.DEAD t g"), "number"), [1]);
    sound(&engine);
}

#[test]
fn all_dead_letters_are_replayed_or_dropped_at_once() {
    let (mut engine, _) = dead();
    assert_eq!(
        engine.call("TOPIC.REPLAYALL t g CAUSE yes"),
        "replayed=0 dead=3 next=-"
    );
    assert_eq!(
        engine.call("TOPIC.REPLAYALL t g AFTER 2"),
        "replayed=1 dead=2 next=-"
    );
    assert_eq!(read(&mut engine, "").1, [3]);
    assert_eq!(
        engine.call("TOPIC.DROPALL t g CAUSE no"),
        "dropped=2 dead=0 next=-"
    );
    sound(&engine);
}

#[test]
fn group_lags_behind_with_all_parts() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g");
    for part in 0..OF {
        for key in keys_of(part).take(2) {
            publish(&mut engine, &key, &key);
        }
        engine.pass_ms(1_000);
    }
    let (lease, _) = read(&mut engine, "");
    engine.call(&format!("TOPIC.ACK t g {lease}"));
    read(&mut engine, "");
    let groups = engine.call("TOPIC.GROUPS t");
    let figures = ["lag", "leased", "acked"].map(|name| number(&groups, name));
    assert_eq!(figures, [5, 1, 1], "{groups}");
    assert!(number(&groups, "lag_ms") >= 2_000, "{groups}");
    assert_eq!(groups.matches("group=").count(), 1);
    engine.call("TOPIC.GROUP t h");
    let page = engine.call("TOPIC.GROUPS t LIMIT 1");
    assert_eq!(value(&page, "group"), "g");
    assert!(page.ends_with("] next=g"), "{page}");
    let page = engine.call("TOPIC.GROUPS t AFTER g");
    assert_eq!((value(&page, "group"), number(&page, "lag")), ("h", 6));
}

#[test]
fn what_is_done_about_a_group_is_done_in_all_parts_and_noted_once() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g");
    for n in 0..12 {
        engine.call(&format!("TOPIC.PUBLISH t m{n} x"));
    }
    let paused = engine.call("TOPIC.PAUSE t g BY me");
    assert!(
        paused.contains("version=2") && paused.contains("repeated=false"),
        "{paused}"
    );
    assert!(engine.call("TOPIC.PAUSE t g").contains("repeated=true"));
    for _ in 0..6 {
        assert_eq!(read(&mut engine, "").1, [0; 0]);
    }
    assert!(engine.call("TOPIC.RESUME t g").contains("version=3"));
    let all = read_all(&mut engine);
    assert_eq!(all.len(), 12);
    let moved = engine.call("TOPIC.MOVE t g 3 TO 8 BY me");
    assert!(
        moved.contains("version=4") && moved.contains("repeated=false"),
        "{moved}"
    );
    let again = engine.call("TOPIC.MOVE t g 3 TO 8 BY me");
    assert_eq!(again, moved.replace("repeated=false", "repeated=true"));
    // 1 and 7 are the same place in the first part as 8, and not in the others.
    for other in ["TO 1 BY me", "TO 7 BY me", "TO 9 BY me", "SINCE 8 BY me"] {
        let answer = engine.call(&format!("TOPIC.MOVE t g 3 {other}"));
        assert_eq!(answer, "version_changed version=4", "{other}");
    }
    let behind: BTreeSet<_> = all.range(8..).copied().collect();
    assert_eq!(read_all(&mut engine), behind);
    let audit = engine.call("TOPIC.AUDIT t g");
    assert_eq!(audit.matches("how=").count(), 3, "{audit}");
    sound(&engine);
}

/// Reads and settles until there is nothing more; gives the positions.
fn read_all(engine: &mut Stepper) -> BTreeSet<u64> {
    let mut all = BTreeSet::new();
    loop {
        let (lease, positions) = read(engine, "COUNT 5");
        if positions.is_empty() {
            return all;
        }
        all.extend(positions);
        engine.call(&format!("TOPIC.ACK t g {lease}"));
    }
}

#[test]
fn group_goes_on_at_a_time_in_each_part() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g");
    let before: BTreeSet<u64> = (0..6)
        .map(|n| number(&engine.call(&format!("TOPIC.PUBLISH t a{n} x")), "position"))
        .collect();
    engine.pass_ms(1_000);
    let since_ms = engine.now_ms();
    let behind: BTreeSet<u64> = (0..6)
        .map(|n| number(&engine.call(&format!("TOPIC.PUBLISH t b{n} x")), "position"))
        .collect();
    assert_eq!(read_all(&mut engine), &before | &behind);
    engine.call(&format!("TOPIC.MOVE t g 1 SINCE {since_ms}"));
    assert_eq!(read_all(&mut engine), behind);
    let browsed = engine.call(&format!("TOPIC.BROWSE t SINCE {since_ms}"));
    let browsed: BTreeSet<_> = values(&browsed, "position").into_iter().collect();
    assert_eq!(browsed, behind);
}

/// Messages whose keys are of all parts; their positions.
fn publish_to_all(engine: &mut Stepper, mark: &str) -> BTreeSet<u64> {
    let to = |part: u16| keys_of(part).take(2);
    let keys: Vec<_> = (0..OF).flat_map(to).collect();
    let published = keys.iter().map(|key| {
        let id = format!("{mark}-{key}");
        publish(engine, &id, key)
    });
    published.collect()
}

#[test]
fn group_begins_in_each_part_where_it_is_asked_to() {
    let mut engine = fresh();
    let early = publish_to_all(&mut engine, "a");
    engine.pass_ms(1_000);
    let since_ms = engine.now_ms();
    let late = publish_to_all(&mut engine, "b");
    let all = &early | &late;
    for (begins, expected) in [
        (String::new(), all.clone()),
        ("START earliest".to_owned(), all.clone()),
        ("FROM 5".to_owned(), all.range(5..).copied().collect()),
        (format!("SINCE {since_ms}"), late.clone()),
        ("START latest".to_owned(), BTreeSet::new()),
    ] {
        let declare = format!("TOPIC.GROUP t g {begins}");
        let first = engine.call(&declare);
        assert!(first.contains(" version=1 "), "{first}");
        assert_eq!(engine.call(&declare), first, "{begins}");
        assert_eq!(read_all(&mut engine), expected, "{begins}");
        sound(&engine);
        let again = publish_to_all(&mut engine, "c");
        assert_eq!(read_all(&mut engine), again, "{begins}");
        engine = fresh();
        publish_to_all(&mut engine, "a");
        engine.pass_ms(1_000);
        publish_to_all(&mut engine, "b");
    }
}

#[test]
fn where_a_group_begins_never_changes_in_any_part() {
    let mut engine = fresh();
    publish_to_all(&mut engine, "a");
    engine.call("TOPIC.GROUP t g FROM 5");
    // 6 and 7 are the same place as 5 in the first part, and not in the others.
    for other in [
        "FROM 6",
        "FROM 7",
        "SINCE 5",
        "START latest",
        "START earliest",
    ] {
        let told = engine.call(&format!("TOPIC.GROUP t g {other}"));
        assert_eq!(told, "group_fixed", "{other}");
    }
    for same in ["FROM 5", ""] {
        let told = engine.call(&format!("TOPIC.GROUP t g {same}"));
        assert!(told.contains(" version=1 "), "{told}");
    }
    for both in [
        "FROM 5 SINCE 5",
        "FROM 5 START latest",
        "SINCE 5 START earliest",
    ] {
        let told = engine.call(&format!("TOPIC.GROUP t g {both}"));
        assert_eq!(told, "conflicting_fields", "{both}");
    }
}

/// What was told of the lag of groups, oldest first.
fn alarms(engine: &mut Stepper) -> Vec<&'static str> {
    engine.pass_ms(1); // Those of this moment are not listed yet.
    let events = engine.call("EVENT.LIST DOMAIN topic");
    let names = events.split("name=").skip(1);
    let known = names.map(|rest| match rest.split(' ').next() {
        Some("topic_lagging") => "lagging",
        Some("topic_caught_up") => "caught up",
        other => panic!("{other:?} in {events}"),
    });
    known.collect()
}

/// Reads and settles all messages of one part.
fn settle_part(engine: &mut Stepper, part: u16) {
    let mut others = Vec::new();
    loop {
        let (lease, positions) = read(engine, "COUNT 5");
        match positions.first() {
            None => break,
            Some(first) if (first - 1) % u64::from(OF) == u64::from(part) => {
                engine.call(&format!("TOPIC.ACK t g {lease}"));
            }
            Some(_) => others.push(lease),
        }
    }
    for lease in others {
        engine.call(&format!("TOPIC.NACK t g {lease} DELAY 0"));
    }
}

#[test]
fn group_lags_once_with_its_first_part_and_has_caught_up_with_its_last() {
    for last in 0..OF {
        let mut engine = fresh();
        engine.call("TOPIC.GROUP t g MAXLAG_MS 4000 LEASE 100000");
        let [first, second] = [(last + 1) % OF, (last + 2) % OF];
        for part in [first, last] {
            let key = key_of(part);
            publish(&mut engine, &key, &key);
            engine.pass_ms(3_000);
        }
        assert_eq!(alarms(&mut engine), ["lagging"], "{first} is behind");
        let told = engine.call("EVENT.LIST DOMAIN topic");
        assert!(told.contains("key=t "), "{told}");
        assert!(told.contains("max_lag_ms=4000"), "{told}");
        engine.pass_ms(5_000);
        assert_eq!(alarms(&mut engine), ["lagging"], "{last} is as well");
        settle_part(&mut engine, first);
        settle_part(&mut engine, second);
        engine.pass_ms(5_000);
        assert_eq!(alarms(&mut engine), ["lagging"], "{last} is still");
        sound(&engine);
        settle_part(&mut engine, last);
        engine.pass_ms(5_000);
        assert_eq!(alarms(&mut engine), ["lagging", "caught up"]);
        engine.pass_ms(60_000);
        assert_eq!(alarms(&mut engine), ["lagging", "caught up"]);
        sound(&engine);
    }
}

/// As in a topic of one part: nobody is told that it is over.
#[test]
fn alarm_that_is_taken_back_is_raised_again_by_the_next() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g MAXLAG_MS 4000");
    for part in 0..OF {
        let key = key_of(part);
        publish(&mut engine, &key, &key);
    }
    engine.pass_ms(9_000);
    assert_eq!(alarms(&mut engine), ["lagging"]);
    engine.call("TOPIC.GROUP t g");
    engine.pass_ms(60_000);
    assert_eq!(alarms(&mut engine), ["lagging"]);
    let groups = engine.call("TOPIC.GROUPS t");
    assert_eq!(value(&groups, "max_lag_ms"), "-", "{groups}");
    engine.call("TOPIC.GROUP t g MAXLAG_MS 4000");
    engine.pass_ms(9_000);
    assert_eq!(alarms(&mut engine), ["lagging", "lagging"]);
    assert_eq!(read_all(&mut engine).len(), usize::from(OF));
    engine.pass_ms(9_000);
    assert_eq!(alarms(&mut engine), ["lagging", "lagging", "caught up"]);
    sound(&engine);
}

#[test]
fn what_a_topic_keeps_and_takes_holds_in_each_part() {
    let mut engine = fresh();
    let changed = engine.call("TOPIC.CREATE t RETAIN_COUNT 2 SCHEMA {\"type\":\"integer\"}");
    assert!(changed.contains("version=2"), "{changed}");
    for part in 0..OF {
        let key = key_of(part);
        let text = engine.call(&format!("TOPIC.PUBLISH t {key} x KEY {key}"));
        assert!(text.starts_with("schema_violated"), "{text}");
        for n in 0..4 {
            engine.call(&format!("TOPIC.PUBLISH t {key}-{n} {n} KEY {key}"));
        }
    }
    for _ in 0..5 {
        engine.pass_ms(1_000);
    }
    let kept = values(&engine.call("TOPIC.BROWSE t"), "position");
    assert_eq!(kept, [7, 8, 9, 10, 11, 12]);
    let topic = engine.call("TOPIC.GET t");
    assert_eq!(["first", "last"].map(|name| number(&topic, name)), [7, 12]);
    let other = engine.call("TOPIC.CREATE t RETAIN_COUNT 2 SCHEMA {\"type\":\"string\"}");
    assert!(other.starts_with("schema_incompatible"), "{other}");
    sound(&engine);
}

#[test]
fn number_of_parts_never_changes_and_has_bounds() {
    let mut engine = fresh();
    for wrong in [1, 2, 4] {
        let told = engine.call(&format!("TOPIC.CREATE t PARTS {wrong}"));
        assert_eq!(told, "parts_fixed parts=3");
    }
    assert!(engine.call("TOPIC.CREATE t PARTS 3").contains("version=1 "));
    engine.call("TOPIC.CREATE u");
    assert_eq!(engine.call("TOPIC.CREATE u PARTS 2"), "parts_fixed parts=1");
    assert!(engine.call("TOPIC.CREATE u PARTS 1").contains("version=1 "));
    assert!(engine.submit("TOPIC.CREATE v PARTS 0").is_err());
    let beyond = PARTS_MAX + 1;
    assert!(
        engine
            .submit(&format!("TOPIC.CREATE v PARTS {beyond}"))
            .is_err()
    );
    let most = engine.call(&format!("TOPIC.CREATE v PARTS {PARTS_MAX}"));
    assert!(most.contains(&format!(" parts={PARTS_MAX} ")), "{most}");
    sound(&engine);
}

#[test]
fn topic_of_several_parts_is_no_stream() {
    let mut engine = fresh();
    for command in [
        "XADD t * a b",
        "XLEN t",
        "XRANGE t - +",
        "XREVRANGE t + -",
        "XREAD STREAMS t 0",
        "XGROUP CREATE t g 0",
        "XREADGROUP GROUP g me STREAMS t >",
        "XACK t g 1-1",
        "XPENDING t g",
        "XCLAIM t g me 0 1-1",
        "XAUTOCLAIM t g me 0 0",
        "XINFO STREAM t",
        "XTRIM t MAXLEN 1",
        "XDEL t 1-1",
    ] {
        let told = engine.call(command);
        assert!(told.contains("several parts"), "{command}: {told}");
    }
}

#[test]
fn group_that_is_pushed_is_listed_once() {
    let mut engine = fresh();
    engine.call("TOPIC.GROUP t g");
    engine.call("TOPIC.PUSH t g r");
    let pushes = engine.call("TOPIC.PUSHES");
    assert_eq!(pushes.matches("receiver=r").count(), 1, "{pushes}");
    assert!(engine.call("TOPIC.PULL t g").contains("repeated=false"));
    sound(&engine);
}

/// Sent without waiting for an answer: the door did not know of the parts when the second one came.
#[test]
fn what_comes_before_the_parts_are_known_is_told_to_ask_again() {
    let mut engine = Stepper::fresh(&[TOPIC]);
    engine.call("TOPIC.LIST");
    let created = engine.submit("TOPIC.CREATE t PARTS 3").unwrap();
    let behind = [
        "TOPIC.PUBLISH t m x",
        "TOPIC.PUBLISHALL t 1 m \"\" \"\" \"\" \"\" x",
        "TOPIC.READ t g me",
        "TOPIC.GET t",
        "TOPIC.FIND t m",
    ]
    .map(|command| engine.submit(command).unwrap());
    engine.settle();
    assert_eq!(engine.answer(created).unwrap().0, Status::Done);
    for token in behind {
        assert_eq!(engine.answer(token).unwrap().0, Status::Busy);
    }
    assert_eq!(values(&engine.call("TOPIC.BROWSE t"), "position"), [0; 0]);
}

#[test]
fn declaration_that_a_crash_has_cut_short_reaches_all_parts() {
    let mut cut_short = 0;
    for steps in 0..24 {
        let mut engine = Stepper::fresh(&[TOPIC]);
        engine.call("TOPIC.LIST");
        let created = engine.submit("TOPIC.CREATE t PARTS 3").unwrap();
        engine.submit("TOPIC.GROUP t g").unwrap();
        for step in 0..steps {
            engine.execute();
            if step % 2 == 1 {
                engine.write().unwrap();
            }
        }
        cut_short += u64::from(engine.answer(created).is_none());
        engine.disk.crash(&mut Random::new(steps));
        let mut engine = engine.reopen().unwrap();
        engine.settle();
        sound(&engine);
        if engine.call("TOPIC.GET t") == "unknown_topic" {
            continue;
        }
        engine.call("TOPIC.GROUP t g");
        for part in 0..OF {
            let key = key_of(part);
            publish(&mut engine, &key, &key);
        }
        assert_eq!(read_all(&mut engine).len(), 3, "{steps} steps");
        sound(&engine);
    }
    assert!(cut_short > 2, "{cut_short}");
}

/// What one run knows of each message: its key, its number in that, and whether it was settled.
#[derive(Default)]
struct Known {
    /// By position.
    messages: BTreeMap<u64, (u64, u64)>,
    sent: BTreeMap<u64, u64>,
    acked: BTreeSet<u64>,
    leases: Vec<(String, Vec<u64>)>,
}

impl Known {
    fn publish(&mut self, engine: &mut Stepper, random: &mut Random) {
        let key = random.below(6);
        let number = self.sent.entry(key).or_default();
        *number += 1;
        let answer = engine.call(&format!("TOPIC.PUBLISH t {key}-{number} x KEY k{key}"));
        let position = self::number(&answer, "position");
        let twice = self.messages.insert(position, (key, *number));
        assert_eq!(twice, None, "position {position}");
    }

    /// Whatever is given is of its key the first that is not settled, or behind it in the same lease.
    fn read(&mut self, engine: &mut Stepper, count: u64) -> bool {
        let (lease, positions) = read(engine, &format!("COUNT {count}"));
        for (at, position) in positions.iter().enumerate() {
            assert!(!self.acked.contains(position), "{position} is settled");
            let (key, number) = self.messages[position];
            let before = self
                .messages
                .iter()
                .filter(|(_, (other, its))| *other == key && *its < number);
            for (before, _) in before {
                let is_before = self.acked.contains(before) || positions[..at].contains(before);
                assert!(is_before, "{position} was given before {before}");
            }
        }
        let has_some = !positions.is_empty();
        if has_some {
            self.leases.push((lease, positions));
        }
        has_some
    }

    fn end(&mut self, engine: &mut Stepper, random: &mut Random) {
        if self.leases.is_empty() {
            return;
        }
        let at = usize::try_from(random.below(self.leases.len() as u64)).unwrap();
        let (lease, positions) = self.leases.swap_remove(at);
        if random.chance(1, 4) {
            engine.call(&format!("TOPIC.NACK t g {lease} DELAY 0"));
        } else if engine
            .call(&format!("TOPIC.ACK t g {lease}"))
            .starts_with("acked=")
        {
            self.acked.extend(positions);
        }
    }
}

#[test]
fn order_of_keys_holds_and_nothing_is_lost_whatever_crashes() {
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let mut engine = fresh();
        engine.call("TOPIC.GROUP t g TRIES 1000 LEASE 5000");
        let mut known = Known::default();
        for _ in 0..120 {
            match random.below(12) {
                0..5 => known.publish(&mut engine, &mut random),
                5..8 => drop(known.read(&mut engine, 1 + random.below(4))),
                8..10 => known.end(&mut engine, &mut random),
                10 => engine.pass_ms(random.below(3_000)),
                _ if random.chance(1, 4) => {
                    engine.disk.crash(&mut random);
                    engine = engine.reopen().unwrap();
                    engine.settle();
                }
                _ => engine.checkpoint(),
            }
            sound(&engine);
        }
        let mut idle = 0;
        while idle < 3 {
            engine.pass_ms(5_000);
            idle = if known.read(&mut engine, 9) {
                0
            } else {
                idle + 1
            };
            while !known.leases.is_empty() {
                known.end(&mut engine, &mut random);
            }
        }
        assert_eq!(known.acked.len(), known.messages.len(), "seed {seed}");
    }
}
