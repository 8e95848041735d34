//! `tidegate ingest` against the real server, which is killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::support::{Client, Random, Server, finish, folder, signal, tidegate, wait_for};
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::process::Signal;
use serde_json::Value;

/// 17 May 2015, 00:00 UTC.
const DAY: u64 = 1_431_820_800;

const HOUR_MS: u64 = 3_600_000;

const CREATE: &str = "COUNTER.CREATE hits BUCKETS 1h:20y LATE_MS 20y UNIQUE yes SHARDS 4";

/// Lines of a log of one day, some of which are equal.
fn log(lines: u64) -> Vec<String> {
    let mut random = Random::new(1);
    let line = |_| {
        let second = random.below(24) * 3_600 + random.below(4);
        let (hour, second) = (second / 3_600, second % 3_600);
        let (host, path) = (random.below(40), random.below(12) * random.below(3));
        format!(
            "10.0.0.{host} - - [17/May/2015:{hour:02}:00:{second:02} +0000] \"GET /p{path}?q HTTP/1.1\" 200 5 \"-\" \"-\"\n"
        )
    };
    (0..lines).map(line).collect()
}

/// What an independent count of the lines gives.
#[derive(Default)]
struct Counted {
    of_path: BTreeMap<String, i64>,
    of_hour: BTreeMap<u64, i64>,
    hosts: BTreeSet<String>,
}

impl Counted {
    fn of(lines: &[String]) -> Self {
        let mut counted = Self::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let path = words[6].trim_end_matches("?q");
            *counted.of_path.entry(path.to_owned()).or_default() += 1;
            let hour = words[3][13..15].parse().expect("an hour");
            *counted.of_hour.entry(hour).or_default() += 1;
            counted.hosts.insert(words[0].to_owned());
        }
        counted
    }

    /// The server's counts are these.
    fn check(&self, client: &mut Client) {
        for (path, count) in &self.of_path {
            let answer = client.ask(&format!("COUNTER.GET hits {path}"));
            assert_eq!(answer.field("count").integer(), *count, "{path}");
        }
        let (from_ms, to_ms) = (DAY * 1_000, DAY * 1_000 + 24 * HOUR_MS);
        let span = format!("FROM {from_ms} TO {to_ms}");
        let answer = client.ask(&format!("COUNTER.RANGE hits * {span} STEP {HOUR_MS}"));
        let counts = answer.field("counts").items().iter();
        let counts: Vec<i64> = counts.map(crate::support::Reply::integer).collect();
        let of_hour = |hour| self.of_hour.get(&hour).copied().unwrap_or_default();
        assert_eq!(counts, (0..24).map(of_hour).collect::<Vec<_>>());
        let answer = client.ask(&format!("COUNTER.UNIQUE hits 1 * {span}"));
        let hosts = i64::try_from(self.hosts.len()).expect("few");
        assert_eq!(answer.field("unique").integer(), hosts);
    }
}

fn ingest(file: &str, server: &str, more: &[&str]) -> Command {
    let mut command = tidegate(&[&"ingest", &file, &"--counter", &"hits", &"--by", &"host"]);
    command.args(["--json", "--addr", server]).args(more);
    command
}

/// The report of an ingestion.
fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {output:?}"))
}

