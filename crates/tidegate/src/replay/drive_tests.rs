//! Claims about whole replays, over TCP, against a server that misbehaves.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::client::Unserved;
use crate::replay::fake_server::{FakeServer, Faults};
use crate::replay::fake_stock::FakeStock;
use crate::replay::lanes::spread;
use crate::replay::live::Progress;
use crate::replay::schedule::Schedule;
use crate::replay::tally::Tally;

#[derive(Default)]
struct Silent {
    last: Option<Progress>,
}

impl Observer for Silent {
    fn progress(&mut self, now: &Progress) {
        self.last = Some(now.clone());
    }
}

/// Orders, returns and guests over a handful of SKUs, with some of everything.
fn write_file(folder: &Path) {
    let mut text = "invoice,time,customer,sku,description,quantity,unit_price\n".to_owned();
    for number in 0..600_u32 {
        let (customer, sku) = (number % 7, number * number % 11);
        let customer = if customer == 0 {
            String::new()
        } else {
            format!("c{customer}")
        };
        let (prefix, units) = match number % 5 {
            4 => ("C", -i64::from(number % 13) - 1),
            _ => ("", i64::from(number % 17) + 1),
        };
        text += &format!("{prefix}{},t,{customer},S{sku},,{units},1\n", number / 3);
    }
    std::fs::write(folder.join("orders.csv"), text).expect("written");
}

fn options(folder: &TempDir, addr: &str) -> Options {
    let (file, journal) = (
        folder.path().join("orders.csv"),
        folder.path().join("journal"),
    );
    Options {
        // Returns bring much back: with the default share hardly anything would be sold out.
        share: "0.6".parse().expect("a share"),
        patience: Duration::from_secs(20),
        ..Options::new(file, addr.to_owned(), journal)
    }
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write_file(folder.path());
    folder
}

fn replay(stock: &Arc<Mutex<FakeStock>>, faults: Faults, shape: (usize, usize)) -> (Report, u64) {
    let (folder, server) = (folder(), FakeServer::start(stock, faults));
    let (connections, pipeline) = shape;
    let options = Options {
        connections,
        pipeline,
        ..options(&folder, &server.addr)
    };
    let report = run(&options, &mut Silent::default()).expect("it ends");
    assert!(report.books.balance, "{report}");
    let changes = stock.lock().expect("no panics").changes;
    (report, changes)
}

fn undisturbed() -> (Tally, u64) {
    let (report, changes) = replay(&Arc::default(), Faults::default(), (1, 1));
    (report.tally, changes)
}

#[test]
fn the_figures_do_not_depend_on_connections_pipeline_or_faults() {
    let (tally, changes) = undisturbed();
    for outcome in [tally.held, tally.sold_out, tally.returned, tally.unmatched] {
        assert!(
            outcome.lines > 10,
            "the file has some of everything: {tally:?}"
        );
    }
    let faults = Faults {
        busy_every: Some(7),
        close_every: Some(41),
        gone_after: None,
    };
    for shape in [(1, 1), (1, 64), (3, 2), (16, 128)] {
        for faults in [Faults::default(), faults] {
            let (report, with_faults) = replay(&Arc::default(), faults, shape);
            assert_eq!((report.tally, with_faults), (tally, changes), "{shape:?}");
            assert_eq!(report.run.measured.busy > 0, faults.busy_every.is_some());
        }
    }
}

#[test]
fn a_replay_stopped_again_and_again_ends_in_the_same_figures() {
    let (tally, changes) = undisturbed();
    let (folder, stock) = (folder(), Arc::default());
    let mut stops = 0;
    let report = loop {
        let faults = Faults {
            gone_after: Some(150),
            ..Faults::default()
        };
        let server = FakeServer::start(&stock, faults);
        let patience = Duration::from_millis(80);
        let options = Options {
            patience,
            ..options(&folder, &server.addr)
        };
        match run(&options, &mut Silent::default()) {
            Ok(report) => break report,
            Err(error) => assert!(
                matches!(error, Error::Unserved(Unserved::Away { .. })),
                "{error}"
            ),
        }
        stops += 1;
        assert!(stops < 100, "every run must come some way");
    };
    assert!(stops > 3, "it was stopped {stops} times");
    assert!(
        report.books.balance,
        "what is sent again is our own: {report}"
    );
    assert_eq!(report.tally, tally);
    assert_eq!(stock.lock().expect("no panics").changes, changes);
}

#[test]
fn a_run_with_a_complete_journal_changes_nothing_and_tells_the_same() {
    let (folder, stock) = (folder(), Arc::default());
    let server = FakeServer::start(&stock, Faults::default());
    let options = options(&folder, &server.addr);
    let first = run(&options, &mut Silent::default()).expect("it ends");
    let changes = stock.lock().expect("no panics").changes;
    let mut silent = Silent::default();
    let again = run(&options, &mut silent).expect("it ends");
    assert_eq!((again.tally, again.books.balance), (first.tally, true));
    assert_eq!((again.run.measured.answers, again.run.lines), (0, 0));
    assert_eq!(stock.lock().expect("no panics").changes, changes);
    let last = silent.last.expect("told");
    assert_eq!(
        (last.before.done, last.tally.done),
        (last.in_all, last.in_all)
    );
}

