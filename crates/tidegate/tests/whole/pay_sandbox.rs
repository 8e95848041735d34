//! The payment sandbox as merchants meet it: its API, its webhooks, and its misbehaviour.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{Answer, DEADLINE, Server, finish, http, tidegate, wait_for};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const KEY: &str = "Idempotency-Key: k";
const SECRET_BYTES: [u8; 24] = [7; 24];

/// A sandbox on a free port.
fn sandbox(args: &[&str], more: impl FnOnce(&mut Command)) -> Server {
    let mut command = tidegate(&[&"pay-sandbox", &"--listen", &"127.0.0.1:0"]);
    command.args(args).env_remove("TIDEGATE_PAY_WEBHOOK_SECRET");
    more(&mut command);
    Server::run(command)
}

fn plain(args: &[&str]) -> Server {
    sandbox(args, |_| {})
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_millis() as u64
}

fn payment(id: &str, amount: u64) -> String {
    let expires_at_ms = 4_000_000_000_000_u64;
    json!({"id": id, "order": "o-1", "amount": amount, "currency": "EUR", "expires_at_ms": expires_at_ms})
        .to_string()
}

fn create(server: &Server, body: &str) -> Answer {
    http(&server.http, "POST /v1/payments", &[KEY], body)
}

fn get(server: &Server, id: &str) -> Answer {
    http(&server.http, &format!("GET /v1/payments/{id}"), &[], "")
}

fn refund(server: &Server, payment: &str, id: &str, amount: u64) -> Answer {
    let target = format!("POST /v1/payments/{payment}/refunds");
    let body = json!({"id": id, "amount": amount}).to_string();
    http(&server.http, &target, &[KEY], &body)
}

/// A payment once its buyer has done what he does.
fn settled(server: &Server, id: &str) -> Value {
    wait_for("a buyer", || {
        let payment = get(server, id).json();
        (payment["status"] != "pending").then_some(payment)
    })
}

/// A figure of the summary.
fn figure(summary: &str, name: &str) -> u64 {
    let line = summary.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.unwrap_or_else(|| panic!("no {name:?} in {summary}"));
    let figure = figure.trim().replace(',', "");
    figure.parse().expect("a figure")
}

