//! `tidegate check`: what it says of good, damaged, busy and missing folders, and that it leaves
//! them as they are.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{Client, Server, figure, finish, tidegate, words};
use tempfile::TempDir;

const SKUS: usize = 4;
const ROUNDS: usize = 3;

fn check(data: &Path) -> Output {
    finish(tidegate(&[&"check", &data]))
}

/// The exit code, and all that was said.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text).expect("UTF-8");
    (output.status.code(), text)
}

fn new_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    (folder, data)
}

/// Ten units of each SKU; each round holds two of them, confirms one hold and releases the other.
fn work(server: &Server) {
    let mut client = Client::to(&server.resp);
    for sku in 0..SKUS {
        client.ask(&format!("STOCK.SET sku-{sku} 10"));
        for round in 0..ROUNDS {
            let lines = [
                format!("STOCK.HOLD sku-{sku} sold-{round} 1"),
                format!("STOCK.HOLD sku-{sku} back-{round} 1"),
                format!("STOCK.CONFIRM sku-{sku} sold-{round}"),
                format!("STOCK.RELEASE sku-{sku} back-{round}"),
            ];
            let replies = client.pipeline(&lines.map(|line| words(&line)));
            assert!(replies.iter().all(|reply| reply.refusal().is_none()));
        }
        client.ask(&format!("STOCK.HOLD sku-{sku} kept 2"));
    }
}

fn assert_figures(output: &Output) {
    let of = |name| figure(&output.stdout, name);
    let times = |figure: usize| i64::try_from(figure).ok();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(of("stock.units_total"), times(10 * SKUS));
    assert_eq!(of("stock.units_held"), times(2 * SKUS));
    assert_eq!(of("stock.units_sold"), times(ROUNDS * SKUS));
    assert_eq!(of("stock.skus"), times(SKUS));
    assert_eq!(of("stock.holds"), times((2 * ROUNDS + 1) * SKUS));
    assert_eq!(of("stock.flow"), times((1 + 4 * ROUNDS + 1) * SKUS));
    assert_eq!(of("laws broken"), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    let last = "the books balance: every record is sound, every law holds\n";
    assert!(text.ends_with(last), "{text}");
}

/// Names and bytes of all files of a folder, and of those in it.
fn contents(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(data).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let mut all: Vec<_> = files
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).expect("a file")))
        .collect();
    all.extend(folders.iter().flat_map(|folder| contents(folder)));
    all.sort();
    all
}

/// The segment files of a log, oldest first.
fn segments(data: &Path) -> Vec<PathBuf> {
    let files = contents(data).into_iter().map(|(path, _)| path);
    files
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .collect()
}

/// Where the groups of a segment begin. No record of these tests contains their magic.
fn groups(segment: &[u8]) -> Vec<usize> {
    let starts = (0..segment.len()).step_by(8);
    starts
        .filter(|at| segment[*at..].starts_with(b"TGRP"))
        .collect()
}

fn number_at(segment: &[u8], at: usize) -> u64 {
    let bytes = segment[at..].first_chunk().expect("eight bytes");
    u64::from_le_bytes(*bytes)
}

/// Changes one bit of a file; doing it again undoes it.
fn flip(file: &Path, at: usize) {
    let file = fs::OpenOptions::new().read(true).write(true).open(file);
    let file = file.expect("a file");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).expect("read");
    byte[0] ^= 0x10;
    file.write_all_at(&byte, at as u64).expect("written");
}

#[test]
fn a_stopped_servers_folder_has_a_sealed_log_and_figures_that_add_up() {
    let (_folder, data) = new_folder();
    let server = Server::start(&data);
    work(&server);
    server.stop();
    let checked = check(&data);
    assert_figures(&checked);
    assert_eq!(figure(&checked.stdout, "log.segments"), Some(1));
    // The seal itself is covered by nothing, but nobody was answered by it.
    assert_eq!(figure(&checked.stdout, "log.groups_unsealed"), Some(0));
    let segment = fs::read(&segments(&data)[0]).expect("a segment");
    let seal = groups(&segment).pop().expect("groups");
    let [number, covered] = [16, 24].map(|at| number_at(&segment, seal + at));
    assert_eq!(covered, number - 1);
    assert_eq!(number_at(&segment, seal + 40), 0, "bytes of records");
}

