//! What one command writes is one record, with the longest names, the most entries and the largest payloads.

use tidegate_engine::limits::{NAME_BYTES_MAX, PAYLOAD_BYTES_MAX};
use tidegate_engine::testing::Stepper;
use tidegate_topic::{CONSUMERS_MAX, PENDING_CHUNKS_MAX, PENDING_MAX, STREAM, TOPIC, TRIMMED_MAX};

/// Positions of one row of what is pending.
const CHUNK: usize = 64;

/// A name of the longest, which begins so.
fn long(name: &str) -> String {
    format!("{name:x<NAME_BYTES_MAX$}")
}

/// Ids that take as many bytes as any, so far from each other.
fn ids(from: usize, by: usize, count: usize) -> String {
    let ids = (0..count).map(|nth| format!("18446744073709551614-{}", from + nth * by));
    ids.collect::<Vec<_>>().join(" ")
}

/// How many items an answer lists.
fn count(answer: &str) -> usize {
    answer.matches("18446744073709551614-").count()
}

#[track_caller]
fn assert_sound(engine: &mut Stepper) {
    assert_eq!(engine.audit().faults, Vec::<String>::new());
}

/// A group of as many consumers as there may be, of which one has as many entries as may be pending, in as many rows as
/// those may lie in.
fn full_group(s: &str, g: &str) -> Stepper {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    for n in 0..PENDING_CHUNKS_MAX * CHUNK {
        engine.call(&format!("XADD {s} 18446744073709551614-{} a 1", n + 1));
    }
    assert_eq!(engine.call(&format!("XGROUP CREATE {s} {g} 0")), "OK");
    for n in 0..CONSUMERS_MAX {
        let consumer = long(&format!("c{n:03}"));
        engine.call(&format!("XGROUP CREATECONSUMER {s} {g} {consumer}"));
    }
    let most = usize::try_from(PENDING_MAX).unwrap();
    let (me, in_each) = (long("c127"), most / PENDING_CHUNKS_MAX);
    for nth in 0..in_each {
        for half in [0, PENDING_CHUNKS_MAX / 2] {
            let ids = ids(half * CHUNK + 1 + nth, CHUNK, PENDING_CHUNKS_MAX / 2);
            let claim = format!("XCLAIM {s} {g} {me} 0 {ids} RETRYCOUNT 9223372036854775806 FORCE");
            assert_eq!(
                count(&engine.call(&format!("{claim} JUSTID"))),
                PENDING_CHUNKS_MAX / 2
            );
        }
    }
    engine
}

#[test]
fn all_that_is_pending_of_a_group_is_changed_by_one_command() {
    let (s, g) = (long("s"), long("g"));
    let (me, you) = (long("c127"), long("c126"));
    let mut engine = full_group(&s, &g);
    let pending = format!("[{PENDING_MAX} ");
    assert!(
        engine
            .call(&format!("XPENDING {s} {g}"))
            .starts_with(&pending)
    );
    assert_sound(&mut engine);

    let each = ids(1, CHUNK, PENDING_CHUNKS_MAX);
    let acked = engine.call(&format!("XACK {s} {g} {each}"));
    assert_eq!(acked, PENDING_CHUNKS_MAX.to_string());
    for half in [0, PENDING_CHUNKS_MAX / 2] {
        let ids = ids(half * CHUNK + 2, CHUNK, PENDING_CHUNKS_MAX / 2);
        let claimed = engine.call(&format!("XCLAIM {s} {g} {you} 0 {ids}"));
        assert_eq!(count(&claimed), PENDING_CHUNKS_MAX / 2);
    }
    let own = engine.call(&format!(
        "XREADGROUP GROUP {g} {you} COUNT 500 STREAMS {s} 0"
    ));
    assert_eq!(count(&own), 500);
    let claim = format!("XAUTOCLAIM {s} {g} {you} 0 0 COUNT 500 JUSTID");
    assert!(count(&engine.call(&claim)) >= 500);
    engine.call(&format!("XGROUP SETID {s} {g} $"));
    engine.call(&format!("XADD {s} * a 1"));
    let new = format!("XREADGROUP GROUP {g} {you} STREAMS {s} >");
    assert!(engine.call(&new).starts_with("ERR the group has"));
    assert_sound(&mut engine);

    let deleted = engine.call(&format!("XGROUP DELCONSUMER {s} {g} {me}"));
    assert!(deleted.parse::<usize>().unwrap() > 7 * PENDING_CHUNKS_MAX);
    assert_sound(&mut engine);
    assert_eq!(engine.call(&format!("XGROUP DESTROY {s} {g}")), "1");
    engine = engine.reopen().unwrap();
    assert_sound(&mut engine);
}

