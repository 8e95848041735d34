//! Every command and every refusal, as tables of what is asked and what is answered.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use support::check;

#[test]
fn message_has_a_position_and_an_id_is_published_once() {
    check(
        "TOPIC.CREATE t => name=t version=1 … last=0 last_at_ms=- bytes=0 delayed=0 groups=0
         TOPIC.PUBLISH t m1 one => name=t id=m1 position=1 at_ms=… repeated=false
         TOPIC.PUBLISH t m1 one => name=t id=m1 position=1 at_ms=… repeated=true
         TOPIC.PUBLISH t m1 two => id_conflict
         TOPIC.PUBLISH t m1 one KEY k => id_conflict
         TOPIC.PUBLISH t * one => … position=2 … repeated=false
         TOPIC.PUBLISH t * one => … position=3 … repeated=false
         TOPIC.GET t => … last=3 last_at_ms=… bytes=9 delayed=0 groups=0
         TOPIC.FIND t m1 => position=1 id=m1 key=- before=- … headers=- payload=one
         TOPIC.FIND t m2 => message_not_found
         TOPIC.FIND u m1 => unknown_topic",
    );
}

#[test]
fn topic_is_declared_again_and_changed_under_a_version() {
    check(
        "TOPIC.CREATE t OWNER me IF 0 => … version=1 … owner=me description= …
         TOPIC.CREATE t OWNER me IF 0 => … version=1 …
         TOPIC.CREATE t OWNER me => … version=1 …
         TOPIC.CREATE t OWNER you IF 2 => version_changed version=1
         TOPIC.CREATE t OWNER you DESC x IF 1 => … version=2 … owner=you description=x …
         TOPIC.CREATE u => … version=1 …
         TOPIC.LIST => items=[{name=t version=2 owner=you description=x groups=0} {name=u …] next=-
         TOPIC.LIST PREFIX u => items=[{name=u …}] next=-
         TOPIC.LIST LIMIT 1 => items=[{name=t …}] next=t
         TOPIC.LIST AFTER t => items=[{name=u …}] next=-",
    );
}

#[test]
fn several_messages_are_published_all_or_none() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.PUBLISHALL t 2 a k \"\" \"\" \"\" one * k \"\" 5000 {\"h\":\"1\"} two => \
         name=t messages=[{id=a position=1 … repeated=false} {id=… position=2 … repeated=false}]
         TOPIC.PUBLISHALL t 2 b \"\" \"\" \"\" \"\" x a k \"\" \"\" \"\" other => id_conflict item=2
         TOPIC.GET t => … last=2 …
         TOPIC.PUBLISHALL t 2 a k \"\" \"\" \"\" one c \"\" 1000 \"\" \"\" x => \
         name=t messages=[{id=a position=1 … repeated=true} {id=c position=- … repeated=false}]
         TOPIC.PUBLISHALL t 2 d \"\" \"\" \"\" \"\" x d \"\" \"\" \"\" \"\" x => \
         …{id=d position=3 … repeated=false} {id=d position=3 … repeated=true}]
         TOPIC.BROWSE t => items=[{position=1 id=a key=k before=- …} {position=2 id=… key=k before=1 …} \
         {position=3 id=d key=- before=- …}] next=-
         TOPIC.PUBLISHALL u 1 * \"\" \"\" \"\" \"\" x => unknown_topic",
    );
}

