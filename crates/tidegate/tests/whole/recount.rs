//! `tidegate recount` against the real server.

use std::process::Output;

use crate::support::{Client, Server, finish, folder, tidegate};
use serde_json::Value;

const CREATE: &str = "COUNTER.CREATE hits BUCKETS 1s:1h,1m:2d SHARDS 4 LATE_MS 1h RAW hits-raw";

fn recount(server: &Server, more: &[&str]) -> (Output, Value) {
    let url = format!("http://{}", server.http);
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> =
        vec![&"recount", &"hits", &"--url", &url, &"--json"];
    args.extend(more.iter().map(|word| word as &dyn AsRef<std::ffi::OsStr>));
    let output = finish(tidegate(&args));
    let told = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, told)
}

fn add_some(client: &mut Client, from: u64) {
    for n in from..from + 40 {
        let told = client.ask(&format!(
            "COUNTER.ADD hits e{n} k{} AMOUNT {}",
            n % 7,
            1 + n % 3
        ));
        assert_eq!(told.field("state").text(), "counted");
    }
}

#[test]
fn recount_finds_and_repairs_a_difference_that_is_planted() {
    let dir = folder();
    let mut server = Server::start(&dir.path().join("data"));
    let mut client = Client::to(&server.resp);
    client.ask(CREATE);
    add_some(&mut client, 0);
    drop(client);
    server.kill();
    server = Server::start(&dir.path().join("data"));
    let mut client = Client::to(&server.resp);
    add_some(&mut client, 40);
    let (output, told) = recount(&server, &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!((&told["events"], &told["keys"]), (&80.into(), &7.into()));
    let before = client.ask("COUNTER.GET hits *").field("count").integer();

    let now_ms = client.ask("COUNTER.GET hits *").field("as_of_ms").integer();
    let at_ms = now_ms - 120_000;
    for (key, to) in [("k1", 50), ("k9", 5)] {
        client.ask(&format!(
            "COUNTER.CORRECT hits {key} AT {at_ms} FROM 0 TO {to} BY mallory"
        ));
    }
    let (output, told) = recount(&server, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let differences = told["differences"].as_array().expect("a list");
    let found: Vec<_> = differences
        .iter()
        .map(|found| {
            (
                found["key"].as_str().expect("a text"),
                found["counted"].as_u64().expect("a number"),
            )
        })
        .collect();
    assert_eq!(found, [("k1", 50), ("*", 5)]);
    let (output, _) = recount(&server, &["--key", "k2"]);
    assert!(output.status.success(), "{output:?}");

    let (output, told) = recount(
        &server,
        &["--repair", "--key", "k1", "--key", "k9", "--by", "night"],
    );
    assert!(output.status.success(), "{told}");
    let (output, told) = recount(&server, &[]);
    assert!(output.status.success(), "{told}");
    assert_eq!(
        client.ask("COUNTER.GET hits *").field("count").integer(),
        before
    );
    let listed = client.ask_for_optional("COUNTER.AUDIT hits");
    let by: Vec<_> = listed
        .field("items")
        .items()
        .iter()
        .map(|item| item.field("by").text().to_owned())
        .collect();
    assert_eq!(by.iter().filter(|by| *by == "night").count(), 2, "{by:?}");
}

#[test]
fn recount_says_what_it_cannot_compare() {
    let dir = folder();
    let server = Server::start(&dir.path().join("data"));
    let mut client = Client::to(&server.resp);
    let told = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let (output, _) = recount(&server, &[]);
    assert!(
        told(&output).contains("there is no counter hits"),
        "{output:?}"
    );
    client.ask("COUNTER.CREATE hits SHARDS 1");
    let (output, _) = recount(&server, &[]);
    assert!(told(&output).contains("kept in no topic"), "{output:?}");
    let (output, _) = recount(&server, &["--from", "5", "--to", "4"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn events_that_arrive_meanwhile_are_no_difference() {
    let dir = folder();
    let server = Server::start(&dir.path().join("data"));
    Client::to(&server.resp).ask(CREATE);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut client = Client::to(&server.resp);
            for round in 0..20 {
                add_some(&mut client, 1_000 + round * 40);
            }
        });
        while !writer.is_finished() {
            let (output, told) = recount(&server, &[]);
            assert!(output.status.success(), "{told}");
        }
    });
    let (output, told) = recount(&server, &[]);
    assert!(output.status.success(), "{told}");
    assert_eq!(told["events"], 800);
}

#[test]
fn counts_by_dimension_and_how_many_different_ones_there_are_are_compared_too() {
    let dir = folder();
    let server = Server::start(&dir.path().join("data"));
    let mut client = Client::to(&server.resp);
    client.ask(&format!("{CREATE} DIMS c,d VALUES 2 UNIQUE yes FACTS d"));
    client.ask("COUNTER.FACT hits k1 d=x");
    for n in 0..60 {
        let dims = ["", " DIMS c=de", " DIMS c=at", " DIMS c=ch"][n % 4];
        let (key, by) = (n % 5, n % 17);
        client.ask(&format!("COUNTER.ADD hits * k{key} BY who-{by}{dims}"));
    }
    let (output, told) = recount(&server, &[]);
    assert!(output.status.success(), "{told}");
    // Five keys, and all together.
    assert_eq!(told["unique"], 6);

    // Of an event that the counter did not see the topic has a trace: so it differs in all that is compared.
    let headers = r#"{"counter":"hits","shard":"0","letter":"99999"}"#;
    let now_ms = client.ask("COUNTER.GET hits *").field("as_of_ms").integer();
    let event = format!(
        r#"[{{"key":"k1","amount":2,"at_ms":{now_ms},"by":"nobody","dims":{{"c":"de"}}}}]"#
    );
    client.ask(&format!(
        "TOPIC.PUBLISH hits-raw * {event} HEADERS {headers}"
    ));
    let (output, told) = recount(&server, &["--key", "k1"]);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let differences = told["differences"].as_array().expect("a list");
    let mut of: Vec<_> = differences.iter().map(|one| one["of"].clone()).collect();
    of.sort_by_key(ToString::to_string);
    assert_eq!(of, ["", "by", "c=de"]);
    let off = |one: &Value| one["events"].as_u64().zip(one["counted"].as_u64());
    for one in differences {
        let (events, counted) = off(one).expect("two numbers");
        assert!(events > counted, "{one}");
    }
    let (output, told) = recount(&server, &["--key", "k1", "--repair"]);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let refused = |one: &Value| one["refused"].as_str().unwrap_or_default().to_owned();
    let mut refused: Vec<_> = told["differences"]
        .as_array()
        .expect("a list")
        .iter()
        .map(refused)
        .collect();
    refused.sort();
    assert!(refused[1].starts_with("counts by dimension"), "{refused:?}");
    assert!(refused[2].starts_with("different ones"), "{refused:?}");
}
