//! Administration at an address of its own, on the real binary.

use crate::support::{Server, finish, folder, http, tidegate};
use serde_json::Value;

const FREE: &str = "127.0.0.1:0";

/// Where everything is served.
fn admin_of(server: &Server) -> String {
    let printed = server.output();
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("ADMIN http://"));
    let addr = line.and_then(|line| line.split_whitespace().next());
    addr.expect("it says where").to_owned()
}

#[test]
fn buyers_find_nothing_that_is_administrative_and_whoever_runs_it_finds_all() {
    let folder = folder();
    let server = Server::start_with(folder.path(), |command| {
        command.args(["--admin-listen", FREE]);
    });
    let admin = admin_of(&server);
    let now = http(&server.http, "GET /v1/time", &[], "").json()["now_ms"].clone();
    let start = now.as_u64().expect("a time") + 600_000;
    let sale = format!(
        r#"{{"id":"drop","starts_at_ms":{start},"ends_at_ms":{}}}"#,
        start + 1
    );
    let refund = r#"{"refund":"r"}"#;
    for (target, body, at_admin) in [
        ("PUT /v1/stock/tee", r#"{"total":5}"#, 200),
        ("POST /v1/stock/tee/changes", r#"{"id":"c","delta":1}"#, 200),
        ("POST /v1/sales", &*sale, 200),
        ("GET /v1/stock", "", 200),
        ("GET /v1/events", "", 200),
        ("GET /v1/dead", "", 200),
        ("GET /v1/buyers/mia/orders", "", 200),
        ("POST /v1/orders/none/refunds", refund, 404),
        ("GET /metrics", "", 200),
    ] {
        let told = http(&server.http, target, &[], body);
        let code = told.json()["code"].clone();
        assert_eq!(
            (told.status, &code),
            (404, &Value::from("unknown_path")),
            "{target}"
        );
        let told = http(&admin, target, &[], body);
        assert_eq!(told.status, at_admin, "{target}: {}", told.body);
        assert!(!told.body.contains("unknown_path"), "{target}");
    }
    let join = "POST /v1/sales/drop/entries";
    for addr in [&server.http, &admin] {
        let told = http(addr, join, &[], r#"{"buyer":"mia"}"#);
        assert_eq!(told.status, 200, "{}", told.body);
        assert_eq!(http(addr, "GET /v1/sales/drop", &[], "").status, 200);
        assert_eq!(
            http(addr, "GET /v1/orders/none", &[], "").json()["code"],
            "unknown_order"
        );
    }
    assert_eq!(http(&server.http, "GET /backup", &[], "").status, 404);
    server.stop();
}

#[test]
fn address_of_administration_beyond_this_machine_needs_a_password_as_well() {
    let folder = folder();
    let data = folder.path().join("data");
    let output = finish(tidegate(&[
        &"serve",
        &"--data",
        &data,
        &"--resp",
        &FREE,
        &"--http",
        &FREE,
        &"--admin-listen",
        &"0.0.0.0:0",
    ]));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        said.contains("can be reached from other machines"),
        "{said}"
    );
}
