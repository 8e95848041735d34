//! Damage to the files of the base is never served: it is told with the file and the table, and after a
//! repair everything is there that was not named as dropped.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::repair::{assert_refused, repair};
use crate::support::{Client, Server, finish, units_of};
use crate::work::{check, ids_of, said, serve};

/// Holds of each of two runs of a server; each run ends with a checkpoint, and so with a file of its
/// own in every table.
const HOLDS: usize = 20;

const TABLE: &str = "stock.holds";

/// The folder of a table of a base.
fn tree(data: &Path) -> PathBuf {
    data.join("base/0011")
}

/// A folder in whose base every table has two files.
fn new_folder(data: &Path) {
    for run in 0..2 {
        let server = Server::start(data);
        let mut client = Client::to(&server.resp);
        if run == 0 {
            assert_eq!(client.ask("STOCK.SET shirt 1000").refusal(), None);
        }
        for hold in 0..HOLDS {
            let held = client.ask(&format!("STOCK.HOLD shirt r{run}h{hold:02} 1 TTL 86400000"));
            assert_eq!(held.refusal(), None);
        }
        server.stop();
    }
}

/// The file of the last run: it is the newer one.
fn last_file(data: &Path) -> PathBuf {
    let files = fs::read_dir(tree(data).join("tables")).expect("files");
    let number = |path: &PathBuf| -> Option<u64> { path.file_name()?.to_str()?.parse().ok() };
    let paths = files.map(|file| file.expect("a file").path());
    paths.max_by_key(number).expect("a file")
}

/// The list of files that counts; older ones may still be there.
fn list(data: &Path) -> PathBuf {
    let current = fs::read(tree(data).join("current")).expect("there");
    let number = current.first_chunk().expect("a number");
    tree(data).join(format!("v{}", u64::from_le_bytes(*number)))
}

fn flip(path: &Path, at: u64) {
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("read");
    byte[0] ^= 0x10;
    file.write_all_at(&byte, at).expect("written");
}

fn flip_before_end(path: &Path, bytes: u64) {
    flip(path, path.metadata().expect("there").len() - bytes);
}

fn cut(path: &Path) {
    let file = fs::File::options().write(true).open(path).expect("there");
    let size = file.metadata().expect("there").len();
    file.set_len(size / 2).expect("cut");
}

