//! Topics that are sources of a counter, by the real binary.

use crate::support::{Client, Reply, Server, folder, http, wait_for, words};

fn start() -> (tempfile::TempDir, Server, Client) {
    let dir = folder();
    let server = Server::start(&dir.path().join("data"));
    let client = Client::to(&server.resp);
    (dir, server, client)
}

/// Publishes payloads of whatever characters.
fn publish(client: &mut Client, payloads: &[&str]) {
    let command = |payload: &&str| ["TOPIC.PUBLISH", "clicks", "*", payload].map(str::to_owned);
    let commands: Vec<_> = payloads
        .iter()
        .map(|payload| command(payload).to_vec())
        .collect();
    for told in client.pipeline(&commands) {
        assert_eq!(told.refusal(), None, "{told:?}");
    }
}

fn group(client: &mut Client) -> Option<Reply> {
    let groups = client.ask("TOPIC.GROUPS clicks");
    groups.field("items").items().first().cloned()
}

/// Waits until the group has settled all messages: so many of them as dead letters.
fn settled(client: &mut Client, dead: i64) {
    wait_for("all messages to be settled", || {
        let group = group(client)?;
        let is_settled = group.field("lag").integer() == 0;
        is_settled.then(|| assert_eq!(group.field("dead").integer(), dead, "{group:?}"))
    });
}

fn count(client: &mut Client, key: &str) -> i64 {
    let told = client.ask(&format!("COUNTER.GET views {key}"));
    told.field("count").integer()
}

