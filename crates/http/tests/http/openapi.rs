//! The OpenAPI document says what the server does.

use std::collections::HashSet;

use serde_json::{Value, json};
use tidegate_http::{Options, Token, openapi};

use crate::harness::Server;
use crate::toy::TOY;

/// Streams of queries, each an operation of its own.
const STREAMS: usize = 2;

/// A beacon is posted, or shown as an image.
const BEACONS: usize = 2;

fn document() -> Value {
    openapi(&[TOY], "1.2.3")
}

fn operations(document: &Value) -> Vec<(&String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = paths
        .iter()
        .map(|(path, item)| (path, item.as_object().unwrap()));
    methods
        .flat_map(|(path, item)| item.values().map(move |operation| (path, operation)))
        .collect()
}

#[test]
fn every_declared_request_is_an_operation_with_a_name_of_its_own() {
    let document = document();
    let operations = operations(&document);
    assert_eq!(operations.len(), TOY.requests.len() + STREAMS + BEACONS);
    let names: HashSet<_> = operations
        .iter()
        .map(|(_, operation)| &operation["operationId"])
        .collect();
    assert_eq!(names.len(), operations.len());
    for (_, operation) in operations {
        assert_eq!(operation["tags"], json!(["toy"]));
        let classes = ["core", "normal", "optional"].map(Value::from);
        assert!(classes.contains(&operation["x-work-class"]));
        let done = ["200", "204"].map(|status| operation["responses"][status].is_object());
        assert!(done[0] != done[1]);
    }
}

#[test]
fn path_parameters_are_those_of_the_path() {
    let document = document();
    for (path, operation) in operations(&document) {
        let of_path: HashSet<_> = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        let parameters = operation["parameters"].as_array().unwrap();
        let declared = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path");
        let declared: HashSet<_> = declared
            .inspect(|parameter| assert_eq!(parameter["required"], true))
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(declared, of_path);
    }
}

#[test]
fn a_body_says_its_limits_defaults_and_words() {
    let post = &document()["paths"]["/v1/boxes/{box_name}/things"]["post"];
    let schema = &post["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(
        schema["required"],
        json!(["quantity"]),
        "the id may come by header"
    );
    assert_eq!(schema["additionalProperties"], false);
    let properties = &schema["properties"];
    let names: Vec<_> = properties.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["id", "quantity", "ttl_ms", "colour", "note"],
        "as declared"
    );
    assert_eq!(properties["quantity"]["minimum"], 1);
    assert_eq!(properties["quantity"]["maximum"], 1000);
    assert_eq!(properties["ttl_ms"]["default"], 60_000);
    assert_eq!(properties["colour"]["enum"], json!(["red", "blue"]));
    assert_eq!(properties["note"]["maxLength"], 128);
    assert_eq!(post["summary"], "Puts a thing into a box");
    assert_eq!(
        post["description"],
        "Puts a thing into a box.\n\nA box holds ten of them."
    );
    let header = post["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["in"] == "header");
    assert_eq!(header.unwrap()["name"], "Idempotency-Key");
}

