//! `tidegate backup` and `tidegate restore`: a copy that is consistent though everyone goes on
//! working, and a folder that is made of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{Client, Server, all_pages, figure, finish, folder, http, tidegate, units_of};
use serde_json::Value;

const SKUS: usize = 6;
const WRITERS: usize = 4;
const UNITS: i64 = 1_000_000;
const PASSWORD: &str = "correct-horse-battery";

fn backup(server: &Server, to: &Path) -> Command {
    let from = format!("http://{}", server.http);
    tidegate(&[&"backup", &"--from", &from, &to])
}

fn restore(from: &Path, to: &Path) -> Command {
    tidegate(&[&"restore", &from, &to])
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text).expect("UTF-8");
    (output.status.code(), text)
}

/// Runs a command that must come to a good end.
fn done(command: Command) -> Output {
    let output = finish(command);
    assert_eq!(output.status.code(), Some(0), "{:?}", said(&output));
    output
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect()
}

/// A server's data folder, a folder for a backup and one to restore into.
fn folders() -> (tempfile::TempDir, [PathBuf; 3]) {
    let folder = folder();
    let folders = ["data", "backup", "restored"].map(|name| folder.path().join(name));
    (folder, folders)
}

/// A hold of writer `writer`, its `n`th.
fn hold(writer: usize, n: usize) -> String {
    format!("STOCK.HOLD sku-{} w{writer}-{n} 1 TTL 86400000", n % SKUS)
}

