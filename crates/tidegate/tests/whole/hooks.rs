//! A hook of a sale, asked by the real binary over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::support::{Server, folder, http, wait_for};
use serde_json::{Value, json};

/// A hook that lets in whoever responds `right`. It does not answer its first request, and tells what it was asked.
fn hook() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let asked = read(&stream);
            let is_right = asked.1["response"] == "right";
            tell.send(asked).expect("the test hears it");
            if at > 0 {
                answer(&mut stream, &json!({ "eligible": is_right }).to_string());
            }
        }
    });
    (format!("http://{addr}/check"), told)
}

/// The head and the body of a request.
fn read(stream: &TcpStream) -> (String, Value) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = stream.read_line(&mut head).expect("a line");
        assert!(read > 0, "the request ends early: {head}");
    }
    let length = head.to_lowercase();
    let length = length.split("content-length: ").nth(1).expect("a length");
    let length = length.lines().next().and_then(|text| text.parse().ok());
    let mut body = vec![0; length.expect("a number")];
    stream.read_exact(&mut body).expect("a body");
    (head, serde_json::from_slice(&body).expect("JSON"))
}

fn answer(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .expect("it reads");
}

fn enter(server: &Server, response: &str) -> (u16, Value) {
    let body = json!({ "buyer": "mia", "response": response }).to_string();
    let told = http(&server.http, "POST /v1/sales/drop/entries", &[], &body);
    (told.status, told.json())
}

#[test]
fn sale_asks_its_hook_again_until_it_answers_and_keeps_what_it_says() {
    let (url, asked) = hook();
    let folder = folder();
    let config = folder.path().join("tidegate.toml");
    std::fs::write(&config, format!("[hooks.door]\nurl = \"{url}\"\n")).expect("a file");
    let server = Server::start_with(folder.path(), |command| {
        command.arg("--config").arg(&config);
    });
    let now = http(&server.http, "GET /v1/time", &[], "").json()["now_ms"].clone();
    let start = now.as_u64().expect("a time") + 600_000;
    let sale =
        json!({ "id": "drop", "starts_at_ms": start, "ends_at_ms": start + 1, "hook": "door" });
    let told = http(&server.http, "POST /v1/sales", &[], &sale.to_string());
    assert_eq!(told.status, 200, "{}", told.body);

    let refused = wait_for("a word of the hook", || {
        let (status, told) = enter(&server, "wrong");
        (status != 202).then_some((status, told))
    });
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (409, &json!("not_eligible"))
    );
    let asked: Vec<_> = asked.try_iter().collect();
    let key = |head: &str| {
        let mut lines = head.lines();
        let key = lines.find(|line| line.starts_with("idempotency-key: "));
        key.map(ToOwned::to_owned).expect("it has one")
    };
    let [(first, sent), (second, again)] = &asked[..] else {
        panic!("one that was lost, and one that was answered: {asked:?}");
    };
    assert!(first.starts_with("POST /check HTTP/1.1\r\n"), "{first}");
    assert_eq!((key(first), sent), (key(second), again));
    let expected = json!({
        "sale": "drop", "buyer": "mia", "address": "127.0.0.1", "response": "wrong"
    });
    assert_eq!(sent, &expected);

    assert_eq!(enter(&server, "wrong"), refused);
    let (status, told) = enter(&server, "right");
    assert_eq!((status, &told["number"]), (200, &json!(1)));
}