#[test]
fn events_of_messages_are_counted_once_however_often_they_are_given() {
    let (_dir, server, mut client) = start();
    client.ask("COUNTER.CREATE views SHARDS 4 DIMS c");
    assert_eq!(
        client.ask("COUNTER.SOURCE nobody clicks").refusal(),
        Some("UNKNOWNCOUNTER")
    );
    let path = "PUT /v1/counters/views/sources/clicks";
    let told = http(&server.http, path, &[], "{\"in_flight\":3}").json();
    assert_eq!(
        (&told["group"], &told["in_flight"]),
        (&"views".into(), &3.into())
    );
    client.ask("TOPIC.CREATE clicks"); // It may come later: its group is made from its first message on.
    publish(
        &mut client,
        &[
            r#"{"key":"a","amount":5}"#,
            r#"[{"key":"a"}, {"key":"b","event":"mine","dims":"c=de"}, {"key":"b","event":"mine","dims":{"c":"de"}}]"#,
            "{\"key\":\"c\"}\n{\"key\":\"c\",\"event\":\"*\"}\n",
        ],
    );
    // The time of an event that says none is that of its message, so it is the same when it comes again.
    let long = format!("[{}]", vec![r#"{"key":"many"}"#; 1_201].join(","));
    publish(&mut client, &[&long]);
    wait_for("the group", || group(&mut client));
    settled(&mut client, 0);
    let all = ["a", "b", "c", "many", "*"].map(|key| count(&mut client, key));
    // `mine` stands there twice, with its dimension written in two ways.
    assert_eq!(all, [6, 1, 2, 1_201, 1_210]);

    let version = group(&mut client).expect("a group");
    let version = version.field("version").integer();
    let moved = client.ask(&format!("TOPIC.MOVE clicks views {version} TO 1"));
    assert_eq!(moved.field("next").integer(), 1);
    settled(&mut client, 0);
    assert_eq!(count(&mut client, "*"), 1_210);

    let listed = http(&server.http, "GET /v1/sources/counters", &[], "").json();
    assert_eq!(listed["items"][0]["sources"][0]["topic"], "clicks");
    let told = http(&server.http, &path.replace("PUT", "DELETE"), &[], "").json();
    assert_eq!(told["repeated"], false);
    let listed = client.ask("COUNTER.SOURCES");
    assert_eq!(listed.field("items").items(), []);
}

#[test]
fn message_that_cannot_be_counted_is_a_dead_letter_with_its_cause() {
    let (_dir, _server, mut client) = start();
    client.ask("COUNTER.CREATE views SHARDS 4 DIMS c");
    client.ask("TOPIC.CREATE clicks");
    client.ask("TOPIC.GROUP clicks g ORDER none TRIES 2 REST 1 REST_MAX 1");
    publish(
        &mut client,
        &[
            "nonsense",
            r#"{"key":"a","amount":0}"#,
            r#"[{"key":"a"},{"key":"*"},{"key":"b"},{"key":"a","dims":"d=x"}]"#,
            r#"{"key":"a"}"#,
        ],
    );
    client.ask("COUNTER.SOURCE views clicks GROUP g");
    settled(&mut client, 3);
    let dead = client.ask("TOPIC.DEAD clicks g");
    let dead = dead.field("items").items();
    let mut causes: Vec<_> = dead.iter().map(|one| one.field("cause").text()).collect();
    causes.sort_unstable();
    assert_eq!(
        causes,
        [
            "event 1: amount must be 1 to 1000000000, not 0",
            "event 2: key_reserved",
            "is no JSON of events: expected ident at line 1 column 2",
        ]
    );
    assert_eq!(dead[0].field("member").text(), "push");
    assert_eq!(
        ["a", "b"].map(|key| count(&mut client, key)),
        [2, 1],
        "what else it says was counted once"
    );
}

#[test]
fn messages_of_a_key_go_on_behind_one_that_is_dead() {
    let (_dir, _server, mut client) = start();
    client.ask("COUNTER.CREATE views SHARDS 1");
    client.ask("TOPIC.CREATE clicks");
    client.ask("TOPIC.GROUP clicks g ORDER key TRIES 3 REST 1 REST_MAX 1");
    for (key, payload) in [
        ("mia", r#"{"key":"a"}"#),
        ("mia", "nonsense"),
        ("mia", r#"{"key":"a"}"#),
        ("ben", r#"{"key":"b"}"#),
        ("mia", "nonsense"),
        ("mia", r#"{"key":"a"}"#),
    ] {
        client.ask(&format!("TOPIC.PUBLISH clicks * {payload} KEY {key}"));
    }
    client.ask("COUNTER.SOURCE views clicks GROUP g");
    settled(&mut client, 2);
    assert_eq!(["a", "b"].map(|key| count(&mut client, key)), [3, 1]);
}

#[test]
fn group_of_a_source_pauses_and_what_is_no_source_any_more_is_not_counted() {
    let (_dir, server, mut client) = start();
    client.ask("COUNTER.CREATE views SHARDS 4");
    client.ask("TOPIC.CREATE clicks");
    client.ask("TOPIC.GROUP clicks views ORDER none");
    client.ask("TOPIC.PAUSE clicks views");
    client.ask("COUNTER.SOURCE views clicks");
    client.ask("TOPIC.CREATE others");
    client.ask("COUNTER.SOURCE views others");
    publish(&mut client, &[r#"{"key":"a"}"#]);
    // The other source shows that what is to be counted is.
    client.ask(r#"TOPIC.PUBLISH others * {"key":"b"}"#);
    wait_for("the other source", || {
        (count(&mut client, "b") == 1).then_some(())
    });
    assert_eq!(count(&mut client, "a"), 0);
    client.ask("TOPIC.RESUME clicks views");
    settled(&mut client, 0);
    assert_eq!(count(&mut client, "a"), 1);
    client.ask("COUNTER.UNSOURCE views others");
    let repeated = client.ask("COUNTER.UNSOURCE views others");
    assert_eq!(repeated.field("repeated").integer(), 1);
    client.ask("COUNTER.DROP views");
    let listed = http(&server.http, "GET /v1/sources/counters", &[], "").json();
    assert_eq!(listed["items"], serde_json::json!([]));
}

#[test]
fn no_event_is_lost_or_counted_twice_over_kills() {
    const MESSAGES: i64 = 3_000;
    let dir = folder();
    let data = dir.path().join("data");
    let mut server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    client.ask("COUNTER.CREATE views SHARDS 4 BUCKETS 1h:1d");
    client.ask("TOPIC.CREATE clicks PARTS 3");
    client.ask("TOPIC.GROUP clicks views LEASE 500 ORDER none TRIES 1000");
    client.ask("COUNTER.SOURCE views clicks INFLIGHT 50");
    for from in (0..MESSAGES).step_by(500) {
        let publish = |n| {
            words(&format!(
                "TOPIC.PUBLISH clicks m{n} {{\"key\":\"k{}\"}} KEY p{n}",
                n % 7
            ))
        };
        let commands: Vec<_> = (from..from + 500).map(publish).collect();
        assert_eq!(client.pipeline(&commands).len(), 500);
    }
    for share in [1, 2, 3] {
        wait_for("some more to be counted", || {
            (count(&mut client, "*") >= MESSAGES * share / 5).then_some(())
        });
        drop(client);
        server.kill();
        server = Server::start(&data);
        client = Client::to(&server.resp);
    }
    settled(&mut client, 0);
    assert_eq!(count(&mut client, "*"), MESSAGES);
}
