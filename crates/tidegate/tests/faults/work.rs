//! Some work that a server has acknowledged, how to find it again, and the log that it left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{Client, Server, all_pages, finish, tidegate, wait_for};

/// Holds of one unit each, of a SKU that has ten times as many.
pub(crate) const HOLDS: i64 = 20;
const SKU: &str = "shirt";

/// Units of all holds.
pub(crate) fn hold_all(client: &mut Client) {
    let set = client.ask(&format!("STOCK.SET {SKU} {}", 10 * HOLDS));
    assert_eq!(set.refusal(), None);
    for hold in 0..HOLDS {
        let held = client.ask(&format!("STOCK.HOLD {SKU} h{hold:04} 1 TTL 86400000"));
        assert_eq!(held.refusal(), None);
    }
}

/// Whether one unit more can be held.
pub(crate) fn hold_one_more(client: &mut Client) -> Result<(), String> {
    let held = client.ask(&format!("STOCK.HOLD {SKU} more 1"));
    held.refusal().map_or(Ok(()), |word| Err(word.to_owned()))
}

/// The ids of all holds of a SKU, sorted.
pub(crate) fn ids_of(client: &mut Client, sku: &str) -> Vec<String> {
    let rows = all_pages(client, &format!("STOCK.HOLDS {sku}"));
    let mut ids: Vec<_> = rows
        .iter()
        .map(|row| row.field("id").text().to_owned())
        .collect();
    ids.sort();
    ids
}

/// Nothing that was acknowledged is missing, and nothing else is there.
pub(crate) fn assert_all_held(client: &mut Client) {
    let expected: Vec<_> = (0..HOLDS).map(|hold| format!("h{hold:04}")).collect();
    assert_eq!(ids_of(client, SKU), expected);
}

/// `serve` over a folder, on free ports.
pub(crate) fn serve(data: &Path) -> Command {
    let free: &str = "127.0.0.1:0";
    tidegate(&[
        &"serve", &"--data", &data, &"--resp", &free, &"--http", &free,
    ])
}

pub(crate) fn check(data: &Path) -> Output {
    finish(tidegate(&[&"check", &data]))
}

/// All that a command has printed.
pub(crate) fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// The log of a killed server: its one segment as far as there is something in it.
pub(crate) struct Log {
    pub(crate) bytes: Vec<u8>,
    name: String,
    size: u64,
    /// Where each group begins.
    pub(crate) groups: Vec<usize>,
    _folder: TempDir,
}

const GROUP_HEADER: usize = 48;

/// Where each group of a segment begins, and where the last one ends.
fn groups_of(segment: &[u8]) -> (Vec<usize>, usize) {
    let mut groups = Vec::new();
    let partitions = u16::from_le_bytes([segment[10], segment[11]]);
    let mut at = 40 + 8 * usize::from(partitions);
    while segment[at..].starts_with(b"TGRP") {
        groups.push(at);
        let length = segment[at + 40..].first_chunk().expect("a header");
        let length = u32::from_le_bytes(*length) as usize;
        at += (GROUP_HEADER + length).next_multiple_of(8);
    }
    (groups, at)
}

impl Log {
    /// Of a server that has done the work, has sealed its log, and was killed.
    pub(crate) fn of_killed_server() -> Self {
        let folder = crate::support::folder();
        let data = folder.path().join("data");
        let mut server = Server::start(&data);
        hold_all(&mut Client::to(&server.resp));
        let path = only_segment(&data);
        wait_for("the seal of an idle writer", || {
            let bytes = fs::read(&path).expect("a segment");
            let (groups, end) = groups_of(&bytes);
            (groups.last()? + GROUP_HEADER == end).then_some(())
        });
        server.kill();
        let mut bytes = fs::read(&path).expect("a segment");
        let size = bytes.len() as u64;
        let (groups, end) = groups_of(&bytes);
        bytes.truncate(end);
        let name = path.file_name().expect("a name").to_str().expect("ASCII");
        Self {
            bytes,
            name: name.to_owned(),
            size,
            groups,
            _folder: folder,
        }
    }

    /// Puts a segment of these bytes, and as much room behind them as it had, into a new folder.
    pub(crate) fn put(&self, data: &Path, bytes: &[u8]) -> PathBuf {
        let path = self.put_short(data, bytes);
        let file = fs::File::options().write(true).open(&path).expect("there");
        file.set_len(self.size).expect("extended");
        path
    }

    /// The same, without room behind them.
    pub(crate) fn put_short(&self, data: &Path, bytes: &[u8]) -> PathBuf {
        fs::create_dir_all(data).expect("made");
        let path = data.join(&self.name);
        fs::write(&path, bytes).expect("written");
        path
    }

    /// Where the last group with records begins: what is behind it nobody was answered by.
    pub(crate) fn last_acknowledged(&self) -> usize {
        let with_records = |at: &&usize| self.bytes[**at + 40..**at + 44] != [0; 4];
        *self.groups.iter().rfind(with_records).expect("groups")
    }
}

pub(crate) fn only_segment(data: &Path) -> PathBuf {
    let listed = fs::read_dir(data).expect("a folder");
    let mut paths = listed.map(|entry| entry.expect("an entry").path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "seg");
    paths.find(is_segment).expect("a segment")
}