#[test]
fn refusals_are_checked_in_their_order() {
    check(
        "TOPIC.PUBLISH t m x AT 1 DELAY 1 => conflicting_fields
         TOPIC.PUBLISH t m x LAST 0 => conflicting_fields
         TOPIC.PUBLISH t m x LAST 0 KEY k DELAY 1 => conflicting_fields
         TOPIC.PUBLISH t m x => unknown_topic
         TOPIC.GET t => unknown_topic
         TOPIC.BROWSE t => unknown_topic
         TOPIC.GROUPS t => unknown_topic
         TOPIC.GROUP t g => unknown_topic
         TOPIC.READ t g me => unknown_group
         TOPIC.ACK t g 1.1 => unknown_group
         TOPIC.NACK t g 1.1 => unknown_group
         TOPIC.EXTEND t g 1.1 => unknown_group
         TOPIC.DEAD t g => unknown_group
         TOPIC.DEADINFO t g 1 => unknown_group
         TOPIC.REPLAY t g 1 => unknown_group
         TOPIC.DROP t g 1 => unknown_group
         TOPIC.CREATE t => …
         TOPIC.READ t g me => unknown_group
         TOPIC.GROUP t g => …
         TOPIC.ACK t g 1.1 => lease_ended
         TOPIC.NACK t g 1.1 => lease_ended
         TOPIC.EXTEND t g 1.1 => lease_ended
         TOPIC.DEADINFO t g 1 => dead_not_found
         TOPIC.REPLAY t g 1 => dead_not_found
         TOPIC.DROP t g 1 => dead_not_found
         TOPIC.ACK t g x => invalid: lease must be …
         TOPIC.PUBLISH t m x HEADERS [] => invalid: headers must be …
         TOPIC.PUBLISH t m x KEY k LAST 1 => key_changed last=0
         TOPIC.PUBLISH t m x KEY k LAST 0 => … position=1 …
         TOPIC.PUBLISH t m x KEY k LAST 0 => … position=1 … repeated=true
         TOPIC.PUBLISH t n x KEY k LAST 0 => key_changed last=1
         TOPIC.PUBLISH t n x KEY k LAST 1 => … position=2 …",
    );
}

#[test]
fn what_is_too_much_at_once_is_refused() {
    let items = format!("* \"\" \"\" \"\" \"\" {} ", "x".repeat(800 * 1024)).repeat(2);
    check(&format!(
        "TOPIC.CREATE t => …
         TOPIC.PUBLISHALL t 2 {items} => too_large bytes=1638… max=942080
         TOPIC.GET t => … last=0 …"
    ));
}

#[test]
fn delayed_message_appears_on_time_and_in_the_order_of_its_key_then() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g => …
         TOPIC.PUBLISH t late x KEY k DELAY 1000 TTL 500 => … position=- … repeated=false
         TOPIC.PUBLISH t late x KEY k DELAY 1000 TTL 500 => … position=- … repeated=true
         TOPIC.PUBLISH t now x KEY k AT 5 => … position=1 …
         TOPIC.GET t => … last=1 … delayed=1 …
         TOPIC.FIND t late => message_not_found
         PASS 999
         TOPIC.GET t => … last=1 … delayed=1 …
         PASS 1
         TOPIC.GET t => … last=2 … delayed=0 …
         TOPIC.PUBLISH t late x KEY k DELAY 1000 TTL 500 => … position=2 … repeated=true
         TOPIC.FIND t late => position=2 id=late key=k before=1 …
         TOPIC.READ t g me COUNT 9 => … messages=[{position=1 …} {position=2 …}]
         PASS 500
         TOPIC.FIND t late => message_not_found",
    );
}

#[test]
fn expired_message_is_given_to_nobody_and_counted() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g => …
         TOPIC.PUBLISH t a x TTL 1000 => …
         TOPIC.PUBLISH t b x => …
         TOPIC.GROUPS t => items=[{group=g … lag=2 lag_ms=0 next=1 …}] next=-
         PASS 1000
         TOPIC.BROWSE t => items=[{position=2 …}] next=-
         TOPIC.READ t g me COUNT 9 => lease=1.2 … messages=[{position=2 …}]
         TOPIC.GROUPS t => …lag=1 lag_ms=1000 next=3 leased=1 … expired=1}…",
    );
}

#[test]
fn pages_go_on_behind_a_position_and_begin_at_a_time() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.PUBLISH t a x => …
         TOPIC.PUBLISH t b x => …
         PASS 1000
         TOPIC.PUBLISH t c x => …
         TOPIC.BROWSE t LIMIT 2 => items=[{position=1 …} {position=2 …}] next=2
         TOPIC.BROWSE t AFTER 2 => items=[{position=3 …}] next=-
         TOPIC.BROWSE t AFTER 3 => items=[] next=-
         TOPIC.BROWSE t SINCE 1800000000500 => items=[{position=3 …}] next=-
         TOPIC.BROWSE t SINCE 1800000000000 LIMIT 1 => items=[{position=1 …}] next=1
         TOPIC.BROWSE t SINCE 1900000000000 => items=[] next=-",
    );
}

