//! `tidegate demo`: where it listens.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::support::{finish, tidegate};

fn demo(more: &[&str]) -> Command {
    let mut command = tidegate(&[&"demo", &"--exit", &"--speed", &"max"]);
    command.args(more);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn a_usual_port_that_is_taken_is_told_with_the_one_in_its_place() {
    // Taken by this test, or by somebody else: either will do.
    let _taken = TcpListener::bind("127.0.0.1:7379");
    let output = finish(demo(&["--http", "127.0.0.1:0"]));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let (_, after) = said.split_once("RESP  127.0.0.1:").expect("printed");
    let port = after.split(' ').next().expect("a port");
    assert!(
        said.contains(&format!("\n7379 is taken: using {port}\n")),
        "{said}"
    );
    assert!(!said.contains("7380"), "a port that was asked for: {said}");
    assert!(!said.contains("journal"), "it is gone: {said}");
}

#[test]
fn an_address_that_was_asked_for_and_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("bound").to_string();
    for [flag, other] in [["--resp", "--http"], ["--http", "--resp"]] {
        let output = finish(demo(&[flag, &addr, other, "127.0.0.1:0"]));
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(&format!("cannot listen on {addr}")));
    }
}

#[test]
fn a_demo_is_not_for_other_machines() {
    let output = finish(demo(&["--resp", "0.0.0.0:0"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("on this machine only"));
}