/// All that comes back before the connection is closed.
fn raw(addr: &str, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(addr).expect("a server listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    // It may be closed before all is written, or read.
    stream.write_all(request.as_bytes()).ok();
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    answer
}

/// A request to make this payment.
fn raw_create(payment: &str) -> String {
    format!(
        "POST /v1/payments HTTP/1.1\r\nhost: a\r\n{KEY}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{payment}",
        payment.len()
    )
}

#[test]
fn a_payment_is_made_once_paid_and_refunded() {
    let server = plain(&["--pay-after", "1..5"]);
    let first = create(&server, &payment("07", 1_500));
    assert_eq!(first.status, 201, "{}", first.body);
    let made = first.json();
    assert_eq!(made["id"], "07");
    assert_eq!(made["order"], "o-1");
    assert_eq!(made["refunds"], json!([]));

    let paid = settled(&server, "07");
    assert_eq!(paid["status"], "paid");
    assert_eq!(paid["paid_amount"], 1_500);
    assert!(paid["paid_at_ms"].as_u64().expect("a time") <= now_ms());
    let again = create(&server, &payment("07", 1_500));
    assert_eq!((again.status, again.json()), (200, paid));
    assert_eq!(create(&server, &payment("07", 1_501)).status, 409);

    let back = refund(&server, "07", "8", 1_000);
    let expected = json!({"id": "8", "payment": "07", "amount": 1_000, "status": "done"});
    assert_eq!((back.status, back.json()), (201, expected.clone()));
    let back = refund(&server, "07", "8", 1_000);
    assert_eq!((back.status, back.json()), (200, expected));
    assert_eq!(refund(&server, "07", "8", 999).status, 409);
    let more = refund(&server, "07", "9", 501);
    assert_eq!(more.status, 409);
    assert!(more.body.contains("500 are left"), "{}", more.body);
    assert_eq!(refund(&server, "7", "9", 1).status, 404);
    assert_eq!(get(&server, "7").status, 404);
    assert_eq!(get(&server, "x").status, 404);

    let summary = server.stop();
    for (name, expected) in [("payments", 1), ("  paid", 1), ("refunds", 1)] {
        assert_eq!(figure(&summary, name), expected, "{summary}");
    }
}

#[test]
fn what_is_no_request_is_told_so() {
    let server = plain(&[]);
    let body = payment("1", 1);
    let post =
        |head: &[&str], body: &str| http(&server.http, "POST /v1/payments", head, body).status;
    assert_eq!(post(&[], &body), 422, "no key");
    assert_eq!(post(&[KEY], "{"), 422);
    assert_eq!(post(&[KEY], &payment("x", 1)), 422);
    assert_eq!(post(&[KEY], &" ".repeat(64 * 1024 + 1)), 413);
    let ask = |target: &str| http(&server.http, target, &[], "").status;
    assert_eq!(ask("GET /v1/payments"), 405);
    assert_eq!(ask("GET /v1"), 404);
    let document = http(&server.http, "GET /openapi.yaml", &[], "");
    assert!(document.body.starts_with("openapi: 3.1.0\n"));
    assert_eq!(post(&[KEY], &body), 201);
    server.stop();
}

#[test]
fn who_has_no_token_learns_nothing() {
    let folder = crate::support::folder();
    let file = folder.path().join("token");
    std::fs::write(&file, "a-token\n").expect("written");
    let server = sandbox(&[], |command| {
        command.arg("--token-file").arg(&file);
    });
    let ask = |head: &[&str]| http(&server.http, "GET /v1/ledger", head, "").status;
    assert_eq!(ask(&[]), 401);
    assert_eq!(ask(&["Authorization: Bearer a-toke"]), 401);
    assert_eq!(ask(&["Authorization: Basic a-token"]), 401);
    assert_eq!(ask(&["Authorization: Bearer a-token"]), 200);
    assert_eq!(create(&server, &payment("1", 1)).status, 401);
    assert_eq!(http(&server.http, "GET /nothing", &[], "").status, 401);
    server.stop();
}

#[test]
fn the_ledger_tells_all_payments_in_order() {
    let server = plain(&["--never-pays", "1"]);
    // More than one piece of the body.
    for id in 0..400 {
        create(&server, &payment(&id.to_string(), 1));
    }
    let ledger = http(&server.http, "GET /v1/ledger", &[], "");
    // The client of these tests leaves the lengths of chunks where they are.
    let lines = ledger.body.lines().filter(|line| line.starts_with('{'));
    let ids = lines.map(|line| serde_json::from_str(line).map(|line: Value| line["id"].clone()));
    let ids: Vec<_> = ids.collect::<Result<_, _>>().expect("JSON");
    let expected: Vec<_> = (0..400).map(|id: u64| json!(id.to_string())).collect();
    assert_eq!(ids, expected);
    server.stop();
}

/// A webhook as a merchant receives it.
#[derive(Debug)]
struct Received {
    head: Vec<(String, String)>,
    body: String,
}

impl Received {
    /// Receives one, and says this.
    fn take(listener: &TcpListener, status: &str) -> Self {
        let (stream, _) = listener.accept().expect("a sender");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).expect("a request");
        assert_eq!(line, "POST /hooks?a=b HTTP/1.1\r\n");
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).expect("a head");
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            head.push((name.to_lowercase(), value.to_owned()));
        }
        let mut received = Self {
            head,
            body: String::new(),
        };
        let length = received.header("content-length").parse().expect("a length");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
        received.body = String::from_utf8(body).expect("UTF-8");
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.get_mut().write_all(answer.as_bytes()).expect("read");
        received
    }

    fn header(&self, name: &str) -> &str {
        let found = self.head.iter().find(|(of, _)| of == name);
        let (_, value) = found.unwrap_or_else(|| panic!("no {name} in {:?}", self.head));
        value
    }

    /// Computes the signature as a receiver would.
    fn is_signed(&self) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET_BYTES).expect("a key");
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{at}.{}", self.body).as_bytes());
        let code = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        self.header("webhook-signature") == format!("v1,{code}")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A merchant's place for webhooks, and a sandbox that sends them there.
