//! The settings of `tidegate serve`: safe unless told otherwise, and clear about what is wrong.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Client, Reply, Server, finish, http, tidegate};
use tempfile::TempDir;

const PASSWORD: &str = "correct-horse-battery";
const FREE: &str = "127.0.0.1:0";

/// An address that other machines can reach.
const OPEN: &str = "0.0.0.0:0";

fn new_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    (folder, data)
}

fn serve(data: &Path, resp: &str, http: &str) -> Command {
    tidegate(&[
        &"serve", &"--data", &data, &"--resp", &resp, &"--http", &http,
    ])
}

/// What a server says that does not start.
fn refusal(command: Command) -> String {
    let output = finish(command);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    path
}

fn with(mut command: Command, args: &[&dyn AsRef<OsStr>]) -> Command {
    command.args(args);
    command
}

#[test]
fn an_address_beyond_this_machine_needs_a_password_or_an_explicit_word() {
    let (_folder, data) = new_folder();
    for (resp, http) in [(OPEN, FREE), (FREE, OPEN), ("[::]:0", FREE)] {
        let said = refusal(serve(&data, resp, http));
        assert!(
            said.contains("can be reached from other machines"),
            "{said}"
        );
        for way_out in ["--password-file FILE", "TIDEGATE_PASSWORD", "--insecure"] {
            assert!(said.contains(way_out), "{said}");
        }
        assert!(
            !data.exists(),
            "nothing is made before the settings are sound"
        );
    }
}

#[test]
fn with_insecure_or_a_password_an_address_beyond_this_machine_is_served() {
    let (folder, data) = new_folder();
    let password = file(folder.path(), "password", PASSWORD);
    let mut of_environment = serve(&data, OPEN, OPEN);
    of_environment.env("TIDEGATE_PASSWORD", PASSWORD);
    for command in [
        with(serve(&data, OPEN, OPEN), &[&"--insecure"]),
        with(serve(&data, OPEN, OPEN), &[&"--password-file", &password]),
        of_environment,
    ] {
        Server::run(command).stop();
    }
}

#[test]
fn a_password_that_is_set_and_empty_is_a_mistake() {
    let (folder, data) = new_folder();
    let empty = file(folder.path(), "password", "\n");
    let said = refusal(with(
        serve(&data, OPEN, FREE),
        &[&"--password-file", &empty],
    ));
    assert!(said.contains(&empty.display().to_string()), "{said}");
    assert!(said.contains("the password is empty"), "{said}");
    let mut of_environment = serve(&data, OPEN, FREE);
    of_environment.env("TIDEGATE_PASSWORD", "");
    let said = refusal(of_environment);
    assert!(
        said.contains("TIDEGATE_PASSWORD: the password is empty"),
        "{said}"
    );
}

#[test]
fn an_unknown_key_of_the_file_is_refused_by_name() {
    let (folder, data) = new_folder();
    let config = file(
        folder.path(),
        "tidegate.toml",
        "resp = \"127.0.0.1:0\"\nrepl = 3\n",
    );
    let said = refusal(with(serve(&data, FREE, FREE), &[&"--config", &config]));
    assert!(said.contains(&config.display().to_string()), "{said}");
    assert!(said.contains("unknown field `repl`"), "{said}");
    assert!(said.contains("line 2"), "{said}");
}

#[test]
fn shares_of_the_file_are_checked_against_the_structures_there_are() {
    let (folder, data) = new_folder();
    for (text, complaint) in [
        (
            "[shares.stok]\nweight = 4\n",
            "shares.stok: there is no such structure; there are event, stock",
        ),
        (
            "[shares.stock]\nlog_percent = 101\n",
            "log_percent of all structures together must be at most 100, not 101",
        ),
        ("[shares.stock]\nwait = 4\n", "unknown field `wait`"),
    ] {
        let config = file(folder.path(), "tidegate.toml", text);
        let said = refusal(with(serve(&data, FREE, FREE), &[&"--config", &config]));
        assert!(said.contains(complaint), "{said}");
    }
    let text = "[shares.stock]\nweight = 4\nmemory_percent = 90\n";
    let config = file(folder.path(), "tidegate.toml", text);
    let server = Server::run(with(serve(&data, FREE, FREE), &[&"--config", &config]));
    server.stop();
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let (folder, data) = new_folder();
    for flag in ["--config", "--password-file"] {
        let missing = folder.path().join("missing");
        let said = refusal(with(serve(&data, FREE, FREE), &[&flag, &missing]));
        assert!(said.contains(&missing.display().to_string()), "{said}");
    }
}