#[test]
fn replies_are_described_with_what_may_be_null() {
    let document = document();
    let path = &document["paths"]["/v1/boxes/{box_name}/things"];
    let receipt = &path["post"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(
        receipt["properties"]["note"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(receipt["properties"]["repeated"]["type"], "boolean");
    let page = &path["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(
        page["properties"]["items"]["items"]["properties"]["id"]["type"],
        "string"
    );
}

#[test]
fn every_refusal_stands_under_its_status() {
    let document = document();
    let path = &document["paths"]["/v1/boxes/{box_name}/things"];
    let codes = |method: &str, status: &str| {
        let response = &path[method]["responses"][status];
        let schema = &response["content"]["application/problem+json"]["schema"];
        schema["allOf"][1]["properties"]["code"]["enum"].clone()
    };
    assert_eq!(codes("post", "404"), json!(["unknown_box"]));
    assert_eq!(codes("post", "409"), json!(["id_conflict", "box_full"]));
    assert_eq!(codes("post", "503"), json!(["storm", "busy", "stopping"]));
    assert_eq!(codes("post", "422"), json!(["out_of_range"]));
    assert_eq!(codes("get", "409"), json!(null), "not of this request");
    assert!(
        path["post"]["responses"]["507"].is_object(),
        "an opening command needs room"
    );
    assert!(path["get"]["responses"]["507"].is_null(), "a read does not");
}

/// Every code that the document explains, with its status.
fn explained(document: &Value) -> HashSet<(String, u64)> {
    let of_front = document["components"]["responses"].as_object().unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let of_requests =
        operations.flat_map(|operation| operation["responses"].as_object().unwrap().values());
    let codes = of_front
        .values()
        .chain(of_requests)
        .filter_map(|response| response["x-codes"].as_array())
        .flatten();
    codes
        .map(|code| {
            let name = code["code"].as_str().unwrap().to_owned();
            (name, code["status"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn every_code_that_can_be_given_is_explained() {
    let explained = explained(&document());
    let of_the_front = [
        ("unreadable", 400),
        ("unauthorized", 401),
        ("cross_site", 403),
        ("unknown_path", 404),
        ("wrong_method", 405),
        ("body_timeout", 408),
        ("body_too_large", 413),
        ("unsupported_media_type", 415),
        ("unsupported_encoding", 415),
        ("misdirected_request", 421),
        ("out_of_range", 422),
        ("busy", 503),
        ("stopping", 503),
        ("outcome_unknown", 504),
        ("disk_full", 507),
    ];
    for (code, status) in of_the_front {
        assert!(explained.contains(&(code.to_owned(), status)), "{code}");
    }
    let refusals = TOY.requests.iter().flat_map(|def| def.refusals);
    let refusals: HashSet<_> = refusals.map(|refusal| refusal.code).collect();
    for refusal in &refusals {
        let names = explained.iter().map(|(code, _)| code);
        assert_eq!(names.filter(|code| code == refusal).count(), 1);
    }
    assert_eq!(explained.len(), of_the_front.len() + refusals.len());
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| walk(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    walk(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn request_that_may_be_answered_later_says_so() {
    let document = openapi(&[tidegate_engine::testing::TOY], "1.2.3");
    let responses = |path: &str| &document["paths"][path]["post"]["responses"];
    let pending = &responses("/v1/notes/{key}/greetings")["202"];
    assert_eq!(pending["x-codes"][0]["resp"], "PENDING");
    assert!(responses("/v1/notes/{key}/shares")["202"].is_null());
}

#[tokio::test]
async fn the_server_serves_it_and_adds_its_credentials() {
    let open = Server::start().get("/openapi.json").await.json();
    // The engine has a domain of its own beside those that it is given.
    for (path, operations) in document()["paths"].as_object().unwrap() {
        assert_eq!(&open["paths"][path], operations, "{path}");
    }
    assert!(open["paths"]["/v1/events"].is_object());
    let credentials = Some(Token::new("s3cret"));
    let server = Server::with(Options {
        credentials,
        ..Options::new("0.0.0-test")
    });
    let closed = server.get("/openapi.json").await.json();
    assert_eq!(closed["security"], json!([{ "bearer": [] }]));
    for (path, operation) in operations(&closed) {
        let is_open = operation["security"] == json!([]);
        let asked = &operation["responses"]["401"]["$ref"];
        assert_eq!(is_open, asked.is_null(), "{path}");
    }
}

#[test]
fn what_is_watched_says_how_news_is_waited_for_and_where_its_stream_is() {
    let document = document();
    let lamp = &document["paths"]["/v1/boxes/{box_name}/lamp"]["get"];
    let names = |operation: &Value| {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let name = |it: &Value| {
            (
                it["name"].as_str().unwrap().to_owned(),
                it["required"] == true,
            )
        };
        parameters.map(name).collect::<Vec<_>>()
    };
    let named = |name: &str, required| (name.to_owned(), required);
    let expected = [
        named("box_name", true),
        named("wait_ms", false),
        named("If-None-Match", false),
    ];
    assert_eq!(names(lamp), expected);
    assert!(lamp["responses"]["304"]["headers"]["ETag"].is_object());
    let stream = &document["paths"]["/v1/boxes/{box_name}/stream"]["get"];
    assert_eq!(
        names(stream),
        [named("box_name", true), named("thing", false)]
    );
    let told = &stream["responses"]["200"]["content"]["text/event-stream"];
    assert_eq!(told["schema"]["anyOf"].as_array().unwrap().len(), 2);
    assert!(stream["responses"]["101"].is_object());
    assert!(stream["responses"]["404"].is_object(), "that of one query");
}
