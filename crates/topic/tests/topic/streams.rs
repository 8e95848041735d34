//! What each stream command answers, and refuses.

use crate::support::{check, run};
use tidegate_engine::testing::Stepper;
use tidegate_topic::{STREAM, TOPIC};

#[test]
fn ids_that_are_chosen_ascend() {
    check(
        "
        XADD s 5-1 a 1 => 5-1
        XADD s 5-1 a 1 => ERR The ID specified in XADD is equal or smaller than the target stream top item
        XADD s 4 a 1 => ERR The ID specified in XADD is equal or smaller…
        XADD s 5-* a 2 => 5-2
        XADD s 6-* a 3 => 6-0
        XADD s 7 a 4 => 7-0
        XADD s 18446744073709551615-1 a 4 => ERR The stream has exhausted the last possible ID…
        XRANGE s - + => [[5-1 [a 1]] [5-2 [a 2]] [6-0 [a 3]] [7-0 [a 4]]]
        XLEN s => 4
        XADD t 0-* a 1 => 0-1
        XADD t 0-* a 1 => 0-2
        XADD u NOMKSTREAM * a 1 => -
        XLEN u => 0
        ",
    );
}

#[test]
fn ids_that_are_minted_are_times_and_positions_or_follow_what_lies_beyond_the_clock() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    let now_ms = engine.now_ms();
    assert_eq!(engine.call("XADD s * a 1"), format!("{now_ms}-1"));
    assert_eq!(engine.call("XADD s * a 2"), format!("{now_ms}-2"));
    run(
        &mut engine,
        "
        XADD s 9999999999999-7 a 3 => 9999999999999-7
        XADD s * a 4 => 9999999999999-8
        TOPIC.PUBLISH s * hello => …
        XREVRANGE s + - COUNT 1 => [[9999999999999-9 [payload hello]]]
        ",
    );
    engine = engine.reopen().unwrap();
    assert_eq!(engine.call("XADD s * a 6"), "9999999999999-10");
}

