//! A wall clock that somebody sets, under a running server and while it is stopped.

use std::path::Path;

use crate::machine::FakeClock;
use crate::support::{Client, Server, finish, http, wait_for};
use crate::work::serve;

const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;

/// When a new hold expires, by the time of the server; it is held for a minute.
fn expiry(client: &mut Client) -> i64 {
    let held = client.ask("STOCK.HOLD shirt * 1 TTL 60000");
    held.field("expires_at_ms").integer()
}

/// By how many seconds the server finds the wall clock off.
fn off_by(server: &Server) -> i64 {
    let metrics = http(&server.http, "GET /metrics", &[], "").body;
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix("tidegate_clock_stepped_ms "));
    value.expect("a gauge").parse::<i64>().expect("a number") / 1_000
}

#[test]
fn wall_clock_that_steps_under_a_running_server_is_reported_and_not_followed() {
    let Some(clock) = FakeClock::for_test("a step of the wall clock") else {
        return;
    };
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, |command| clock.wall_of(command));
    let mut client = Client::to(&server.resp);
    assert_eq!(client.ask("STOCK.SET shirt 1000000").refusal(), None);
    let mut last = expiry(&mut client);
    for step in [-HOUR, YEAR] {
        clock.set(step);
        wait_for("a report", || {
            let next = expiry(&mut client);
            assert!((last..last + HOUR * 500).contains(&next), "{last} {next}");
            last = next;
            (off_by(&server).abs_diff(step.abs()) < 600).then_some(())
        });
    }
    clock.set(0);
    wait_for("the end of it", || {
        expiry(&mut client);
        (off_by(&server) == 0).then_some(())
    });
}

/// A server under this wall clock, with something to hold.
fn with_shirts(data: &Path, clock: &FakeClock) -> (Server, Client) {
    let server = Server::start_with(data, |command| clock.wall_of(command));
    let mut client = Client::to(&server.resp);
    assert_eq!(client.ask("STOCK.SET shirt 100").refusal(), None);
    (server, client)
}

#[test]
fn time_goes_on_where_it_was_after_a_start_under_a_wall_clock_an_hour_back() {
    let Some(clock) = FakeClock::for_test("a start an hour back") else {
        return;
    };
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let (mut server, mut client) = with_shirts(&data, &clock);
    let first = client.ask("STOCK.HOLD shirt * 1 TTL 60000");
    server.kill();
    clock.set(-HOUR);
    let server = Server::start_with(&data, |command| clock.wall_of(command));
    let second = Client::to(&server.resp).ask("STOCK.HOLD shirt * 1 TTL 60000");
    let [before, after] = [&first, &second].map(|held| held.field("expires_at_ms").integer());
    assert!(before <= after, "{before} {after}");
    assert!(first.field("id") != second.field("id"));
}

#[test]
fn start_a_year_later_is_refused_unless_accepted_and_then_holds_expire() {
    let Some(clock) = FakeClock::for_test("a start a year later") else {
        return;
    };
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let (mut server, mut client) = with_shirts(&data, &clock);
    let before = expiry(&mut client);
    server.kill();
    clock.set(YEAR);
    let mut later = serve(&data);
    clock.wall_of(&mut later);
    let refused = finish(later);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("more than a day"), "{said}");
    assert!(said.contains("--accept-clock"), "{said}");
    let server = Server::start_with(&data, |command| {
        clock.wall_of(command.arg("--accept-clock"));
    });
    let mut client = Client::to(&server.resp);
    assert!(expiry(&mut client) >= before + (YEAR - HOUR) * 1_000);
    wait_for("expiry", || {
        let [_, _, held, _] = crate::support::units_of(&mut client, "shirt");
        (held == 1).then_some(())
    });
}
