//! Topics over both fronts of a server that is killed in between.

use crate::support::{Client, Server, http};
use serde_json::json;

#[test]
fn messages_leases_and_acknowledgements_survive_a_kill_over_both_fronts() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    client.ask("TOPIC.CREATE orders");
    client.ask("TOPIC.GROUP orders mailer LEASE 3600000");
    let receipt = client.ask("TOPIC.PUBLISH orders o-1 {\"n\":1} KEY mia");
    assert_eq!(receipt.field("position").integer(), 1);
    let body = r#"{"messages":[{"id":"*","payload_base64":"/wA="},{"id":"o-3","key":"mia","payload":"three"}]}"#;
    let published = http(&server.http, "POST /v1/topics/orders/batches", &[], body);
    assert_eq!(published.json()["messages"][1]["position"], 3);
    let leases = "POST /v1/topics/orders/groups/mailer/leases";
    let read = http(&server.http, leases, &[], r#"{"member":"m1","count":2}"#);
    let lease = read.json()["lease"].as_str().unwrap_or_default().to_owned();
    assert!(lease.ends_with(".1-1"), "{lease}");
    assert_eq!(read.json()["messages"][0]["payload"], "{\"n\":1}");
    assert_eq!(read.json()["messages"][1]["payload_base64"], "/wA=");

    client.ask("TOPIC.CREATE later"); // With it the lease is durable.
    server.kill();
    let server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    let read = client.ask("TOPIC.READ orders mailer m2 COUNT 5");
    assert_eq!(
        read.field("messages").items(),
        [],
        "3 waits for 1, of the same key"
    );
    let ack = format!("POST /v1/topics/orders/groups/mailer/leases/{lease}/ack");
    let acked = http(&server.http, &ack, &[], "{}");
    assert_eq!(
        acked.json(),
        json!({"acked": 2, "left": 0, "repeated": false})
    );
    let again = client.ask(&format!("TOPIC.ACK orders mailer {lease}"));
    assert!(again.field("repeated").integer() == 1, "{again:?}");
    let read = client.ask("TOPIC.READ orders mailer m2 COUNT 5");
    assert_eq!(read.field("messages").items()[0].field("id").text(), "o-3");
    let groups = http(&server.http, "GET /v1/topics/orders/groups", &[], "");
    assert_eq!(groups.json()["items"][0]["lag"], 1);
    let browsed = http(
        &server.http,
        "GET /v1/topics/orders/messages?after=2",
        &[],
        "",
    );
    assert_eq!(browsed.json()["items"][0]["before"], 1);
}

#[test]
fn member_that_waits_is_given_what_is_published_meanwhile() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let mut client = Client::to(&server.resp);
    client.ask("TOPIC.CREATE t");
    client.ask("TOPIC.GROUP t g");
    let nothing = client.ask("TOPIC.READ t g m WAIT 10");
    assert_eq!(nothing.field("messages").items(), []);
    let addr = server.resp.clone();
    let waits = std::thread::spawn(move || {
        let mut member = Client::to(&addr);
        let read = member.ask("TOPIC.READ t g m WAIT 20000");
        read.field("messages").items()[0]
            .field("id")
            .text()
            .to_owned()
    });
    client.ask("TOPIC.PUBLISH t first x");
    assert_eq!(waits.join().expect("the member was answered"), "first");
}

#[test]
fn schema_is_told_and_holds_over_both_fronts_after_a_kill() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let schema = r#"{"type":"object","properties":{"n":{"maximum":9}}}"#;
    let body = json!({ "schema": schema }).to_string();
    let declared = http(&server.http, "PUT /v1/topics/orders", &[], &body);
    assert_eq!(declared.json()["schema"], schema);

    server.kill();
    let server = Server::start(&data);
    let wrong = json!({ "id": "a", "payload": "{\"n\":10}" }).to_string();
    let messages = "POST /v1/topics/orders/messages";
    let refused = http(&server.http, messages, &[], &wrong);
    assert_eq!(refused.status, 422);
    let told = refused.json();
    assert_eq!(
        (&told["code"], &told["at"], &told["what"]),
        (
            &json!("schema_violated"),
            &json!("/n"),
            &json!("must be at most 9")
        )
    );
    let narrow = json!({ "schema": r#"{"type":"null"}"# }).to_string();
    let refused = http(&server.http, "PUT /v1/topics/orders", &[], &narrow);
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (409, &json!("schema_incompatible"))
    );
    let mut client = Client::to(&server.resp);
    let published = client.ask("TOPIC.PUBLISH orders a {\"n\":9}");
    assert_eq!(published.field("position").integer(), 1);
}
