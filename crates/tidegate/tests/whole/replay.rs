//! `tidegate replay` against the real server, with both of them killed on the way.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything here may take before it counts as hung.
const DEADLINE: Duration = Duration::from_secs(120);

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate");
const SAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/data/online-retail-sample.csv.gz"
);

/// A server process. It is killed, not stopped, when dropped.
struct Server {
    process: Child,
    /// Kept open: a server that cannot print would stop.
    _output: BufReader<std::process::ChildStdout>,
    resp: String,
}

impl Server {
    /// Starts a server over `data` and waits until it is ready.
    fn start(data: &Path, resp: &str) -> Self {
        let mut process = Command::new(BINARY)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--resp", resp, "--http", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary is there");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        let mut resp = String::new();
        loop {
            let mut line = String::new();
            assert!(
                output.read_line(&mut line).expect("text") > 0,
                "it ended before it was ready"
            );
            match line.split_whitespace().next() {
                Some("RESP") => resp = line.split_whitespace().nth(1).expect("an address").into(),
                Some("ready") => break,
                _ => {}
            }
        }
        Self {
            process,
            _output: output,
            resp,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill(&mut self.process);
    }
}

fn kill(process: &mut Child) {
    process.kill().expect("it can be killed");
    process.wait().expect("it has ended");
}

fn replay(resp: &str, journal: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(["replay", SAMPLE, "--json", "--addr", resp, "--journal"])
        .arg(journal)
        .args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The figures of a replay that ended well.
fn figures(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// What must be the same however the replay went.
fn outcome(figures: &Value) -> Vec<Value> {
    let names = [
        "lines",
        "held",
        "sold_out",
        "returned",
        "unmatched",
        "unmatched_guests",
    ];
    let more = ["refused", "done", "malformed", "books"];
    names
        .iter()
        .chain(&more)
        .map(|name| figures[name].clone())
        .collect()
}

/// Waits until the journal has at least so many lines.
fn wait_for_journal(journal: &Path, lines: usize) {
    let began = Instant::now();
    loop {
        let bytes = std::fs::read(journal).unwrap_or_default();
        if bytes.iter().filter(|byte| **byte == b'\n').count() >= lines {
            return;
        }
        assert!(
            began.elapsed() < DEADLINE,
            "the journal does not reach {lines} lines"
        );
        std::thread::yield_now();
    }
}

fn paths() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, journal) = (folder.path().join("data"), folder.path().join("journal"));
    (folder, data, journal)
}

fn undisturbed() -> Value {
    let (_folder, data, journal) = paths();
    let server = Server::start(&data, "127.0.0.1:0");
    figures(
        &replay(&server.resp, &journal, &[])
            .output()
            .expect("it runs"),
    )
}

#[test]
fn a_replay_with_server_and_replayer_killed_ends_in_the_undisturbed_figures() {
    let expected = undisturbed();
    assert_eq!(expected["books"]["balance"], true);
    let (_folder, data, journal) = paths();
    let mut server = Server::start(&data, "127.0.0.1:0");
    let resp = server.resp.clone();
    // Slow enough that there is a middle in which to kill.
    let slow = ["--speed", "5000", "--connections", "3", "--pipeline", "16"];
    let mut replayer = replay(&resp, &journal, &slow).spawn().expect("it runs");
    for lines in [3_000, 5_000] {
        wait_for_journal(&journal, lines);
        drop(server);
        server = Server::start(&data, &resp);
    }
    wait_for_journal(&journal, 7_000);
    kill(&mut replayer);
    let mut replayer = replay(&resp, &journal, &slow).spawn().expect("it runs");
    wait_for_journal(&journal, 9_000);
    drop(server);
    kill(&mut replayer);
    let server = Server::start(&data, &resp);
    let resumed = figures(
        &replay(&server.resp, &journal, &[])
            .output()
            .expect("it runs"),
    );
    assert_eq!(outcome(&resumed), outcome(&expected));
    assert!(
        resumed["run"]["lines"].as_u64() < resumed["done"].as_u64(),
        "it went on"
    );

    let journaled = std::fs::read(&journal).expect("there");
    let again = figures(
        &replay(&server.resp, &journal, &[])
            .output()
            .expect("it runs"),
    );
    assert_eq!(outcome(&again), outcome(&expected));
    assert_eq!(
        again["run"]["answers"], 0,
        "with a complete journal nothing is sent"
    );
    assert_eq!(std::fs::read(&journal).expect("there"), journaled);
}

#[test]
fn a_second_journal_on_the_same_server_is_no_alarm_but_a_clear_word() {
    let (folder, data, journal) = paths();
    let server = Server::start(&data, "127.0.0.1:0");
    let first = replay(&server.resp, &journal, &[]).output();
    assert_eq!(
        figures(&first.expect("it runs"))["books"]["known_before"],
        0
    );
    let second = |more| replay(&server.resp, &folder.path().join("second"), more).output();
    let refused = second(&[]).expect("it runs");
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("nothing was changed") && errors.contains("--overwrite"),
        "{errors}"
    );
    let second = second(&["--overwrite"]).expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    let figures: Value = serde_json::from_slice(&second.stdout).expect("JSON");
    assert_eq!(figures["books"]["balance"], false);
    assert!(
        figures["books"]["known_before"].as_u64() > Some(8_000),
        "{figures}"
    );
}

#[test]
fn a_replay_starts_a_server_of_its_own_when_it_is_given_no_address() {
    let output = Command::new(BINARY)
        .args(["replay", SAMPLE])
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.ends_with("books balance     yes\n"), "{text}");
    assert!(!text.contains("journal"), "it is gone: {text}");
}

#[test]
fn a_file_with_broken_lines_is_replayed_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("orders.csv");
    let text =
        b"No,Who,SKU,Qty\n1,a,X,10\n1,a,X,ten\n2,,X,1\nC3,a,X,-4\n4,b,\xff,1\n5,b,X\n6,b,X,3\n";
    std::fs::write(&file, text).expect("written");
    let output = Command::new(BINARY)
        .arg("replay")
        .arg(&file)
        .args([
            "--json",
            "--columns",
            "invoice=No,customer=Who,sku=SKU,quantity=Qty",
        ])
        .args(["--stock-share", "0.75"])
        .output()
        .expect("it runs");
    let figures = figures(&output);
    // 14 units are asked for, ceil(10.5) = 11 are there: 10, 1, 4 back, 3.
    assert_eq!(
        figures["held"],
        serde_json::json!({"lines": 3, "units": 14})
    );
    assert_eq!(
        figures["returned"],
        serde_json::json!({"lines": 1, "units": 4})
    );
    assert_eq!(figures["malformed"]["lines"], 3);
    assert_eq!(
        figures["malformed"]["first"]["3"],
        "quantity \"ten\" is not an integer"
    );
}

#[test]
fn a_server_that_is_not_there_is_told_of_and_nothing_else_happens() {
    let (_folder, _, journal) = paths();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = nobody.local_addr().expect("bound").to_string();
    drop(nobody);
    let output = replay(&addr, &journal, &["--patience", "200ms"])
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains(&addr) && errors.contains("run the same command again"),
        "{errors}"
    );
    assert!(output.stdout.is_empty());
}
