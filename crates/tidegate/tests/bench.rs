//! `tidegate bench`: where its holds go, and what it says of them.

mod support;

use std::fs;
use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;
use support::{Client, Server, end_of, finish, signal, tidegate, units_of, wait_for};

/// Enough to be spread over all connections; little enough to take no time.
const SMALL: [&str; 6] = ["--connections", "3", "--count", "1000", "--skus", "2"];

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn figures(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn without_an_address_it_measures_a_server_of_its_own_that_goes_at_the_end() {
    let temporary = support::folder();
    let mut bench = tidegate(&[&"bench", &"--json"]);
    bench.args(SMALL).env("TMPDIR", temporary.path());
    let output = finish(bench);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let figures = figures(&output);
    assert_eq!(
        (&figures["done"], &figures["units_gone"]),
        (&1_000.into(), &1_000.into())
    );
    let expected =
        "bench: 1,000 holds on 2 SKUs named bench-hold-… on a server of its own, gone at the end\n";
    assert_eq!(errors(&output), expected);
    let mut left = fs::read_dir(temporary.path()).expect("a folder");
    assert!(left.next().is_none());
}

#[test]
fn a_server_that_is_named_keeps_the_holds_and_the_command_says_so() {
    let folder = support::folder();
    let server = Server::start(&folder.path().join("data"));
    let addr = server.resp.replace("127.0.0.1", "localhost");
    let mut bench = tidegate(&[&"bench", &"--json", &"--addr", &addr]);
    bench.args(SMALL);
    let output = finish(bench);
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.ends_with(&format!(" at {addr}, which keeps what is written\n")),
        "{said}"
    );
    let mut client = Client::to(&server.resp);
    let held = ["bench-hold-0000", "bench-hold-0001"].map(|sku| units_of(&mut client, sku)[2]);
    assert_eq!(held.iter().sum::<i64>(), 1_000);
    server.stop();
}

#[test]
fn an_interrupted_benchmark_tells_what_it_has_seen() {
    let folder = support::folder();
    let server = Server::start(&folder.path().join("data"));
    let mut bench = tidegate(&[&"bench", &"--json", &"--addr", &server.resp]);
    bench.args(["--count", "1000000000", "--skus", "1"]);
    let bench = bench.spawn().expect("it runs");
    let mut client = Client::to(&server.resp);
    wait_for("some holds", || {
        let held = client.ask("STOCK.GET bench-hold-0000");
        (held.refusal().is_none() && held.field("held").integer() > 0).then_some(())
    });
    signal(&bench, Signal::INT);
    let output = end_of(bench);
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("tidegate bench: interrupted after "),
        "{said}"
    );
    assert!(said.ends_with(" of 1,000,000,000 commands\n"), "{said}");
    assert!(figures(&output)["units_gone"].as_u64() > Some(0));
    server.stop();
}

#[test]
fn help_says_what_is_written_and_that_it_stays() {
    let help = finish(tidegate(&[&"bench", &"--help"]));
    let text = String::from_utf8(help.stdout).expect("UTF-8");
    assert!(text.contains("keeps what is written"), "{text}");
    let redis = finish(tidegate(&[&"bench", &"--target", &"redis"]));
    assert_eq!(redis.status.code(), Some(2), "{}", errors(&redis));
    assert!(errors(&redis).contains("--addr"));
}
