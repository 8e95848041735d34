//! Jobs that are pushed to a receiver, by the real binary over HTTP.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Brought, Client, DEADLINE, SECRET, Server, folder, receiver, wait_for};
use tidegate_courier::WebhookSecret;

/// The same, with a receiver that bears one call at once.
fn start_slow(folder: &Path, url: &str) -> Server {
    Server::start_with(&folder.join("data"), |command| {
        command
            .arg("--config")
            .arg(crate::support::names_slow_receiver(folder, url));
    })
}

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

fn state(client: &mut Client, id: &str) -> String {
    client
        .ask(&format!("JOB.GET q {id}"))
        .field("state")
        .text()
        .to_owned()
}

#[test]
fn answers_of_a_receiver_are_done_failed_dead_or_still_working() {
    let tries = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
    let (url, brought) = receiver(move |one| {
        let job = one.header("tidegate-job").to_owned();
        let mut tries = tries.lock().expect("no answer has failed");
        let nth = tries.entry(job.clone()).or_default();
        *nth += 1;
        Some(match (job.as_str(), *nth) {
            ("refused", _) => (409, "no such buyer".to_owned()),
            ("busy", 1) => (500, "not now".to_owned()),
            ("slow", 1 | 2) => (425, String::new()),
            _ => (200, format!("did {job}")),
        })
    });
    let folder = folder();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    let unknown = client.ask("JOB.PUSH q nobody");
    assert_eq!(unknown.refusal(), Some("UNKNOWNRECEIVER"));
    let pushed = client.ask("JOB.PUSH q worker AGAIN 1000");
    assert_eq!(pushed.field("in_flight").integer(), 16);

    client.ask("JOB.ADD q plain body");
    let first = next(&brought);
    assert_eq!(first.line, "POST /of/q HTTP/1.1");
    assert_eq!(first.body, b"body");
    assert_eq!(first.header("content-type"), "application/octet-stream");
    assert_eq!(first.header("tidegate-queue"), "q");
    assert_eq!(first.header("tidegate-try"), "1");
    let secret: WebhookSecret = SECRET.parse().expect("a secret");
    let timestamp = first.header("webhook-timestamp").parse().expect("seconds");
    let signature = secret.sign(first.header("webhook-id"), timestamp, &first.body);
    assert_eq!(first.header("webhook-signature"), signature);
    let done = client.ask("JOB.GET q plain WAIT 20000");
    assert_eq!(done.field("state").text(), "done");
    assert_eq!(done.field("result").text(), "did plain");
    assert_eq!(done.field("member").text(), "push");

    client.ask("JOB.ADD q refused body");
    let dead = client.ask("JOB.GET q refused WAIT 20000");
    assert_eq!(dead.field("state").text(), "dead");
    assert_eq!(dead.field("error").text(), "answered 409: no such buyer");
    assert_eq!(next(&brought).header("tidegate-job"), "refused");

    client.ask("JOB.ADD q busy body BACKOFF 1");
    let done = client.ask("JOB.GET q busy WAIT 20000");
    assert_eq!(
        (done.field("state").text(), done.field("tries").integer()),
        ("done", 2)
    );
    let (one, other) = (next(&brought), next(&brought));
    assert_eq!(one.header("webhook-id"), other.header("webhook-id"));
    assert_ne!(one.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(
        (one.header("tidegate-try"), other.header("tidegate-try")),
        ("1", "2")
    );

    client.ask("JOB.ADD q slow body TIMEOUT 500 RETRIES 0");
    let done = client.ask("JOB.GET q slow WAIT 20000");
    assert_eq!(
        (done.field("state").text(), done.field("tries").integer()),
        ("done", 1)
    );
    let slow: Vec<_> = (0..3).map(|_| next(&brought)).collect();
    assert!(
        slow.iter()
            .all(|one| one.header("webhook-id") == slow[0].header("webhook-id"))
    );
}

#[test]
fn job_that_was_brought_when_the_server_was_killed_comes_again_under_its_id() {
    let (url, brought) = receiver(|one| {
        let is_again = one.header("tidegate-try") != "1";
        is_again.then(|| (204, String::new()))
    });
    let folder = folder();
    let mut server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("JOB.PUSH q worker");
    client.ask("JOB.ADD q a body TIMEOUT 2000 BACKOFF 1");
    let first = next(&brought);
    server.kill();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    let again = next(&brought);
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.header("tidegate-try"), "2");
    let done = client.ask("JOB.GET q a WAIT 20000");
    assert_eq!(done.field("state").text(), "done");
}

