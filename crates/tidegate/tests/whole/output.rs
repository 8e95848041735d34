//! What the commands do when nobody reads what they print, or it cannot be written.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Client, Reply, SAMPLE, Server, end_of, finish, signal, tidegate};
use rustix::process::Signal;

/// A file that is always full.
const FULL: &str = "/dev/full";

/// The command with its standard output on the full file, and its temporary files in `folder`.
fn on_a_full_disk(mut command: Command, folder: &Path) -> Output {
    let full = File::options().write(true).open(FULL).expect("Linux");
    command.stdout(full).env("TMPDIR", folder);
    finish(command)
}

/// Reads one line, as `head -1` does, and leaves.
fn after_one_line(mut command: Command, folder: &Path) -> Output {
    let mut process = command.env("TMPDIR", folder).spawn().expect("it runs");
    let mut out = BufReader::new(process.stdout.take().expect("piped"));
    assert!(out.read_line(&mut String::new()).expect("text") > 0);
    drop(out);
    end_of(process)
}

fn is_empty(folder: &Path) -> bool {
    let mut entries = std::fs::read_dir(folder).expect("a folder");
    entries.next().is_none()
}

#[test]
fn a_result_that_cannot_be_written_is_told_in_one_line() {
    let (folder, temporary) = (crate::support::folder(), crate::support::folder());
    Server::start(&folder.path().join("data")).stop();
    let data = folder.path().join("data");
    for (name, command) in [
        ("check", tidegate(&[&"check", &data])),
        ("replay", tidegate(&[&"replay", &SAMPLE])),
        ("demo", tidegate(&[&"demo", &"--exit", &"--speed", &"max"])),
    ] {
        let output = on_a_full_disk(command, temporary.path());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {errors}");
        let last = errors.lines().last().unwrap_or_default();
        let expected = format!("tidegate {name}: cannot print: No space left");
        assert!(last.starts_with(&expected), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        assert!(is_empty(temporary.path()), "{name} leaves nothing behind");
    }
}

#[test]
fn a_reader_who_leaves_ends_the_demo_without_a_word() {
    let temporary = crate::support::folder();
    let demo = tidegate(&[&"demo", &"--exit", &"--speed", &"max"]);
    let output = after_one_line(demo, temporary.path());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*errors), (Some(1), ""));
    assert!(is_empty(temporary.path()));
}

#[test]
fn a_server_whose_reader_leaves_goes_on_and_stops_in_order() {
    let folder = crate::support::folder();
    let free = "127.0.0.1:0";
    let mut process = tidegate(&[&"serve", &"--data", &folder.path().join("data")])
        .args(["--resp", free, "--http", free])
        .spawn()
        .expect("it runs");
    let mut out = BufReader::new(process.stdout.take().expect("piped"));
    let mut printed = String::new();
    while !printed.ends_with("ready\n") {
        assert!(out.read_line(&mut printed).expect("text") > 0, "{printed}");
    }
    drop(out);
    let resp = printed.split_once("RESP  ").expect("printed").1;
    let resp = resp.split(' ').next().expect("an address");
    let pong = Reply::Simple("PONG".to_owned());
    assert_eq!(Client::to(resp).ask("PING"), pong);
    signal(&process, Signal::TERM);
    let output = end_of(process);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*errors), (Some(0), ""));
}