#[test]
fn a_log_that_is_sent_again_in_another_order_and_while_the_server_is_killed_is_counted_once() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let addr = server.resp.clone();
    Client::to(&addr).ask(CREATE);
    let lines = log(6_000);

    let mut process = ingest("-", &addr, &[])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut pipe = process.stdin.take().expect("piped");
    let pieces = lines.chunks(1_500);
    for (piece, before) in pieces.zip([0, 1_500, 3_000, 4_500]) {
        pipe.write_all(piece.concat().as_bytes()).expect("it reads");
        wait_for("some lines to be counted", || {
            let answer = Client::connect(&addr).ok()?.ask("COUNTER.GET hits *");
            (answer.field("count").integer() > before).then_some(())
        });
        server.kill();
        server = Server::start_with(&data, |serve| {
            serve.args(["--resp", &addr]);
        });
    }
    drop(pipe);
    let first = report(&crate::support::end_of(process));
    let sum = |report: &Value| report["counted"].as_u64().zip(report["repeated"].as_u64());
    let (counted, repeated) = sum(&first).expect("two numbers");
    assert_eq!(
        (counted + repeated, &first["lines"]),
        (6_000, &Value::from(6_000))
    );
    let expected = Counted::of(&lines);
    expected.check(&mut Client::to(&addr));

    let file = folder.path().join("log.gz");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    let shuffled: BTreeMap<u64, &String> = {
        let mut random = Random::new(2);
        lines
            .iter()
            .map(|line| (random.below(u64::MAX), line))
            .collect()
    };
    for line in shuffled.values() {
        packed.write_all(line.as_bytes()).expect("packed");
    }
    fs::write(&file, packed.finish().expect("packed")).expect("written");
    let output = finish(ingest(file.to_str().expect("a text"), &addr, &[]));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(sum(&report(&output)), Some((0, 6_000)));
    expected.check(&mut Client::to(&addr));
}

#[test]
fn lines_that_are_bad_are_told_with_their_place_and_the_rest_is_counted() {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"));
    Client::to(&server.resp).ask(CREATE);
    let file = folder.path().join("log");
    let [one, two] = <[String; 2]>::try_from(log(2)).expect("two lines");
    let ahead = one.replace("2015", "2090");
    fs::write(&file, format!("{one}nothing\n{two}{ahead}")).expect("written");
    let output = finish(ingest(file.to_str().expect("a text"), &server.resp, &[]));
    assert!(output.status.success(), "{output:?}");
    let report = report(&output);
    assert_eq!(
        (&report["lines"], &report["counted"]),
        (&Value::from(4), &Value::from(2))
    );
    let first = report["bad"]["first"].as_array().expect("a list");
    let told: Vec<_> = first
        .iter()
        .map(|bad| (bad["line"].as_u64(), bad["why"].as_str()))
        .collect();
    let expected = [
        (Some(2), Some("it ends before the host")),
        (Some(4), Some("the server says too_far_ahead")),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_counter_that_is_not_there_is_answered_with_how_to_declare_it() {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"));
    let file = folder.path().join("log");
    fs::write(&file, log(1).concat()).expect("written");
    let output = finish(ingest(file.to_str().expect("a text"), &server.resp, &[]));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && told.contains("COUNTER.CREATE hits"),
        "{told}"
    );
    assert_eq!(report(&output)["unknown"], Value::from(1));
}

#[test]
fn a_file_is_followed_over_its_rotation_until_it_is_told_to_end() {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"));
    Client::to(&server.resp).ask(CREATE);
    let file = folder.path().join("log");
    let lines = log(30);
    fs::write(&file, lines[..10].concat()).expect("written");
    let process = ingest(file.to_str().expect("a text"), &server.resp, &["--follow"]).spawn();
    let process = process.expect("the binary");
    let counted = |count: i64| {
        wait_for("lines to be counted", || {
            let answer = Client::to(&server.resp).ask("COUNTER.GET hits *");
            (answer.field("count").integer() == count).then_some(())
        });
    };
    let distinct = |lines: &[String]| Counted::of(lines).of_path.values().sum();
    counted(distinct(&lines[..10]));
    let mut log = fs::File::options()
        .append(true)
        .open(&file)
        .expect("the file");
    log.write_all(lines[10..20].concat().as_bytes())
        .expect("written");
    counted(distinct(&lines[..20]));
    fs::rename(&file, folder.path().join("log.1")).expect("renamed");
    fs::write(&file, lines[20..].concat()).expect("written");
    counted(distinct(&lines));
    signal(&process, Signal::INT);
    let output = crate::support::end_of(process);
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(report(&output)["counted"], Value::from(30));
}
