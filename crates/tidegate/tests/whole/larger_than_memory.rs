//! More holds than memory can keep: rows go to the base on disk and are found there again, after a
//! stop and after `kill -9`, and the server stays within the memory that it was told to keep to.
//!
//! `bench/larger-than-memory.sh` does the same with as many holds as there is time for.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Child;

use crate::support::{
    Client, Reply, Server, end_of, figure, finish, tidegate, units_of, wait_for, words,
};
use serde_json::Value;

/// Holds before the first stop, unless the environment says otherwise.
const HOLDS: i64 = 300_000;
const HOLDS_VARIABLE: &str = "TIDEGATE_LARGER_HOLDS";

/// What the server is told to keep to: the least that it can be, of which rows have seven sixteenths. The
/// holds take three times that.
const MEMORY: &str = "64MiB";
const MEMORY_BYTES: u64 = 64 << 20;

/// SKUs, connections and pipeline of the load.
const SKUS: i64 = 100;
const CONNECTIONS: i64 = 20;
const PIPELINE: i64 = 48;

/// Holds on a SKU of their own, which are long in the base when they are asked for again. Of two of
/// them the first is confirmed.
const OLD_HOLDS: i64 = 200;

fn start(data: &Path) -> Server {
    Server::start_with(data, |command| {
        command.args(["--memory", MEMORY]);
    })
}

/// The most memory that a server has ever had resident.
fn peak_bytes(server: &Server) -> u64 {
    let status = format!("/proc/{}/status", server.pid());
    let status = fs::read_to_string(status).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.expect("a figure in KiB") << 10
}

/// The command that places an old hold; sent again it is a retry.
fn old_hold(n: i64) -> Vec<String> {
    words(&format!("STOCK.HOLD old old-{n} 1 TTL 86400000"))
}

fn place_old_holds(client: &mut Client) {
    let mut commands = vec![words(&format!("STOCK.SET old {OLD_HOLDS}"))];
    commands.extend((0..OLD_HOLDS).map(old_hold));
    let confirm = |n| words(&format!("STOCK.CONFIRM old old-{n}"));
    commands.extend((0..OLD_HOLDS).step_by(2).map(confirm));
    for reply in client.pipeline(&commands) {
        assert_eq!(reply.refusal(), None, "{reply:?}");
    }
}

/// The old holds are as they were left, and each is known when it is asked for once more.
fn old_holds_are_known(client: &mut Client) {
    let half = OLD_HOLDS / 2;
    assert_eq!(units_of(client, "old"), [OLD_HOLDS, 0, half, half]);
    for n in 0..OLD_HOLDS {
        let state = ["confirmed", "held"][usize::from(n % 2 == 1)];
        let info = client.ask(&format!("STOCK.HOLDINFO old old-{n}"));
        assert_eq!(info.field("state").text(), state, "{info:?}");
        // Behind a start there may be no room in memory until a checkpoint has ended.
        let again = wait_for("room for a hold", || {
            let reply = client.pipeline(&[old_hold(n)]).pop();
            reply.filter(|reply| reply.refusal() != Some("BUSY"))
        });
        assert_eq!(again.field("repeated"), &Reply::Integer(1), "{again:?}");
    }
    assert_eq!(units_of(client, "old"), [OLD_HOLDS, 0, half, half]);
}

/// A benchmark that places so many holds and confirms half of them.
fn load(server: &Server, holds: i64) -> Child {
    let mut bench = tidegate(&[&"bench", &"--json", &"--work", &"hold-confirm"]);
    bench.args(["--addr", &server.resp]);
    let figures = [
        ("--connections", CONNECTIONS),
        ("--pipeline", PIPELINE),
        ("--skus", SKUS),
        ("--count", holds / 2 * 3),
    ];
    for (name, figure) in figures {
        bench.args([name, &figure.to_string()]);
    }
    bench.spawn().expect("it runs")
}

/// What a benchmark has seen: holds and confirms.
fn seen_by(bench: Child) -> [i64; 2] {
    let output = end_of(bench);
    let seen: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(seen["refused"], 0, "{seen}");
    ["holds_done", "confirms_done"].map(|name| seen[name].as_i64().expect("a count"))
}

/// Units held and sold of all SKUs of the load.
fn taken(client: &mut Client) -> [i64; 2] {
    let sum = |sum: [i64; 2], n| {
        let [.., held, sold] = units_of(client, &format!("bench-hold-{n:04}"));
        [sum[0] + held, sum[1] + sold]
    };
    (0..SKUS).fold([0; 2], sum)
}

/// Loads a server until it has placed and confirmed some more.
fn load_for_a_while(server: &Server) -> Child {
    let mut client = Client::to(&server.resp);
    let [_, before] = taken(&mut client);
    let bench = load(server, 100_000_000);
    wait_for("confirms", || {
        let [_, sold] = taken(&mut client);
        (sold > before + HOLDS / 8).then_some(())
    });
    bench
}

#[test]
fn what_is_larger_than_memory_is_found_after_a_stop_and_after_a_kill() {
    let holds = env::var(HOLDS_VARIABLE)
        .ok()
        .and_then(|text| text.parse().ok());
    let holds = holds.unwrap_or(HOLDS) / 2 * 2;
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let server = start(&data);
    // What no setting changes: the binary itself, stacks, and the buffers that every server has.
    let overhead = peak_bytes(&server);
    let stays_small = |server: &Server| {
        let (peak, most) = (peak_bytes(server), MEMORY_BYTES / 2 * 3 + overhead);
        println!(
            "{} MiB at most, {} MiB when empty",
            peak >> 20,
            overhead >> 20
        );
        assert!(peak <= most, "{peak} bytes, more than {most}");
    };

    place_old_holds(&mut Client::to(&server.resp));
    assert_eq!(seen_by(load(&server, holds)), [holds, holds / 2]);
    stays_small(&server);
    let base = fs::read_dir(data.join("base")).expect("a base");
    assert!(base.count() > 0, "nothing has left memory");
    server.stop();

    let mut server = start(&data);
    let mut client = Client::to(&server.resp);
    assert_eq!(taken(&mut client), [holds / 2; 2]);
    old_holds_are_known(&mut client);
    let bench = load_for_a_while(&server);
    stays_small(&server);
    server.kill();
    let [more_holds, more_confirms] = seen_by(bench);

    let server = start(&data);
    let mut client = Client::to(&server.resp);
    let [held, sold] = taken(&mut client);
    // What was on its way when the server was killed may have happened, unheard.
    let unheard = CONNECTIONS * PIPELINE;
    let (all_holds, all_confirms) = (holds + more_holds, holds / 2 + more_confirms);
    assert!((all_holds..=all_holds + unheard).contains(&(held + sold)));
    assert!((all_confirms..=all_confirms + unheard).contains(&sold));
    old_holds_are_known(&mut client);
    stays_small(&server);
    server.stop();

    let checked = finish(tidegate(&[&"check", &data]));
    assert_eq!(figure(&checked.stdout, "laws broken"), Some(0));
    assert!(checked.status.success());
}
