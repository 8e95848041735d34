//! A sale on the real binary: people enter over both fronts, the draw is checked by a command, and a kill
//! changes nobody's place.

use crate::support::{Client, Server, finish, folder, http, tidegate, wait_for};
use serde_json::Value;

const PEOPLE: usize = 300;

fn get(server: &Server, path: &str) -> Value {
    let answer = http(&server.http, &format!("GET {path}"), &[], "");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

fn position(server: &Server, ticket: &str) -> Value {
    get(server, &format!("/v1/sales/drop/position?ticket={ticket}"))
}

/// Runs the check; gives how it ended, and what it printed.
fn draw_check(server: &Server, more: &[&str]) -> (Option<i32>, Value) {
    let from = format!("http://{}", server.http);
    let mut command = tidegate(&[&"draw-check", &"drop", &"--from", &from, &"--json"]);
    command.args(more);
    let output = finish(command);
    let told = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), told)
}

#[test]
fn places_are_drawn_as_anybody_computes_them_and_a_kill_changes_none() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    let mut client = Client::to(&server.resp);
    let now = get(&server, "/v1/time")["now_ms"].as_u64().expect("a time");
    let (start, end) = (now + 2_000, now + 3_600_000);
    let created = client.ask(&format!("SALE.CREATE drop {start} {end} RATE 100"));
    let commitment = created.field("commitment").text().to_owned();
    assert_eq!(draw_check(&server, &[]).0, Some(1), "it is not over");
    let tickets: Vec<_> = (0..PEOPLE)
        .map(|n| {
            let receipt = client.ask(&format!("SALE.JOIN drop buyer-{n}"));
            receipt.field("ticket").text().to_owned()
        })
        .collect();
    let body = r#"{"buyer":"buyer-7"}"#;
    let again = http(&server.http, "POST /v1/sales/drop/entries", &[], body);
    let again: Value = serde_json::from_str(&again.body).expect("JSON");
    assert_eq!(again["ticket"], tickets[7]);
    assert_eq!(position(&server, &tickets[0])["state"], "early");
    assert_eq!(get(&server, "/v1/sales/drop/start")["nonce"], Value::Null);

    wait_for("the draw", || {
        let sale = get(&server, "/v1/sales/drop");
        (sale["state"] == "running").then_some(())
    });
    let nonce = get(&server, "/v1/sales/drop/start")["nonce"].clone();
    assert!(nonce.is_string());
    let place = |server: &Server, ticket: &String| position(server, ticket)["position"].as_u64();
    let places: Vec<_> = tickets
        .iter()
        .map(|ticket| place(&server, ticket))
        .collect();
    let mut sorted: Vec<_> = places.iter().map(|place| place.expect("drawn")).collect();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(1..=PEOPLE as u64));

    let list = get(&server, "/v1/sales/drop")["list_hash"].clone();
    let list = list.as_str().expect("it is closed");
    let noted = ["--commitment", &commitment, "--list", list, "--beacon", ""];
    let (code, told) = draw_check(&server, &[&noted[..], &["--ticket", &tickets[3]]].concat());
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told["ticket"]["position"].as_u64(), places[3]);
    assert_eq!(told["entries"], PEOPLE);
    let other = "0".repeat(64);
    for (option, value) in [("commitment", &*other), ("list", &other), ("beacon", "x")] {
        let (code, told) = draw_check(&server, &[&format!("--{option}"), value]);
        assert_eq!(code, Some(1), "{told}");
        let wrong = format!("the {option} is not the one that you have noted");
        assert_eq!(told["wrong"], wrong);
    }
    assert_eq!(draw_check(&server, &["--list", "0"]).0, Some(2));
    assert_eq!(draw_check(&server, &["--ticket", "1.00"]).0, Some(1));
    let late = client.ask("SALE.JOIN drop latecomer");
    let late = ["--ticket", late.field("ticket").text()];
    let (code, told) = draw_check(&server, &late);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told["ticket"]["position"], PEOPLE + 1);
    assert_eq!(told["ticket"]["number"], Value::Null, "behind the list");

    server.kill();
    let server = Server::start(folder.path());
    for (ticket, place_before) in tickets.iter().zip(&places) {
        assert_eq!(place(&server, ticket), *place_before);
    }
    assert_eq!(get(&server, "/v1/sales/drop/start")["nonce"], nonce);
    assert_eq!(draw_check(&server, &[]).0, Some(0));
}
