//! Topics whose payloads are as a schema says.

use crate::support::check;

#[test]
fn payload_is_published_only_as_the_schema_says() {
    check(
        r#"TOPIC.CREATE t SCHEMA {"type":"object","required":["n"],"properties":{"n":{"maximum":9}}} => … schema={"type":"object",…}
         TOPIC.GET t => … schema={"type":"object","required":["n"],"properties":{"n":{"maximum":9}}}
         TOPIC.PUBLISH t a {"n":10} => schema_violated at=/n what=must be at most 9
         TOPIC.PUBLISH t a {} => schema_violated at= what=must have n
         TOPIC.PUBLISH t a x => schema_violated at= what=is no JSON: expected value at line 1 column 1
         TOPIC.PUBLISH t a {"n":10} DELAY 1000 => schema_violated at=/n …
         TOPIC.PUBLISH t a {"n":9} => … position=1 …
         TOPIC.PUBLISH t a {"n":10} => id_conflict
         TOPIC.PUBLISH t b {"n":10} KEY k LAST 3 => key_changed last=0
         TOPIC.PUBLISHALL t 2 b "" "" "" "" {"n":1} c "" "" "" "" {"n":11} => schema_violated item=2 at=/n what=must be at most 9
         TOPIC.GET t => … last=1 …
         TOPIC.PUBLISHALL t 2 b "" "" "" "" {"n":1} c "" "" "" "" {"n":2} => … position=3 …"#,
    );
}

#[test]
fn schema_that_follows_another_one_accepts_all_that_it_accepts() {
    check(
        r#"TOPIC.CREATE t => … schema=-
         TOPIC.PUBLISH t a x => … position=1 …
         TOPIC.CREATE t SCHEMA {"maximum":5} => … version=2 … schema={"maximum":5}
         TOPIC.CREATE t SCHEMA {"maximum":5} => … version=2 …
         TOPIC.PUBLISH t a x => … position=1 … repeated=true
         TOPIC.PUBLISH t b x => schema_violated …
         TOPIC.PUBLISH t late 5 DELAY 1000 => … position=- …
         TOPIC.CREATE t SCHEMA {"maximum":4} => schema_incompatible at= what=accepts what is at most 4 only
         TOPIC.CREATE t SCHEMA {"maximum":4} IF 1 => version_changed version=2
         TOPIC.CREATE t SCHEMA {"items":{"type":"null"}} => schema_incompatible at=/* what=accepts null only
         TOPIC.CREATE t SCHEMA {"maximum":6} IF 2 => … version=3 … schema={"maximum":6}
         TOPIC.PUBLISH t b 6 => … position=2 …
         TOPIC.CREATE t SCHEMA {"maximum":4} COMPATIBLE yes => schema_incompatible …
         TOPIC.CREATE t SCHEMA {"maximum":4} COMPATIBLE no => … version=4 … schema={"maximum":4}
         TOPIC.CREATE t SCHEMA {"maximum":4} => … version=4 …
         PASS 1000
         TOPIC.FIND t late => position=3 …
         TOPIC.CREATE t => … version=5 … schema=-
         TOPIC.PUBLISH t c x => … position=4 …"#,
    );
}

#[test]
fn what_is_no_schema_is_refused_with_the_place() {
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(16 * 1024));
    check(&format!(
        r#"TOPIC.CREATE t SCHEMA {{"items":{{"not":1}}}} => invalid: schema must be a schema that topics know: "/items/not" is not among the keywords that topics know, or not there
         TOPIC.CREATE t SCHEMA x => invalid: schema must be a schema that topics know: "" is no JSON: …
         TOPIC.CREATE t SCHEMA {long} => invalid: schema must be at most 16384 bytes long, not …
         TOPIC.CREATE t SCHEMA {{}} COMPATIBLE maybe => invalid: compatible must be one of yes no
         TOPIC.GET t => unknown_topic"#
    ));
}
