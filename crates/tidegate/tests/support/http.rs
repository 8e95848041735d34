//! An HTTP client of one request per connection.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::DEADLINE;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Asks for `target` (`GET /v1/…`), with more lines of a head and a body where there is one.
pub(crate) fn http(addr: &str, target: &str, head: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).expect("a server listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    let mut request = format!("{target} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n");
    for line in head {
        request.push_str(line);
        request.push_str("\r\n");
    }
    if !body.is_empty() {
        request.push_str("content-type: application/json\r\n");
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Answer {
        status: status.expect("a status"),
        body: body.to_owned(),
    }
}
