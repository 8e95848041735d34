//! A crowd at a sale on the real binary: the ledger is sound, also over a kill, and is not where something is wrong.

use std::process::Command;

use crate::support::{Client, Server, finish, folder, http, tidegate, wait_for};
use serde_json::{Value, json};

/// Runs a command that prints one JSON object; gives how it ended, what it printed, and what it said beside.
fn told(command: Command) -> (Option<i32>, Value, String) {
    let output = finish(command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let told = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), told, said)
}

/// Announces a sale of ten units of one good to a server, which starts in a second.
fn announce(server: &Server) {
    let mut client = Client::to(&server.resp);
    client.ask("STOCK.SET A 10");
    let now = http(&server.http, "GET /v1/time", &[], "").json();
    let now_ms = now["now_ms"].as_u64().expect("a time");
    let sale = json!({
        "id": "drop",
        "starts_at_ms": now_ms + 1_000,
        "ends_at_ms": now_ms + 5_000,
        "goods": [{ "sku": "A", "unit_price": 5 }],
        "ttl_ms": 1_000,
    });
    let answer = http(&server.http, "POST /v1/sales", &[], &sale.to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn crowd(server: &Server, more: &[&str]) -> Command {
    let url = format!("http://{}", server.http);
    let mut command = tidegate(&[&"crowd", &"--url", &url, &"--sale", &"drop", &"--json"]);
    command.args(["--people", "100", "--seconds", "2", "--settle", "4"]);
    command.args(more);
    command
}

#[test]
fn a_sale_with_a_kill_ends_with_a_sound_ledger() {
    let mut command = tidegate(&[&"demo", &"sale", &"--exit", &"--json", &"--kill", &"1"]);
    command.args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.args(["--people", "400", "--units", "40", "--skus", "4"]);
    command.args(["--seconds", "3", "--pay-within", "2", "--bots", "0.05"]);
    let (code, told, said) = told(command);
    assert_eq!(code, Some(0), "{told} {said}");
    assert!(said.contains("killed with -9"), "{said}");
    let ledger = told["ledger"].as_object().expect("a ledger");
    for (name, figure) in ledger {
        let is_of_units = name.starts_with("units_");
        assert!(is_of_units || *figure == json!(0), "{name} {figure}");
    }
    assert_eq!(told["joined"], 400);
    let sold = ledger["units_sold"].as_u64().expect("a count");
    let left = ledger["units_left"].as_u64().expect("a count");
    assert!(sold > 0 && sold + left == 40, "{told}");
    assert!(told["bots"]["forgeries"].as_u64() > Some(0), "{told}");
}

#[test]
fn units_that_somebody_else_has_taken_are_found() {
    let folder = folder();
    let server = Server::start(folder.path());
    announce(&server);
    let crowd = crowd(&server, &[]).spawn().expect("the binary is there");
    wait_for("the crowd", || {
        let sale = http(&server.http, "GET /v1/sales/drop", &[], "").json();
        (sale["entrants"].as_u64() > Some(0)).then_some(())
    });
    Client::to(&server.resp).ask("STOCK.HOLD A theirs 3 TTL 600000");
    let output = crate::support::end_of(crowd);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told["ledger"]["undersold"], 3, "{told}");
    assert_eq!(told["ledger"]["oversold"], 0, "{told}");
}

#[test]
fn where_there_is_nothing_to_buy_nobody_comes() {
    let folder = folder();
    let server = Server::start(folder.path());
    let (code, _, said) = told(crowd(&server, &[]));
    assert_eq!(code, Some(1));
    assert!(said.contains("unknown_sale"), "{said}");
    let address = server.http.clone();
    drop(server);
    let url = format!("http://{address}");
    let (code, _, said) = told(tidegate(&[&"crowd", &"--sale", &"drop", &"--url", &url]));
    assert_eq!(code, Some(1));
    assert!(said.contains("is a server there?"), "{said}");
}
