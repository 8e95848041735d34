//! Who polls for events behind the last cursor gets each one once, whatever is emitted meanwhile.

use std::collections::BTreeSet;
use std::thread;
use std::time::Instant;

use crate::support::{Client, DEADLINE, Server, words};

const EMITTERS: u64 = 6;
const ROUNDS: u64 = 300;

/// Commands that an emitter sends at once.
const PIPELINE: u64 = 10;

/// Each declares SKUs that are low from the start.
fn emit(addr: &str, emitter: u64) {
    let mut client = Client::to(addr);
    for round in 0..ROUNDS {
        let line = |n| words(&format!("STOCK.SET e{emitter}-{round}-{n} 1 ALERT 1"));
        let commands: Vec<_> = (0..PIPELINE).map(line).collect();
        assert_eq!(client.pipeline(&commands).len(), commands.len());
    }
}

/// The keys of a page of events, and where the next one begins.
fn page(client: &mut Client, after: &str) -> (Vec<String>, String) {
    let page = client.ask_for_optional(&format!("EVENT.LIST AFTER {after} LIMIT 1000"));
    let items = page.field("items").items();
    let keys = items.iter().map(|item| item.field("key").text().to_owned());
    let last = items
        .last()
        .map(|item| item.field("cursor").text().to_owned());
    (keys.collect(), last.unwrap_or_else(|| after.to_owned()))
}

#[test]
fn poller_misses_no_event_and_gets_none_twice() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let addr = server.resp.as_str();
    let expected = EMITTERS * ROUNDS * PIPELINE;
    let mut seen = Vec::new();
    thread::scope(|scope| {
        for emitter in 0..EMITTERS {
            scope.spawn(move || emit(addr, emitter));
        }
        let mut client = Client::to(addr);
        let mut after = "0".to_owned();
        let began = Instant::now();
        while (seen.len() as u64) < expected {
            assert!(began.elapsed() < DEADLINE, "{} of {expected}", seen.len());
            let (keys, next) = page(&mut client, &after);
            seen.extend(keys);
            after = next;
        }
    });
    let all: BTreeSet<_> = seen.iter().collect();
    assert_eq!(seen.len(), all.len(), "each once");
    assert_eq!(all.len() as u64, expected);
}
