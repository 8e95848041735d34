//! `tidegate bench`: where its holds go, and what it says of them.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Output;
use std::thread::{self, JoinHandle};

use crate::support::{Client, Server, end_of, finish, signal, tidegate, units_of, wait_for};
use rustix::process::Signal;
use serde_json::Value;

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
    let temporary = crate::support::folder();
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
    let folder = crate::support::folder();
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
    let folder = crate::support::folder();
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

#[test]
fn of_the_holds_of_hold_confirm_half_are_confirmed() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let mut bench = tidegate(&[&"bench", &"--json", &"--addr", &server.resp]);
    bench.args(["--work", "hold-confirm", "-P", "6", "--connections", "3"]);
    bench.args(["--count", "3000", "--skus", "2"]);
    let output = finish(bench);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let figures = figures(&output);
    let counts = ["done", "holds_done", "confirms_done", "units_gone"].map(|name| &figures[name]);
    assert_eq!(counts, [3_000, 2_000, 1_000, 2_000]);
    let mut client = Client::to(&server.resp);
    for sku in ["bench-hold-0000", "bench-hold-0001"] {
        assert_eq!(units_of(&mut client, sku)[2..], [500, 500]);
        let page = client.ask_for_optional(&format!("STOCK.HOLDS {sku} LIMIT 1"));
        let hold = &page.field("items").items()[0];
        let is_hex = hold
            .field("id")
            .text()
            .chars()
            .all(|c| c.is_ascii_hexdigit());
        assert!(is_hex && hold.field("id").text().len() == 16, "{hold:?}");
    }
    server.stop();
}

#[test]
fn groups_of_commands_that_would_be_torn_are_refused() {
    let output = finish(tidegate(&[
        &"bench",
        &"--work",
        &"hold-confirm",
        &"-P",
        &"16",
    ]));
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: --pipeline 16 is no multiple of 3: commands come in groups of so many\n";
    assert!(errors(&output).starts_with(expected), "{}", errors(&output));
}

#[test]
fn with_a_rate_commands_take_as_long_as_they_should_and_windows_tell_of_it() {
    let temporary = crate::support::folder();
    let mut bench = tidegate(&[&"bench", &"--json", &"--work", &"ping", &"-P", &"2"]);
    bench.args(["--rate", "1000", "--count", "1500", "--windows", "1"]);
    bench.env("TMPDIR", temporary.path());
    let output = finish(bench);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let figures = figures(&output);
    // The last batch of 1,500 commands is due after 1.498 s.
    assert!(figures["elapsed_ms"].as_u64() >= Some(1_498), "{figures}");
    let windows = figures["windows"].as_array().expect("an array");
    assert!(windows.len() >= 2, "{figures}");
    assert!(
        windows[0]["done_per_second"].as_u64() <= Some(1_000),
        "{figures}"
    );
    for figure in ["p50", "p99", "p999", "max"] {
        assert!(
            figures[format!("batch_latency_us_{figure}")].is_u64(),
            "{figures}"
        );
        assert!(
            windows[0][format!("latency_us_{figure}")].is_u64(),
            "{figures}"
        );
    }
}

#[test]
fn what_was_told_busy_is_asked_again_after_the_wait_and_so_is_its_confirm() {
    let answers = [
        "+OK", // the SKU
        "-BUSY retry_after_ms=50",
        "+OK",
        "-HOLDNOTFOUND",
        "+OK", // again: the hold that was told BUSY
        "+OK", // and its confirm
        "*4\r\n+held\r\n:1\r\n+sold\r\n:1",
    ];
    let (addr, asked) = scripted_server(&answers);
    let mut bench = tidegate(&[&"bench", &"--json", &"--addr", &addr]);
    bench.args(["--work", "hold-confirm", "-P", "3", "--connections", "1"]);
    bench.args(["--count", "3", "--skus", "1"]);
    let output = finish(bench);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let figures = figures(&output);
    let counts = [
        "holds_done",
        "confirms_done",
        "refused",
        "busy_told",
        "units_gone",
    ];
    assert_eq!(
        counts.map(|name| &figures[name]),
        [2, 1, 0, 1, 2],
        "{figures}"
    );
    assert!(figures["busy_waited_ms"].as_u64() >= Some(50), "{figures}");
    assert!(
        figures["batch_latency_us_max"].as_u64() >= Some(50_000),
        "{figures}"
    );
    let asked = asked
        .join()
        .expect("it was asked no more than it can answer");
    assert_eq!([&asked[1], &asked[3]], [&asked[4], &asked[5]]);
}

#[test]
fn a_benchmark_whose_server_goes_away_tells_what_it_has_seen() {
    let (addr, _) = scripted_server(&["+OK", "+OK", "+OK", "+OK"]);
    let mut bench = tidegate(&[&"bench", &"--json", &"--addr", &addr]);
    bench.args([
        "-P",
        "3",
        "--connections",
        "1",
        "--count",
        "9",
        "--skus",
        "1",
    ]);
    let output = finish(bench);
    assert_eq!(output.status.code(), Some(1));
    let figures = figures(&output);
    assert_eq!(
        (&figures["done"], &figures["units_gone"]),
        (&3.into(), &Value::Null)
    );
    assert!(errors(&output).contains(&format!("tidegate bench: {addr}: ")));
}

/// A server that gives these answers, over however many connections, and then goes. It tells what
/// it was asked.
fn scripted_server(answers: &[&str]) -> (String, JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it has one").to_string();
    let mut answers: VecDeque<String> = answers
        .iter()
        .map(|answer| format!("{answer}\r\n"))
        .collect();
    let serve = move || {
        let mut asked = Vec::new();
        while !answers.is_empty() {
            let (mut client, _) = listener.accept().expect("it connects");
            let mut lines = BufReader::new(client.try_clone().expect("a socket")).lines();
            while !answers.is_empty()
                && let Some(command) = command_of(&mut lines)
            {
                asked.push(command);
                let answer = answers.pop_front().expect("one is left");
                client.write_all(answer.as_bytes()).expect("it reads");
            }
        }
        asked
    };
    (addr, thread::spawn(serve))
}

/// The words of the next command.
fn command_of(lines: &mut impl Iterator<Item = io::Result<String>>) -> Option<Vec<String>> {
    let count = lines.next()?.ok()?.strip_prefix('*')?.parse().ok()?;
    let word = |_| lines.nth(1)?.ok();
    (0..count).map(word).collect()
}