#[test]
fn a_killed_servers_folder_has_the_same_figures() {
    let (_folder, data) = new_folder();
    let mut server = Server::start(&data);
    work(&server);
    server.kill();
    assert_figures(&check(&data));
}

#[test]
fn check_changes_no_file() {
    let (_folder, data) = new_folder();
    let mut server = Server::start(&data);
    work(&server);
    server.kill();
    let before = contents(&data);
    assert_figures(&check(&data));
    assert!(contents(&data) == before, "a file differs");
}

#[test]
fn a_flipped_byte_in_a_sealed_group_is_named_with_file_and_offset() {
    let (_folder, data) = new_folder();
    let server = Server::start(&data);
    work(&server);
    server.stop();
    let file = segments(&data).pop().expect("a segment");
    let mut starts = groups(&fs::read(&file).expect("a segment"));
    let last = starts.pop().expect("groups");
    assert!(starts.len() > SKUS, "{starts:?}");
    let ends = starts[1..].iter().chain([&last]);
    for (start, end) in starts.iter().zip(ends) {
        // In the magic, in the group's number, and in the middle of its records.
        for at in [*start, start + 17, (start + 48 + end) / 2] {
            let is_padding = at + 8 > *end;
            if is_padding {
                continue;
            }
            flip(&file, at);
            let (code, text) = said(&check(&data));
            assert_eq!(code, Some(1), "byte {at}: {text}");
            let place = format!("{}: corrupt at byte {start}", file.display());
            assert!(text.contains(&place), "byte {at}: {text}");
            flip(&file, at);
        }
    }
    assert_figures(&check(&data));
}

#[test]
fn a_server_refuses_to_start_over_a_flipped_byte_and_leaves_it_as_it_is() {
    let (_folder, data) = new_folder();
    let server = Server::start(&data);
    work(&server);
    server.stop();
    let file = segments(&data).pop().expect("a segment");
    let segment = fs::read(&file).expect("a segment");
    // A group without records covers the one before it, if that was the last for a while.
    let mut with_records = groups(&segment)
        .into_iter()
        .filter(|start| number_at(&segment, start + 40) > 0);
    let start = with_records.nth(1).expect("groups with records");
    flip(&file, start + 60);
    // Opening the base removes versions of its lists that count no more.
    let of_log = || {
        let files = contents(&data).into_iter();
        files
            .filter(|(path, _)| path.parent() == Some(&data))
            .collect::<Vec<_>>()
    };
    let before = of_log();
    let mut serve = tidegate(&[&"serve", &"--data", &data]);
    serve.args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    let (code, text) = said(&finish(serve));
    assert_eq!(code, Some(1), "{text}");
    let place = format!("{}: corrupt at byte {start}", file.display());
    assert!(text.contains(&place), "{text}");
    assert!(of_log() == before, "a file differs");
}

#[test]
fn a_folder_in_use_is_not_checked() {
    let (_folder, data) = new_folder();
    let server = Server::start(&data);
    work(&server);
    let (code, text) = said(&check(&data));
    assert_eq!(code, Some(1), "{text}");
    let expected = format!("{} is in use by another process", data.display());
    assert!(text.contains(&expected), "{text}");
    server.stop();
    assert_figures(&check(&data));
}

#[test]
fn a_missing_folder_is_told_of_and_not_made() {
    let (folder, data) = new_folder();
    let (code, text) = said(&check(&data));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&data.display().to_string()), "{text}");
    assert_eq!(contents(folder.path()), []);
}

#[test]
fn a_file_is_told_to_be_no_folder() {
    let (_folder, data) = new_folder();
    fs::write(&data, "").expect("written");
    let expected = format!("{} is not a folder", data.display());
    let check = tidegate(&[&"check", &data]);
    let mut serve = tidegate(&[&"serve", &"--data", &data]);
    serve.args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    for command in [check, serve] {
        let (code, text) = said(&finish(command));
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn a_folder_that_no_server_has_worked_in_is_told_of_and_stays_empty() {
    let (_folder, data) = new_folder();
    fs::create_dir(&data).expect("a folder");
    let (code, text) = said(&check(&data));
    assert_eq!(code, Some(1), "{text}");
    let expected = format!("{} is no data folder", data.display());
    assert!(text.contains(&expected), "{text}");
    assert_eq!(contents(&data), []);
}