fn with_webhooks(args: &[&str]) -> (TcpListener, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hooks?a=b", listener.local_addr().expect("bound"));
    let secret = format!("whsec_{}", BASE64_STANDARD.encode(SECRET_BYTES));
    let server = sandbox(args, |command| {
        command.args(["--webhook-url", &url]);
        command.env("TIDEGATE_PAY_WEBHOOK_SECRET", secret);
    });
    (listener, server)
}

#[test]
fn a_webhook_is_signed_and_comes_again_until_it_is_taken() {
    let (listener, server) = with_webhooks(&["--pay-after", "0..0"]);
    let made = create(&server, &payment("1", 1_500));
    assert_eq!(made.json()["status"], "paid");
    let refused = Received::take(&listener, "503 Service Unavailable");
    let taken = Received::take(&listener, "204 No Content");
    for webhook in [&refused, &taken] {
        assert!(webhook.is_signed(), "{webhook:?}");
        let at: u64 = webhook.header("webhook-timestamp").parse().expect("a time");
        assert!(now_ms() / 1_000 - at < DEADLINE.as_secs());
        assert_eq!(webhook.json()["type"], "payment.paid");
        assert_eq!(webhook.json()["data"], made.json());
    }
    let id = refused.header("webhook-id");
    assert!(
        id.strip_prefix("msg_")
            .is_some_and(|id| id.parse::<u64>().is_ok())
    );
    assert_eq!(id, taken.header("webhook-id"));

    refund(&server, "1", "2", 500);
    let told = Received::take(&listener, "200 OK");
    assert!(told.is_signed(), "{told:?}");
    assert_eq!(told.json()["type"], "refund.done");
    assert_eq!(told.json()["data"], get(&server, "1").json());
    assert_ne!(told.header("webhook-id"), id);
    let summary = server.stop();
    assert_eq!(figure(&summary, "  tried again"), 1, "{summary}");
}

#[test]
fn a_lost_webhook_never_comes_and_a_duplicate_has_the_same_id() {
    let (listener, server) = with_webhooks(&["--pay-after", "0..0", "--duplicate", "1"]);
    create(&server, &payment("1", 1));
    let [first, second] = [(); 2].map(|()| Received::take(&listener, "200 OK"));
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    server.stop();

    let (_listener, server) = with_webhooks(&["--pay-after", "0..0", "--lose", "1"]);
    create(&server, &payment("1", 1));
    let summary = server.stop();
    assert_eq!(figure(&summary, "  lost"), 1, "{summary}");
    assert_eq!(figure(&summary, "  waiting"), 0, "{summary}");
}

