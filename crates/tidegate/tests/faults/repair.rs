//! `check --repair`: what is damaged is named and set aside, and everything else is there again.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::machine::picture;
use crate::support::{Client, Server, finish, tidegate};
use crate::work::{HOLDS, Log, assert_all_held, check, hold_one_more, ids_of, said, serve};

pub(crate) fn repair(data: &Path) -> Output {
    finish(tidegate(&[&"check", &"--repair", &data]))
}

/// `serve` refuses, in words that have all of these in them.
pub(crate) fn assert_refused(data: &Path, words: &[&str]) {
    let output = finish(serve(data));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "{word} is not in {said}");
    }
}

#[test]
fn group_damaged_in_the_middle_is_dropped_with_all_behind_it_and_the_holds_before_it_are_kept() {
    let log = Log::of_killed_server();
    for group in [log.groups[log.groups.len() / 2], log.last_acknowledged()] {
        let folder = crate::support::folder();
        let data = folder.path().join("data");
        let mut bytes = log.bytes.clone();
        bytes[group + 60] ^= 1;
        let segment = log.put(&data, &bytes);
        let place = format!("{}: corrupt at byte {group}: ", segment.display());
        assert_refused(&data, &[&place, "check --repair"]);
        let repaired = repair(&data);
        let words = said(&repaired);
        assert!(words.contains(&place), "{words}");
        assert!(
            words.contains(" from byte ") && words.contains("was behind these positions"),
            "{words}"
        );
        assert_eq!(repaired.status.code(), Some(0), "{words}");
        let set_aside = data
            .join("dropped-1")
            .join(segment.file_name().expect("a name"));
        assert!(fs::read(set_aside).expect("set aside").starts_with(&bytes));
        let mut server = Server::start(&data);
        let mut client = Client::to(&server.resp);
        let ids = ids_of(&mut client, "shirt");
        let groups = log.groups.iter().filter(|at| **at < group).count();
        // Up to three have no hold: that of the SKU, and the clock's, of which one is for what the server itself looks up.
        assert!(
            ids.len() < groups && ids.len() + 4 > groups.min(HOLDS as usize),
            "{groups} groups: {ids:?}"
        );
        assert_eq!(hold_one_more(&mut client), Ok(()));
        server.kill();
        assert_eq!(check(&data).status.code(), Some(0));
    }
}

#[test]
fn sound_folder_is_not_changed_by_a_repair_which_says_so() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let log = Log::of_killed_server();
    log.put(&data, &log.bytes);
    let before = picture(&data);
    let repaired = repair(&data);
    let words = said(&repaired);
    assert_eq!(repaired.status.code(), Some(0), "{words}");
    assert!(
        words.starts_with("nothing is damaged: nothing was changed\n"),
        "{words}"
    );
    assert!(picture(&data) == before, "a file differs");
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
}

#[test]
fn damages_are_all_told_as_one_json_document() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let log = Log::of_killed_server();
    let mut bytes = log.bytes.clone();
    let (first, second) = (log.groups[3], log.groups[8]);
    bytes[first + 60] ^= 1;
    bytes[second + 60] ^= 1;
    log.put(&data, &bytes);
    let checked = finish(tidegate(&[&"check", &"--json", &data]));
    assert_eq!(checked.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    let offsets: Vec<_> = document["damages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|damage| damage["offset"].as_u64())
        .collect();
    assert_eq!(offsets, [Some(first as u64), Some(second as u64)]);
    let repaired = finish(tidegate(&[&"check", &"--repair", &"--json", &data]));
    let document: serde_json::Value = serde_json::from_slice(&repaired.stdout).expect("JSON");
    assert_eq!(document["damages"].as_array().map(Vec::len), Some(0));
    assert!(document["repair"]["dropped"][0].is_string(), "{document}");
}