/// What is done to the file of the last run.
type OfAFile = (&'static str, fn(&Path));
const OF_A_FILE: [OfAFile; 5] = [
    ("its end", |path| flip_before_end(path, 10)),
    ("its figures", |path| flip_before_end(path, 300)),
    ("rows", |path| flip(path, 40)),
    ("cut in half", cut),
    ("gone", |path| fs::remove_file(path).expect("removed")),
];

/// The server may only find it on the way; then it ends, and does not start again.
fn assert_never_served(data: &Path, path: &Path) {
    let output = finish(serve(data));
    let words = said(&output);
    assert!(words.contains(TABLE), "{words}");
    match output.status.code() {
        Some(74) => assert_refused(data, &[TABLE, "slot ", "key ", "check --repair"]),
        Some(1) => assert!(words.contains(&path.display().to_string()), "{words}"),
        code => panic!("{code:?}: {words}"),
    }
}

#[test]
fn damaged_file_is_set_aside_and_the_rows_of_the_others_are_kept() {
    let folder = crate::support::folder();
    let sound = folder.path().join("sound");
    new_folder(&sound);
    for (what, damage) in OF_A_FILE {
        let data = folder.path().join(what.replace(' ', "-"));
        copy(&sound, &data);
        let path = last_file(&data);
        damage(&path);
        assert_never_served(&data, &path);
        let checked = check(&data);
        let words = said(&checked);
        assert_eq!(checked.status.code(), Some(1), "{what}: {words}");
        let named = format!("{}: table {TABLE}", path.display());
        assert!(words.contains(&named), "{what}: {words}");
        let repaired = repair(&data);
        let words = said(&repaired);
        // Holds are missing, so that the books cannot balance.
        assert_eq!(repaired.status.code(), Some(1), "{what}: {words}");
        assert!(words.contains(&named), "{what}: {words}");
        assert!(
            words.contains("stock shirt: 40 held, its holds add up to 20"),
            "{words}"
        );
        let set_aside = data
            .join("dropped-1")
            .join(path.strip_prefix(&data).expect("within"));
        assert!(set_aside.exists() || what == "gone", "{what}");
        let server = Server::start(&data);
        let mut client = Client::to(&server.resp);
        assert_eq!(units_of(&mut client, "shirt"), [1000, 960, 40, 0], "{what}");
        for hold in 0..HOLDS {
            let info = client.ask(&format!("STOCK.HOLDINFO shirt r0h{hold:02}"));
            assert_eq!(info.refusal(), None, "{what}");
            let info = client.ask(&format!("STOCK.HOLDINFO shirt r1h{hold:02}"));
            assert_eq!(info.refusal(), Some("HOLDNOTFOUND"), "{what}");
        }
        server.stop();
    }
}

/// What is done to the lists of files, and which file is named.
type OfLists = (&'static str, fn(&Path) -> PathBuf);
const OF_LISTS: [OfLists; 4] = [
    ("another list", |data| {
        flip(&tree(data).join("current"), 0);
        tree(data).join("v")
    }),
    ("no current", |data| {
        fs::remove_file(tree(data).join("current")).expect("removed");
        tree(data).join("current")
    }),
    ("flipped list", |data| {
        flip(&list(data), 60);
        list(data)
    }),
    ("no list", |data| {
        let list = list(data);
        fs::remove_file(&list).expect("removed");
        list
    }),
];

#[test]
fn table_whose_list_of_files_is_damaged_is_set_aside_whole_and_the_other_tables_are_kept() {
    let folder = crate::support::folder();
    let sound = folder.path().join("sound");
    new_folder(&sound);
    for (what, damage) in OF_LISTS {
        let data = folder.path().join(what.replace(' ', "-"));
        copy(&sound, &data);
        let named = damage(&data).display().to_string();
        assert_refused(&data, &[&named, TABLE, "check --repair"]);
        let before = tree_of(&data);
        let checked = check(&data);
        let words = said(&checked);
        assert_eq!(checked.status.code(), Some(1), "{what}: {words}");
        assert!(words.contains(&named), "{what}: {words}");
        assert!(tree_of(&data) == before, "{what}: a file differs");
        let words = said(&repair(&data));
        assert!(words.contains(&named), "{what}: {words}");
        assert!(data.join("dropped-1/base/0011/tables").is_dir(), "{what}");
        let server = Server::start(&data);
        let mut client = Client::to(&server.resp);
        assert_eq!(units_of(&mut client, "shirt"), [1000, 960, 40, 0], "{what}");
        server.stop();
    }
}

#[test]
fn damaged_mark_of_a_checkpoint_loses_nothing() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    new_folder(&data);
    let mark = data.join("checkpoint");
    for damage in [
        |mark: &Path| flip(mark, 24),
        |mark: &Path| fs::remove_file(mark).expect("there"),
    ] {
        damage(&mark);
        let server = finish(serve(&data));
        assert_eq!(server.status.code(), Some(1), "{}", said(&server));
        assert_eq!(check(&data).status.code(), Some(1));
        let repaired = repair(&data);
        let words = said(&repaired);
        assert_eq!(repaired.status.code(), Some(0), "{words}");
        assert!(words.contains("mark of the last checkpoint"), "{words}");
        let server = Server::start(&data);
        let ids = ids_of(&mut Client::to(&server.resp), "shirt");
        assert_eq!(ids.len(), 2 * HOLDS);
        server.stop();
    }
}

#[test]
fn missing_base_is_noticed_though_nothing_is_left_to_be_damaged() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    new_folder(&data);
    fs::remove_dir_all(data.join("base")).expect("removed");
    assert_refused(&data, &["the base is missing"]);
    let checked = check(&data);
    assert_eq!(checked.status.code(), Some(1));
    assert!(said(&checked).contains("the base is missing"));
    let words = said(&repair(&data));
    assert!(words.contains("the base is missing"), "{words}");
    Server::start(&data).stop();
}

#[test]
fn base_that_cannot_be_written_stops_the_server_which_says_so() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    new_folder(&data);
    // Time enough for what follows: the first checkpoint is to have something to write.
    let every = |command: &mut std::process::Command| {
        command.args(["--checkpoint-every", "3"]);
    };
    let mut server = Server::start_with(&data, every);
    // A file where its folder of files was: as root, nothing else keeps it from being written.
    let files = tree(&data).join("tables");
    fs::rename(&files, tree(&data).join("away")).expect("renamed");
    fs::write(&files, "").expect("written");
    let mut client = Client::to(&server.resp);
    assert_eq!(client.ask("STOCK.HOLD shirt more 1").refusal(), None);
    assert_eq!(server.exit_code(), Some(74));
    let words = server.output();
    assert!(
        words.contains("failed and the server stops") && words.contains(TABLE),
        "{words}"
    );
    fs::remove_file(&files).expect("removed");
    fs::rename(tree(&data).join("away"), &files).expect("renamed");
    let server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    assert_eq!(units_of(&mut client, "shirt"), [1000, 959, 41, 0]);
    server.stop();
}

/// Every file of the table, with its bytes.
fn tree_of(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = [tree(data), tree(data).join("tables")];
    let mut files = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).unwrap_or_default();
            files.push((path, bytes));
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let place = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::copy(&path, &place).expect("copied");
        }
    }
}
