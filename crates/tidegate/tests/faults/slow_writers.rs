//! Peers that send a byte at a time, and peers that stop in the middle of a request.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::machine::FakeClock;
use crate::support::{Client, DEADLINE, Reply, Server, http, wait_for};

/// Slow peers of each front.
const PEERS: usize = 40;

const RESP: &[u8] = b"*3\r\n$9\r\nSTOCK.SET\r\n$4\r\nslow\r\n$1\r\n5\r\n";
const HTTP: &[u8] = b"PUT /v1/stock/slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
    Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"total\":5}";

fn connect(addr: &str) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    stream
}

fn assert_served(server: &Server, client: &mut Client) {
    assert_eq!(client.ask("STOCK.SET quick 5").field("total").integer(), 5);
    let read = http(&server.http, "GET /v1/stock/quick", &[], "");
    assert_eq!(read.status, 200);
}

#[test]
fn peers_that_send_a_byte_at_a_time_hold_nobody_up_and_are_answered() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let mut client = Client::to(&server.resp);
    let peers = |addr: &str| (0..PEERS).map(|_| connect(addr)).collect::<Vec<_>>();
    let fronts = [(RESP, peers(&server.resp)), (HTTP, peers(&server.http))];
    for (request, peers) in fronts {
        for byte in request.chunks(1) {
            for mut peer in &peers {
                peer.write_all(byte).expect("it reads");
            }
            assert_served(&server, &mut client);
        }
        for mut peer in &peers {
            let mut answer = [0; 12];
            peer.read_exact(&mut answer).expect("an answer");
            assert!(
                [b"*12\r\n$3\r\nsku", b"HTTP/1.1 200"].contains(&&answer),
                "{answer:?}"
            );
        }
    }
}

/// Whether the server has closed the connection; it must have sent nothing.
fn is_closed(peer: &TcpStream) -> bool {
    peer.set_nonblocking(true).expect("a socket");
    let mut byte = [0];
    match (&*peer).read(&mut byte) {
        Ok(0) => true,
        Ok(_) => panic!("it was answered"),
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[test]
fn unfinished_requests_are_given_up_after_75_s_over_http_and_300_s_over_resp() {
    let Some(clock) = FakeClock::for_test("unfinished requests") else {
        return;
    };
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, |command| clock.all_of(command));
    // On both executor threads of most machines, so that each is woken to look at its clock.
    let mut others: Vec<_> = (0..16).map(|_| Client::to(&server.resp)).collect();
    let mut look = |peer: &TcpStream| {
        for other in &mut others {
            assert_eq!(other.ask("PING"), Reply::Simple("PONG".to_owned()));
        }
        assert_eq!(http(&server.http, "GET /healthz", &[], "").status, 200);
        is_closed(peer)
    };
    let (resp, web) = (connect(&server.resp), connect(&server.http));
    (&resp).write_all(&RESP[..20]).expect("it reads");
    (&web).write_all(&HTTP[..20]).expect("it reads");
    assert!(!look(&web) && !look(&resp), "both have been taken in");
    for (peer, seconds) in [(&web, 75), (&resp, 300)] {
        clock.set(seconds - 30);
        assert!(!look(peer), "given up before {seconds} s");
        clock.set(seconds + 1);
        wait_for("the end of an unfinished request", || {
            look(peer).then_some(())
        });
    }
}
