//! As many connections as a process may have: one more is told so, and harms nobody.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::machine::{open_files, with_open_files};
use crate::support::{Client, DEADLINE, Reply, Server, wait_for};
use crate::work::serve;

/// Files that the servers here may open, so that a test can take them all.
const FILES: u64 = 200;

/// Peers beyond the limit, all at once.
const FLOOD: usize = 300;

fn start(folder: &tempfile::TempDir) -> Server {
    let command = with_open_files(FILES, &serve(&folder.path().join("data")));
    Server::run(command)
}

/// Connections of each front, as the server has printed.
fn most(server: &Server) -> usize {
    let printed = server.output();
    let line = printed.lines().find(|line| line.starts_with("RESP"));
    let mut words = line.expect("it says").split(' ').rev();
    words.nth(1).expect("a number").parse().expect("a number")
}

/// The answer to `GET /healthz`, over a connection that is kept.
fn health(mut stream: &TcpStream) -> String {
    // Whoever is turned away may find it closed.
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .ok();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"}") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        answer.extend(byte);
    }
    String::from_utf8(answer).expect("UTF-8")
}

fn connect(addr: &str) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    stream
}

fn is_served(client: &mut Client) -> bool {
    let reply = client.pipeline(&[vec!["PING".to_owned()]]);
    reply == [Reply::Simple("PONG".to_owned())]
}

#[test]
fn one_connection_more_than_there_may_be_is_told_so_until_one_leaves() {
    let folder = crate::support::folder();
    let server = start(&folder);
    let most = most(&server);
    let mut clients: Vec<_> = (0..most).map(|_| Client::to(&server.resp)).collect();
    assert!(clients.iter_mut().all(is_served));
    let peers: Vec<_> = (0..most).map(|_| connect(&server.http)).collect();
    assert!(
        peers
            .iter()
            .all(|peer| health(peer).starts_with("HTTP/1.1 200 "))
    );

    let mut told = String::new();
    connect(&server.resp)
        .read_to_string(&mut told)
        .expect("told");
    assert_eq!(told, "-ERR max number of clients reached\r\n");
    let told = health(&connect(&server.http));
    assert!(
        told.starts_with("HTTP/1.1 503 ") && told.contains("\"busy\""),
        "{told}"
    );

    for (round, client) in clients.iter_mut().enumerate() {
        let set = client.ask(&format!("STOCK.SET shirt {round}"));
        assert_eq!(set.refusal(), None, "the others work on");
    }
    assert!(
        peers
            .iter()
            .all(|peer| health(peer).starts_with("HTTP/1.1 200 "))
    );

    drop((clients.pop(), peers.into_iter().next()));
    wait_for("a place of RESP", || {
        is_served(&mut Client::to(&server.resp)).then_some(())
    });
    wait_for("a place of HTTP", || {
        health(&connect(&server.http))
            .starts_with("HTTP/1.1 200 ")
            .then_some(())
    });
}

#[test]
fn flood_of_connections_leaves_the_server_the_files_that_it_needs_itself() {
    let folder = crate::support::folder();
    let server = start(&folder);
    let clients = (0..most(&server)).map(|_| Client::to(&server.resp));
    let mut clients: Vec<_> = clients.collect();
    assert!(clients.iter_mut().all(is_served));
    let _flood: Vec<_> = (0..FLOOD).map(|_| connect(&server.http)).collect();
    for _ in 0..20 {
        assert!(clients.iter_mut().all(is_served));
        let open = open_files(server.pid()) as u64;
        assert!(open + 16 <= FILES, "{open} of {FILES} files are open");
    }
}
