//! `tidegate replay --orders` against the real server, with both of them killed on the way.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{
    Client, SAMPLE, Server, all_pages, end_of, finish, folder, tidegate, wait_for,
};
use serde_json::Value;
use tempfile::TempDir;

/// One order in flight: the figures are the same on every run.
const ONE: [&str; 4] = ["--connections", "1", "--pipeline", "1"];

/// Some 64 orders in flight.
const MANY: [&str; 4] = ["--connections", "4", "--pipeline", "16"];

const FILE: &str = "orders.csv";

/// 400 invoices of up to five lines each over some forty SKUs, and cancellations among them.
fn orders() -> String {
    let mut text = "invoice,customer,sku,quantity,unit_price\n".to_owned();
    for invoice in 0..400_u32 {
        let (prefix, sign) = if invoice % 20 == 19 {
            ("C", "-")
        } else {
            ("", "")
        };
        let customer = (invoice % 7 > 0).then(|| format!("c{}", invoice % 7));
        let customer = customer.unwrap_or_default();
        for line in 0..=invoice % 5 {
            let sku = (invoice * invoice + invoice * 7 + line * 13) % 41;
            let units = (invoice + line) % 6 + 1;
            text += &format!("{prefix}{invoice},{customer},S{sku},{sign}{units},1.25\n");
        }
    }
    text
}

/// A folder with a file of orders, the data of a server and a journal.
struct Place {
    _folder: TempDir,
    file: PathBuf,
    data: PathBuf,
    journal: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = folder();
        std::fs::write(folder.path().join(FILE), orders()).expect("written");
        Self {
            file: folder.path().join(FILE),
            data: folder.path().join("data"),
            journal: folder.path().join("journal"),
            _folder: folder,
        }
    }

    /// Starts a server at an address that it had before, if it had one.
    fn serve(&self, resp: Option<&str>) -> Server {
        let resp = resp.map(|resp| ["--resp", resp]);
        Server::start_with(&self.data, |command| {
            command.args(resp.into_iter().flatten());
        })
    }

    fn replay(&self, server: &Server, more: &[&str]) -> Command {
        self.replay_with(server, &self.journal, more)
    }

    fn replay_with(&self, server: &Server, journal: &Path, more: &[&str]) -> Command {
        let args: [&dyn AsRef<OsStr>; 3] = [&"replay", &self.file, &"--orders"];
        let mut command = tidegate(&args);
        command.args(["--json", "--addr", &server.resp, "--journal"]);
        command.arg(journal);
        let shares = ["--stock-share", "0.6", "--cancel-share", "0.3"];
        command.args(shares).args(more);
        command
    }

    /// Waits until the journal has at least so many orders placed.
    fn wait_for_orders(&self, placed: usize) {
        wait_for("the journal to have placed orders", || {
            let text = std::fs::read_to_string(&self.journal).unwrap_or_default();
            (text.matches(" place ").count() >= placed).then_some(())
        });
    }
}