#[test]
fn message_is_leased_to_one_member_until_it_is_acknowledged() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g => name=t group=g version=1 order=key lease_ms=30000 tries=10 rest_min_ms=1000 \
         rest_max_ms=60000 next=1
         TOPIC.GROUP t h => …
         TOPIC.PUBLISH t a x => …
         TOPIC.PUBLISH t b y KEY k HEADERS {\"n\":\"1\"} => …
         TOPIC.READ t g me => lease=1.1 until_ms=… messages=[{position=1 id=a key=- at_ms=… attempt=1 headers=- payload=x}]
         TOPIC.READ t g you COUNT 5 => lease=2.2 … messages=[{position=2 id=b key=k … headers={\"n\":\"1\"} payload=y}]
         TOPIC.READ t g me => lease=- until_ms=- messages=[]
         TOPIC.READ t h me COUNT 5 => lease=1.1-1 …
         TOPIC.ACK t g 1.1 => acked=1 left=0 repeated=false
         TOPIC.ACK t g 1.1 => acked=0 left=0 repeated=true
         TOPIC.GROUPS t => items=[{group=g … lag=1 … leased=1 ready=0 resting=0 blocked=0 dead=0 acked=1 …} \
         {group=h … lag=2 … leased=2 …}] next=-
         TOPIC.ACK t g 2.2 => acked=1 left=0 repeated=false
         PASS 30000
         TOPIC.READ t g me => lease=- …
         TOPIC.READ t h me COUNT 5 => lease=2.1-1 …",
    );
}

#[test]
fn some_of_a_lease_are_settled_or_given_back() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g => …
         TOPIC.PUBLISHALL t 3 a \"\" \"\" \"\" \"\" x b \"\" \"\" \"\" \"\" x c \"\" \"\" \"\" \"\" x => …
         TOPIC.READ t g me COUNT 3 => lease=1.1-2 …
         TOPIC.ACK t g 1.1-2 POSITIONS 1 7 => not_leased position=7
         TOPIC.ACK t g 1.1-2 POSITIONS 1 2 => acked=1 left=2 repeated=false
         TOPIC.ACK t g 1.1-2 POSITIONS 1 2 => acked=0 left=2 repeated=true
         TOPIC.NACK t g 1.1-2 POSITIONS 1 7 => not_leased position=7
         TOPIC.NACK t g 1.1-2 POSITIONS 2 1 2 DELAY 500 => returned=1 dead=0 left=1
         TOPIC.GROUPS t => … lag=2 … leased=1 ready=0 resting=1 …
         TOPIC.READ t g me => lease=- …
         PASS 500
         TOPIC.READ t g me => lease=2.1 … attempt=2 …
         TOPIC.ACK t g 1.1-2 => acked=1 left=0 repeated=false
         TOPIC.ACK t g 1.1-2 => lease_ended
         TOPIC.ACK t g 2.1 => acked=1 left=0 repeated=false
         TOPIC.ACK t g 1.1-2 => acked=0 left=0 repeated=true",
    );
}

#[test]
fn lease_that_ends_is_over_by_the_clock_and_its_messages_are_given_again() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g LEASE 1000 => …
         TOPIC.PUBLISH t a x => …
         TOPIC.READ t g me => lease=1.1 until_ms=1800000001… …
         PASS 600
         TOPIC.EXTEND t g 1.1 => until_ms=18000000016…
         PASS 600
         TOPIC.READ t g you => lease=- …
         TOPIC.EXTEND t g 1.1 MS 100 => until_ms=…
         PASS 100
         TOPIC.EXTEND t g 1.1 => lease_ended
         TOPIC.ACK t g 1.1 => lease_ended
         TOPIC.READ t g you => lease=2.1 … attempt=2 …",
    );
}

