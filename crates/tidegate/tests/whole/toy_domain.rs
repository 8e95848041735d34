//! A domain is one line for the rest: the toy domain stands beside stock in a list, and with it on
//! every front of the very server that the binary runs.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{Client, Reply, http, words};
use serde_json::json;
use tidegate::{MemorySize, Server, Settings};
use tidegate_engine::contract::Domain;
use tidegate_engine::testing::TOY;
use tidegate_engine::{AllArchiveTimes, Shares, Shed};
use tidegate_stock::STOCK;

/// As the binary lists them, and one line more.
const DOMAINS: &[Domain] = &[
    STOCK, // one line each
    TOY,
];

fn start(data: &Path) -> Server {
    let free = "127.0.0.1:0".parse().expect("an address");
    let settings = Settings {
        data: data.to_owned(),
        resp: free,
        http: free,
        memory: MemorySize::usual(),
        shares: Shares::new(),
        archives: AllArchiveTimes::new(),
        outside: tidegate::Outside::default(),
        admin: None,
        proxies: Vec::new(),
        beacon_origins: Vec::new(),
        checkpoint_every: Duration::from_secs(1),
        sample_every: None,
        password: None,
        shed: Shed::None,
        accept_clock: false,
    };
    Server::start(&settings, DOMAINS).expect("a fresh folder and free ports")
}

/// A server over both domains, its RESP client and its HTTP address.
fn with_server(test: impl FnOnce(&mut Client, &str)) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(folder.path());
    test(
        &mut Client::to(&server.resp.to_string()),
        &server.http.to_string(),
    );
    server.stop();
}

#[test]
fn the_toy_domain_is_served_over_resp_beside_stock() {
    with_server(|resp, _| {
        let written = resp.ask("NOTE.PUT door w1 closed");
        assert_eq!(written.field("text").text(), "closed");
        assert_eq!(written.field("times").integer(), 1);
        assert_eq!(resp.ask("note.get door").field("text").text(), "closed");
        let page = resp.ask("NOTE.LIST");
        assert_eq!(page.field("items").items().len(), 1);
        let unknown = Reply::Error("UNKNOWNNOTE".to_owned());
        assert_eq!(resp.ask("NOTE.GET window"), unknown);

        assert_eq!(resp.ask("STOCK.SET door 3").field("total").integer(), 3);
        let held = resp.ask("STOCK.HOLD door h1 1");
        assert_eq!(held.field("available").integer(), 2);
    });
}

#[test]
fn the_toy_domain_is_served_over_http_and_both_fronts_see_the_same_rows() {
    with_server(|resp, addr| {
        let body = r#"{"id":"w1","text":"closed"}"#;
        let written = http(addr, "POST /v1/notes/door", &[], body);
        let note = json!({"key": "door", "text": "closed", "times": 1});
        assert_eq!((written.status, written.json()), (200, note.clone()));
        assert_eq!(resp.ask("NOTE.GET door").field("times").integer(), 1);
        let page = http(addr, "GET /v1/notes", &[], "");
        assert_eq!(page.json(), json!({"items": [note], "next": null}));
        let unknown = http(addr, "GET /v1/notes/window", &[], "");
        assert_eq!(unknown.status, 404);
        assert_eq!(unknown.json()["code"], "unknown_note");

        resp.ask("STOCK.SET door 3");
        let stock = http(addr, "GET /v1/stock/door", &[], "");
        assert_eq!(stock.json()["available"], 3);
    });
}

#[test]
fn the_toy_domain_is_in_the_openapi_document() {
    with_server(|_, addr| {
        let document = http(addr, "GET /openapi.json", &[], "").json();
        let tags = document["tags"].as_array().expect("tags");
        for domain in DOMAINS {
            assert!(tags.iter().any(|tag| tag["name"] == domain.name));
            for def in domain.requests {
                let operations = &document["paths"][def.http.path];
                let operations = operations.as_object().expect("a path for each request");
                let found = operations
                    .values()
                    .any(|operation| operation["tags"] == json!([domain.name]));
                assert!(found, "{}", def.resp);
            }
        }
        let write = &document["paths"]["/v1/notes/{key}"]["post"];
        assert_eq!(write["summary"], "Writes a note");
    });
}

#[test]
fn the_toy_domain_is_in_command_docs_with_its_arguments() {
    with_server(|resp, _| {
        let docs = resp.ask("COMMAND DOCS NOTE.PUT STOCK.HOLD");
        let note = docs.field("note.put");
        assert_eq!(note.field("summary").text(), "Writes a note.");
        assert_eq!(note.field("group").text(), TOY.name);
        let arguments = note.field("arguments").items();
        let names: Vec<_> = arguments
            .iter()
            .map(|argument| argument.field("name").text())
            .collect();
        assert_eq!(names, ["key", "id", "text", "ttl_ms"]);
        assert_eq!(arguments[3].field("token").text(), "TTL");
        assert_eq!(docs.field("stock.hold").field("group").text(), STOCK.name);

        let all = resp.ask("COMMAND DOCS");
        for def in DOMAINS.iter().flat_map(|domain| domain.requests) {
            all.field(&def.resp.to_lowercase());
        }
    });
}

#[test]
fn rows_of_the_toy_domain_outlive_a_restart_like_those_of_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(folder.path());
    let notes = ["a", "b"].map(|key| words(&format!("NOTE.PUT {key} w1 text TTL 86400000")));
    let written = Client::to(&server.resp.to_string()).pipeline(&notes);
    assert_eq!(written.len(), 2);
    server.stop();
    let server = start(folder.path());
    let page = Client::to(&server.resp.to_string()).ask("NOTE.LIST");
    let keys: Vec<_> = page
        .field("items")
        .items()
        .iter()
        .map(|note| note.field("key").text())
        .collect();
    assert_eq!(keys, ["a", "b"]);
    server.stop();
}

/// Where the test below has its server.
const PANIC_FOLDER: &str = "TIDEGATE_TEST_PANIC_FOLDER";

/// A server whose domain code panics behind an answered command.
#[test]
#[ignore = "ends its process: run by the test below"]
fn server_whose_domain_code_panics() {
    let folder = env::var(PANIC_FOLDER).expect("the folder is named");
    let server = start(Path::new(&folder));
    let mut client = Client::to(&server.resp.to_string());
    let commands = ["NOTE.PUT door w1 open", "NOTE.PUT door w2 panic"].map(words);
    let replies = client.pipeline(&commands);
    panic!("the server goes on, and answers {replies:?}");
}

#[test]
fn panic_of_domain_code_stops_the_server_and_says_at_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut own = Command::new(env::current_exe().expect("this test's program"));
    own.args([
        "--ignored",
        "--exact",
        "toy_domain::server_whose_domain_code_panics",
    ])
    .arg("--nocapture")
    .env(PANIC_FOLDER, folder.path());
    let output = own.output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), None, "ended by a signal: {told}");
    assert!(
        told.contains("this was NOTE.PUT about door, in partition"),
        "{told}"
    );

    let server = start(folder.path());
    let note = Client::to(&server.resp.to_string()).ask("NOTE.GET door");
    assert!(
        note.refusal() == Some("UNKNOWNNOTE") || note.field("times").integer() == 1,
        "nothing of what panicked is kept: {note:?}"
    );
    server.stop();
}