#[test]
fn copy_taken_under_load_has_all_that_was_acknowledged_before_and_nothing_that_was_not_asked_for() {
    let (_folder, [data, copy, restored]) = folders();
    let server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    for sku in 0..SKUS {
        client.ask(&format!("STOCK.SET sku-{sku} {UNITS}"));
    }
    let minted = client.ask("STOCK.HOLD sku-0 * 1");
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<_> = (0..WRITERS).map(|_| AtomicUsize::new(0)).collect();
    let mut before = Vec::new();
    thread::scope(|scope| {
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let mut client = Client::to(&server.resp);
            let stop = &stop;
            scope.spawn(move || {
                for n in 0.. {
                    let reply = client.ask(&hold(writer, n));
                    assert_eq!(reply.field("state").text(), "held");
                    acknowledged.store(n + 1, Ordering::SeqCst);
                    if n % 3 == 0 {
                        client.ask(&format!("STOCK.CONFIRM sku-{} w{writer}-{n}", n % SKUS));
                    }
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
        crate::support::wait_for("some holds", || {
            let all = acknowledged.iter().map(|n| n.load(Ordering::SeqCst));
            (all.min() >= Some(50)).then_some(())
        });
        let all = acknowledged.iter().map(|n| n.load(Ordering::SeqCst));
        before.extend(all);
        done(backup(&server, &copy));
        stop.store(true, Ordering::SeqCst);
    });
    assert_eq!(names(&copy), ["backup.tide"]);
    drop(client);
    server.stop();

    let output = done(restore(&copy, &restored));
    let checked = done(tidegate(&[&"check", &restored]));
    assert_eq!(figure(&checked.stdout, "laws broken"), Some(0));
    for name in ["stock.holds", "stock.skus", "stock.flow"] {
        let (told, found) = (figure(&output.stdout, name), figure(&checked.stdout, name));
        assert!(
            told.is_some() && told == found,
            "{name}: {told:?} {found:?}"
        );
    }
    let server = Server::start(&restored);
    let mut client = Client::to(&server.resp);
    let mut held = BTreeSet::new();
    for sku in 0..SKUS {
        let [total, available, in_hold, sold] = units_of(&mut client, &format!("sku-{sku}"));
        assert_eq!([total, available + in_hold + sold], [UNITS, UNITS]);
        let holds = all_pages(&mut client, &format!("STOCK.HOLDS sku-{sku}"));
        held.extend(holds.iter().map(|hold| hold.field("id").text().to_owned()));
    }
    for (writer, before) in before.iter().enumerate() {
        for n in 0..*before {
            assert!(held.remove(&format!("w{writer}-{n}")), "w{writer}-{n}");
            if n % 10 == 0 {
                let again = client.ask(&hold(writer, n));
                assert_eq!(again.field("repeated").integer(), 1, "w{writer}-{n}");
            }
        }
        let asked = acknowledged[writer].load(Ordering::SeqCst);
        for n in *before..asked {
            held.remove(&format!("w{writer}-{n}"));
        }
    }
    assert!(held.remove(minted.field("id").text()));
    assert_eq!(held, BTreeSet::new(), "nobody has asked for these");
    let more = client.ask("STOCK.HOLD sku-0 * 1");
    assert_ne!(more.field("id"), minted.field("id"));
    server.stop();
    done(tidegate(&[&"check", &restored]));
    done(tidegate(&[&"check", &data]));
}

#[test]
fn empty_server_is_copied_too_and_tells_what_it_copied_as_json() {
    let (_folder, [data, copy, restored]) = folders();
    let server = Server::start(&data);
    let mut command = backup(&server, &copy);
    command.arg("--json");
    let told: Value = serde_json::from_slice(&done(command).stdout).expect("JSON");
    assert_eq!(told["rows"]["stock.skus"], 0);
    assert_eq!(told["partitions"], 16);
    let bytes = fs::metadata(copy.join("backup.tide"))
        .expect("a file")
        .len();
    assert_eq!(told["bytes"], bytes);
    server.stop();
    done(restore(&copy, &restored));
    let server = Server::start(&restored);
    Client::to(&server.resp).ask("STOCK.SET x 1");
    server.stop();
    done(tidegate(&[&"check", &restored]));
}

#[test]
fn neither_backup_nor_restore_touches_a_folder_with_something_in_it() {
    let (_folder, [data, copy, restored]) = folders();
    let server = Server::start(&data);
    done(backup(&server, &copy));
    let (code, text) = said(&finish(backup(&server, &copy)));
    assert_eq!(code, Some(1), "{text}");
    let expected = format!("{} is not empty", copy.display());
    assert!(text.contains(&expected), "{text}");
    // A backup that was interrupted is in nobody's way.
    fs::rename(copy.join("backup.tide"), copy.join("backup.tide.tmp")).expect("renamed");
    done(backup(&server, &copy));
    assert_eq!(names(&copy), ["backup.tide"]);

    fs::create_dir(&restored).expect("a folder");
    fs::write(restored.join("mine"), "").expect("written");
    let (code, text) = said(&finish(restore(&copy, &restored)));
    assert_eq!(code, Some(1), "{text}");
    let expected = format!("{} is not empty", restored.display());
    assert!(text.contains(&expected), "{text}");
    assert_eq!(names(&restored), ["mine"]);
    let (code, text) = said(&finish(restore(&copy, &data)));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is in use by another process"), "{text}");
}

#[test]
fn damaged_or_missing_backup_makes_no_folder() {
    let (_folder, [data, copy, restored]) = folders();
    let server = Server::start(&data);
    Client::to(&server.resp).ask("STOCK.SET x 1");
    done(backup(&server, &copy));
    let file = copy.join("backup.tide");
    let sound = fs::read(&file).expect("a file");
    let mut flipped = sound.clone();
    let last = sound.len() - 1;
    flipped[last / 2] ^= 1;
    for bytes in [&flipped[..], &sound[..last]] {
        fs::write(&file, bytes).expect("written");
        let (code, text) = said(&finish(restore(&copy, &restored)));
        assert_eq!(code, Some(1), "{text}");
        let place = format!("{}: the backup is damaged in frame ", file.display());
        assert!(
            text.contains(&place) && text.contains(", at byte "),
            "{text}"
        );
        assert!(!restored.exists());
    }
    fs::remove_file(&file).expect("removed");
    let (code, text) = said(&finish(restore(&copy, &restored)));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&file.display().to_string()), "{text}");
    assert!(!restored.exists());
}

#[test]
fn restore_that_was_cut_short_is_told_of_by_every_command_and_can_be_run_again() {
    let (_folder, [data, copy, restored]) = folders();
    let server = Server::start(&data);
    Client::to(&server.resp).ask("STOCK.SET x 7");
    done(backup(&server, &copy));
    done(restore(&copy, &restored));
    fs::write(restored.join("restoring"), "").expect("written");
    let mut serve = tidegate(&[&"serve", &"--data", &restored]);
    serve.args(["--resp", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    for command in [serve, tidegate(&[&"check", &restored])] {
        let (code, text) = said(&finish(command));
        assert_eq!(code, Some(1), "{text}");
        let expected = format!(
            "{}: a restore into this folder has not come to its end; run `tidegate restore` on it \
             again",
            restored.display()
        );
        assert!(text.contains(&expected), "{text}");
    }
    done(restore(&copy, &restored));
    let server = Server::start(&restored);
    assert_eq!(units_of(&mut Client::to(&server.resp), "x"), [7, 7, 0, 0]);
}

#[test]
fn restore_that_is_killed_anywhere_leaves_nothing_that_is_served() {
    let (_folder, [data, copy, restored]) = folders();
    let server = Server::start(&data);
    Client::to(&server.resp).ask("STOCK.SET x 7");
    done(backup(&server, &copy));
    for wait in 0..20 {
        let mut process = restore(&copy, &restored).spawn().expect("the binary");
        thread::sleep(Duration::from_millis(wait * 2));
        process.kill().expect("it is our child");
        process.wait().expect("it is our child");
        if !restored.exists() || names(&restored).is_empty() {
            continue;
        }
        let (code, text) = said(&finish(tidegate(&[&"check", &restored])));
        if code == Some(0) {
            fs::remove_dir_all(&restored).expect("removed");
        } else {
            assert!(text.contains("has not come to its end"), "{text}");
        }
    }
    // What is there now was cut short, wherever that was.
    done(restore(&copy, &restored));
    done(tidegate(&[&"check", &restored]));
}

#[test]
fn server_with_a_password_gives_its_data_only_for_it() {
    let (folder, [data, copy, _]) = folders();
    let server = Server::start_with(&data, |command| {
        command.env("TIDEGATE_PASSWORD", PASSWORD);
    });
    assert_eq!(http(&server.http, "GET /backup", &[], "").status, 401);
    let (code, text) = said(&finish(backup(&server, &copy)));
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("it wants a password: set TIDEGATE_PASSWORD"),
        "{text}"
    );
    let mut wrong = backup(&server, &copy);
    wrong.env("TIDEGATE_PASSWORD", "wrong");
    let (code, text) = said(&finish(wrong));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the password is wrong"), "{text}");
    assert!(!copy.exists());
    let file = folder.path().join("password");
    fs::write(&file, PASSWORD).expect("written");
    let mut command = backup(&server, &copy);
    command.arg("--password-file").arg(&file);
    let (_, text) = said(&done(command));
    assert!(!text.contains(PASSWORD), "{text}");
}

#[test]
fn address_that_no_server_speaks_http_at_is_told() {
    let (_folder, [data, copy, _]) = folders();
    let server = Server::start(&data);
    let resp = format!("http://{}", server.resp);
    let (code, text) = said(&finish(tidegate(&[&"backup", &"--from", &resp, &copy])));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is it the RESP port?"), "{text}");
    let (code, text) = said(&finish(tidegate(&[&"backup", &"--from", &"x", &copy])));
    assert_eq!(code, Some(2), "{text}");
    assert!(!copy.exists());
}
