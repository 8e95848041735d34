//! Bounds: what is too much is an error or a close, never a hang.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use tidegate_resp::Options;
use tidegate_resp::limits::{
    ARGS_MAX, BULK_BYTES_MAX, IN_FLIGHT_MAX, SCAN_BYTES, UNSENT_BYTES_MAX,
};

use crate::harness::{Server, request};

#[test]
fn malformed_bytes_are_told_and_the_connection_closed() {
    let server = Server::start();
    let digits = "9".repeat(100);
    for (bytes, error) in [
        ("*-1\r\n", "invalid multibulk length"),
        ("*x\r\n", "invalid multibulk length"),
        ("*1000000\r\n", "invalid multibulk length"),
        (&format!("*{digits}"), "invalid multibulk length"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$1073741824\r\n", "invalid bulk length"),
        (&format!("*1\r\n${digits}"), "invalid bulk length"),
        ("*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"),
        ("*1\r\n$4\r\nPINGxx", "expected CRLF after a bulk string"),
        ("PING \"a\r\n", "unbalanced quotes in request"),
        (&"x".repeat(70_000), "too big inline request"),
    ] {
        let mut client = server.connect();
        client.send("PING\r\n").send(bytes);
        assert_eq!(
            client.rest(),
            format!("+PONG\r\n-ERR Protocol error: {error}\r\n")
        );
    }
}

#[test]
fn peer_that_goes_on_writing_gets_to_read_the_error() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("*x\r\n");
    client.send(vec![b'x'; 2_000_000]);
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(
        client.rest(),
        "-ERR Protocol error: invalid multibulk length\r\n"
    );
}

#[test]
fn http_posted_here_is_closed_without_a_word() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nTOY.PUT a b 1\r\n");
    assert_eq!(client.rest(), "");
    server.connect().ask(
        "TOY.LOOK a",
        "*8\r\n$4\r\nname\r\n$1\r\na\r\n$4\r\nlast\r\n$-1\r\n$5\r\ncount\r\n:0\r\n",
    );
}

#[test]
fn largest_request_is_taken() {
    let server = Server::start();
    let mut client = server.connect();
    let payload = "x".repeat(BULK_BYTES_MAX);
    client
        .send(request(&["ECHO", &payload]))
        .expect(&format!("${BULK_BYTES_MAX}\r\n{payload}\r\n"));
    let many = vec!["x"; ARGS_MAX];
    client.send(request(&many));
    assert!(client.line().starts_with("-ERR unknown command 'x'"));
}

/// The reply filled the bound, all had been read, and when it was sent nobody asked the socket.
#[test]
fn connection_reads_on_after_a_reply_that_filled_its_bound() {
    let server = Server::start();
    let mut client = server.connect();
    let payload = "x".repeat(UNSENT_BYTES_MAX);
    for _ in 0..3 {
        let reply = format!("${UNSENT_BYTES_MAX}\r\n{payload}\r\n");
        client
            .send(request(&["ECHO", &payload]))
            .expect(&reply)
            .ask("PING", "+PONG\r\n");
    }
}

#[test]
fn one_connection_too_many_is_told_so() {
    let mut options = Options::new("1.2.3");
    options.connections_max = 1;
    let server = Server::with(options);
    let mut first = server.connect();
    first.ask("PING", "+PONG\r\n");
    assert_eq!(
        server.connect().rest(),
        "-ERR max number of clients reached\r\n"
    );
    first.ask("PING", "+PONG\r\n");
}

#[test]
fn idle_connection_is_closed_and_half_a_request_does_not_keep_it() {
    let mut options = Options::new("1.2.3");
    options.idle_timeout = Duration::from_millis(100);
    let server = Server::with(options);
    let mut client = server.connect();
    client.send("*1\r\n$4\r\nPI");
    let since = Instant::now();
    assert_eq!(client.rest(), "");
    assert!(since.elapsed() < Duration::from_secs(5));
}

