//! A disk that is full: opening commands are told so, nothing acknowledged is lost, reads go on,
//! and service resumes by itself when there is room.

use std::thread;
use std::time::Instant;

use tidegate_engine::base::{Base, LsmBase, Tend};
use tidegate_engine::limits::BASE_RUNS_MERGED as RUNS;
use tidegate_engine::{Space, tables_of};

use crate::machine::picture;
use crate::small_disk::SmallDisk;
use crate::support::{Client, DEADLINE, Server, finish, http, units_of, wait_for, words};
use crate::work::{Log, assert_all_held, check, hold_one_more, ids_of, serve};

const WRITERS: u64 = 2;

/// Commands that a writer sends at once.
const PIPELINE: usize = 200;

/// Bytes that a server wants for a segment on this machine.
fn segment_bytes() -> u64 {
    Space::of(thread::available_parallelism().map_or(1, usize::from)).segment
}

/// As long as a name may be, so that few holds fill a disk.
fn long(name: &str) -> String {
    format!("{name:_<128}")
}

fn sku_of(writer: u64) -> String {
    long(&format!("sku-{writer}"))
}

fn hold(sku: &str, id: &str) -> Vec<String> {
    words(&format!(
        "STOCK.HOLD {sku} {id} 1 BUYER {} TTL 86400000",
        long("ana")
    ))
}

/// Holds until it is told that the disk is full; the ids that were acknowledged, sorted.
fn hold_until_full(addr: &str, sku: &str) -> Vec<String> {
    let mut client = Client::to(addr);
    assert_eq!(
        client.ask(&format!("STOCK.SET {sku} 1000000000")).refusal(),
        None
    );
    let mut held = Vec::new();
    let began = Instant::now();
    for first in (0..).step_by(PIPELINE) {
        assert!(began.elapsed() < DEADLINE, "nobody is told");
        let ids: Vec<_> = (first..first + PIPELINE)
            .map(|n| long(&format!("h{n:08}")))
            .collect();
        let commands: Vec<_> = ids.iter().map(|id| hold(sku, id)).collect();
        let replies = client.pipeline(&commands);
        assert_eq!(replies.len(), commands.len(), "the server is there");
        let refusals: Vec<_> = replies.iter().map(|reply| reply.refusal()).collect();
        let told = |word| refusals.contains(&Some(word));
        let done = ids
            .into_iter()
            .zip(&refusals)
            .filter(|(_, refusal)| refusal.is_none());
        held.extend(done.map(|(id, _)| id));
        if told("DISKFULL") {
            return held;
        }
        // BUSY while the next segment is being made.
        assert!(
            refusals
                .iter()
                .all(|refusal| matches!(refusal, None | Some("BUSY")))
        );
    }
    unreachable!("there is always one more")
}

fn metric(server: &Server, line: &str) -> bool {
    let metrics = http(&server.http, "GET /metrics", &[], "");
    metrics.body.lines().any(|found| found == line)
}

#[test]
fn full_disk_is_told_and_loses_nothing_and_service_resumes_by_itself() {
    // Three for the log, and what they hold once more for the base.
    let Some(disk) = SmallDisk::for_test("full disk", 6 * segment_bytes()) else {
        return;
    };
    let data = disk.path().join("data");
    let mut server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    let addr = &server.resp;
    let (filler, mut held) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || hold_until_full(addr, &sku_of(writer))))
            .collect();
        wait_for("some holds", || {
            let first = client.ask(&format!("STOCK.GET {}", sku_of(0)));
            (first.refusal().is_none() && first.field("held").integer() > 0).then_some(())
        });
        let filler = disk.fill();
        let held = writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer"));
        (filler, held.collect::<Vec<_>>())
    });

    let body = r#"{"id":"late","quantity":1}"#;
    let target = format!("POST /v1/stock/{}/holds", sku_of(0));
    let refused = http(&server.http, &target, &[], body);
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (507, &"disk_full".into())
    );
    assert!(metric(&server, "tidegate_disk_full 1"));
    for (writer, held) in (0..).zip(&held) {
        let [_, _, found, _] = units_of(&mut client, &sku_of(writer));
        assert_eq!(usize::try_from(found), Ok(held.len()), "reads go on");
    }
    let confirm = format!("STOCK.CONFIRM {} {}", sku_of(0), held[0][0]);
    assert_eq!(client.ask(&confirm).field("state").text(), "confirmed");

    filler.remove();
    let late = hold(&sku_of(0), &long("late"));
    wait_for("service", || {
        let reply = client
            .pipeline(std::slice::from_ref(&late))
            .pop()
            .expect("a reply");
        reply.refusal().is_none().then_some(())
    });
    // A checkpoint may have found no room either, and is tried again after a while.
    wait_for("room for all", || {
        metric(&server, "tidegate_disk_full 0").then_some(())
    });
    held[0].push(long("late"));

    server.kill();
    let server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    for (writer, held) in (0..).zip(&held) {
        assert!(
            ids_of(&mut client, &sku_of(writer)) == *held,
            "not what was acknowledged"
        );
    }
    drop(client);
    server.stop();
    assert_eq!(check(&data).status.code(), Some(0));
}

/// Whether it has printed a line that says this.
fn says(server: &Server, words: &str) -> bool {
    server.output().contains(words)
}

