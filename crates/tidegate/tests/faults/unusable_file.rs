//! Files that cannot be used, at a start and under a running server: it says which and why.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::machine::picture;
use crate::support::{Client, Server, finish};
use crate::work::{Log, assert_all_held, check, only_segment, serve};

/// The segment of a log is put away, something else stands in its place, and is removed again.
fn assert_named(instead: impl FnOnce(&Path), why: &str, remove: impl FnOnce(&Path)) {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let log = Log::of_killed_server();
    let segment = log.put(&data, &log.bytes);
    let away = folder.path().join("away");
    fs::rename(&segment, &away).expect("renamed");
    instead(&segment);
    let before = picture(&data);
    for output in [finish(serve(&data)), check(&data)] {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("{}: {why}", segment.display())),
            "{said}"
        );
    }
    assert!(picture(&data) == before, "a file differs");
    remove(&segment);
    fs::rename(&away, &segment).expect("renamed");
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
}

#[test]
fn folder_in_the_place_of_a_segment_is_named() {
    let make = |path: &Path| fs::create_dir(path).expect("made");
    let remove = |path: &Path| fs::remove_dir(path).expect("removed");
    assert_named(make, "Is a directory", remove);
}

#[test]
fn link_to_itself_in_the_place_of_a_segment_is_named() {
    let link = |path: &Path| symlink(path, path).expect("made");
    let remove = |path: &Path| fs::remove_file(path).expect("removed");
    assert_named(link, "Too many levels of symbolic links", remove);
}

#[test]
fn server_whose_log_is_removed_answers_no_more_and_ends_with_74_and_the_file() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    assert_eq!(client.ask("STOCK.SET shirt 5").refusal(), None);
    let segment = only_segment(&data);
    fs::remove_file(&segment).expect("removed");
    let hold = crate::support::words("STOCK.HOLD shirt more 1");
    assert_eq!(client.pipeline(&[hold]), [], "no answer");
    assert_eq!(server.exit_code(), Some(74));
    let said = server.output();
    let named = format!("{}: the file was removed while in use", segment.display());
    assert!(said.contains(&named), "{said}");
}
