//! Samples of counters, which the server counts again beside everything else.

use crate::support::{Client, Server, folder, http, wait_for};

/// The value of a family of `/metrics` for the counter `hits`; nothing if it is not told.
fn figure(server: &Server, family: &str) -> Option<u64> {
    let text = http(&server.http, "GET /metrics", &[], "").body;
    let name = format!("tidegate_counter_{family}{{counter=\"hits\"}} ");
    let mut values = text.lines().filter_map(|line| line.strip_prefix(&name));
    values.next().map(|value| value.parse().expect("a number"))
}

fn difference(server: &Server, is_wanted: impl Fn(u64) -> bool) {
    wait_for("a difference", || {
        figure(server, "sampled_difference").filter(|difference| is_wanted(*difference))
    });
}

#[test]
fn difference_that_is_planted_is_told_and_what_is_right_is_none() {
    let dir = folder();
    let server = Server::start_with(&dir.path().join("data"), |command| {
        command.args(["--sample-every", "1"]);
    });
    let mut client = Client::to(&server.resp);
    client.ask("COUNTER.CREATE hits BUCKETS 1s:1h SHARDS 4 RAW hits-raw");
    client.ask("COUNTER.CREATE plain BUCKETS 1s:1h SHARDS 4");
    let mut n = 0;
    wait_for("events to be counted again", || {
        for _ in 0..40 {
            n += 1;
            client.ask(&format!("COUNTER.ADD hits * k{}", n % 30));
        }
        figure(&server, "sampled_buckets_total").filter(|buckets| *buckets > 17)
    });
    difference(&server, |difference| difference == 0);
    // The topic has an event that the counter knows nothing of.
    let now_ms = client.ask("COUNTER.GET hits *").field("as_of_ms").integer();
    let headers = r#"{"counter":"hits","shard":"0","letter":"99999"}"#;
    let event = format!(r#"[{{"key":"k1","amount":500,"at_ms":{now_ms}}}]"#);
    client.ask(&format!(
        "TOPIC.PUBLISH hits-raw * {event} HEADERS {headers}"
    ));
    difference(&server, |difference| difference >= 500);
    // Time passes, and the next samples are of other seconds.
    difference(&server, |difference| difference == 0);
    let text = http(&server.http, "GET /metrics", &[], "").body;
    assert!(!text.contains("plain"), "no topic keeps its events");
    client.ask("COUNTER.DROP hits");
    wait_for("it to be told of no more", || {
        figure(&server, "sampled_difference")
            .is_none()
            .then_some(())
    });
}