/// The log has room for far more than memory has.
#[test]
fn disk_that_is_full_for_the_base_alone_is_told_and_service_resumes_by_itself() {
    const NO_ROOM: &str = "tidegate: a checkpoint finds no room";
    const ROOM_AGAIN: &str = "tidegate: a checkpoint has found room again";
    let Some(disk) = SmallDisk::for_test("base on a full disk", 3 * segment_bytes()) else {
        return;
    };
    let data = disk.path().join("data");
    let server = Server::start_with(&data, |command| {
        command.args(["--memory", "64MiB"]);
    });
    let mut client = Client::to(&server.resp);
    wait_for("a segment ahead", || {
        let spare = std::fs::metadata(data.join("spare.tmp")).ok()?;
        (spare.len() == segment_bytes()).then_some(())
    });
    let filler = disk.fill();
    let mut held = hold_until_full(&server.resp, &sku_of(0));
    assert!(metric(&server, "tidegate_disk_full 1"));
    assert!(!metric(&server, "tidegate_checkpoints_failed_total 0"));
    assert!(metric(&server, "tidegate_checkpoints_total 0"));
    assert!(says(&server, NO_ROOM) && !says(&server, ROOM_AGAIN));
    assert_eq!(server.output().matches(NO_ROOM).count(), 1);

    filler.remove();
    let late = hold(&sku_of(0), &long("late"));
    wait_for("service", || {
        let reply = client.pipeline(std::slice::from_ref(&late)).pop();
        reply.expect("a reply").refusal().is_none().then_some(())
    });
    held.push(long("late"));
    wait_for("the end of it", || says(&server, ROOM_AGAIN).then_some(()));
    assert!(metric(&server, "tidegate_disk_full 0"));
    assert!(
        ids_of(&mut client, &sku_of(0)) == held,
        "not what was acknowledged"
    );
}

/// No more is held. It is BUSY for as long as the server has not asked the disk.
fn assert_told_full(client: &mut Client) {
    wait_for("DISKFULL", || {
        let refusal = hold_one_more(client).expect_err("there is no room");
        assert!(["BUSY", "DISKFULL"].contains(&&*refusal), "{refusal}");
        (refusal == "DISKFULL").then_some(())
    });
}

#[test]
fn server_started_on_a_full_disk_can_be_read_and_stopped_and_resumes_by_itself() {
    let segment = segment_bytes();
    let Some(disk) = SmallDisk::for_test("start on a full disk", 2 * segment) else {
        return;
    };
    let log = Log::of_killed_server();
    let data = disk.path().join("data");
    log.put_short(&data, &log.bytes);
    let filler = disk.fill();
    filler.give_back(segment / 16);
    for _ in 0..2 {
        let server = Server::start(&data);
        let mut client = Client::to(&server.resp);
        assert_all_held(&mut client);
        assert_told_full(&mut client);
        drop(client);
        server.stop();
    }
    let server = Server::start(&data);
    let mut client = Client::to(&server.resp);
    assert_told_full(&mut client);
    filler.remove();
    wait_for("service", || hold_one_more(&mut client).ok());
    drop(client);
    server.stop();
    assert_eq!(check(&data).status.code(), Some(0));
}

#[test]
fn start_without_any_room_is_refused_and_changes_nothing() {
    let Some(disk) = SmallDisk::for_test("start without room", 2 * segment_bytes()) else {
        return;
    };
    let log = Log::of_killed_server();
    let data = disk.path().join("data");
    log.put_short(&data, &log.bytes);
    let filler = disk.fill();
    let before = picture(&data);
    let refused = finish(serve(&data));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(data.to_str().expect("UTF-8")), "{said}");
    assert!(said.contains("the disk is full: a start needs "), "{said}");
    assert!(picture(&data) == before, "a file differs");
    filler.remove();
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
}

/// Rows of eight bytes of key and `value` bytes, which no compression makes smaller.
fn rows(first: u64, step: usize, count: usize, value: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut random = tidegate_engine::Random::new(first);
    let mut noise = || random.next_u64().to_le_bytes();
    let keys = (first..).step_by(step).take(count);
    keys.map(|key| {
        let value = std::iter::repeat_with(&mut noise).take(value / 8).flatten();
        (key.to_be_bytes().to_vec(), value.collect())
    })
    .collect()
}

#[test]
fn base_that_finds_no_room_leaves_as_much_as_there_was() {
    let Some(disk) = SmallDisk::for_test("base on a full disk", 24 << 20) else {
        return;
    };
    let folder = disk.path().join("base");
    let defs = tables_of(&[tidegate_stock::STOCK]);
    let table = 0_u16; // engine.timers; the base does not look into its rows.
    let base = LsmBase::open(&folder, &defs, (1 << 20, 32)).expect("opened");
    let ingest = |rows: &[(Vec<u8>, Vec<u8>)]| {
        let mut changes = rows.iter().map(|(key, row)| (&key[..], Some(&row[..])));
        base.ingest(table, &mut changes)
    };
    let files = || {
        let files = folder.join(format!("{table:04x}")).join("tables");
        std::fs::read_dir(files).expect("a folder").count()
    };
    // As many runs as are merged at once.
    for round in 0..RUNS {
        ingest(&rows(round as u64, RUNS, 64_000 / RUNS, 200)).expect("there is room");
    }
    let large = rows(9, 7, 60_000, 200);
    for _ in 0..3 {
        assert!(ingest(&large).is_err());
        assert_eq!(files(), RUNS);
        assert!(
            base.tend(Tend::Fresh).is_err(),
            "no room to merge in either"
        );
        assert_eq!(files(), RUNS);
    }
    ingest(&rows(9, 7, 16_000, 200)).expect("there is as much room as before");
}
