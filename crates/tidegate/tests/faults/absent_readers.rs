//! Peers that ask for a lot and never read an answer.

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};

use crate::machine::{FakeClock, open_files, resident_bytes};
use crate::support::{Client, DEADLINE, Server, http, wait_for, words};

/// Holds of a SKU, which make a page as long as pages get.
const HOLDS: usize = 1_000;

const PAGE: &str = "*4\r\n$10\r\nSTOCK.FLOW\r\n$5\r\nlarge\r\n$5\r\nLIMIT\r\n$4\r\n1000\r\n";
const PAGE_OVER_HTTP: &str =
    "GET /v1/stock/large/flow?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
const ECHO: &str = concat!(
    "*2\r\n$4\r\nECHO\r\n$64\r\n",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"
);

/// What a front may keep for one peer: 16 pages under way, each in buffers that double on their
/// way, and an allocator that keeps what is free for a second. The peers ask for gigabytes.
const KEPT_BYTES_MAX: u64 = 100 << 20;

/// Asks for as long as the server listens, and says how that ended.
fn ask_and_never_read(addr: &str, request: &'static str) -> JoinHandle<io::Error> {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_write_timeout(Some(DEADLINE)).expect("a socket");
    let ask = move || loop {
        if let Err(error) = stream.write_all(request.as_bytes()) {
            return error;
        }
    };
    thread::spawn(ask)
}

fn assert_closed(asking: JoinHandle<io::Error>) {
    let end = asking.join().expect("it only writes").kind();
    let closed = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    assert!(closed.contains(&end), "{end}");
}

fn declare(client: &mut Client) {
    let hold = |n| words(&format!("STOCK.HOLD large h{n} 1"));
    let mut commands = vec![words("STOCK.SET large 1000")];
    commands.extend((0..HOLDS).map(hold));
    let replies = client.pipeline(&commands);
    assert!(replies.iter().all(|reply| reply.refusal().is_none()));
}

/// Bytes in the buffers of all connections of the RESP front.
fn buffer_bytes(client: &mut Client) -> u64 {
    let info = client.ask("INFO clients");
    let mut lines = info.text().lines();
    let value = lines.find_map(|line| line.strip_prefix("buffer_bytes:"));
    value.expect("a figure").parse().expect("a number")
}

#[test]
fn peers_that_never_read_take_bounded_memory_and_hold_nobody_up_and_are_given_up() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let mut client = Client::to(&server.resp);
    declare(&mut client);
    let before = resident_bytes(server.pid());
    let _over_http = ask_and_never_read(&server.http, PAGE_OVER_HTTP);
    let _over_resp = ask_and_never_read(&server.resp, PAGE);
    wait_for("full buffers", || {
        (buffer_bytes(&mut client) >= 1 << 20).then_some(())
    });
    let with_both = open_files(server.pid());
    for _ in 0..200 {
        assert_eq!(client.ask("STOCK.ADD large * 1").refusal(), None);
        assert_eq!(
            http(&server.http, "GET /v1/stock/large", &[], "").status,
            200
        );
        let grown = resident_bytes(server.pid()).saturating_sub(before);
        assert!(grown < 2 * KEPT_BYTES_MAX, "{grown} bytes more");
    }
    // Three quarters of a minute: over HTTP it is the kernel that keeps the time.
    let are_ended = || open_files(server.pid()) + 2 <= with_both;
    wait_for("the end of both", || are_ended().then_some(()));
    assert_eq!(client.ask("STOCK.ADD large * 1").refusal(), None);
}

#[test]
fn peer_that_takes_no_byte_of_its_answers_for_30_s_is_given_up_over_resp() {
    let Some(clock) = FakeClock::for_test("a peer that never reads") else {
        return;
    };
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, |command| clock.all_of(command));
    let mut others: Vec<_> = (0..16).map(|_| Client::to(&server.resp)).collect();
    // Answers of the front itself: the engine's would be late under a clock that jumps.
    let asking = ask_and_never_read(&server.resp, ECHO);
    wait_for("full buffers", || {
        (buffer_bytes(&mut others[0]) >= 1 << 20).then_some(())
    });
    let mut pass = |seconds| {
        clock.set(seconds);
        others.iter_mut().for_each(|other| drop(other.ask("PING")));
        asking.is_finished()
    };
    assert!(!pass(20), "given up early");
    let mut seconds = 20;
    wait_for("the end of it", || {
        seconds += 40;
        pass(seconds).then_some(())
    });
    assert_closed(asking);
}