/// The figures of a replay that ended well.
fn figures(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {errors}{said}", output.status);
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// What must be the same however the replay went.
fn outcome(figures: &Value) -> Vec<Value> {
    let names = ["in_all", "reserved", "sold_out", "cancelled", "refused"];
    let more = ["held", "left_out", "malformed", "books"];
    let names = names.iter().chain(&more);
    names.map(|name| figures[name].clone()).collect()
}

/// Units held on the server, of all SKUs.
fn held(server: &Server) -> i64 {
    let rows = all_pages(&mut Client::to(&server.resp), "STOCK.LIST");
    rows.iter().map(|row| row.field("held").integer()).sum()
}

/// An order that has units.
fn reserved_order(client: &mut Client) -> String {
    let rows = all_pages(client, "STOCK.LIST");
    let held = rows.iter().find(|row| row.field("held").integer() > 0);
    let sku = held.expect("something is held").field("sku").text();
    let holds = all_pages(client, &format!("STOCK.HOLDS {sku}"));
    let held = holds
        .iter()
        .find(|hold| hold.field("state").text() == "held");
    held.expect("by an order").field("owner").text().to_owned()
}

/// Stops a server and looks whether its folder keeps every law.
fn check(server: Server, place: &Place) {
    server.stop();
    let checked = finish(tidegate(&[&"check", &place.data]));
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn one_in_flight_ends_in_the_undisturbed_figures_with_server_and_replayer_killed() {
    let place = Place::new();
    let server = place.serve(None);
    let expected = figures(&finish(place.replay(&server, &ONE)));
    for name in ["reserved", "sold_out", "cancelled", "held"] {
        let orders = expected[name]["orders"].as_u64();
        assert!(orders > Some(20), "there is some of everything: {expected}");
    }
    drop(server);

    let place = Place::new();
    let mut server = place.serve(None);
    let resp = server.resp.clone();
    let mut replayer = place.replay(&server, &ONE).spawn().expect("it runs");
    for placed in [40, 90] {
        place.wait_for_orders(placed);
        drop(server);
        server = place.serve(Some(&resp));
    }
    place.wait_for_orders(140);
    replayer.kill().expect("it can be killed");
    replayer.wait().expect("it has ended");
    let mut replayer = place.replay(&server, &ONE).spawn().expect("it runs");
    place.wait_for_orders(180);
    drop(server);
    replayer.kill().expect("it can be killed");
    replayer.wait().expect("it has ended");
    let server = place.serve(Some(&resp));
    let resumed = figures(&finish(place.replay(&server, &ONE)));
    assert_eq!(outcome(&resumed), outcome(&expected));
    assert!(
        resumed["run"]["orders"].as_u64() < resumed["in_all"]["orders"].as_u64(),
        "it went on"
    );

    let journaled = std::fs::read(&place.journal).expect("there");
    let again = figures(&finish(place.replay(&server, &ONE)));
    assert_eq!(outcome(&again), outcome(&expected));
    assert_eq!(again["run"]["answers"], 0, "the journal has every answer");
    assert_eq!(std::fs::read(&place.journal).expect("there"), journaled);
    check(server, &place);
}

#[test]
fn many_in_flight_balance_after_a_kill_and_with_all_cancelled_no_hold_is_left() {
    let place = Place::new();
    let server = place.serve(None);
    let more = [&MANY[..], &["--cancel-all"]].concat();
    let replayer = place.replay(&server, &more).spawn().expect("it runs");
    place.wait_for_orders(100);
    let resp = server.resp.clone();
    drop(server);
    let server = place.serve(Some(&resp));
    let figures = figures(&end_of(replayer));
    assert_eq!(figures["cancelled"], figures["reserved"]);
    assert!(
        figures["sold_out"]["orders"].as_u64() > Some(20),
        "{figures}"
    );
    assert_eq!(figures["held"]["units"], 0);
    assert_eq!(held(&server), 0);
    check(server, &place);
}

#[test]
fn an_order_that_somebody_else_cancels_shows_in_the_books() {
    let place = Place::new();
    let server = place.serve(None);
    let before = figures(&finish(place.replay(&server, &MANY)));
    assert_eq!(
        before["held"]["units"],
        held(&server),
        "what is reserved stays"
    );
    let mut client = Client::to(&server.resp);
    let order = reserved_order(&mut client);
    client.ask(&format!("ORDER.CANCEL {order}"));
    let output = finish(place.replay(&server, &MANY));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let figures: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let books = &figures["books"];
    assert_eq!(
        (&books["balance"], &books["orders_differing"]),
        (&false.into(), &1.into())
    );
    assert_eq!(books["order_differences"][0]["order"], order);
    assert_eq!(
        books["order_differences"][0]["expected"]["state"],
        "reserved"
    );
    assert_eq!(
        books["order_differences"][0]["server"]["state"],
        "cancelled"
    );
    assert!(
        books["differing"].as_u64() > Some(0),
        "its units are back: {books}"
    );
}

#[test]
fn a_second_journal_on_the_same_server_is_no_alarm_but_a_clear_word() {
    let place = Place::new();
    let server = place.serve(None);
    figures(&finish(place.replay(&server, &MANY)));
    let second = place.journal.with_extension("second");
    let refused = finish(place.replay_with(&server, &second, &ONE));
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(errors.contains("nothing was changed"), "{errors}");
    let overwriting = [&ONE[..], &["--overwrite"]].concat();
    let output = finish(place.replay_with(&server, &second, &overwriting));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let figures: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(
        figures["books"]["known_before"].as_u64() > Some(100),
        "{figures}"
    );
    assert_eq!(figures["books"]["orders_differing"], 0);
}

#[test]
fn the_table_of_orders_ends_with_whether_the_books_balance() {
    let args: [&dyn AsRef<OsStr>; 3] = [&"replay", &SAMPLE, &"--orders"];
    let output = finish(tidegate(&args));
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with("books balance     yes\n"), "{text}");
    assert!(text.contains("in flight         512 orders"), "{text}");
}