#[test]
fn no_more_is_brought_at_once_than_was_said_and_nothing_once_it_is_pulled() {
    let (url, brought) = receiver(|_| None);
    let folder = folder();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("JOB.PUSH q worker INFLIGHT 2");
    for id in ["a", "b", "c"] {
        client.ask(&format!("JOB.ADD q {id} body RETRIES 0 TIMEOUT 3000"));
    }
    let mut first =
        [next(&brought), next(&brought)].map(|one| one.header("tidegate-job").to_owned());
    first.sort();
    assert_eq!(first, ["a", "b"]);
    assert_eq!(state(&mut client, "c"), "ready", "two are under way");
    let third = next(&brought);
    assert_eq!(third.header("tidegate-job"), "c");
    let dead = wait_for("the first to be dead", || {
        Some(client.ask("JOB.GET q a")).filter(|job| job.field("state").text() == "dead")
    });
    let error = dead.field("error").text();
    assert!(error.starts_with("no answer within 2"), "{error}");

    client.ask("JOB.PUSH q worker INFLIGHT 100");
    assert_eq!(client.ask("JOB.PULL q").field("repeated").integer(), 0);
    assert_eq!(client.ask("JOB.PUSHES").field("items").items(), []);
    let mut number = 0;
    wait_for("a job that stays", || {
        number += 1;
        client.ask(&format!("JOB.ADD q d{number} body"));
        let job = client.ask(&format!("JOB.GET q d{number} WAIT 1500"));
        (job.field("state").text() == "ready").then_some(())
    });
}

#[test]
fn job_that_has_waited_for_its_turn_in_vain_has_lost_no_try() {
    let (url, _brought) = receiver(|one| {
        let answers = one.header("tidegate-job") != "hangs";
        answers.then(|| (200, String::new()))
    });
    let folder = folder();
    let server = start_slow(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("JOB.ADD q hangs body RETRIES 0 TIMEOUT 2000");
    for id in ["a", "b", "c"] {
        client.ask(&format!("JOB.ADD q {id} body RETRIES 0 TIMEOUT 2000"));
    }
    client.ask("JOB.PUSH q worker");
    for id in ["a", "b", "c"] {
        let done = client.ask(&format!("JOB.GET q {id} WAIT 20000"));
        let (state, tries) = (done.field("state").text(), done.field("tries").integer());
        assert_eq!((state, tries), ("done", 1), "{id}");
    }
    let dead = client.ask("JOB.GET q hangs WAIT 20000");
    let error = dead.field("error").text();
    assert!(error.starts_with("no answer within"), "{error}");
}

#[test]
fn job_that_is_worked_on_is_given_back_once_its_queue_is_pulled() {
    let (url, brought) = receiver(|_| Some((425, String::new())));
    let folder = folder();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("JOB.PUSH q worker AGAIN 3600000");
    client.ask("JOB.ADD q a body RETRIES 0");
    next(&brought);
    client.ask("JOB.PULL q");
    let job = wait_for("it to be given back", || {
        Some(client.ask("JOB.GET q a")).filter(|job| job.field("state").text() == "ready")
    });
    assert_eq!(job.field("tries").integer(), 0);
}

#[test]
fn jobs_that_are_taken_together_are_brought_as_many_at_once_as_was_said() {
    let now = AtomicU32::new(0);
    let most = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&most);
    let (url, _brought) = receiver(move |_| {
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100)); // As long as work takes.
        now.fetch_sub(1, Ordering::SeqCst);
        Some((200, String::new()))
    });
    let folder = folder();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("JOB.SET q AGGREGATE 6 GRACE 60000");
    client.ask("JOB.PUSH q worker INFLIGHT 2");
    for number in 0..6 {
        client.ask(&format!("JOB.ADD q j{number} body GROUP g"));
    }
    for number in 0..6 {
        let done = client.ask(&format!("JOB.GET q j{number} WAIT 20000"));
        assert_eq!(done.field("state").text(), "done");
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

/// Whether some bytes have these among them.
fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|bytes| bytes == part)
}

#[test]
fn secret_of_a_receiver_is_in_no_answer_no_file_and_no_line_of_the_server() {
    let (url, brought) = receiver(|_| Some((200, String::new())));
    let folder = folder();
    let server = start(folder.path(), &url);
    let mut client = Client::to(&server.resp);
    client.ask("JOB.PUSH q worker");
    client.ask("JOB.ADD q a body");
    next(&brought);
    client.ask("JOB.GET q a WAIT 20000");
    let encoded = SECRET.trim_start_matches("whsec_").as_bytes();
    let secret: WebhookSecret = SECRET.parse().expect("a secret");
    let decoded = secret.into_bytes();
    let tells = |bytes: &[u8]| has(bytes, encoded) || has(bytes, &decoded);
    let told = format!("{:?}", client.ask("JOB.PUSHES"));
    assert!(told.contains("worker") && !tells(told.as_bytes()), "{told}");
    let printed = server.stop();
    assert!(
        printed.contains("ready") && !tells(printed.as_bytes()),
        "{printed}"
    );
    let mut folders = vec![folder.path().join("data")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).expect("a file");
            assert!(!tells(&bytes), "{path:?}");
        }
    }
    assert!(files > 0);
}
