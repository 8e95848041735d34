//! Archives as the config file has them: wrong times are refused, and right ones are what is done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Client, Server, figure, finish, http, tidegate, wait_for};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    (folder, data)
}

/// A server whose config file says this.
fn serve(folder: &Path, data: &Path, config: &str) -> Command {
    let path = folder.join("tidegate.toml");
    fs::write(&path, config).expect("written");
    let free = "127.0.0.1:0";
    tidegate(&[
        &"serve",
        &"--data",
        &data,
        &"--resp",
        &free,
        &"--http",
        &free,
        &"--config",
        &path,
    ])
}

#[test]
fn times_of_the_file_are_checked_against_the_structures_there_are() {
    let (folder, data) = folder();
    for (text, complaint) in [
        (
            "[archives.stok]\nkeep_days = 4\n",
            "archives.stok: there is no such structure with archives; there are stock",
        ),
        (
            "[archives.stock]\nkeep_days = 0\n",
            "archives.stock: keep_days must be 1 to 999, not 0",
        ),
        (
            "[archives.stock]\nafter_days = 4000\n",
            "archives.stock: after_days must be 0 to 3660, not 4000",
        ),
        ("[archives.stock]\nafter_days = -1\n", "invalid value"),
        ("[archives.stock]\nkeep = 4\n", "unknown field `keep`"),
    ] {
        let output = finish(serve(folder.path(), &data, text));
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(complaint), "{said}");
    }
}

/// Rows of the archive of holds, once the timers of a finished hold and of its SKU's flow have fired, if
/// they are due.
fn archived(config: &str, timers: u64) -> Option<i64> {
    let (folder, data) = folder();
    let server = Server::run(serve(folder.path(), &data, config));
    let mut client = Client::to(&server.resp);
    for line in ["STOCK.SET a 9", "STOCK.HOLD a h 1", "STOCK.CONFIRM a h"] {
        assert_eq!(client.ask(line).refusal(), None, "{line}");
    }
    wait_for("the timers to fire", || {
        let metrics = http(&server.http, "GET /metrics", &[], "").body;
        let mut lines = metrics.lines();
        let fired = lines.find_map(|line| line.strip_prefix("tidegate_timers_fired_total "));
        (fired?.parse::<u64>().ok()? >= timers).then_some(())
    });
    server.stop();
    let checked = finish(tidegate(&[&"check", &data]));
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    figure(&checked.stdout, "stock.holds_archive")
}

#[test]
fn finished_hold_leaves_when_the_file_says_so() {
    assert_eq!(archived("", 0), Some(0));
    assert_eq!(archived("[archives.stock]\nafter_days = 0\n", 2), Some(1));
}