#[test]
fn messages_of_a_key_come_one_after_the_other_and_one_that_fails_holds_back_its_own_key_only() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g => …
         TOPIC.PUBLISH t a1 x KEY a => …
         TOPIC.PUBLISH t b1 x KEY b => …
         TOPIC.PUBLISH t a2 x KEY a => …
         TOPIC.PUBLISH t b2 x KEY b => …
         TOPIC.PUBLISH t a3 x KEY a => …
         TOPIC.READ t g me => lease=1.1 …
         TOPIC.READ t g you COUNT 9 => lease=2.2.2 …
         TOPIC.GROUPS t => … leased=3 ready=0 resting=0 blocked=2 …
         TOPIC.NACK t g 1.1 DELAY 1000 => returned=1 dead=0 left=0
         TOPIC.ACK t g 2.2.2 => acked=2 left=0 repeated=false
         TOPIC.READ t g you => lease=- …
         PASS 1000
         TOPIC.READ t g you => lease=3.1 … attempt=2 …
         TOPIC.READ t g me => lease=- …
         TOPIC.ACK t g 3.1 => acked=1 …
         TOPIC.READ t g me COUNT 9 => lease=4.3.2 … messages=[{position=3 … attempt=1 …} {position=5 …}]
         TOPIC.ACK t g 4.3.2 POSITIONS 1 5 => out_of_order position=5 before=3
         TOPIC.NACK t g 4.3.2 POSITIONS 1 3 DELAY 0 => returned=2 dead=0 left=0
         TOPIC.READ t g me => lease=5.3 … attempt=2 …
         TOPIC.READ t g you => lease=- …
         TOPIC.ACK t g 5.3 => acked=1 …
         TOPIC.READ t g you => lease=6.5 … attempt=1 …",
    );
}

#[test]
fn group_without_order_is_given_all_at_once() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g ORDER none => … order=none …
         TOPIC.GROUP t g ORDER key => group_fixed
         TOPIC.GROUP t g FROM 2 => group_fixed
         TOPIC.GROUP t g => … version=1 order=none …
         TOPIC.GROUP t g TRIES 3 IF 1 => … version=2 … tries=3 …
         TOPIC.GROUP t g TRIES 4 IF 1 => version_changed version=2
         TOPIC.GROUP t h FROM 2 => … next=2
         TOPIC.PUBLISH t a x KEY k => …
         TOPIC.PUBLISH t b x KEY k => …
         TOPIC.READ t g me => lease=1.1 …
         TOPIC.READ t g you => lease=2.2 …
         TOPIC.READ t h you => lease=1.2 …",
    );
}

#[test]
fn message_that_fails_too_often_is_a_dead_letter_and_its_key_goes_on() {
    check(
        "TOPIC.CREATE t => …
         TOPIC.GROUP t g TRIES 2 LEASE 1000 => …
         TOPIC.PUBLISH t a x KEY k => …
         TOPIC.PUBLISH t b x KEY k => …
         TOPIC.READ t g me COUNT 2 => lease=1.1-1 …
         TOPIC.NACK t g 1.1-1 DELAY 0 CAUSE sink => returned=2 dead=0 left=0
         TOPIC.READ t g me COUNT 2 => lease=2.1-1 …{position=1 … attempt=2 …} {position=2 … attempt=1 …
         TOPIC.NACK t g 2.1-1 CAUSE sink => returned=1 dead=1 left=0
         TOPIC.DEAD t g => items=[{number=1 position=1 tries=2 cause=sink member=me at_ms=…}] next=-
         TOPIC.DEADINFO t g 1 => number=1 tries=2 cause=sink member=me died_at_ms=… message={position=1 id=a key=k …
         TOPIC.READ t g you => lease=3.2 … attempt=1 …
         PASS 1000
         TOPIC.READ t g you => lease=4.2 … attempt=2 …
         PASS 1000
         TOPIC.DEAD t g LIMIT 1 => items=[{number=1 …}] next=1
         TOPIC.DEAD t g AFTER 1 => items=[{number=2 position=2 tries=2 cause=the lease ended member=you …}] next=-
         TOPIC.REPLAY t g 1 => position=1 dead=1
         TOPIC.REPLAY t g 1 => dead_not_found
         TOPIC.READ t g me => lease=5.1 … attempt=1 …
         TOPIC.ACK t g 5.1 => acked=1 …
         TOPIC.DROP t g 2 => dead=0
         TOPIC.GROUPS t => … lag=0 lag_ms=0 … dead=0 acked=1 …",
    );
}