#[test]
fn the_file_is_used_and_flags_win_over_it() {
    let (folder, data) = new_folder();
    let elsewhere = folder.path().join("elsewhere");
    let password = file(folder.path(), "password", PASSWORD);
    let text = format!(
        "data = {elsewhere:?}\nresp = \"{OPEN}\"\nhttp = \"{FREE}\"\npassword_file = {password:?}\n"
    );
    let config = file(folder.path(), "tidegate.toml", &text);

    let server = Server::run(tidegate(&[&"serve", &"--config", &config]));
    assert!(server.resp.starts_with("0.0.0.0:"), "{}", server.resp);
    assert!(elsewhere.is_dir() && !data.exists());
    server.stop();
    fs::remove_dir_all(&elsewhere).expect("there");

    let server = Server::run(with(serve(&data, FREE, FREE), &[&"--config", &config]));
    assert!(server.resp.starts_with("127.0.0.1:"), "{}", server.resp);
    assert!(data.is_dir() && !elsewhere.exists());
    let stranger = Client::to(&server.resp).ask("STOCK.GET x");
    assert_eq!(
        stranger.refusal(),
        Some("NOAUTH"),
        "the file's password is asked for"
    );
    server.stop();
}

#[test]
fn an_address_in_use_is_named() {
    let (_folder, data) = new_folder();
    let other = TcpListener::bind(FREE).expect("a free port");
    let taken = other.local_addr().expect("bound").to_string();
    for (resp, http) in [(&*taken, FREE), (FREE, &taken)] {
        let said = refusal(serve(&data, resp, http));
        assert!(
            said.contains(&format!("cannot listen on {taken}")),
            "{said}"
        );
        assert!(said.contains("in use"), "{said}");
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_by_the_folders_name() {
    let (_folder, data) = new_folder();
    let first = Server::start(&data);
    let said = refusal(serve(&data, FREE, FREE));
    assert!(
        said.contains(&format!("{} is in use", data.display())),
        "{said}"
    );
    let pong = Reply::Simple("PONG".to_owned());
    assert_eq!(
        Client::to(&first.resp).ask("PING"),
        pong,
        "the first one goes on"
    );
    first.stop();
    Server::start(&data).stop();
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let (folder, _) = new_folder();
    let data = file(folder.path(), "a-file", "").join("data");
    let said = refusal(serve(&data, FREE, FREE));
    assert!(said.contains(&data.display().to_string()), "{said}");
}

#[test]
fn with_a_password_both_fronts_ask_for_it_and_no_output_tells_it() {
    let (folder, data) = new_folder();
    // An editor ends the last line.
    let password = file(folder.path(), "password", &format!("{PASSWORD}\n"));
    let server = Server::run(with(
        serve(&data, FREE, FREE),
        &[&"--password-file", &password],
    ));

    let mut client = Client::to(&server.resp);
    for line in ["STOCK.SET x 1", "PING", "COMMAND DOCS"] {
        assert_eq!(client.ask(line).refusal(), Some("NOAUTH"), "{line}");
    }
    assert_eq!(client.ask("AUTH wrong").refusal(), Some("WRONGPASS"));
    assert_eq!(client.ask("STOCK.SET x 1").refusal(), Some("NOAUTH"));
    assert_eq!(
        client.ask(&format!("AUTH {PASSWORD}")),
        Reply::Simple("OK".to_owned())
    );
    assert_eq!(client.ask("STOCK.SET x 1").field("total").integer(), 1);

    let bearer = |word: &str| format!("authorization: Bearer {word}");
    let get = |path: &str, head: &[&str]| http(&server.http, &format!("GET {path}"), head, "");
    for path in ["/v1/stock/x", "/metrics"] {
        assert_eq!(get(path, &[]).status, 401, "{path}");
        assert_eq!(get(path, &[&bearer("wrong")]).status, 401, "{path}");
        assert_eq!(get(path, &[&bearer(PASSWORD)]).status, 200, "{path}");
    }
    assert_eq!(get("/healthz", &[]).status, 200);
    assert_eq!(get("/readyz", &[]).status, 200);

    let printed = server.stop();
    assert!(
        printed.contains("ready") && printed.contains("stopping"),
        "{printed}"
    );
    assert!(!printed.contains(PASSWORD), "{printed}");
}

#[test]
fn help_says_where_a_password_comes_from_and_has_no_flag_that_takes_one() {
    let help = finish(tidegate(&[&"serve", &"--help"]));
    let text = String::from_utf8(help.stdout).expect("UTF-8");
    assert!(text.contains("--password-file <FILE>"), "{text}");
    assert!(text.contains("TIDEGATE_PASSWORD"), "{text}");
    assert!(
        !text.contains("--password "),
        "it would stand in the list of processes: {text}"
    );
}
