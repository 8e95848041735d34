//! Where buyers come from, on the real binary: their own address, or what a trusted proxy says.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Client, Server, finish, folder, http, tidegate};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Entries from one address at once before the limit a minute counts.
const BURST: usize = 20;

const FREE: &str = "127.0.0.1:0";

fn serve(data: &Path, args: &[&str]) -> Command {
    let mut command = tidegate(&[
        &"serve", &"--data", &data, &"--resp", &FREE, &"--http", &FREE,
    ]);
    command.args(args);
    command
}

/// With a sale `drop` that one entry a minute from an address enters, beside some at once.
fn open(server: &Server) -> Client {
    let mut client = Client::to(&server.resp);
    let now = http(&server.http, "GET /v1/time", &[], "").json();
    let now = now["now_ms"].as_u64().expect("a time");
    let (start, end) = (now + 600_000, now + 3_600_000);
    let options = "PER_ADDRESS 1 BITS 8";
    client.ask(&format!("SALE.CREATE drop {start} {end} {options}"));
    client
}

/// Enters, as a proxy passes it on for somebody at this address.
fn join(server: &Server, buyer: usize, from: &str, proof: Option<&str>) -> (u16, Value) {
    let forwarded = format!("x-forwarded-for: 6.6.6.{buyer}, {from}");
    let mut body = json!({ "buyer": format!("buyer-{buyer}") });
    if let Some(proof) = proof {
        body["proof"] = proof.into();
    }
    let body = body.to_string();
    let target = "POST /v1/sales/drop/entries";
    let answer = http(&server.http, target, &[&forwarded], &body);
    (answer.status, answer.json())
}

/// What solves a puzzle of 8 bits.
fn solve(puzzle: &str) -> String {
    let proofs = (0..).map(|number: u64| number.to_string());
    let mut solved = proofs.filter(|proof| Sha256::digest(format!("{puzzle}{proof}"))[0] == 0);
    solved.next().expect("there are proofs without end")
}

#[test]
fn people_behind_a_trusted_proxy_have_addresses_of_their_own_and_too_many_are_challenged() {
    let folder = folder();
    let server = Server::run(serve(
        folder.path(),
        &["--trust-proxy", "10.0.0.0/8,127.0.0.1"],
    ));
    let mut client = open(&server);
    for buyer in 0..BURST {
        assert_eq!(join(&server, buyer, "192.0.2.7", None).0, 200);
    }
    let (status, told) = join(&server, BURST, "192.0.2.7, 10.1.1.1", None);
    assert_eq!((status, told["code"].as_str()), (409, Some("challenge")));
    assert_eq!(told["kind"], "work");
    assert_eq!(join(&server, BURST + 1, "192.0.2.8", None).0, 200);
    let proof = solve(told["puzzle"].as_str().expect("a text"));
    let (status, told) = join(&server, BURST, "192.0.2.7", Some(&proof));
    assert_eq!((status, &told["repeated"]), (200, &Value::Bool(false)));

    // A back end speaks for people as a proxy does.
    let speaks = |from: &str| format!("SALE.JOIN drop one-more FROM {from}");
    let told = client.ask(&speaks("192.0.2.7"));
    assert_eq!(told.refusal(), Some("CHALLENGE"));
    let told = client.ask(&speaks("192.0.2.9"));
    assert_eq!(told.field("buyer").text(), "one-more");
    server.stop();
}

#[test]
fn without_trusted_proxies_a_forged_header_gives_nobody_another_address() {
    let folder = folder();
    let server = Server::start(folder.path());
    open(&server);
    for buyer in 0..BURST {
        let from = format!("192.0.2.{buyer}");
        assert_eq!(join(&server, buyer, &from, None).0, 200);
    }
    let (status, told) = join(&server, BURST, "192.0.2.99", None);
    assert_eq!((status, told["code"].as_str()), (409, Some("challenge")));
    server.stop();
}

#[test]
fn proxies_of_the_file_are_trusted_and_what_is_no_network_is_named() {
    let folder = folder();
    let config = folder.path().join("tidegate.toml");
    let config_name = config.to_str().expect("UTF-8").to_owned();
    let write = |text: &str| fs::write(&config, text).expect("written");
    let data = folder.path().join("data");
    write("trust_proxy = [\"127.0.0.0/8\"]\n");
    let server = Server::run(serve(&data, &["--config", &config_name]));
    open(&server);
    for buyer in 0..=BURST {
        let from = format!("192.0.2.{buyer}");
        assert_eq!(join(&server, buyer, &from, None).0, 200, "{buyer}");
    }
    server.stop();

    write("trust_proxy = [\"proxy\"]\n");
    for args in [["--config", &config_name], ["--trust-proxy", "proxy"]] {
        let output = finish(serve(&data, &args));
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let right = "must be an IP address or a network, as 192.0.2.1, 10.0.0.0/8";
        assert!(said.contains("proxy") && said.contains(right), "{said}");
    }
}
