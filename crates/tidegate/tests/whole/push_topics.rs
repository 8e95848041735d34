//! Groups of topics whose messages are pushed to a receiver, by the real binary over HTTP.

use std::path::Path;
use std::sync::mpsc::Receiver;

use crate::support::{Brought, Client, DEADLINE, SECRET, Server, folder, receiver, wait_for};
use tidegate_courier::WebhookSecret;

/// A server whose settings name the receiver `worker`.
fn start(folder: &Path, url: &str) -> Server {
    Server::start_with(&folder.join("data"), |command| {
        command
            .arg("--config")
            .arg(crate::support::names_receiver(folder, url));
    })
}

fn next(brought: &Receiver<Brought>) -> Brought {
    brought.recv_timeout(DEADLINE).expect("it is brought")
}

fn lag(client: &mut Client) -> i64 {
    let groups = client.ask("TOPIC.GROUPS orders");
    groups.field("items").items()[0].field("lag").integer()
}

#[test]
fn messages_of_a_key_are_brought_in_order_and_again_until_they_are_taken() {
    let (url, brought) = receiver(|one| {
        let is_first = one.header("tidegate-message") == "a1" && one.header("tidegate-try") == "1";
        Some((if is_first { 503 } else { 204 }, "later".to_owned()))
    });
    let folder = folder();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("TOPIC.CREATE orders");
    client.ask("TOPIC.GROUP orders mailer REST 1");
    for (id, key) in [("a1", "mia"), ("a2", "mia"), ("b1", "ben"), ("a3", "mia")] {
        client.ask(&format!(
            "TOPIC.PUBLISH orders {id} body-{id} KEY {key} HEADERS {{\"h\":\"1\"}}"
        ));
    }
    let unknown = client.ask("TOPIC.PUSH orders mailer nobody");
    assert_eq!(unknown.refusal(), Some("UNKNOWNRECEIVER"));
    let unknown = client.ask("TOPIC.PUSH orders nobody worker");
    assert_eq!(unknown.refusal(), Some("UNKNOWNGROUP"));
    client.ask("TOPIC.PUSH orders mailer worker");
    let all: Vec<_> = (0..5).map(|_| next(&brought)).collect();
    let of_key = |key: &str| {
        let of_key = all.iter().filter(|one| one.header("tidegate-key") == key);
        of_key
            .map(|one| one.header("tidegate-message"))
            .collect::<Vec<_>>()
    };
    assert_eq!(of_key("mia"), ["a1", "a1", "a2", "a3"]);
    assert_eq!(of_key("ben"), ["b1"]);
    let ids: Vec<_> = all
        .iter()
        .filter(|one| one.header("tidegate-message") == "a1")
        .collect();
    assert_eq!(ids[0].header("webhook-id"), ids[1].header("webhook-id"));
    assert_eq!(ids[1].header("tidegate-try"), "2");
    for one in &all {
        let secret: WebhookSecret = SECRET.parse().expect("a secret");
        let timestamp = one.header("webhook-timestamp").parse().expect("seconds");
        let signature = secret.sign(one.header("webhook-id"), timestamp, &one.body);
        assert_eq!(one.header("webhook-signature"), signature);
        assert_eq!(one.line, "POST /of/orders HTTP/1.1");
        assert_eq!(one.header("tidegate-headers"), "{\"h\":\"1\"}");
        let expected = format!("body-{}", one.header("tidegate-message"));
        assert_eq!(one.body, expected.as_bytes());
    }
    wait_for("all to be acknowledged", || {
        (lag(&mut client) == 0).then_some(())
    });
}

#[test]
fn message_that_is_tried_in_vain_is_a_dead_letter_with_what_was_answered_as_its_cause() {
    let (url, brought) = receiver(|_| Some((400, "no such order".to_owned())));
    let folder = folder();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("TOPIC.CREATE orders");
    client.ask("TOPIC.GROUP orders mailer ORDER none TRIES 2 REST 1");
    client.ask("TOPIC.PUSH orders mailer worker INFLIGHT 1");
    client.ask("TOPIC.PUBLISH orders a body");
    let tries = [next(&brought), next(&brought)];
    assert_eq!(
        tries.map(|one| one.header("tidegate-try").to_owned()),
        ["1", "2"]
    );
    let dead = wait_for("a dead letter", || {
        let dead = client.ask("TOPIC.DEAD orders mailer");
        dead.field("items").items().first().cloned()
    });
    assert_eq!(dead.field("cause").text(), "answered 400: no such order");
    assert_eq!(dead.field("member").text(), "push");
    let pushes = client.ask("TOPIC.PUSHES");
    let groups = pushes.field("items").items()[0].field("groups").clone();
    assert_eq!(groups.items()[0].field("receiver").text(), "worker");
    assert_eq!(
        client
            .ask("TOPIC.PULL orders mailer")
            .field("repeated")
            .integer(),
        0
    );
    assert_eq!(
        client
            .ask("TOPIC.PULL orders mailer")
            .field("repeated")
            .integer(),
        1
    );
    assert_eq!(client.ask("TOPIC.PUSHES").field("items").items(), []);
}

#[test]
fn message_that_was_brought_when_the_server_was_killed_comes_again_under_its_id() {
    let (url, brought) = receiver(|one| {
        let is_again = one.header("tidegate-try") != "1";
        is_again.then(|| (200, String::new()))
    });
    let folder = folder();
    let mut server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("TOPIC.CREATE orders");
    client.ask("TOPIC.GROUP orders mailer LEASE 2000");
    client.ask("TOPIC.PUSH orders mailer worker");
    client.ask("TOPIC.PUBLISH orders a body KEY mia");
    let first = next(&brought);
    client.ask("TOPIC.CREATE later"); // With it the lease is durable: the try is known after the kill.
    server.kill();
    let server = start(folder.path(), &url);
    let again = next(&brought);
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.header("tidegate-try"), "2");
    let mut client = Client::to(&server.resp);
    wait_for("it to be acknowledged", || {
        (lag(&mut client) == 0).then_some(())
    });
}

#[test]
fn message_that_has_waited_for_its_turn_in_vain_was_not_tried() {
    let (url, _brought) = receiver(|one| {
        let answers = one.header("tidegate-message") != "hangs";
        answers.then(|| (200, String::new()))
    });
    let folder = folder();
    let server = Server::start_with(&folder.path().join("data"), |command| {
        command
            .arg("--config")
            .arg(crate::support::names_slow_receiver(folder.path(), &url));
    });
    let mut client = Client::to(&server.resp);
    client.ask("TOPIC.CREATE orders");
    client.ask("TOPIC.GROUP orders mailer ORDER none TRIES 1 LEASE 2000");
    for id in ["hangs", "a", "b"] {
        client.ask(&format!("TOPIC.PUBLISH orders {id} body"));
    }
    client.ask("TOPIC.PUSH orders mailer worker");
    wait_for("all to be acknowledged or dead", || {
        (lag(&mut client) == 0).then_some(())
    });
    let dead = client.ask("TOPIC.DEAD orders mailer");
    let dead = dead.field("items").items();
    assert_eq!(dead.len(), 1);
    let cause = dead[0].field("cause").text();
    assert!(cause.starts_with("no answer within"), "{cause}");
}