#[test]
fn an_entry_is_a_message_and_a_message_an_entry() {
    check(
        r#"
        XADD s 1-1 b 1 a 2 => 1-1
        XADD s 1-2 a 1 a 2 => 1-2
        TOPIC.PUBLISH s * {"x":"y"} => …
        TOPIC.PUBLISH s * {"x":1} => …
        TOPIC.GROUP s g => …
        TOPIC.READ s g me COUNT 4 => …payload={\"b\":\"1\",\"a\":\"2\"}…payload=*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n2\r\n…
        XRANGE s 1 1 => [[1-1 [b 1 a 2]] [1-2 [a 1 a 2]]]
        XRANGE s 2 + => …[x y]…[payload {\"x\":1}]…
        "#,
    );
}

#[test]
fn an_entry_is_as_the_schema_of_its_topic_says() {
    check(
        r#"
        TOPIC.CREATE s SCHEMA {"type":"object","required":["a"]} => …
        XADD s 1 b 1 => ERR the topic's schema does not accept the entry: …
        XADD s 1 a 1 => 1-0
        "#,
    );
}

#[test]
fn who_blocks_gets_what_others_publish() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call("XGROUP CREATE s g 0 MKSTREAM");
    let asked = [
        "XREAD BLOCK 1000 STREAMS s $",
        "XREADGROUP GROUP g me BLOCK 1000 STREAMS s >",
    ];
    let tokens = asked.map(|words| engine.submit(words).unwrap());
    engine.settle();
    engine.call("TOPIC.PUBLISH s * hello");
    for token in tokens {
        let (_, answer) = engine.answer(token).expect("it is told of the message");
        assert!(answer.ends_with("[payload hello]]]"), "{answer}");
    }
}

#[test]
fn ranges_are_of_ids_whether_there_are_such_or_not() {
    check(
        "
        XADD s 1-1 a 1 => 1-1
        XADD s 3-5 a 2 => 3-5
        XADD s 3-9 a 3 => 3-9
        XADD s 8-0 a 4 => 8-0
        XRANGE s 2 7 => [[3-5 [a 2]] [3-9 [a 3]]]
        XRANGE s 3-6 3-8 => []
        XRANGE s (3-5 (8-0 => [[3-9 [a 3]]]
        XRANGE s - + COUNT 2 => [[1-1 [a 1]] [3-5 [a 2]]]
        XRANGE s - + COUNT 0 => -
        XRANGE s + - => []
        XREVRANGE s 7 2 => [[3-9 [a 3]] [3-5 [a 2]]]
        XREVRANGE s + - COUNT 1 => [[8-0 [a 4]]]
        XREVRANGE s (8-0 - COUNT 1 => [[3-9 [a 3]]]
        XRANGE none - + => []
        XRANGE s x + => invalid: says Invalid stream ID specified as stream command argument
        ",
    );
}

#[test]
fn a_range_that_one_answer_has_no_room_for_is_refused_and_not_cut() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    for n in 1..=1_001 {
        assert_eq!(engine.call(&format!("XADD s {n} a 1")), format!("{n}-0"));
    }
    run(
        &mut engine,
        "
        XRANGE s - + => ERR what is asked for has more than 1000 entries or 1048576 bytes…
        XRANGE s 2 + => [[2-0 [a 1]]…[1001-0 [a 1]]]
        XREVRANGE s + - COUNT 1001 => ERR what is asked for…
        ",
    );
}

#[test]
fn what_is_trimmed_goes_and_what_was_pending_of_it_is_told_without_its_fields() {
    check(
        "
        XADD s 1 a 1 => 1-0
        XADD s 2 a 2 => 2-0
        XADD s 3 a 3 => 3-0
        XGROUP CREATE s g 0 => OK
        XREADGROUP GROUP g me COUNT 2 STREAMS s > => s=[[1-0 [a 1]] [2-0 [a 2]]]
        XTRIM s MAXLEN 5 => 0
        XTRIM s MAXLEN = 2 => 1
        XADD s MAXLEN 2 4 a 4 => 4-0
        XRANGE s - + => [[3-0 [a 3]] [4-0 [a 4]]]
        XREADGROUP GROUP g me STREAMS s 0 => s=[[1-0 -] [2-0 -]]
        XPENDING s g - + 10 => [[1-0 me 0 1] [2-0 me 0 1]]
        XCLAIM s g you 0 1-0 => []
        XPENDING s g - + 10 => [[2-0 me 0 1]]
        XAUTOCLAIM s g you 0 0 => [0-0 [] [2-0]]
        XPENDING s g => [0 - - -]
        XTRIM s MINID ~ 4 => 1
        XTRIM s MINID 9 => 1
        XLEN s => 0
        XINFO STREAM s => length=0 last-generated-id=4-0 entries-added=4 groups=1 first-entry=- last-entry=-
        XADD s 3 a 1 => ERR The ID specified in XADD is equal or smaller…
        XADD s 5 a 5 => 5-0
        XREADGROUP GROUP g me STREAMS s > => s=[[5-0 [a 5]]]
        ",
    );
}

#[test]
fn more_than_one_command_may_trim_is_refused_if_it_is_to_be_exact() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    for n in 1..=1_002 {
        engine.call(&format!("XADD s {n} a 1"));
    }
    run(
        &mut engine,
        "
        XTRIM s MAXLEN 1 => ERR more than 1000 entries would go at once…
        XTRIM s MAXLEN ~ 1 LIMIT 10 => 10
        XTRIM s MAXLEN ~ 1 LIMIT 0 => 991
        XLEN s => 1
        ",
    );
}

#[test]
fn what_is_deleted_is_no_entry_any_more_wherever_it_lies() {
    check(
        "
        XADD s 1 a 1 => 1-0
        XADD s 2 a 2 => 2-0
        XADD s 3 a 3 => 3-0
        XADD s 4 a 4 => 4-0
        XGROUP CREATE s g 0 => OK
        TOPIC.GROUP s h ORDER none => …
        XDEL s 2 3 9 2 => 2
        XLEN s => 2
        XINFO GROUPS s => [{name=g consumers=0 pending=0 last-delivered-id=0-0 entries-read=0 lag=-}]
        XRANGE s - + => [[1-0 [a 1]] [4-0 [a 4]]]
        XREAD STREAMS s 1 => s=[[4-0 [a 4]]]
        XREADGROUP GROUP g me STREAMS s > => s=[[1-0 [a 1]] [4-0 [a 4]]]
        TOPIC.BROWSE s => …position=1 …position=4 …
        XDEL s 1 => 1
        TOPIC.GET s => …first=4 last=4…
        XLEN s => 1
        XINFO STREAM s => length=1…first-entry=[4-0 [a 4]] last-entry=[4-0 [a 4]]
        XDEL s 4 => 1
        XADD s 4 a 4 => ERR The ID specified…
        XTRIM s MAXLEN 0 => 0
        ",
    );
}

#[test]
fn groups_begin_where_they_are_told_to() {
    check(
        "
        XGROUP CREATE s g $ => ERR The XGROUP subcommand requires the key to exist…
        XGROUP CREATE s g $ MKSTREAM => OK
        XGROUP CREATE s g 0 => BUSYGROUP Consumer Group name already exists
        XADD s 1 a 1 => 1-0
        XADD s 2 a 2 => 2-0
        XGROUP CREATE s h 1 => OK
        XGROUP CREATE s i $ => OK
        XGROUP CREATE s j 7 => OK
        XADD s 3 a 3 => 3-0
        XREADGROUP GROUP g me STREAMS s > => s=[[1-0 [a 1]] [2-0 [a 2]] [3-0 [a 3]]]
        XREADGROUP GROUP h me STREAMS s > => s=[[2-0 [a 2]] [3-0 [a 3]]]
        XREADGROUP GROUP i me STREAMS s > => s=[[3-0 [a 3]]]
        XREADGROUP GROUP j me STREAMS s > => -
        XADD s 8 a 8 => 8-0
        XREADGROUP GROUP j me STREAMS s > => s=[[8-0 [a 8]]]
        XGROUP SETID s j 1 => OK
        XREADGROUP GROUP j you COUNT 1 STREAMS s > => s=[[2-0 [a 2]]]
        XINFO GROUPS s => [{name=g …} {name=h …} {name=i …} {name=j consumers=2 pending=2 last-delivered-id=2-0 entries-read=2 lag=2}]
        XREADGROUP GROUP j you STREAMS s > => s=[[3-0 [a 3]] [8-0 [a 8]]]
        XINFO CONSUMERS s j => [{name=me pending=0 …} {name=you pending=3 idle=0 inactive=0}]
        XGROUP DESTROY s j => 1
        XGROUP DESTROY s j => 0
        XREADGROUP GROUP j you STREAMS s > => NOGROUP No such key 's' or consumer group 'j' in XREADGROUP with GROUP option
        XINFO CONSUMERS s j => NOGROUP No such consumer group 'j' for key name 's'
        XINFO GROUPS t => ERR no such key
        ",
    );
}

#[test]
fn what_a_consumer_was_given_is_pending_until_it_is_acknowledged() {
    check(
        "
        XADD s 1 a 1 => 1-0
        XADD s 2 a 2 => 2-0
        XADD s 3 a 3 => 3-0
        XGROUP CREATE s g 0 => OK
        XREADGROUP GROUP g me COUNT 2 STREAMS s > => …
        XREADGROUP GROUP g you STREAMS s > => s=[[3-0 [a 3]]]
        XPENDING s g => [3 1-0 3-0 [[me 2] [you 1]]]
        PASS 100
        XREADGROUP GROUP g me STREAMS s 0 => s=[[1-0 [a 1]] [2-0 [a 2]]]
        XREADGROUP GROUP g me STREAMS s 1 => s=[[2-0 [a 2]]]
        XREADGROUP GROUP g me STREAMS s 2 => s=[]
        XPENDING s g IDLE 50 - + 10 => [[3-0 you 100 1]]
        XPENDING s g - + 10 me => [[1-0 me 0 2] [2-0 me 0 3]]
        XPENDING s g (1-0 + 1 => [[2-0 me 0 3]]
        XACK s g 1 3 9 => 2
        XACK s g 1 => 0
        XPENDING s g => [1 2-0 2-0 [[me 1]]]
        XREADGROUP GROUP g me NOACK STREAMS s > => -
        XADD s 4 a 4 => 4-0
        XREADGROUP GROUP g me NOACK STREAMS s > => s=[[4-0 [a 4]]]
        XPENDING s g => [1 2-0 2-0 [[me 1]]]
        XGROUP DELCONSUMER s g me => 1
        XGROUP DELCONSUMER s g me => 0
        XGROUP CREATECONSUMER s g me => 1
        XGROUP CREATECONSUMER s g me => 0
        XINFO CONSUMERS s g => [{name=me pending=0 idle=0} {name=you pending=0 …}]
        ",
    );
}

#[test]
fn another_consumer_takes_over_what_was_idle_for_long_enough() {
    check(
        "
        XADD s 1 a 1 => 1-0
        XADD s 2 a 2 => 2-0
        XADD s 3 a 3 => 3-0
        XADD s 4 a 4 => 4-0
        XGROUP CREATE s g 0 => OK
        XREADGROUP GROUP g dead COUNT 3 STREAMS s > => …
        PASS 500
        XCLAIM s g me 501 1 2 => []
        XCLAIM s g me 500 1 4 => [[1-0 [a 1]]]
        XCLAIM s g me 0 4 FORCE JUSTID => [4-0]
        XPENDING s g - + 10 => [[1-0 me 0 2] [2-0 dead 500 1] [3-0 dead 500 1] [4-0 me 0 1]]
        XAUTOCLAIM s g me 100 0 COUNT 1 => [3-0 [[2-0 [a 2]]] []]
        XAUTOCLAIM s g me 100 3-0 COUNT 10 JUSTID => [0-0 [3-0] []]
        XCLAIM s g you 0 3 IDLE 70 RETRYCOUNT 9 => [[3-0 [a 3]]]
        XPENDING s g - + 10 you => [[3-0 you 70 9]]
        XPENDING s g => [4 1-0 4-0 [[me 3] [you 1]]]
        XCLAIM s h you 0 3 => NOGROUP No such key 's' or consumer group 'h'
        ",
    );
}

#[test]
fn who_blocks_is_answered_when_something_comes_or_with_nothing_when_the_time_is_over() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call("XADD s 1 a 1");
    engine.call("XGROUP CREATE s g $");
    let asked = [
        "XREAD BLOCK 1000 STREAMS s $",
        "XREAD BLOCK 1000 STREAMS new 0",
        "XREADGROUP GROUP g me BLOCK 1000 STREAMS s >",
        "XREAD BLOCK 1000 STREAMS never $",
        "XREAD BLOCK 1000 STREAMS never other 0 0",
        "XREAD BLOCK 1000 STREAMS never new 0 0",
    ];
    let tokens = asked.map(|words| engine.submit(words).unwrap());
    engine.settle();
    assert!(tokens.iter().all(|token| engine.answer(*token).is_none()));
    engine.call("XADD s 2 a 2");
    engine.call("XADD new 3 a 3");
    engine.settle();
    let answer = |engine: &Stepper, at: usize| engine.answer(tokens[at]).map(|(_, answer)| answer);
    assert_eq!(answer(&engine, 0).as_deref(), Some("s=[[2-0 [a 2]]]"));
    assert_eq!(answer(&engine, 1).as_deref(), Some("new=[[3-0 [a 3]]]"));
    assert_eq!(answer(&engine, 2).as_deref(), Some("s=[[2-0 [a 2]]]"));
    assert_eq!(answer(&engine, 3), None);
    assert_eq!(answer(&engine, 5).as_deref(), Some("new=[[3-0 [a 3]]]"));
    engine.pass_ms(1_000);
    assert_eq!(answer(&engine, 3).as_deref(), Some("-"));
    assert_eq!(answer(&engine, 4).as_deref(), Some("-"));
}

#[test]
fn who_is_blocked_by_a_group_that_is_destroyed_is_told() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call("XGROUP CREATE s g $ MKSTREAM");
    let read = "XREADGROUP GROUP g me BLOCK 1000 STREAMS s >";
    let waiting = engine.submit(read).unwrap();
    engine.settle();
    assert_eq!(engine.answer(waiting), None);
    engine.call("XGROUP DESTROY s g");
    engine.settle();
    let told = engine.answer(waiting).map(|(_, answer)| answer);
    let no = "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
    assert_eq!(told.as_deref(), Some(no));
}

/// How many times all executors have their turn until a reader of group `h` has an entry, behind so many of `g`.
fn turns_behind(readers: usize) -> usize {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call("XGROUP CREATE s g $ MKSTREAM");
    engine.call("XGROUP CREATE s h $");
    let read = |group: &str| format!("XREADGROUP GROUP {group} me BLOCK 20000 STREAMS s >");
    for _ in 0..readers {
        engine.submit(&read("g")).unwrap();
    }
    let of_h = engine.submit(&read("h")).unwrap();
    engine.settle();
    engine.submit("XADD s 1 a 1").unwrap();
    let turn = (1..100).find(|_| {
        engine.execute();
        engine.write().unwrap();
        engine.answer(of_h).is_some()
    });
    turn.expect("it is told of the entry")
}

#[test]
fn an_entry_runs_one_reader_of_each_group_again_and_not_all_who_wait() {
    assert_eq!(turns_behind(4_000), turns_behind(0));
}

#[test]
fn as_many_readers_of_each_group_are_given_something_as_there_are_entries() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    let mut waiting = Vec::new();
    for group in ["g", "h"] {
        engine.call(&format!("XGROUP CREATE s {group} $ MKSTREAM"));
        let read = format!("XREADGROUP GROUP {group} me COUNT 1 BLOCK 20000 STREAMS s >");
        waiting.extend((0..3).map(|_| engine.submit(&read).unwrap()));
    }
    engine.settle();
    let item = "* \"\" \"\" \"\" \"\" x ";
    engine.call(&format!("TOPIC.PUBLISHALL s 2 {item}{item}"));
    let given = waiting.iter().map(|token| engine.answer(*token).is_some());
    let given: Vec<_> = given.collect();
    assert_eq!(given, [true, true, false, true, true, false]);
    engine.call("XGROUP SETID s g 0");
    assert!(engine.answer(waiting[2]).is_some(), "it goes on before");
    assert_eq!(engine.answer(waiting[5]), None);
}

#[test]
fn who_was_told_of_an_entry_and_may_not_be_given_it_leaves_it_to_another_one() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call("XGROUP CREATE s g $ MKSTREAM");
    let read = |consumer: &str| format!("XREADGROUP GROUP g {consumer} BLOCK 20000 STREAMS s >");
    let waiting = ["new", "c0"].map(|consumer| engine.submit(&read(consumer)).unwrap());
    engine.settle();
    for n in 0..128 {
        engine.call(&format!("XGROUP CREATECONSUMER s g c{n}"));
    }
    engine.call("XADD s 1 a 1");
    let told = waiting.map(|token| engine.answer(token).map(|(_, answer)| answer));
    let entry = "s=[[1-0 [a 1]]]".to_owned();
    assert_eq!(told, [Some("-".to_owned()), Some(entry)]);
    engine.call("XADD s 2 a 2");
    let refused = engine.call(&read("new"));
    assert!(refused.starts_with("ERR the group has 128"), "{refused}");
}