#[test]
fn connection_that_waits_for_the_engine_is_not_idle() {
    let mut options = Options::new("1.2.3");
    options.idle_timeout = Duration::from_millis(50);
    let server = Server::asleep(options);
    let mut client = server.connect();
    client.send("TOY.LOOK a\r\n");
    client
        .stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let read = client.stream.read(&mut [0]);
    assert!(read.is_err(), "neither an answer nor a close: {read:?}");
}

/// Writes until the server has taken nothing for a while; how many bytes it took.
fn flood(client: &mut crate::harness::Client, piece: &[u8], most: usize) -> usize {
    client
        .stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut taken = 0;
    while taken < most {
        match client.stream.write(piece) {
            Ok(bytes) => taken += bytes,
            Err(_) => return taken,
        }
    }
    taken
}

/// What the kernel's buffers of both ends may take, beyond what the server does.
const KERNEL_BYTES: usize = 16 * 1024 * 1024;

#[test]
fn peer_that_does_not_read_is_not_read_from() {
    let server = Server::start();
    let mut client = server.connect();
    let piece = request(&["ECHO", &"x".repeat(10_000)]).repeat(10);
    let taken = flood(&mut client, &piece, 100 * 1024 * 1024);
    assert!(taken < KERNEL_BYTES + 2 * UNSENT_BYTES_MAX, "{taken}");
    server.connect().ask("PING", "+PONG\r\n");
}

#[test]
fn requests_beyond_those_in_flight_wait_outside() {
    let server = Server::asleep(Options::new("1.2.3"));
    let mut client = server.connect();
    flood(
        &mut client,
        &request(&["TOY.LOOK", "a"]).repeat(100),
        KERNEL_BYTES,
    );
    let info = {
        let mut other = server.connect();
        other.send("INFO stats\r\nQUIT\r\n");
        other.rest()
    };
    let admitted = format!("requests_admitted:{IN_FLIGHT_MAX}\r\n");
    assert!(info.contains(&admitted), "{info}");
}

#[test]
fn large_requests_are_told_busy_while_the_buffers_of_all_connections_are_full() {
    let buffer_bytes_max = 2 * BULK_BYTES_MAX;
    let server = Server::with(Options {
        buffer_bytes_max,
        ..Options::new("1.2.3")
    });
    let payload = "x".repeat(BULK_BYTES_MAX);
    let large = request(&["ECHO", &payload]);
    let echo = format!("${BULK_BYTES_MAX}\r\n{payload}\r\n");
    let mut early = server.connect();
    early.send(&large[..large.len() - 1]);
    while server.front.buffer_bytes() < buffer_bytes_max {
        std::thread::yield_now();
    }

    let mut late = server.connect();
    late.send(&large);
    assert_eq!(late.line(), "-BUSY retry_after_ms=50");
    server.connect().ask("PING", "+PONG\r\n");
    early.send("\n").expect(&echo);

    drop(early);
    while server.front.buffer_bytes() > 0 {
        std::thread::yield_now();
    }
    server.connect().send(&large).expect(&echo);
}

#[test]
fn scan_is_told_busy_where_its_page_would_not_fit() {
    let server = Server::with(Options {
        buffer_bytes_max: SCAN_BYTES - 1,
        ..Options::new("1.2.3")
    });
    server
        .connect()
        .ask("EVENT.LIST", "-BUSY retry_after_ms=50\r\n");
    server.connect().ask("PING", "+PONG\r\n");
}

#[test]
fn quiet_connection_gives_its_buffers_back_and_stays() {
    let server = Server::with(Options {
        idle_timeout: Duration::from_secs(4),
        ..Options::new("1.2.3")
    });
    let payload = "x".repeat(BULK_BYTES_MAX);
    let mut client = server.connect();
    client
        .send(request(&["ECHO", &payload]))
        .expect(&format!("${BULK_BYTES_MAX}\r\n{payload}\r\n"));
    assert!(server.front.buffer_bytes() > 0, "some are kept for more");
    while server.front.buffer_bytes() > 0 {
        std::thread::yield_now();
    }
    assert_eq!(server.front.connections(), 1);
    client.ask("PING", "+PONG\r\n");
}
