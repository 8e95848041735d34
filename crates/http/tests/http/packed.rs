//! Bodies in other forms: a list as lines or by itself, and packed ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hyper::Request;
use serde_json::{Value, json};
use tidegate_http::{Body, Options, openapi};

use crate::harness::{Answered, Server};
use crate::toy::TOY;

const THINGS: &str = "/v1/boxes/box/things";
const TWO: &str = r#"[{"id":"b","quantity":2},{"quantity":1,"id":"a"}]"#;
const LINES: &str = "{\"id\":\"b\",\"quantity\":2}\n{\"quantity\":1,\"id\":\"a\"}\n";
const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

async fn fill(server: &Server, media_type: &str, coding: &str, body: impl Into<Body>) -> Answered {
    let request = Request::put(THINGS).header("content-type", media_type);
    let request = match coding {
        "" => request,
        coding => request.header("content-encoding", coding),
    };
    server.send(request.body(body.into()).unwrap()).await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn list_is_a_member_of_a_body_or_all_of_it_or_its_lines() {
    let server = Server::start();
    let member = format!(r#"{{"things":{TWO}}}"#);
    let spaced = format!(" \n{TWO}\n");
    for (media_type, body) in [
        (JSON, &*member),
        (JSON, TWO),
        (JSON, &spaced),
        (NDJSON, LINES),
        ("application/jsonl; charset=utf-8", LINES),
    ] {
        let answered = fill(&server, media_type, "", body.to_owned()).await;
        assert_eq!(
            answered.json(),
            json!({ "ids": ["b", "a"], "quantity": 3 }),
            "{body}"
        );
    }
}

#[tokio::test]
async fn wrong_line_is_named_and_nothing_of_its_list_is_done() {
    let server = Server::start();
    let line = "{\"id\":\"a\",\"quantity\":1}\n";
    for (body, status, told) in [
        (
            format!("{line}\n{{"),
            400,
            "line 3 of the body is not a JSON value: ",
        ),
        (
            format!("{line}{{}} {{}}"),
            400,
            "line 2 of the body is not a JSON value: ",
        ),
        (
            format!("{line}7"),
            400,
            "`things` item 2: must be an object",
        ),
        (
            line.repeat(4),
            422,
            "`things` must have 1 to 3 items, not 4",
        ),
        (
            "\n".to_owned(),
            422,
            "`things` must have 1 to 3 items, not 0",
        ),
    ] {
        let answered = fill(&server, NDJSON, "", body.clone()).await;
        assert_eq!(answered.problem().0, status, "{body}");
        let detail = answered.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(told), "{body}: {detail}");
    }
    let listed = server.get(THINGS).await.json();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn where_no_list_may_be_all_of_a_body_it_is_one_object() {
    let server = Server::start();
    let send = async |media_type: &str, body: &str| {
        let request = Request::post(THINGS).header("content-type", media_type);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        server.send(request).await.problem()
    };
    let lines = send(NDJSON, LINES).await;
    assert_eq!(lines, (415, "unsupported_media_type".to_owned()));
    assert_eq!(send(JSON, TWO).await, (400, "unreadable".to_owned()));
}

#[tokio::test]
async fn packed_body_is_read_as_it_was_before() {
    let server = Server::start();
    let halves = LINES.as_bytes().split_at(17);
    let in_two = [gzip(halves.0), gzip(halves.1)].concat();
    for (media_type, coding, body) in [
        (JSON, "gzip", gzip(TWO.as_bytes())),
        (NDJSON, "GZip", in_two),
        (NDJSON, "x-gzip", gzip(LINES.as_bytes())),
        (NDJSON, "deflate", deflate(LINES.as_bytes())),
        (NDJSON, "identity", LINES.as_bytes().to_vec()),
    ] {
        let answered = fill(&server, media_type, coding, body).await;
        assert_eq!(
            answered.json(),
            json!({ "ids": ["b", "a"], "quantity": 3 }),
            "{coding}"
        );
    }
}

#[tokio::test]
async fn packed_body_is_as_small_unpacked_as_any_other() {
    let options = Options {
        body_bytes_max: 100_000,
        ..Options::new("0.0.0-test")
    };
    let server = Server::with(options);
    let padded = |bytes: usize| [TWO.as_bytes(), &vec![b' '; bytes - TWO.len()]].concat();
    for (coding, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("deflate", deflate)] {
        let full = fill(&server, JSON, coding, pack(&padded(100_000))).await;
        assert_eq!(full.status, 200, "{coding}");
        let over = fill(&server, JSON, coding, pack(&padded(100_001))).await;
        assert_eq!(over.problem(), (413, "body_too_large".to_owned()));
        let told = "the unpacked body is larger than the 100000 bytes that this server takes";
        assert_eq!(over.json()["detail"], told);
    }
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_refused_with_what_can() {
    let server = Server::start();
    let whole = gzip(TWO.as_bytes());
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let with_more = [deflate(TWO.as_bytes()), b"x".to_vec()].concat();
    for (coding, body) in [
        ("gzip", TWO.as_bytes().to_vec()),
        ("gzip", whole[..whole.len() - 1].to_vec()),
        ("gzip", changed),
        ("deflate", whole.clone()),
        ("deflate", with_more),
    ] {
        let answered = fill(&server, JSON, coding, body).await;
        assert_eq!(
            answered.problem(),
            (400, "unreadable".to_owned()),
            "{coding}"
        );
    }
    for coding in ["br", "gzip, gzip", "gzip,"] {
        let answered = fill(&server, JSON, coding, whole.clone()).await;
        assert_eq!(answered.problem(), (415, "unsupported_encoding".to_owned()));
        assert_eq!(answered.header("accept-encoding"), "gzip, deflate");
    }
}

#[test]
fn other_forms_of_a_body_are_described() {
    let document = openapi(&[TOY], "1.2.3");
    let body = &document["paths"]["/v1/boxes/{box_name}/things"]["put"]["requestBody"];
    let array = &body["content"][JSON]["schema"]["anyOf"][1];
    assert_eq!(
        (&array["type"], &array["maxItems"]),
        (&json!("array"), &json!(3))
    );
    let item = &body["content"][NDJSON]["schema"];
    assert_eq!(item["required"], json!(["id", "quantity"]));
    let told = |body: &Value| body["description"].as_str().unwrap().to_owned();
    assert!(told(body).contains("`things`") && told(body).contains("gzip"));
    let post = &document["paths"]["/v1/boxes/{box_name}/things"]["post"]["requestBody"];
    assert!(post["content"][NDJSON].is_null() && told(post).contains("gzip"));
}