#[test]
fn of_several_streams_one_that_has_something_is_answered_and_each_in_its_turn() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    for name in ["a", "b", "c"] {
        engine.call(&format!("XADD {name} 1 x {name}"));
        engine.call(&format!("XGROUP CREATE {name} g 0"));
    }
    let read = |engine: &mut Stepper| engine.call("XREADGROUP GROUP g me STREAMS a b c > > >");
    let mut given: Vec<_> = (0..3).map(|_| read(&mut engine)).collect();
    given.sort();
    assert_eq!(
        given,
        ["a=[[1-0 [x a]]]", "b=[[1-0 [x b]]]", "c=[[1-0 [x c]]]"]
    );
    assert_eq!(read(&mut engine), "-");
    assert_eq!(engine.call("XREAD STREAMS a b 1 0"), "b=[[1-0 [x b]]]");
}

#[test]
fn limits_are_told_and_what_is_there_goes_on() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call("XADD s 1 a 1");
    for n in 0..64 {
        assert_eq!(engine.call(&format!("XGROUP CREATE s g{n} 0")), "OK");
    }
    for n in 0..128 {
        assert_eq!(
            engine.call(&format!("XGROUP CREATECONSUMER s g0 c{n}")),
            "1"
        );
    }
    run(
        &mut engine,
        "
        XGROUP CREATE s g64 0 => ERR the stream has 64 groups…
        XGROUP CREATECONSUMER s g0 c128 => ERR the group has 128 consumers…
        XREADGROUP GROUP g0 c128 STREAMS s > => ERR the group has 128 consumers…
        XREADGROUP GROUP g0 c127 STREAMS s > => s=[[1-0 [a 1]]]
        ",
    );
}

#[test]
fn nothing_new_is_given_while_too_much_is_pending() {
    let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
    engine.call("XGROUP CREATE s g 0 MKSTREAM");
    for n in 1..=10_001 {
        engine.call(&format!("XADD s {n} a 1"));
    }
    for _ in 0..20 {
        engine.call("XREADGROUP GROUP g me COUNT 500 STREAMS s >");
    }
    run(
        &mut engine,
        "
        XREADGROUP GROUP g me STREAMS s > => ERR the group has 10000 pending entries…
        XACK s g 5000 => 1
        XREADGROUP GROUP g me STREAMS s > => s=[[10001-0 [a 1]]]
        ",
    );
}
