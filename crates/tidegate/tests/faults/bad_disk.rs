//! A disk that hangs, fails or does half of what it is asked for, under a server and at its start.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tidegate_engine::limits::PARTITIONS_DEFAULT;
use tidegate_engine::{Slot, SlotMap};

use crate::disk::DiskFaults;
use crate::machine::picture;
use crate::support::{Client, Reply, Server, finish, http, wait_for, words};
use crate::work::{HOLDS, assert_all_held, check, hold_all, ids_of, only_segment, serve};

const EIO: i32 = 5;
const EACCES: i32 = 13;
const EMFILE: i32 = 24;

/// What the machine says of each.
fn told_of(errno: i32) -> String {
    std::io::Error::from_raw_os_error(errno).to_string()
}

fn start(data: &Path, faults: &DiskFaults) -> Server {
    Server::start_with(data, |command| faults.before(data, command))
}

/// A folder in which a server was stopped: all its rows are in the base, and its log is empty.
fn stopped(data: &Path) {
    let server = Server::start(data);
    let mut client = Client::to(&server.resp);
    hold_all(&mut client);
    assert_eq!(
        client.ask(&format!("STOCK.SET {} 7", far())).refusal(),
        None
    );
    drop(client);
    server.stop();
}

/// A SKU of another partition than `shirt`.
fn far() -> String {
    let slots = SlotMap::even(PARTITIONS_DEFAULT);
    let owner = |sku: &str| slots.owner(Slot::of(sku.as_bytes()));
    let skus = (0..).map(|n| format!("far{n}"));
    let mut skus = skus.filter(|sku| owner(sku) != owner("shirt"));
    skus.next().expect("there is always one more")
}

fn wait_for_fault(faults: &DiskFaults) {
    wait_for("a fault", || (!faults.fired().is_empty()).then_some(()));
}

/// Connections, and commands on each, that are more than a server takes in without a sync.
const FLOOD: (usize, usize) = (24, 2_000);

/// One connection's part of a flood: the ids of those held; everybody else was told BUSY.
fn hold_many(addr: &str, connection: usize) -> Vec<String> {
    let buyer = format!("{:_<128}", "ana");
    let ids: Vec<_> = (0..FLOOD.1)
        .map(|n| format!("c{connection:02}-{n:05}"))
        .collect();
    let hold = |id: &String| {
        words(&format!(
            "STOCK.HOLD shirt {id} 1 BUYER {buyer} TTL 86400000"
        ))
    };
    let commands: Vec<_> = ids.iter().map(hold).collect();
    let replies = Client::to(addr).pipeline(&commands);
    assert_eq!(replies.len(), ids.len(), "everybody is answered");
    let mut held = Vec::new();
    for (id, reply) in ids.into_iter().zip(replies) {
        match reply.refusal() {
            None => held.push(id),
            Some(told) => assert_eq!(told, "BUSY"),
        }
    }
    held
}

/// How many requests the engine has let in, or turned away.
/// Requests for stock: the server asks for other things itself.
fn requests(server: &Server, what: &str) -> u64 {
    let metrics = http(&server.http, "GET /metrics", &[], "").body;
    let name = format!("tidegate_domain_{what}_total{{domain=\"stock\"}} ");
    let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
    count.expect("a counter").parse().expect("a number")
}