#[test]
fn a_journal_is_not_gone_on_with_on_another_server() {
    let folder = folder();
    let server = FakeServer::start(&Arc::default(), Faults::default());
    run(&options(&folder, &server.addr), &mut Silent::default()).expect("it ends");
    let stranger = FakeServer::start(&Arc::default(), Faults::default());
    let refused = run(&options(&folder, &stranger.addr), &mut Silent::default());
    assert!(
        matches!(refused, Err(Error::AnotherServer { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_server_that_knew_the_ids_before_is_told_apart_from_one_with_wrong_books() {
    let (folder, stock) = (folder(), Arc::default());
    let server = FakeServer::start(&stock, Faults::default());
    let options = options(&folder, &server.addr);
    run(&options, &mut Silent::default()).expect("it ends");
    let another = Options {
        journal: folder.path().join("another"),
        overwrite: true,
        ..options
    };
    // The second time the journal alone remembers it.
    for _ in 0..2 {
        let report = run(&another, &mut Silent::default()).expect("it ends");
        assert!(!report.books.balance);
        assert!(report.books.known_before > 0, "{report}");
        assert_eq!(report.books.differing, 0);
    }
}

#[test]
fn stock_that_the_server_has_otherwise_is_left_alone_unless_it_may_be_overwritten() {
    let (folder, stock) = (folder(), Arc::<Mutex<FakeStock>>::default());
    let server = FakeServer::start(&stock, Faults::default());
    let options = options(&folder, &server.addr);
    let set = |total| {
        let mut stock = stock.lock().expect("no panics");
        stock.skus.insert("S5".to_owned(), Units::fresh(total));
    };
    let replay = |options: &Options| run(options, &mut Silent::default());
    set(7);
    let refused = replay(&options).expect_err("S5 is there");
    assert!(
        matches!(&refused, Error::Known { sku, .. } if sku == "S5"),
        "{refused}"
    );
    assert!(refused.to_string().contains("--overwrite"), "{refused}");
    assert_eq!(stock.lock().expect("no panics").changes, 0);
    let may = Options {
        overwrite: true,
        ..options.clone()
    };
    let stopped = replay(&may).expect_err("the fake sets no total twice");
    assert!(
        matches!(stopped, Error::Unserved(Unserved::Stopped { .. })),
        "it was asked to: {stopped}"
    );
}

#[test]
fn stock_that_the_server_has_as_the_replay_would_declare_it_is_no_hindrance() {
    let (folder, stock) = (folder(), Arc::<Mutex<FakeStock>>::default());
    let server = FakeServer::start(&stock, Faults::default());
    let options = options(&folder, &server.addr);
    let (plan, _) = super::plan(&options, false).expect("read");
    for sku in &plan.skus {
        let mut stock = stock.lock().expect("no panics");
        stock.set(&sku.name, sku.total).expect("declared");
    }
    let report = run(&options, &mut Silent::default()).expect("as after a kill");
    assert!(report.books.balance, "{report}");
}

#[test]
fn units_that_somebody_else_took_show_in_the_books() {
    let (folder, stock) = (folder(), Arc::<Mutex<FakeStock>>::default());
    let server = FakeServer::start(&stock, Faults::default());
    let options = options(&folder, &server.addr);
    run(&options, &mut Silent::default()).expect("it ends");
    {
        let mut stock = stock.lock().expect("no panics");
        let row = stock.skus.get_mut("S5").expect("there");
        (row.available, row.held) = (row.available.saturating_sub(1), row.held + 1);
    }
    let report = run(&options, &mut Silent::default()).expect("it ends");
    assert_eq!((report.books.balance, report.books.differing), (false, 1));
    assert_eq!(report.books.differences[0].sku, "S5");
}

#[test]
fn a_server_that_never_comes_is_waited_for_as_long_as_the_patience_lasts() {
    let folder = folder();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = nobody.local_addr().expect("bound").to_string();
    drop(nobody);
    let patience = Duration::from_millis(100);
    let options = Options {
        patience,
        ..options(&folder, &addr)
    };
    let began = std::time::Instant::now();
    let refused = run(&options, &mut Silent::default());
    assert!(
        matches!(refused, Err(Error::Unserved(Unserved::Away { .. }))),
        "{refused:?}"
    );
    assert!(began.elapsed() >= patience);
}

#[test]
fn the_speed_is_kept() {
    let folder = folder();
    let server = FakeServer::start(&Arc::default(), Faults::default());
    let speed = crate::replay::options::Speed::LinesPerSecond(2_000.0);
    let options = Options {
        speed,
        ..options(&folder, &server.addr)
    };
    let report = run(&options, &mut Silent::default()).expect("it ends");
    assert!(
        report.run.measured.elapsed_ms >= 295,
        "600 lines at 2,000 a second: {report}"
    );
}

#[test]
fn connections_get_about_the_same_number_of_lines() {
    let folder = folder();
    let options = options(&folder, "");
    let (plan, _) = super::plan(&options, false).expect("read");
    let lanes = spread(
        resume(&plan, &[]).expect("an empty journal"),
        |course| course.sku().lines.len(),
        4,
    );
    let lines = |lane: &Schedule<SkuCourse<'_>>| -> usize {
        lane.courses
            .iter()
            .map(|seat| seat.course.sku().lines.len())
            .sum()
    };
    let lines: Vec<_> = lanes.iter().map(lines).collect();
    assert_eq!(lines.iter().sum::<usize>(), plan.lines.len());
    let (least, most) = (
        lines.iter().min().expect("four"),
        lines.iter().max().expect("four"),
    );
    assert!(most - least <= plan.lines.len() / 4, "{lines:?}");
}
