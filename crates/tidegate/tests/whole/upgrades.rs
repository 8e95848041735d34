//! Folders and backups that a version has left, opened by this one.
//!
//! `fixtures/format-<log>-<base>.tar.gz` holds a data folder, some of it in archives, that was killed with
//! a log behind its last checkpoint, and a backup. One is made for each format, once, and never again:
//! `cargo test -p tidegate --test whole upgrades:: -- --ignored`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{
    Client, Reply, Server, figure, finish, folder, http, tidegate, units_of, wait_for,
};

/// That of the log, and that of a backup.
const FORMAT: &str = "3-2";

const HELD: i64 = 40;
const CONFIRMED: i64 = 10;
const RELEASED: i64 = 5;
const RETURNED: i64 = 2;
/// Confirmed behind the checkpoint.
const LATE: i64 = 3;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn tar(args: &[&str], archive: &Path, folder: &Path) {
    let mut tar = Command::new("tar");
    tar.args(args).arg(archive).arg("-C").arg(folder);
    if args.contains(&"-czSf") {
        tar.args(["data", "backup"]);
    }
    let status = tar.status().expect("tar is there");
    assert!(status.success(), "{status}");
}

fn ask(client: &mut Client, command: &str) -> Reply {
    let reply = client.ask(command);
    assert_eq!(reply.refusal(), None, "{command}: {reply:?}");
    reply
}

fn timers_fired(server: &Server) -> i64 {
    let metrics = http(&server.http, "GET /metrics", &[], "").body;
    figure(metrics.as_bytes(), "tidegate_timers_fired_total ").expect("a figure")
}

#[test]
#[ignore = "makes the fixture, once for each format"]
fn make() {
    let folder = folder();
    let data = folder.path().join("data");
    let config = folder.path().join("tidegate.toml");
    fs::write(&config, "[archives.stock]\nafter_days = 0\n").expect("written");
    let server = Server::start_with(&data, |command| {
        command.arg("--config").arg(&config);
    });
    let mut client = Client::to(&server.resp);
    ask(&mut client, "STOCK.SET shirt 1000 ALERT 990");
    ask(&mut client, "STOCK.SET cap 5");
    for n in 0..HELD {
        ask(
            &mut client,
            &format!("STOCK.HOLD shirt h-{n} 1 TTL 86400000"),
        );
    }
    for n in 0..CONFIRMED {
        ask(&mut client, &format!("STOCK.CONFIRM shirt h-{n}"));
    }
    for n in CONFIRMED..CONFIRMED + RELEASED {
        ask(&mut client, &format!("STOCK.RELEASE shirt h-{n}"));
    }
    for n in 0..RETURNED {
        ask(
            &mut client,
            &format!("STOCK.RETURN shirt h-{n} r-{n} QTY 1"),
        );
    }
    // Each of those that are finished, and what has happened to the SKUs.
    let leave = CONFIRMED + RELEASED;
    wait_for("the archive", || {
        (timers_fired(&server) > leave).then_some(())
    });
    server.stop();
    let mut server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    for n in 0..LATE {
        let hold = format!("STOCK.HOLD cap late-{n} 1 TTL 86400000");
        ask(&mut client, &hold);
        ask(&mut client, &format!("STOCK.CONFIRM cap late-{n}"));
    }
    let from = format!("http://{}", server.http);
    let backup = tidegate(&[&"backup", &"--from", &from, &folder.path().join("backup")]);
    assert!(finish(backup).status.success());
    for n in 0..LATE {
        ask(
            &mut client,
            &format!("STOCK.HOLD shirt behind-{n} 1 TTL 86400000"),
        );
        ask(&mut client, &format!("STOCK.CONFIRM shirt behind-{n}"));
    }
    server.kill();
    fs::remove_file(data.join("spare.tmp")).ok();
    let archive = fixtures().join(format!("format-{FORMAT}.tar.gz"));
    tar(&["-czSf"], &archive, folder.path());
}

/// What was confirmed is sold, whatever the time; what was held is held, or free again.
fn assert_is_whole(data: &Path, behind: i64) {
    let checked = finish(tidegate(&[&"check", &data]));
    assert!(checked.status.success(), "{checked:?}");
    let server = Server::start_with(data, |command| {
        command.arg("--accept-clock"); // The folder is from long ago.
    });
    let mut client = Client::to(&server.resp);
    let sold = CONFIRMED - RETURNED + behind;
    let [total, available, held, sold_now] = units_of(&mut client, "shirt");
    assert_eq!(
        [total, available + held, sold_now],
        [1000, 1000 - sold, sold]
    );
    assert_eq!(units_of(&mut client, "cap"), [5, 5 - LATE, 0, LATE]);
    for n in 0..LATE {
        let retry = ask(&mut client, &format!("STOCK.CONFIRM cap late-{n}"));
        assert_eq!(retry.field("repeated").integer(), 1, "{retry:?}");
    }
    let repeated = ask(&mut client, "STOCK.RETURN shirt h-0 r-0 QTY 1");
    assert_eq!(repeated.field("repeated").integer(), 1, "{repeated:?}");
    ask(&mut client, "STOCK.HOLD cap new 1 TTL 86400000");
    ask(&mut client, "STOCK.CONFIRM cap new");
    server.stop();
    let checked = finish(tidegate(&[&"check", &data])).stdout;
    let of_caps = figure(&checked, "stock.units_sold");
    assert_eq!(of_caps, Some(sold + LATE + 1));
}

#[test]
fn folders_and_backups_that_earlier_formats_have_left_are_whole_under_this_version() {
    let archives = fs::read_dir(fixtures()).expect("fixtures");
    let archives: Vec<_> = archives
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let own = format!("format-{FORMAT}.tar.gz");
    assert!(
        archives.iter().any(|path| path.ends_with(&own)),
        "{own} is not made"
    );
    for archive in archives {
        let folder = folder();
        tar(&["-xzSf"], &archive, folder.path());
        let [data, backup, restored] =
            ["data", "backup", "restored"].map(|name| folder.path().join(name));
        assert_is_whole(&data, LATE);
        let restore = finish(tidegate(&[&"restore", &backup, &restored]));
        assert!(restore.status.success(), "{restore:?}");
        assert_is_whole(&restored, 0);
    }
}
