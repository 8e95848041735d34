//! Commands against a server that wants a password.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{SAMPLE, Server, finish, tidegate};

const PASSWORD: &str = "correct-horse-battery";
const VARIABLE: &str = "TIDEGATE_PASSWORD";

fn server(data: &Path) -> Server {
    Server::start_with(data, |command| {
        command.env(VARIABLE, PASSWORD);
    })
}

/// Every client command, small, against the server at `addr`.
fn commands(addr: &str, folder: &Path) -> Vec<(&'static str, Command)> {
    let journal = folder.join("journal");
    let replay = tidegate(&[&"replay", &SAMPLE, &"--addr", &addr, &"--journal", &journal]);
    let bench = tidegate(&[&"bench", &"--addr", &addr, &"--count", &"100"]);
    vec![("replay", replay), ("bench", bench)]
}

/// The exit code, and what was printed, which never has a password in it.
fn said(command: Command) -> (Option<i32>, String) {
    let output = finish(command);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!text.contains(PASSWORD), "{text}");
    (output.status.code(), text)
}

#[test]
fn a_password_comes_from_a_file_or_the_environment() {
    let folder = crate::support::folder();
    let file = folder.path().join("password");
    fs::write(&file, format!("{PASSWORD}\n")).expect("written");
    let server = server(&folder.path().join("data"));
    for (name, mut command) in commands(&server.resp, folder.path()) {
        command.arg("--password-file").arg(&file);
        let (code, text) = said(command);
        assert_eq!(code, Some(0), "{name}: {text}");
    }
    for (name, mut command) in commands(&server.resp, folder.path()) {
        command.env(VARIABLE, PASSWORD);
        let (code, text) = said(command);
        assert_eq!(code, Some(0), "{name}: {text}");
    }
    server.stop();
}

#[test]
fn a_password_that_is_missing_or_wrong_is_told_at_once() {
    let folder = crate::support::folder();
    let server = server(&folder.path().join("data"));
    for (name, command) in commands(&server.resp, folder.path()) {
        let (code, text) = said(command);
        assert_eq!(code, Some(1), "{name}: {text}");
        assert!(text.contains("it wants a password: set TIDEGATE_PASSWORD"));
    }
    for (name, mut command) in commands(&server.resp, folder.path()) {
        command.env(VARIABLE, "wrong");
        let (code, text) = said(command);
        assert_eq!(code, Some(1), "{name}: {text}");
        assert!(text.contains("the password is wrong"), "{text}");
    }
    server.stop();
}

#[test]
fn a_server_that_wants_no_password_takes_clients_who_have_one() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    for (name, mut command) in commands(&server.resp, folder.path()) {
        command.env(VARIABLE, PASSWORD);
        let (code, text) = said(command);
        assert_eq!(code, Some(0), "{name}: {text}");
    }
    server.stop();
}
