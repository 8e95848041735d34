//! Addresses at which there is no server to speak RESP with.

use std::path::Path;
use std::process::Command;

use crate::support::{SAMPLE, Server, finish, tidegate};

/// Every client command against the server at `addr`.
fn commands(addr: &str, folder: &Path) -> [Command; 2] {
    let journal = folder.join("journal");
    let replay = tidegate(&[&"replay", &SAMPLE, &"--addr", &addr, &"--journal", &journal]);
    [replay, tidegate(&[&"bench", &"--addr", &addr])]
}

/// What is said on standard error, and the exit code.
fn said(command: Command) -> (Option<i32>, String) {
    let output = finish(command);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), errors)
}

#[test]
fn a_port_that_does_not_speak_resp_is_told_at_once() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    for command in commands(&server.http, folder.path()) {
        let (code, errors) = said(command);
        assert_eq!(code, Some(1), "{errors}");
        assert!(errors.contains("it is no RESP server"), "{errors}");
        assert!(errors.contains("is it the HTTP port?"), "{errors}");
    }
    server.stop();
}

#[test]
fn an_address_that_is_none_is_a_mistake_of_the_command_line() {
    for command in commands("http://localhost:7380", Path::new("")) {
        let (code, errors) = said(command);
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains("an address is HOST:PORT"), "{errors}");
    }
}
