//! Connections that move to where their requests run, on the real binary: whoever asks does not notice.

use std::thread;
use std::time::Instant;

use crate::support::{Client, DEADLINE, Server, folder, words};

/// Connections; half of them, as it happens, begin where their requests do not run.
const CLIENTS: usize = 8;

/// Requests in one go.
const PIPELINE: usize = 5;

fn moved(client: &mut Client) -> u64 {
    let info = client.ask("INFO stats");
    let mut lines = info.text().lines();
    let moved = lines.find_map(|line| line.strip_prefix("moved_connections:"));
    moved.expect("it is told").parse().expect("a number")
}

#[test]
fn connections_move_to_where_their_requests_run_and_are_answered_in_order_all_the_same() {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return; // There is one executor: nowhere to move to.
    }
    let folder = folder();
    let server = Server::start(folder.path());
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::to(&server.resp)).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        client.ask("CLIENT SETNAME worker");
        client.ask(&format!("TOPIC.CREATE t{at}"));
    }
    let began = Instant::now();
    let mut published = 0;
    while moved(&mut clients[0]) < 2 && began.elapsed() < DEADLINE {
        for (at, client) in clients.iter_mut().enumerate() {
            let publish = words(&format!("TOPIC.PUBLISH t{at} * x"));
            let replies = client.pipeline(&vec![publish; PIPELINE]);
            let positions = replies
                .iter()
                .map(|reply| reply.field("position").integer());
            assert!(positions.eq(published + 1..=published + PIPELINE as i64));
        }
        published += PIPELINE as i64;
    }
    assert!(
        moved(&mut clients[0]) >= 2,
        "after {published} requests of each"
    );
    for client in &mut clients {
        assert_eq!(client.ask("CLIENT GETNAME").text(), "worker");
    }
}