#[test]
fn flood_over_a_sync_that_hangs_is_bounded_and_loses_nothing() {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut server = start(&data, &faults);
    let mut client = Client::to(&server.resp);
    let set = client.ask("STOCK.SET shirt 1000000");
    assert_eq!(set.refusal(), None);
    faults.order("sync log- hold 0");
    let addr = &server.resp;
    let mut held = thread::scope(|scope| {
        let first = || Client::to(addr).ask("STOCK.HOLD shirt first 1 TTL 86400000");
        let first = scope.spawn(first);
        let is_let_in = || requests(&server, "commands") == 2;
        wait_for("the first hold", || is_let_in().then_some(()));
        let flood: Vec<_> = (0..FLOOD.0)
            .map(|connection| scope.spawn(move || hold_many(addr, connection)))
            .collect();
        let has_told = || requests(&server, "busy") > 0;
        wait_for("BUSY", || has_told().then_some(()));
        assert_eq!(client.ask("PING"), Reply::Simple("PONG".to_owned()));
        assert_eq!(http(&server.http, "GET /healthz", &[], "").status, 200);
        assert!(!first.is_finished(), "it rests on the sync");
        faults.mend();
        let held = flood
            .into_iter()
            .map(|writer| writer.join().expect("a writer"));
        held.collect::<Vec<_>>().concat()
    });
    wait_for("service", || {
        let late = client.ask("STOCK.HOLD shirt late 1 TTL 86400000");
        late.refusal().is_none().then_some(())
    });
    held.extend(["first", "late"].map(str::to_owned));
    held.sort();
    server.kill();
    let server = Server::start(&data);
    assert!(
        ids_of(&mut Client::to(&server.resp), "shirt") == held,
        "not what was acknowledged"
    );
}

#[test]
fn slow_sync_keeps_those_waiting_who_rest_on_it_and_nobody_else() {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let server = start(&data, &faults);
    let mut client = Client::to(&server.resp);
    let far = far();
    for sku in ["shirt", &far] {
        assert_eq!(client.ask(&format!("STOCK.SET {sku} 7")).refusal(), None);
    }
    faults.order("sync log- slow 400");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut writer = Client::to(&server.resp);
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(writer.ask("STOCK.SET shirt 7").refusal(), None);
                assert_eq!(writer.ask("STOCK.ADD shirt * 1").refusal(), None);
            }
        });
        wait_for_fault(&faults);
        for ask in [format!("STOCK.GET {far}"), "PING".to_owned()] {
            // A sync is kept waiting nearly all the time: the writer asks for the next one at once.
            wait_for("an answer while a sync is kept waiting", || {
                let before = faults.fired();
                assert_eq!(client.ask(&ask).refusal(), None);
                let is_same = faults.fired() == before && before.ends_with(" slow\n");
                (is_same && !writer.is_finished()).then_some(())
            });
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn read_of_the_base_that_hangs_delays_whoever_asks_for_its_row_only() {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    stopped(&data);
    let server = start(&data, &faults);
    faults.order("read /base/ hold 0\nopen /base/ hold 0");
    let addr = &server.resp;
    thread::scope(|scope| {
        let old = scope.spawn(|| Client::to(addr).ask("STOCK.HOLDINFO shirt h0000"));
        wait_for_fault(&faults);
        let mut client = Client::to(addr);
        for total in 0..20 {
            let set = client.ask(&format!("STOCK.SET new {total}"));
            assert_eq!(set.field("total").integer(), total);
        }
        assert!(!old.is_finished());
        faults.mend();
        let old = old.join().expect("an answer");
        assert_eq!(old.field("state").text(), "held");
    });
}

#[test]
fn short_writes_are_gone_on_with_in_the_log_and_in_the_base() {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    faults.order("write / short 0");
    let mut server = start(&data, &faults);
    hold_all(&mut Client::to(&server.resp));
    server.kill();
    assert_eq!(check(&data).status.code(), Some(0));
    let server = start(&data, &faults);
    assert_all_held(&mut Client::to(&server.resp));
    server.stop();
    for file in ["/log-", "/base/"] {
        assert!(faults.fired().contains(file), "{file}");
    }
    assert_eq!(check(&data).status.code(), Some(0));
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
}

#[test]
fn failed_sync_of_the_log_ends_the_server_which_names_the_file_and_loses_nothing() {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut server = start(&data, &faults);
    let mut client = Client::to(&server.resp);
    hold_all(&mut client);
    faults.order(&format!("sync log- fail {EIO}"));
    let more = client.pipeline(&[words("STOCK.CONFIRM shirt h0000")]);
    assert_eq!(more, [], "no answer");
    assert_eq!(server.exit_code(), Some(74));
    let said = server.output();
    let named = format!("{}: {}", only_segment(&data).display(), told_of(EIO));
    assert!(said.contains(&named), "{said}");
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
}

#[test]
fn failed_sync_of_the_base_ends_the_server_which_names_the_table_and_loses_nothing() {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut server = Server::start_with(&data, |command| {
        faults.before(&data, command);
        command.args(["--checkpoint-every", "1"]);
    });
    faults.order(&format!("sync /base/ fail {EIO}"));
    let mut client = Client::to(&server.resp);
    let set = client.ask(&format!("STOCK.SET shirt {}", 10 * HOLDS));
    assert_eq!(set.refusal(), None);
    assert_eq!(server.exit_code(), Some(74));
    let said = server.output();
    assert!(said.contains("a checkpoint failed"), "{said}");
    assert!(said.contains(&format!("{}/base", data.display())), "{said}");
    assert!(said.contains(&told_of(EIO)), "{said}");
    let server = Server::start(&data);
    let read = Client::to(&server.resp).ask("STOCK.GET shirt");
    assert_eq!(read.field("total").integer(), 10 * HOLDS);
}

/// A start over this fault is refused with its reason and a path that contains `part`; without it all is
/// there. Whether the start has changed nothing.
fn is_unchanged_by_refused(order: &str, errno: i32, part: &str) -> bool {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    stopped(&data);
    let before = picture(&data);
    faults.order(&format!("{order} fail {errno}"));
    let mut command = serve(&data);
    faults.before(&data, &mut command);
    let refused = finish(command);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(&told_of(errno)), "{said}");
    assert!(said.contains(part), "{said}");
    assert!(!faults.fired().is_empty());
    let is_unchanged = picture(&data) == before;
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
    is_unchanged
}