/// A topic of so many messages whose ids and keys are of the longest.
fn full_topic(s: &str, messages: usize) -> Stepper {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call(&format!("TOPIC.CREATE {s}"));
    for n in 0..messages {
        let (id, key) = (long(&format!("i{n}-")), long(&format!("k{n}-")));
        engine.call(&format!("TOPIC.PUBLISH {s} {id} x KEY {key}"));
    }
    engine
}

/// The ids of entries at these positions.
fn minted(engine: &Stepper, positions: impl Iterator<Item = usize>) -> String {
    let now_ms = engine.now_ms();
    let ids = positions.map(|position| format!("{now_ms}-{position}"));
    ids.collect::<Vec<_>>().join(" ")
}

#[test]
fn beside_a_large_entry_as_many_are_trimmed_as_there_is_room_for() {
    let s = long("s");
    let most = usize::try_from(TRIMMED_MAX).unwrap();
    let mut engine = full_topic(&s, most);
    let payload = "x".repeat(PAYLOAD_BYTES_MAX - 1024);
    let told = engine.call(&format!("XADD {s} MAXLEN 1 * f {payload}"));
    assert!(
        told.starts_with("ERR more than 85 entries would go at once"),
        "{told}"
    );
    assert_eq!(engine.call(&format!("XLEN {s}")), "1000");
    let id = engine.call(&format!("XADD {s} MAXLEN ~ 1 * f {payload}"));
    assert!(id.ends_with("-1001"), "{id}");
    assert_eq!(engine.call(&format!("XLEN {s}")), "916");
    assert_eq!(engine.call(&format!("XTRIM {s} MAXLEN 1")), "915");
    assert_sound(&mut engine);
}

#[test]
fn what_is_trimmed_and_what_was_deleted_behind_it_go_in_steps() {
    let s = long("s");
    let most = usize::try_from(TRIMMED_MAX).unwrap();
    let mut engine = full_topic(&s, 2 * most + 1);
    let ids = minted(&engine, most + 1..=2 * most);
    let deleted = engine.call(&format!("XDEL {s} {ids}"));
    assert_eq!(deleted, TRIMMED_MAX.to_string());
    let trimmed = engine.call(&format!("XTRIM {s} MAXLEN 1"));
    assert_eq!(trimmed, TRIMMED_MAX.to_string());
    assert_sound(&mut engine);
    engine.call(&format!("XTRIM {s} MAXLEN 1"));
    let topic = engine.call(&format!("TOPIC.GET {s}"));
    assert!(topic.contains("first=2001 last=2001"), "{topic}");
}

#[test]
fn as_many_entries_as_one_command_deletes_go_in_steps_and_more_are_refused() {
    let s = long("s");
    let most = usize::try_from(TRIMMED_MAX).unwrap();
    let mut engine = full_topic(&s, most + 1);
    let ids = minted(&engine, 1..=most + 1);
    let told = engine.call(&format!("XDEL {s} {ids}"));
    assert!(
        told.contains("up to 1000 entries are deleted at once, not 1001"),
        "{told}"
    );
    let ids = minted(&engine, 1..=most);
    let deleted = engine.call(&format!("XDEL {s} {ids}"));
    assert_eq!(deleted, TRIMMED_MAX.to_string());
    assert_eq!(engine.call(&format!("XLEN {s}")), "1");
    assert_sound(&mut engine);
    engine.call(&format!("XTRIM {s} MAXLEN 1"));
    let topic = engine.call(&format!("TOPIC.GET {s}"));
    assert!(topic.contains("first=1001 last=1001"), "{topic}");
}
