//! Whoever follows events over HTTP and goes on behind the last one that it saw misses none and gets
//! none twice, though the server is killed meanwhile.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::support::{Client, DEADLINE, Reply, Server, http, wait_for, words};
use serde_json::Value;

/// How often the server is killed.
const KILLS: usize = 4;

/// Events that are seen between two kills, at least.
const SEEN_BETWEEN: usize = 300;

/// Commands that an emitter sends at once.
const PIPELINE: usize = 10;

/// Declares SKUs that are low from the start, one event each, until the server goes away or all is
/// over; gives those that were acknowledged.
fn emit(addr: &str, name: &str, is_over: &AtomicBool) -> Vec<String> {
    let mut client = Client::to(addr);
    let mut done = Vec::new();
    for round in 0.. {
        let keys: Vec<_> = (0..PIPELINE)
            .map(|n| format!("{name}-{round}-{n}"))
            .collect();
        let line = |key: &String| words(&format!("STOCK.SET {key} 1 ALERT 1"));
        let commands: Vec<_> = keys.iter().map(line).collect();
        let answers = client.pipeline(&commands);
        let acknowledged = answers
            .iter()
            .zip(&keys)
            .filter(|(answer, _)| answer.refusal().is_none());
        done.extend(acknowledged.map(|(_, key)| key.clone()));
        if answers.len() < PIPELINE || is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    done
}

/// What a follower has seen: cursors and keys.
#[derive(Default)]
struct Seen(Mutex<Vec<(String, String)>>);

impl Seen {
    fn all(&self) -> Vec<(String, String)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    fn last(&self) -> Option<String> {
        self.all().pop().map(|(cursor, _)| cursor)
    }

    fn add(&self, cursor: &str, event: &str) {
        let event: Value = serde_json::from_str(event).expect("an event is JSON");
        assert_eq!(event["cursor"], cursor, "its id is its cursor");
        let key = event["key"].as_str().expect("a key").to_owned();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push((cursor.to_owned(), key));
    }
}

/// Asks for the stream as a client does that reconnects; HTTP/1.0 has no chunks to take apart.
fn ask(addr: &str, last: Option<String>) -> std::io::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let last = last.map(|last| format!("last-event-id: {last}\r\n"));
    let head = format!(
        "GET /v1/events/stream?after=0&domain=stock HTTP/1.0\r\nhost: {addr}\r\n{}\r\n",
        last.unwrap_or_default()
    );
    stream.write_all(head.as_bytes())?;
    Ok(BufReader::new(stream))
}

/// Follows until it is over, over as many connections as that takes.
fn follow(addr: &str, seen: &Seen, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let Ok(stream) = ask(addr, seen.last()) else {
            thread::yield_now(); // The server is not there yet.
            continue;
        };
        let mut id = String::new();
        for line in stream.lines().map_while(Result::ok) {
            match line.split_once(": ") {
                Some(("id", cursor)) => cursor.clone_into(&mut id),
                Some(("data", event)) => seen.add(&id, event),
                _ => assert!(!line.starts_with("event"), "{line}"),
            }
        }
    }
}

/// All events that there are, page by page.
fn listed(addr: &str) -> Vec<(String, String)> {
    let mut client = Client::to(addr);
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = client.ask_for_optional(&format!("EVENT.LIST LIMIT 1000{after}"));
        for event in page.field("items").items() {
            let text = |name| event.field(name).text().to_owned();
            all.push((text("cursor"), text("key")));
        }
        let next = page.field("next");
        if *next == Reply::Null {
            return all;
        }
        after = format!(" AFTER {}", next.text());
    }
}

fn start(data: &Path, at: Option<&Server>) -> Server {
    let same = |command: &mut Command| {
        if let Some(server) = at {
            command.args(["--resp", &server.resp, "--http", &server.http]);
        }
    };
    Server::start_with(data, same)
}

#[test]
fn follower_misses_no_event_and_gets_none_twice_though_the_server_is_killed() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut server = start(&data, None);
    let (resp, addr) = (server.resp.clone(), server.http.clone());
    let (seen, is_over) = (Seen::default(), AtomicBool::new(false));
    let mut acknowledged = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| follow(&addr, &seen, &is_over));
        for round in 0..=KILLS {
            let rest = AtomicBool::new(false);
            let before = seen.all().len();
            let names: Vec<_> = (0..4).map(|n| format!("r{round}-{n}")).collect();
            let emitters: Vec<_> = thread::scope(|emitting| {
                let (resp, rest) = (&resp, &rest);
                let begin = |name: &String| {
                    let name = name.clone();
                    emitting.spawn(move || emit(resp, &name, rest))
                };
                let emitters: Vec<_> = names.iter().map(begin).collect();
                wait_for("events", || {
                    (seen.all().len() >= before + SEEN_BETWEEN).then_some(())
                });
                if round < KILLS {
                    server.kill();
                } else {
                    rest.store(true, Ordering::Relaxed);
                }
                emitters
                    .into_iter()
                    .flat_map(|emitter| emitter.join())
                    .collect()
            });
            acknowledged.extend(emitters.into_iter().flatten());
            if round < KILLS {
                server = start(&data, Some(&server));
            }
        }
        let last = listed(&server.resp).last().cloned();
        wait_for("the last event", || {
            (seen.all().last() == last.as_ref()).then_some(())
        });
        is_over.store(true, Ordering::Relaxed);
        let all = listed(&server.resp);
        server.stop();
        let seen = seen.all();
        assert_eq!(seen.len(), all.len());
        assert!(seen == all, "in the same order");
    });
    let keys: std::collections::HashSet<_> = seen.all().into_iter().map(|(_, key)| key).collect();
    assert!(acknowledged.len() > KILLS * SEEN_BETWEEN);
    for key in acknowledged {
        assert!(
            keys.contains(&key),
            "{key} was acknowledged, and nobody was told"
        );
    }
}

#[test]
fn a_stop_does_not_wait_for_followers() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let mut stream = ask(&server.http, None).expect("a server listens");
    let mut line = String::new();
    while line != ":\n" {
        line.clear();
        stream.read_line(&mut line).expect("a stream begins");
    }
    let documented = http(&server.http, "GET /openapi.json", &[], "").json();
    let operation = &documented["paths"]["/v1/events/stream"]["get"];
    assert!(operation["responses"]["200"]["content"]["text/event-stream"].is_object());
    server.stop();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it ends");
}