fn assert_refused(order: &str, errno: i32, part: &str) {
    let is_unchanged = is_unchanged_by_refused(order, errno, part);
    assert!(is_unchanged, "a file differs");
}

#[test]
fn log_that_may_not_be_opened_refuses_the_start() {
    assert_refused("open log-", EACCES, "/log-");
}

#[test]
fn log_that_finds_no_free_file_number_refuses_the_start_and_says_so() {
    assert_refused("open log-", EMFILE, "/log-");
}

#[test]
fn segment_of_a_start_that_finds_no_free_file_number_refuses_it_and_says_so() {
    // The last segment has given back by then what it does not use.
    is_unchanged_by_refused("open spare.tmp", EMFILE, "/spare.tmp");
}

#[test]
fn log_that_cannot_be_read_refuses_the_start() {
    assert_refused("read log-", EIO, "/log-");
}

#[test]
fn base_that_may_not_be_opened_refuses_the_start() {
    assert_refused("open /base/", EACCES, "/base");
}

#[test]
fn base_that_finds_no_free_file_number_refuses_the_start_and_says_so() {
    assert_refused("open /base/", EMFILE, "/base");
}

/// A row of the base is asked for over this fault: nobody is answered from it, the server ends and says
/// which folder, and the next one, over a sound disk, goes on.
fn assert_ends(order: &str, errno: i32) {
    let faults = DiskFaults::new();
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    stopped(&data);
    let mut server = start(&data, &faults);
    faults.order(&format!("{order} fail {errno}"));
    let asked = words("STOCK.HOLDINFO shirt h0000");
    assert_eq!(Client::to(&server.resp).pipeline(&[asked]), []);
    assert_eq!(server.exit_code(), Some(74));
    let said = server.output();
    assert!(
        said.contains(&format!("{}/base/", data.display())),
        "{said}"
    );
    assert!(said.contains(&told_of(errno)), "{said}");
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
}

#[test]
fn failed_read_of_the_base_ends_the_server_which_names_the_table() {
    assert_ends("read /base/", EIO);
}