#[test]
fn an_answer_that_is_dropped_was_carried_out() {
    let server = plain(&["--drop-answers", "1", "--never-pays", "1"]);
    assert_eq!(raw(&server.http, &raw_create(&payment("1", 1))), b"");
    let ledger = http(&server.http, "GET /v1/ledger", &[], "");
    assert!(ledger.body.contains(r#""id":"1""#), "{}", ledger.body);
    server.stop();
}

#[test]
fn errors_and_large_answers_come_as_asked() {
    let server = plain(&["--errors", "1"]);
    for id in 0..20 {
        let answer = create(&server, &payment(&id.to_string(), 1));
        assert_eq!(answer.status, 500);
    }
    let summary = server.stop();
    assert_eq!(figure(&summary, "  told 500"), 20, "{summary}");
    // Some were carried out.
    assert!((1..20).contains(&figure(&summary, "payments")), "{summary}");

    let server = plain(&["--large", "1"]);
    let answer = create(&server, &payment("1", 1));
    assert_eq!((answer.status, answer.body.len()), (200, 10 << 20));
    server.stop();
}

#[test]
fn nonsense_is_told_as_a_success_and_was_carried_out() {
    let server = plain(&["--garbage", "1"]);
    for id in 0..20 {
        let answer = raw(&server.http, &raw_create(&payment(&id.to_string(), 1)));
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(!answer.contains("o-1"), "{answer}");
    }
    let summary = server.stop();
    assert_eq!(figure(&summary, "  told nonsense"), 20, "{summary}");
    assert_eq!(figure(&summary, "payments"), 20, "{summary}");
}

#[test]
fn while_it_is_down_nothing_is_answered() {
    let server = plain(&["--down-after", "0", "--down-for", "86400000"]);
    let request = "GET /v1/ledger HTTP/1.1\r\nhost: a\r\n\r\n";
    assert_eq!(raw(&server.http, request), b"");
    let summary = server.stop();
    assert_eq!(figure(&summary, "closed while down"), 1, "{summary}");
}

#[test]
fn what_cannot_be_used_is_told_at_the_start() {
    let run = |args: &[&str]| {
        let mut command = tidegate(&[&"pay-sandbox"]);
        command.args(args).env_remove("TIDEGATE_PAY_WEBHOOK_SECRET");
        let output = finish(command);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), text)
    };
    let url = ["--webhook-url", "http://127.0.0.1:1/"];
    for (args, code, expected) in [
        (&["--listen", "0.0.0.0:0"][..], 1, "give --token-file"),
        (
            &url,
            1,
            "give --webhook-secret-file or TIDEGATE_PAY_WEBHOOK_SECRET",
        ),
        (&["--fails", "0.6", "--late", "0.6"], 1, "lower one of them"),
        (&["--fails", "2"], 2, "a share is a decimal from 0 to 1"),
        (&["--delay", "5..1"], 2, "MIN..MAX in ms"),
        (
            &["--webhook-url", "https://a/"],
            2,
            "http://HOST[:PORT][/PATH]",
        ),
    ] {
        let (found, text) = run(args);
        assert_eq!(found, Some(code), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_person_pays_on_the_page_and_no_other_site_does() {
    let server = plain(&["--pay-after", "3600000..3600000"]);
    let made = create(&server, &payment("7", 1_999)).json();
    let page = made["checkout_url"].as_str().expect("a URL").to_owned();
    assert_eq!(page, format!("http://{}/checkout/7", server.http));

    let shown = http(&server.http, "GET /checkout/7", &[], "");
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("Pay 19.99 EUR"), "{}", shown.body);
    assert_eq!(http(&server.http, "GET /checkout/8", &[], "").status, 404);

    let decide =
        |headers: &[&str], body| http(&server.http, "POST /checkout/7", headers, body).status;
    assert_eq!(decide(&["sec-fetch-site: cross-site"], "decision=pay"), 403);
    assert_eq!(decide(&[], "decision=maybe"), 422);
    assert_eq!(get(&server, "7").json()["status"], "pending");
    assert_eq!(
        decide(&["sec-fetch-site: same-origin"], "decision=pay"),
        303
    );
    let paid = get(&server, "7").json();
    assert_eq!(
        (&paid["status"], &paid["paid_amount"]),
        (&json!("paid"), &json!(1_999))
    );
    let shown = http(&server.http, "GET /checkout/7", &[], "");
    assert!(shown.body.contains("19.99 EUR paid"), "{}", shown.body);
}

#[test]
fn payment_pages_are_where_the_command_line_says_and_ask_for_no_token() {
    let folder = crate::support::folder();
    let file = folder.path().join("token");
    std::fs::write(&file, "sesame\n").expect("written");
    let server = sandbox(&["--public-url", "https://pay.example/"], |command| {
        command.arg("--token-file").arg(&file);
    });
    let token = "Authorization: Bearer sesame";
    let made = http(
        &server.http,
        "POST /v1/payments",
        &[KEY, token],
        &payment("7", 5),
    );
    assert_eq!(
        made.json()["checkout_url"],
        "https://pay.example/checkout/7"
    );
    assert_eq!(http(&server.http, "GET /checkout/7", &[], "").status, 200);
    assert_eq!(get(&server, "7").status, 401);
}
