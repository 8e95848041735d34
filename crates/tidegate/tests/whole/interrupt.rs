//! What a command leaves behind when it is asked to end, or killed outright: nothing that runs, and
//! nothing but a journal that is of use.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output};

use crate::support::{SAMPLE, Server, end_of, finish, signal, tidegate, wait_for};
use rustix::process::Signal;

/// Slow enough that there is a middle in which to interrupt.
const SLOW: [&str; 2] = ["--speed", "500"];

fn in_folder(mut command: Command, folder: &Path) -> Child {
    let command = command.args(SLOW).env("TMPDIR", folder);
    command.spawn().expect("the binary is there")
}

/// The server that a command has started for itself, once it has made its log.
fn server_of(process: &Child, folder: &Path) -> u32 {
    let path = format!("/proc/{0}/task/{0}/children", process.id());
    wait_for("a server of its own", || {
        let children = fs::read_to_string(&path).ok()?;
        let server = children.trim().parse().ok()?;
        has_log(folder).then_some(server)
    })
}

fn has_log(folder: &Path) -> bool {
    let below = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    below(folder).any(|entry| below(&entry.path().join("data")).next().is_some())
}

/// A process that nobody has waited for yet has ended too.
fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !stat.is_empty() && !state.starts_with('Z')
}

fn is_empty(folder: &Path) -> Option<()> {
    let mut entries = fs::read_dir(folder).expect("a folder");
    entries.next().is_none().then_some(())
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether this process, and so each that it starts, was told to ignore a signal, as `nohup` does.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says so");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.expect("it is listed").trim(), 16);
    ignored.expect("a mask") >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn an_interrupted_replay_ends_its_server_and_removes_its_folder() {
    let all = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];
    for (ask, code) in all.into_iter().filter(|(ask, _)| !is_ignored(*ask)) {
        let folder = crate::support::folder();
        let replay = in_folder(tidegate(&[&"replay", &SAMPLE]), folder.path());
        let server = server_of(&replay, folder.path());
        signal(&replay, ask);
        let output = end_of(replay);
        assert_eq!(output.status.code(), Some(code), "{}", errors(&output));
        let last = errors(&output).lines().last().map(str::to_owned);
        assert_eq!(last.as_deref(), Some("tidegate replay: interrupted"));
        assert!(!runs(server));
        is_empty(folder.path()).expect("the folder is gone");
    }
}

#[test]
fn the_server_of_a_killed_replay_ends_and_takes_the_folder_along() {
    let folder = crate::support::folder();
    let mut replay = in_folder(tidegate(&[&"replay", &SAMPLE]), folder.path());
    let server = server_of(&replay, folder.path());
    assert!(runs(server));
    replay.kill().expect("it is our child");
    end_of(replay);
    wait_for("the server to end", || (!runs(server)).then_some(()));
    wait_for("the folder to go", || is_empty(folder.path()));
}

#[test]
fn a_server_whose_owner_has_ended_before_does_not_start() {
    let (folder, temporary) = (crate::support::folder(), crate::support::folder());
    let (data, of_owner) = (folder.path().join("data"), temporary.path().join("own"));
    fs::create_dir(&of_owner).expect("a folder");
    // Process 1 is not the parent of a test's child.
    let output = finish(tidegate(&[
        &"serve",
        &"--data",
        &data,
        &"--owner",
        &"1",
        &"--temporary",
        &of_owner,
    ]));
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert!(!data.exists() && !of_owner.exists());
}

#[test]
fn a_replay_that_is_interrupted_goes_on_where_it_was() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let journal = folder.path().join("journal");
    let command = || {
        let mut command = tidegate(&[&"replay", &SAMPLE, &"--addr", &server.resp]);
        command.arg("--journal").arg(&journal);
        command
    };
    let replay = in_folder(command(), folder.path());
    wait_for("some answers", || {
        (fs::read(&journal).ok()?.len() > 1_000).then_some(())
    });
    signal(&replay, Signal::INT);
    let output = end_of(replay);
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    let expected = "interrupted: the same command goes on where it was";
    assert!(errors(&output).contains(expected), "{}", errors(&output));
    let output = finish(command());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("books balance     yes"), "{text}");
    server.stop();
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    let folder = crate::support::folder();
    let demo = in_folder(tidegate(&[&"demo"]), folder.path());
    wait_for("a server", || has_log(folder.path()).then_some(()));
    signal(&demo, Signal::TERM);
    let output = end_of(demo);
    assert_eq!(output.status.code(), Some(143), "{}", errors(&output));
    is_empty(folder.path()).expect("the folder is gone");
}

/// A sale, and its provider and server once the latter has made its log.
fn sale(folder: &Path) -> (Child, Vec<u32>) {
    let mut command = tidegate(&[&"demo", &"sale", &"--resp", &"127.0.0.1:0"]);
    command.args(["--http", "127.0.0.1:0", "--people", "100"]);
    let sale = command.env("TMPDIR", folder).spawn();
    let sale = sale.expect("the binary is there");
    let path = format!("/proc/{0}/task/{0}/children", sale.id());
    let children = wait_for("a provider and a server", || {
        let children = fs::read_to_string(&path).ok()?;
        let children: Vec<_> = children
            .split(' ')
            .filter_map(|id| id.parse().ok())
            .collect();
        (children.len() == 2 && has_log(folder)).then_some(children)
    });
    (sale, children)
}

#[test]
fn an_interrupted_sale_ends_its_server_and_its_provider() {
    let folder = crate::support::folder();
    let (sale, children) = sale(folder.path());
    signal(&sale, Signal::INT);
    let output = end_of(sale);
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    assert!(!children.into_iter().any(runs));
    is_empty(folder.path()).expect("the folder is gone");
}

#[test]
fn the_server_and_the_provider_of_a_killed_sale_end_and_take_the_folder_along() {
    let folder = crate::support::folder();
    let (mut sale, children) = sale(folder.path());
    sale.kill().expect("it is our child");
    end_of(sale);
    for child in children {
        wait_for("a child to end", || (!runs(child)).then_some(()));
    }
    wait_for("the folder to go", || is_empty(folder.path()));
}
